"""Facts of the catalog about a data model or one of its fields, ready to print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from etl.errors import UsageFault
from etl.ratings.event_tree import name_shapes, plant_tree
from etl.ratings.events import spelled
from models.catalog.rating_share import rating_share
from models.catalog.records import Catalog, DataModel, Expectation, Field
from models.compile.ddl import as_title
from models.compile.dictionary import dictionary_tables
from models.tables.plan import plan_tables


def find_model(catalog: Catalog, name: str) -> dict[str, Any]:
    """What the catalog says of a data model: its event types and its paths with their types.

    Raises UsageFault when there is no such data model.
    """
    model = _model(catalog, name)
    return {
        "data_model": model.name,
        "description": model.description,
        "schema": model.schema,
        "ratings": str(rating_share(catalog, model.name)),
        "event_types": {
            event.event_type: f"{event.direction}, {len(_paths(catalog, model, event.event_type))}"
            f" paths, {rating_share(catalog, model.name, event.event_type).documented} documented "
            f"ratings{f', answered by {event.reply}' if event.reply else ''}"
            f"{f'; {event.standing}' if event.state else ''}"
            for event in model.event_types
        },
        "extensions": known_extensions(catalog, model.name),
        "paths": {
            path: name_shapes(shapes) for path, shapes in _shapes(catalog, model.name).items()
        },
        "meanings": {
            path: shapes[0].meaning for path, shapes in _shapes(catalog, model.name).items()
        },
        "stored_in": find_places(catalog, model.name),
        "documented_ratings": documented_ratings(catalog, model.name),
    }


def known_extensions(catalog: Catalog, model: str) -> dict[str, str]:
    """What each extension means that is known by name, by its path; `*` is any object."""
    return {
        f"{one.path}.Extensions.{one.slug}": one.meaning
        for one in catalog.extensions
        if one.data_model in ("*", model) and _may_hold(catalog, model, one.path)
    }


def _may_hold(catalog: Catalog, model: str, path: str) -> bool:
    return path == "*" or any(field.path == path for field in catalog.fields[model])


def documented_ratings(catalog: Catalog, model: str) -> dict[str, str]:
    """The documented rating of each path that has one; where it differs by event type, each of them."""
    rated: dict[str, dict[str, set[str]]] = {}
    for line in catalog.expectations:
        is_stated = line.rating and not line.is_inferred and not line.source_id
        if is_stated and line.data_model in ("*", model):
            events = rated.setdefault(line.path, {}).setdefault(str(line.rating), set())
            events.add(line.event_type)
    return {path: _by_event(ratings) for path, ratings in rated.items()}


def _by_event(ratings: Mapping[str, set[str]]) -> str:
    if len(ratings) == 1:
        return next(iter(ratings))
    return "; ".join(f"{rating} ({', '.join(sorted(e))})" for rating, e in sorted(ratings.items()))


def find_places(catalog: Catalog, model: str) -> dict[str, str]:
    """Return where each path of a data model is stored: `schema.table.column`, arrays a table."""
    rows = dictionary_tables(catalog, plan_tables(catalog))["quality.field"].to_pylist()
    return {
        row["path"]: ".".join(
            filter(None, (row["table_schema"], row["table_name"], row["column_name"]))
        )
        for row in rows
        if row["data_model"] == model
    }


def find_field(catalog: Catalog, name: str, path: str) -> dict[str, Any]:
    """What the catalog says of one path: shapes, supported values, expectations, sources.

    Raises UsageFault, with near paths, when the data model has no such path.
    """
    model = _model(catalog, name)
    shapes = _shapes(catalog, model.name)
    if path not in shapes:
        raise UsageFault(_no_path(model.name, path, shapes))
    return {
        "data_model": model.name,
        "path": path,
        "meaning": as_title(shapes[path][0].meaning),
        "stored_in": find_places(catalog, model.name).get(path, ""),
        "shapes": [_shape(catalog, field) for field in shapes[path]],
        "expectations": [_expectation(line) for line in _lines(catalog, model.name, path)],
        "children": [other for other in shapes if other.rpartition(".")[0] == path],
    }


def tell_facts(facts: Mapping[str, Any]) -> str:
    """Facts as indented lines; what is empty is left out."""
    return "\n".join(_tell(facts, ""))


def _tell(facts: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield f"{indent}{name}"
            yield from _tell(value, indent + "  ")
        elif isinstance(value, list):
            yield from _tell_list(name, value, indent)
        elif value:
            yield f"{indent}{name}  {value}"


def _tell_list(name: str, values: list[Any], indent: str) -> Iterator[str]:
    if values:
        yield f"{indent}{name}"
    for value in values:
        if isinstance(value, Mapping):
            inner = list(_tell(value, indent + "    "))
            yield f"{indent}  - {inner[0].lstrip()}"
            yield from inner[1:]
        else:
            yield f"{indent}  {value}"


def _model(catalog: Catalog, name: str) -> DataModel:
    for model in catalog.data_models.values():
        if spelled(name) in (spelled(model.name), spelled(model.schema)):
            return model
    near = get_close_matches(name, catalog.data_models, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}" if near else f"name one of {', '.join(catalog.data_models)}"
    raise UsageFault(f"The catalog has no data model {name}; {hint}.")


def _no_path(model: str, path: str, shapes: Mapping[str, object]) -> str:
    near = get_close_matches(path, shapes, n=3, cutoff=0.5)
    hint = f"perhaps {' or '.join(near)}" if near else f"`catalog show {model}` lists its paths"
    return f"{model} has no path {path}; {hint}."


def _shapes(catalog: Catalog, model: str) -> dict[str, tuple[Field, ...]]:
    shapes: dict[str, tuple[Field, ...]] = {}
    for field in catalog.fields[model]:
        shapes[field.path] = (*shapes.get(field.path, ()), field)
    return shapes


def _paths(catalog: Catalog, model: DataModel, event_type: str) -> Mapping[str, object]:
    return plant_tree(catalog, model.name, event_type).shapes


def _shape(catalog: Catalog, field: Field) -> dict[str, Any]:
    value_set = catalog.value_sets.get(field.value_set)
    return {
        "type": name_shapes([field]),
        "number_kind": field.number_kind or "",
        "event_types": ", ".join(sorted(field.event_types)),
        "value_set": f"{value_set.name} ({value_set.kind})" if value_set else "",
        "value_set_confidence": field.value_set_confidence,
        "value_set_source": ", ".join(value_set.source.split("|")) if value_set else "",
        "supported_values": ", ".join(value_set.values) if value_set else "",
        "sensitivity": field.sensitivity,
        "source": field.source,
        "note": field.note,
    }


def _lines(catalog: Catalog, model: str, path: str) -> list[Expectation]:
    return [
        line
        for line in catalog.expectations
        if line.path == path and line.data_model in (model, "*")
    ]


def _expectation(line: Expectation) -> dict[str, Any]:
    return {
        "event_type": line.event_type,
        "source_id": line.source_id,
        "rating": line.rating or "not documented here",
        "basis": "inferred" if line.is_inferred else "documented",
        "required": "yes" if line.required else "no",
        "source": line.source,
        "is_site": line.is_site,
    }
