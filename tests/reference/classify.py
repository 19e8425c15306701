"""What must be said of one message: its status, and which other messages are the same.

Part of the slow reference, imports nothing of ours. Three answers on whether a message fits: FITS
(clean in every way; whoever takes the slow way for it is only slow), MAY (its columns hold it all,
but something is unusual), KEEPS (something has to be kept beside the columns: calling that fitting
is losing it).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tests.reference.duplicates import identity
from tests.reference.json_text import Number, Object, Value, canonical_number
from tests.reference.leaves import is_populated
from tests.reference.shapes import Listed, Node

FITS, MAY, KEEPS = "fits", "may fit", "keeps something"
UNREADABLE = frozenset({"not_json", "truncated", "other_format", "bad_utf8", "likely_windows_1252"})
EXTENSIONS = "Extensions"
IDENTITY_BYTES = 16
SHORT_NUMBER = 15
LONGEST_INTEGER = 20
_RESOURCE_TYPE = re.compile(r"[A-Z][A-Za-z]{1,63}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_FIXED_POWERS = range(-40, 41)


@dataclass(frozen=True)
class Classified:
    """`reason` is a quarantine reason, "" for a message; `fit` and `content` are then set.

    Equal `content` is the same message. A reason of UNREADABLE stands for all of them.
    """

    reason: str
    fit: str = ""
    content: bytes = b""


class _NonFinite(ValueError):
    pass


def _refuse(_: str) -> Value:
    raise _NonFinite


_DECODER = json.JSONDecoder(
    object_pairs_hook=lambda pairs: Object(tuple(pairs)),
    parse_float=Number,
    parse_int=Number,
    parse_constant=_refuse,
)


def classify(
    data: bytes, listed: Mapping[str, Listed], *, max_depth: int, max_bytes: int
) -> Classified:
    """What one item is."""
    if len(data) > max_bytes:
        return Classified("too_large")
    try:
        value = _DECODER.decode(data.removeprefix(b"\xef\xbb\xbf").decode("utf-8"))
    except UnicodeDecodeError:
        return Classified("bad_utf8")
    except _NonFinite:
        return Classified("non_finite_number")
    except RecursionError:
        return Classified("too_deep")
    except ValueError:
        return Classified("not_json")
    if _is_deeper(value, max_depth):
        return Classified("too_deep")
    if not isinstance(value, Object):
        return Classified("not_object")
    model = value.get("Meta", "DataModel")
    if not isinstance(model, str) or not model:
        resource = value.get("resourceType")
        is_fhir = isinstance(resource, str) and _RESOURCE_TYPE.fullmatch(resource)
        return Classified("fhir_message" if is_fhir else "no_meta")
    if model not in listed:
        return Classified("fhir_message" if model.startswith("FHIR.") else "unknown_data_model")
    content = hashlib.blake2b(identity(value).encode(), digest_size=IDENTITY_BYTES).digest()
    return Classified("", fit_of(value, listed[model]), content)


def _is_deeper(value: Value, levels: int) -> bool:
    if not isinstance(value, Object | list):
        return False
    if levels == 0:
        return True
    inner = (member for _, member in value.pairs) if isinstance(value, Object) else value
    return any(_is_deeper(item, levels - 1) for item in inner)


def fit_of(payload: Object, model: Listed) -> str:
    """How a message fits its data model."""
    event_type = payload.get("Meta", "EventType")
    is_listed = isinstance(event_type, str) and event_type in model.event_types
    own = "" if not isinstance(event_type, str) else event_type
    return _worst(_object(payload, model.root, own), FITS if is_listed else MAY)


def _worst(*fits: str) -> str:
    return _worst_of(fits)


def _worst_of(fits: Iterable[str]) -> str:
    worst = FITS
    for fit in fits:
        if fit == KEEPS:
            return KEEPS
        worst = MAY if fit == MAY else worst
    return worst


def _object(value: Object, node: Node, event_type: str) -> str:
    return _worst_of(_members(value, node, event_type))


def _members(value: Object, node: Node, event_type: str) -> Iterator[str]:
    last = value.members
    if len(last) < len(value.pairs):
        places = {key: place for place, (key, _) in enumerate(value.pairs)}
        earlier = (m for place, (key, m) in enumerate(value.pairs) if places[key] != place)
        yield KEEPS if any(map(holds_anything, earlier)) else MAY
    for key, member in last.items():
        if key in node.children:
            yield _member(member, node.children[key], event_type)
        elif holds_anything(member):
            yield MAY if key == EXTENSIONS else KEEPS
        else:
            yield MAY


def holds_anything(value: Value) -> bool:
    """Whether a populated scalar is anywhere in a value, in earlier values of repeated keys too."""
    if isinstance(value, Object):
        return any(holds_anything(member) for _, member in value.pairs)
    if isinstance(value, list):
        return any(map(holds_anything, value))
    return is_populated(value)


def _member(value: Value, alternatives: list[Node], event_type: str) -> str:
    if len(alternatives) == 1:
        return _fit(value, alternatives[0], event_type)
    own = next((n for n in alternatives if event_type in n.event_types), alternatives[0])
    if (fit := _fit(value, own, event_type)) == FITS:
        return FITS
    others = (_fit(value, other, event_type) for other in alternatives if other is not own)
    return MAY if fit == MAY or any(other != KEEPS for other in others) else KEEPS


def _fit(value: Value, node: Node, event_type: str) -> str:
    if value is None:
        return FITS
    if not holds_anything(value) and not _is_of_kind(value, node):
        return MAY
    if node.kind == "leaf":
        return _scalar(value, node.type)
    if node.kind == "object":
        return _object(value, node, event_type) if isinstance(value, Object) else KEEPS
    if not isinstance(value, list):
        return KEEPS
    return _worst_of(_element(item, node, event_type) for item in value)


def _is_of_kind(value: Value, node: Node) -> bool:
    if node.kind == "object":
        return isinstance(value, Object)
    if node.kind == "leaf":
        return isinstance(value, str) and node.type == "string"
    return isinstance(value, list)


def _element(item: Value, node: Node, event_type: str) -> str:
    if item is None:
        return FITS
    if node.kind == "scalars":
        is_text = isinstance(item, str) and node.type == "string"
        return _scalar(item, node.type) if holds_anything(item) or is_text else MAY
    if isinstance(item, Object):
        return _object(item, node, event_type)
    return KEEPS if holds_anything(item) else MAY


def _scalar(value: Value, kind: str) -> str:
    if kind == "any":
        return MAY
    if isinstance(value, str):
        return FITS if kind == "string" and not _SURROGATE.search(value) else KEEPS
    if isinstance(value, bool):
        return FITS if kind == "boolean" else KEEPS
    if isinstance(value, Number):
        return _NUMBERS[kind](value.text) if kind in _NUMBERS else KEEPS
    return KEEPS


def _integer(text: str) -> str:
    is_short = text.removeprefix("-").isdigit() and text != "-0" and len(text) <= LONGEST_INTEGER
    return FITS if is_short and -(2**63) <= int(text) < 2**63 else KEEPS


def _money(text: str) -> str:
    if not _is_plain(text):
        return KEEPS
    whole, _, fraction = text.removeprefix("-").partition(".")
    return FITS if len(whole) <= 14 and len(fraction) <= 4 else KEEPS


def _double(text: str) -> str:
    number = float(text)
    if number in (float("inf"), float("-inf")) or text == "-0":
        return KEEPS
    if canonical_number(text) != canonical_number(repr(number)):
        return KEEPS
    if _is_plain(text) and len(text) <= SHORT_NUMBER:
        return FITS
    return MAY if _is_plain(text) or _is_far(text) else KEEPS


def _is_far(text: str) -> bool:
    """Whether a number is so large or small that its canonical spelling has an exponent."""
    digits, _, power = canonical_number(text).removeprefix("-").partition("e")
    return bool(power) and int(power) + len(digits) - 1 not in _FIXED_POWERS


def _is_plain(text: str) -> bool:
    """Without exponent, trailing zeros and -0: as a number is printed from its column."""
    if "e" in text.lower() or text == "-0":
        return False
    return not ("." in text and text.endswith(("0", ".")))


_NUMBERS = {"integer": _integer, "money": _money, "double": _double}
