"""Plants what the catalog does not list: unlisted keys, extensions, repeated keys, broken text."""

from __future__ import annotations

import json
from typing import Any

import orjson

from etl.synth.faults.bench import Bench
from etl.synth.faults.spots import Spot, is_populated
from etl.synth.message import Planted
from etl.synth.plan import Kind
from models.catalog.records import JsonType

ODD_KEYS = ("Synthetic.Dotted", "Synthetic[0]", "synthetic key", "Schlüssel", "")
UNLISTED: tuple[tuple[str, Any], ...] = (
    ("string", "synthetic extra"),
    ("number", 12.5),
    ("boolean", True),
    ("object", {"Inner": {"Deeper": "synthetic"}, "Count": 3}),
    ("array", ["synthetic", "extra"]),
    ("array_of_objects", [{"Inner": 1}, {"Inner": 2}]),
)
EXTENSIONS: tuple[tuple[str, str, Any], ...] = (
    ("synthetic-note", "string", "synthetic extension"),
    ("synthetic-time", "dateTime", "2026-01-05T10:20:30.000Z"),
    ("synthetic-flag", "boolean", False),
    ("synthetic-code", "coding", {"code": "S1", "system": "urn:synthetic", "display": "Synthetic"}),
    ("synthetic-address", "address", {"line": ["1 Example Street"], "city": "Sampleton"}),
)


def plant_unlisted_key(bench: Bench) -> None:
    """Add one populated key that no event of the model lists."""
    holder, path, ordinals = _owner(bench)
    form, value = bench.rng.choice(UNLISTED)
    is_odd = bench.rng.random() < 0.2
    key = bench.rng.choice(ODD_KEYS) if is_odd else f"Synthetic{bench.rng.randrange(20)}"
    if key in holder:
        return
    holder[key] = value
    where = _child_path(path, key, is_odd=is_odd)
    name = f"{form}_odd_key" if is_odd else form
    bench.planted.append(Planted("unlisted_key", where, ordinals, name))


def _child_path(parent: str, key: str, *, is_odd: bool) -> str:
    """The path of a key; one that is no plain word stands quoted in brackets."""
    if is_odd:
        return f"{parent}[{json.dumps(key)}]"
    return f"{parent}.{key}" if parent else key


def plant_extension(bench: Bench) -> None:
    """Add one extension to an object; `form` is its slug and value type, `path` its owner."""
    holder, path, ordinals = _owner(bench)
    slug, value_type, value = bench.rng.choice(EXTENSIONS)
    extensions = holder.setdefault("Extensions", {})
    if slug in extensions:
        return
    extensions[slug] = {"url": f"https://example.org/{slug}", value_type: value}
    bench.planted.append(Planted("extension", path, ordinals, f"{slug}/{value_type}"))


def _owner(bench: Bench) -> tuple[Any, str, tuple[int, ...]]:
    """An open object to add to: the payload itself, one of its objects or array elements."""
    holder, path, ordinals = bench.payload, "", ()
    spot = bench.choose(lambda spot: spot.node.kind in (Kind.OBJECT, Kind.ARRAY))
    if spot is None or bench.rng.random() < 0.1:
        return holder, path, ordinals
    if spot.node.kind is Kind.OBJECT:
        return spot.value, spot.node.path, spot.ordinals
    filled = [index for index, element in enumerate(spot.value) if is_populated(element)]
    index = bench.rng.choice(filled)
    return spot.value[index], spot.node.path, (*spot.ordinals, index + 1)


def plant_duplicate_key(bench: Bench) -> None:
    """Repeat one key of an object; the listed value comes last and counts."""
    spot = bench.choose(lambda spot: _is_text(spot) and spot.key in spot.holder)
    if spot is None:
        return
    marker = bench.raw(orjson.dumps(spot.key).decode())
    members = dict(spot.holder)
    spot.holder.clear()
    spot.holder[marker] = "synthetic earlier value"
    spot.holder.update(members)
    bench.plant(spot, rule="duplicate_key", form="string")


def plant_bad_unicode(bench: Bench) -> None:
    """Put a lone surrogate escape into a text."""
    spot = bench.choose(_is_text)
    if spot is None:
        return
    spot.put(bench.raw('"synthetic \\ud83d text"'))
    bench.plant(spot, rule="invalid_unicode", form="lone_surrogate")


def _is_text(spot: Spot) -> bool:
    field = spot.node.field
    is_free = not field.temporal and not field.value_set
    return spot.node.kind is Kind.LEAF and field.json_type is JsonType.STRING and is_free
