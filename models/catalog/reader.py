"""Reads the packaged catalog and a site's overlay into one `Catalog`, all faults at once."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import TypeVar

from models.catalog import formats
from models.catalog.csv_table import (
    CatalogFaults,
    Fault,
    Line,
    TableFormat,
    read_lines,
    unknown_files,
)
from models.catalog.meanings import Meanings
from models.catalog.meta_fields import complete_meta
from models.catalog.path_patterns import ValuePaths
from models.catalog.records import (
    Catalog,
    Comparison,
    DataModel,
    Direction,
    EventState,
    EventType,
    Expectation,
    Field,
    JsonType,
    KnownExtension,
    NumberKind,
    Plausibility,
    Rating,
    Rule,
    Severity,
    Source,
    Synonym,
    Temporal,
    ValueSet,
    ValueSetKind,
)

E = TypeVar("E", bound=StrEnum)
SCHEMA_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
OWN_SCHEMAS = ("core", "quality", "mart", "main", "information_schema")
BASES = ("", "documented", "inferred")
REQUIRED = ("", "yes", "no")
SHARES = ("reliable_above", "probable_above", "possible_below")


def read_catalog(overlay: Path | None = None) -> Catalog:
    """Read every catalog file, the site's lines in `overlay` winning.

    Raises CatalogFaults with file and line of everything that is wrong.
    """
    reading = _Reading(overlay)
    catalog = reading.catalog()
    if reading.faults:
        raise CatalogFaults(sorted(reading.faults, key=lambda f: (f.file, f.line, f.message)))
    return catalog


class _Reading:
    """One pass over the files: what was read so far, what is wrong."""

    def __init__(self, overlay: Path | None) -> None:
        self.overlay = overlay
        self.faults: list[Fault] = [*unknown_files(formats.ALL, overlay)]
        self.digest = hashlib.sha256()

    def catalog(self) -> Catalog:
        sources = self._sources()
        data_models = self._data_models()
        value_sets = self._value_sets()
        fields = self._fields(data_models, value_sets, sources)
        rules = self._rules()
        return Catalog(
            data_models=data_models,
            fields=fields,
            expectations=self._expectations(data_models, fields),
            value_sets=value_sets,
            synonyms=self._synonyms(value_sets),
            rules=rules,
            sources=sources,
            reliability_settings=self._reliability_settings(),
            plausibility=self._plausibility(rules, fields),
            extensions=self._extensions(fields, sources),
            content_hash=self.digest.hexdigest()[:16],
        )

    def _lines(self, table: TableFormat) -> list[Line]:
        lines = read_lines(table, self.overlay, self.faults)
        for line in lines:
            self.digest.update(repr(sorted(line.values.items())).encode())
        return lines

    def _choice(self, line: Line, column: str, choices: type[E]) -> E | None:
        text = line[column]
        if not text:
            return None
        try:
            return choices(text)
        except ValueError:
            allowed = ", ".join(choice.value for choice in choices)
            self.faults.append(line.fault(f"{column} is not one of {allowed}"))
            return None

    def _sources(self) -> dict[str, Source]:
        lines = self._lines(formats.SOURCES)
        return {
            line["source"]: Source(line["source"], line["kind"], line["title"], line["address"])
            for line in lines
        }

    def _data_models(self) -> dict[str, DataModel]:
        events = self._event_types()
        models = {}
        schemas = dict.fromkeys(OWN_SCHEMAS, "the warehouse itself")
        for line in self._lines(formats.DATA_MODELS):
            name, schema = line["data_model"], line["schema"]
            if not SCHEMA_NAME.fullmatch(schema):
                self.faults.append(line.fault("schema is not a word of a-z, 0-9 and _"))
            elif schema in schemas:
                self.faults.append(line.fault(f"schema {schema} is that of {schemas[schema]}"))
            schemas[schema] = name
            listed = tuple(events.pop(name, ()))
            models[name] = DataModel(name, line["schema"], line["description"], listed)
        for orphans in events.values():
            file = formats.EVENT_TYPES.file
            message = f"data_model {orphans[0].data_model} is not in data_models.csv"
            self.faults.append(Fault(file, 1, message))
        return models

    def _event_types(self) -> dict[str, list[EventType]]:
        events: dict[str, list[EventType]] = defaultdict(list)
        for line in self._lines(formats.EVENT_TYPES):
            direction = self._choice(line, "direction", Direction) or Direction.NOTIFICATION
            name = line["data_model"]
            event = EventType(
                data_model=name,
                event_type=line["event_type"],
                direction=direction,
                reply=line["reply"],
                source=line["source"],
                state=self._choice(line, "state", EventState),
                instead=line["instead"],
            )
            events[name].append(event)
        return events

    def _value_sets(self) -> dict[str, ValueSet]:
        grouped: dict[str, list[Line]] = defaultdict(list)
        for line in self._lines(formats.VALUE_SETS):
            if self._choice(line, "kind", ValueSetKind):
                grouped[line["value_set"]].append(line)
        return {name: _value_set(name, lines) for name, lines in grouped.items()}

    def _synonyms(self, value_sets: dict[str, ValueSet]) -> tuple[Synonym, ...]:
        synonyms = []
        for line in self._lines(formats.SYNONYMS):
            value_set = value_sets.get(line["value_set"])
            if value_set is None:
                self.faults.append(line.fault(f"value_set {line['value_set']} is unknown"))
            elif line["supported"] not in value_set.values:
                self.faults.append(line.fault(f"supported is not a value of {value_set.name}"))
            names = ("value_set", "received", "supported", "reason")
            synonyms.append(Synonym(*(line[name] for name in names)))
        return tuple(synonyms)

    def _rules(self) -> dict[str, Rule]:
        """The rules; a site's line needs a severity only, what it leaves out is as packaged."""
        packaged = {line["rule"]: line for line in read_lines(formats.RULES, None, [])}
        rules = {}
        for line in self._lines(formats.RULES):
            severity = self._choice(line, "severity", Severity) or Severity.ERROR
            base = packaged.get(line["rule"], line)
            area, meaning, action = (line[n] or base[n] for n in ("area", "meaning", "action"))
            if not (meaning and action):
                message = (
                    "is not a rule of the catalog"
                    if line.is_site
                    else "needs a meaning and an action"
                )
                self.faults.append(line.fault(message))
            rules[line["rule"]] = Rule(line["rule"], severity, area, meaning, action)
        return rules

    def _plausibility(
        self, rules: dict[str, Rule], fields: dict[str, tuple[Field, ...]]
    ) -> tuple[Plausibility, ...]:
        found = []
        values = {name: ValuePaths(own) for name, own in fields.items()}
        for line in self._lines(formats.PLAUSIBILITY):
            comparison = self._choice(line, "comparison", Comparison)
            limit = _number(line["limit"])
            if comparison is None:
                if not line["comparison"]:
                    self.faults.append(line.fault("comparison is missing"))
                continue
            if (comparison is Comparison.YEARS_BEFORE) != (limit is not None):
                self.faults.append(line.fault("limit is a number exactly for years_before"))
            if line["rule"] not in rules:
                self.faults.append(line.fault(f"rule {line['rule']} is not in rules.csv"))
            if bool(line["when_path"]) != bool(line["when_values"]):
                self.faults.append(line.fault("when_path and when_values go together"))
            self._check_pattern(line, values)
            found.append(
                Plausibility(
                    rule=line["rule"],
                    data_model=line["data_model"],
                    path=line["path"],
                    comparison=comparison,
                    other_path=line["other_path"],
                    limit=limit,
                    when_path=line["when_path"],
                    when_values=tuple(filter(None, line["when_values"].split("|"))),
                )
            )
        return tuple(found)

    def _check_pattern(self, line: Line, values: dict[str, ValuePaths]) -> None:
        """A line that fits no data model would count for nothing."""
        paths = (line["path"], line["other_path"], line["when_path"])
        models = [name for name in values if line["data_model"] in ("*", name)]
        if not models:
            self.faults.append(line.fault(f"data_model {line['data_model']} is unknown"))
        elif not any(values[name].find(*paths) for name in models):
            self.faults.append(line.fault("no data model has these paths together"))

    def _extensions(
        self, fields: dict[str, tuple[Field, ...]], sources: dict[str, Source]
    ) -> tuple[KnownExtension, ...]:
        """The extensions that are known by name; each names an object that some data model has."""
        found = []
        for line in self._lines(formats.EXTENSIONS):
            name, path = line["data_model"], line["path"]
            models = [model for model in fields if name in ("*", model)]
            if not models:
                self.faults.append(line.fault(f"data_model {name} is unknown"))
            elif path != "*" and not any(_holds(fields[model], path) for model in models):
                self.faults.append(
                    line.fault(f"path {path or '(empty)'} is not an object or array")
                )
            for column in ("slug", "meaning"):
                if not line[column]:
                    self.faults.append(line.fault(f"{column} is missing"))
            self._check_sources(line, sources)
            columns = ("slug", "data_model", "path", "value_type", "meaning", "source")
            found.append(KnownExtension(*(line[column] for column in columns)))
        return tuple(found)

    def _reliability_settings(self) -> dict[str, float]:
        known = {line["name"] for line in read_lines(formats.RELIABILITY_SETTINGS, None, [])}
        settings = {}
        for line in self._lines(formats.RELIABILITY_SETTINGS):
            name, value = line["name"], _number(line["value"])
            if name not in known:
                self.faults.append(line.fault(f"name {name} is unknown"))
            if value is None:
                self.faults.append(line.fault("value is not a number"))
            elif value < 0 or (name in SHARES and value > 1):
                allowed = "a share from 0 to 1" if name in SHARES else "0 or more"
                self.faults.append(line.fault(f"value is not {allowed}"))
            else:
                settings[name] = value
        return settings

    def _expectations(
        self, data_models: dict[str, DataModel], fields: dict[str, tuple[Field, ...]]
    ) -> tuple[Expectation, ...]:
        expectations = []
        paths = {model: {field.path for field in own} for model, own in fields.items()}
        for line in self._lines(formats.EXPECTATIONS):
            self._check_expectation(line, data_models, paths)
            expectations.append(
                Expectation(
                    data_model=line["data_model"],
                    event_type=line["event_type"],
                    path=line["path"],
                    required=line["required"] == "yes",
                    rating=self._choice(line, "rating", Rating),
                    is_inferred=line["basis"] == "inferred",
                    source=line["source"],
                    source_id=line["source_id"],
                    is_site=line.is_site,
                )
            )
        return tuple(expectations)

    def _check_expectation(
        self, line: Line, data_models: dict[str, DataModel], paths: dict[str, set[str]]
    ) -> None:
        """What a line speaks of is there; without this a wrong name would count for nothing."""
        name, event_type, path = line["data_model"], line["event_type"], line["path"]
        models = [model for model in data_models.values() if name in ("*", model.name)]
        events = {event.event_type for model in models for event in model.event_types}
        if not models:
            self.faults.append(line.fault(f"data_model {name} is unknown"))
            return
        if event_type != "*" and event_type not in events:
            self.faults.append(line.fault(f"event_type {event_type or '(empty)'} is unknown"))
        if not any(path in paths[model.name] for model in models):
            self.faults.append(line.fault(f"path {path or '(empty)'} is unknown"))
        for column, allowed in (("required", REQUIRED), ("basis", BASES)):
            if line[column] not in allowed:
                listed = ", ".join(filter(None, allowed))
                self.faults.append(line.fault(f"{column} is not one of {listed}"))

    def _fields(
        self,
        data_models: dict[str, DataModel],
        value_sets: dict[str, ValueSet],
        sources: dict[str, Source],
    ) -> dict[str, tuple[Field, ...]]:
        fields: dict[str, list[Field]] = {name: [] for name in data_models}
        lines: dict[tuple[str, str], Line] = {}
        for line in self._lines(formats.FIELDS):
            model = data_models.get(line["data_model"])
            if model is None:
                self.faults.append(line.fault(f"data_model {line['data_model']} is unknown"))
                continue
            field = self._field(line, model)
            if field is None:
                continue
            if field.value_set and field.value_set not in value_sets:
                self.faults.append(line.fault(f"value_set {field.value_set} is unknown"))
            self._check_sources(line, sources)
            fields[model.name].append(field)
            lines[model.name, field.path] = line
        complete = complete_meta(fields, data_models)
        self._check_parents(complete, lines)
        described = self._described(complete)
        return {name: tuple(sorted(own, key=_field_order)) for name, own in described.items()}

    def _described(self, fields: dict[str, list[Field]]) -> dict[str, list[Field]]:
        """The fields with what they mean."""
        lines = self._lines(formats.MEANINGS)
        self.faults.extend(one.fault("meaning is missing") for one in lines if not one["meaning"])
        meanings = Meanings(lines)
        described = {
            name: [replace(one, meaning=meanings.meaning_of(name, one.path)) for one in own]
            for name, own in fields.items()
        }
        self.faults.extend(meanings.unused())
        return described

    def _field(self, line: Line, model: DataModel) -> Field | None:
        json_type = self._choice(line, "json_type", JsonType)
        if json_type is None:
            if not line["json_type"]:
                self.faults.append(line.fault("json_type is missing"))
            return None
        item_type = self._choice(line, "item_type", JsonType)
        if (json_type is JsonType.ARRAY) != line["path"].endswith("[]"):
            self.faults.append(line.fault("a path ends in [] exactly when json_type is array"))
        if json_type is JsonType.ARRAY and item_type not in (JsonType.OBJECT, JsonType.STRING):
            self.faults.append(line.fault("an array needs item_type object or string"))
        number_kind = self._choice(line, "number_kind", NumberKind)
        if json_type is JsonType.NUMBER and number_kind is None:
            number_kind = NumberKind.DOUBLE
        return Field(
            data_model=model.name,
            path=line["path"],
            json_type=json_type,
            item_type=item_type,
            number_kind=number_kind,
            temporal=self._choice(line, "temporal", Temporal),
            value_set=line["value_set"],
            value_set_confidence=line["value_set_confidence"],
            sensitivity=line["sensitivity"],
            sql_name=line["sql_name"],
            event_types=self._listed_events(line, model),
            is_volatile=line["volatile"] == "yes",
            source=line["source"],
            note=line["note"],
            file=line.file,
            line=line.number,
            is_site=line.is_site,
        )

    def _listed_events(self, line: Line, model: DataModel) -> frozenset[str]:
        known = {event.event_type for event in model.event_types}
        if line["event_types"] == "*":
            return frozenset(known)
        listed = frozenset(line["event_types"].split("|"))
        for unknown in sorted(listed - known):
            self.faults.append(line.fault(f"event type {unknown} is not one of {model.name}"))
        return listed

    def _check_sources(self, line: Line, sources: dict[str, Source]) -> None:
        for code in filter(None, line["source"].split("|")):
            if code not in sources and not line.is_site:
                self.faults.append(line.fault(f"source {code} is not in sources.csv"))

    def _check_parents(
        self, fields: dict[str, list[Field]], lines: dict[tuple[str, str], Line]
    ) -> None:
        for model, own in fields.items():
            holders = {
                field.path for field in own if field.json_type in (JsonType.OBJECT, JsonType.ARRAY)
            }
            for field in own:
                line = lines.get((model, field.path))
                if line and field.parent and field.parent not in holders:
                    message = f"parent {field.parent} is not an object or array of the model"
                    self.faults.append(line.fault(message))


def _holds(fields: Iterable[Field], path: str) -> bool:
    """True if a path is one of objects, the elements of an array included."""
    holders = (JsonType.OBJECT, JsonType.ARRAY)
    return any(field.path == path and field.json_type in holders for field in fields)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None


def _field_order(field: Field) -> tuple[str, str]:
    return field.path, field.json_type


def _value_set(name: str, lines: Iterable[Line]) -> ValueSet:
    """A set is closed as soon as one of its lines is; values of external lines only document."""
    lines = list(lines)
    kinds = {ValueSetKind(line["kind"]) for line in lines}
    kind = ValueSetKind.CLOSED if ValueSetKind.CLOSED in kinds else ValueSetKind(lines[0]["kind"])
    values = tuple(
        line["value"] for line in lines if kind.value != "closed" or line["kind"] != "external"
    )
    sources = "|".join(sorted({line["source"] for line in lines}))
    return ValueSet(name, kind, values, sources)
