"""The records of the catalog: data models, event types, fields, expectations, value sets.

Only facts about what Redox sends live here; what we store is in `models.tables`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as record_field
from enum import StrEnum
from typing import Final

BY_ANALOGY: Final = "by_analogy"


class JsonType(StrEnum):
    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    OBJECT = "object"
    ARRAY = "array"
    ANY = "any"


class NumberKind(StrEnum):
    INTEGER = "integer"
    MONEY = "money"
    DOUBLE = "double"


class Temporal(StrEnum):
    DATE = "date"
    DATETIME = "datetime"


class Direction(StrEnum):
    NOTIFICATION = "notification"
    QUERY = "query"
    REPLY = "reply"


class Rating(StrEnum):
    RELIABLE = "Reliable"
    PROBABLE = "Probable"
    POSSIBLE = "Possible"


class ValueSetKind(StrEnum):
    """How complete the listed values are; only `CLOSED` sets are enforced."""

    CLOSED = "closed"
    EXAMPLES = "examples"
    OBSERVED = "observed"
    EXTERNAL = "external"
    CLIENT = "client"


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Comparison(StrEnum):
    """How the value of one path must not relate to that of another."""

    BEFORE = "before"
    AFTER = "after"
    YEARS_BEFORE = "years_before"
    ABOVE = "above"
    BELOW = "below"


class EventState(StrEnum):
    """Whether Redox still offers an event type: retired ones come from older feeds only."""

    RETIRED = "retired"
    DEPRECATED = "deprecated"


@dataclass(frozen=True, slots=True)
class EventType:
    """One event type of a data model; `reply` names the event type that answers a query.

    `state` is None for one that Redox offers; `instead` names the event type to use instead.
    """

    data_model: str
    event_type: str
    direction: Direction
    reply: str
    source: str
    state: EventState | None = None
    instead: str = ""

    @property
    def standing(self) -> str:
        """The state in words, "" for an event type that Redox offers."""
        if self.state is None:
            return ""
        return f"{self.state}, use {self.instead}" if self.instead else self.state.value


@dataclass(frozen=True, slots=True)
class DataModel:
    """One data model: `name` is the literal of Meta.DataModel, `schema` its database schema."""

    name: str
    schema: str
    description: str
    event_types: tuple[EventType, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One path of a data model in one shape.

    `path` is in Redox notation, arrays end in `[]`. `meaning` says in a few words what it is, ""
    where nobody described it. `event_types` names the event types that list the path. `item_type`
    is set for arrays only, `number_kind` for numbers only. `file` and `line` say where the catalog
    lists it, `is_site` that the site's overlay does.
    """

    data_model: str
    path: str
    json_type: JsonType
    item_type: JsonType | None
    number_kind: NumberKind | None
    temporal: Temporal | None
    value_set: str
    value_set_confidence: str
    sensitivity: str
    sql_name: str
    event_types: frozenset[str]
    is_volatile: bool
    source: str
    note: str
    meaning: str = ""
    file: str = record_field(default="", compare=False)
    line: int = record_field(default=1, compare=False)
    is_site: bool = record_field(default=False, compare=False)

    @property
    def name(self) -> str:
        """The JSON key: the last segment of the path without `[]`."""
        return self.path.rsplit(".", 1)[-1].removesuffix("[]")

    @property
    def parent(self) -> str:
        """The path of the enclosing object or array, "" at the top."""
        return self.path.rpartition(".")[0]

    @property
    def is_value_set_certain(self) -> bool:
        """False where the field has its value set by analogy only, so a value outside it informs."""
        return self.value_set_confidence != BY_ANALOGY

    @property
    def holds_fields(self) -> bool:
        """True for an object or an array of objects."""
        return JsonType.OBJECT in (self.json_type, self.item_type)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a source documents of a field: required to send, and how reliably it arrives.

    `data_model` and `event_type` may be `*`. `source_id` (site overlays only) names one sending
    source; "" means every source. `is_site` says that the site's overlay gave the line.
    """

    data_model: str
    event_type: str
    path: str
    required: bool
    rating: Rating | None
    is_inferred: bool
    source: str
    source_id: str = ""
    is_site: bool = False


@dataclass(frozen=True, slots=True)
class ValueSet:
    """A named list of values; of an external set the name of the code system."""

    name: str
    kind: ValueSetKind
    values: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Synonym:
    """A received spelling and the supported value it stands for, with the reason."""

    value_set: str
    received: str
    supported: str
    reason: str


@dataclass(frozen=True, slots=True)
class KnownExtension:
    """A slug of Redox Extensions that is known by name, and the object that carries it.

    `data_model` and `path` are `*` where it may be any, `value_type` is "" where it is not known.
    """

    slug: str
    data_model: str
    path: str
    value_type: str
    meaning: str
    source: str

    def fits(self, data_model: str, path: str) -> bool:
        """True if an object of a data model, by its path, may carry it."""
        return self.data_model in ("*", data_model) and self.path in ("*", path)


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can be odd or wrong in the data."""

    code: str
    severity: Severity
    area: str
    meaning: str
    action: str


@dataclass(frozen=True, slots=True)
class Plausibility:
    """A relation between two values of a message that cannot be true: `rule` names the finding.

    `data_model` may be `*`. A path that begins with `*.` is any path with that ending, and then the
    other paths that begin so lie in the same object. `limit` is the number of years of
    `YEARS_BEFORE`. Where `when_path` is given, its value must be one of `when_values`.
    """

    rule: str
    data_model: str
    path: str
    comparison: Comparison
    other_path: str
    limit: float | None = None
    when_path: str = ""
    when_values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """Where a statement of the catalog comes from."""

    code: str
    kind: str
    title: str
    address: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """Every fact once. `fields` maps the literal of a data model to its fields, sorted by path."""

    data_models: Mapping[str, DataModel]
    fields: Mapping[str, tuple[Field, ...]]
    expectations: tuple[Expectation, ...]
    value_sets: Mapping[str, ValueSet]
    synonyms: tuple[Synonym, ...]
    rules: Mapping[str, Rule]
    sources: Mapping[str, Source]
    reliability_settings: Mapping[str, float]
    content_hash: str
    plausibility: tuple[Plausibility, ...] = ()
    extensions: tuple[KnownExtension, ...] = ()
