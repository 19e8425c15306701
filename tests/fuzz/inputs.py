"""Messages and pairs of messages: seeded, hostile, small. What is equal is decided by the reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random

from tests.fuzz.spelling import compact, respelled
from tests.fuzz.values import any_key, any_value, extensions, object_of
from tests.reference.json_text import Number, Object, Value
from tests.reference.shapes import Listed

SAME, CHANGED, BYTES, ALONE = "respelled", "changed", "bytes", "alone"
Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Input:
    """One text, how it was made, and the text it was made from."""

    kind: str
    text: bytes
    origin: bytes


def inputs(seed: str, listed: Mapping[str, Listed], count: int) -> Iterator[Input]:
    """So many texts, the same for the same seed: messages, each followed by variants of it."""
    random = Random(seed)
    made = 0
    while made < count:
        message = make_message(random, listed)
        own = compact(message)
        for found in _family(random, message, own):
            yield found
            made += 1
            if made == count:
                return


def _family(random: Random, message: Object, own: bytes) -> Iterator[Input]:
    yield Input(ALONE, own, own)
    for _ in range(2):
        yield Input(SAME, respelled(message, random), own)
    for _ in range(3):
        yield Input(CHANGED, respelled(changed(random, message), random), own)
    yield Input(CHANGED, compact(changed(random, message)), own)
    for _ in range(2):
        yield Input(BYTES, damaged(random, own), own)


def make_message(random: Random, listed: Mapping[str, Listed]) -> Object:
    """A message of any data model, mostly as listed, with some oddities."""
    model = listed[random.choice(sorted(listed))]
    body = object_of(random, model.root, fill=random.choice((0.5, 1.0, 2.0)))
    pairs = [("Meta", _meta(random, model)), *body.pairs]
    if random.random() < 0.02:  # no message of ours, FHIR perhaps
        other = random.choice(("FHIR.Event", "Unheard Of", model.name.lower(), ""))
        pairs[0] = ("Meta", Object((("DataModel", other), ("EventType", "New"))))
        pairs.append(("resourceType", random.choice(("Bundle", "bundle", "Patient1"))))
    random.shuffle(pairs)
    message = Object(tuple(pairs))
    for _ in range(random.choice((0, 0, 1, 1, 2, 4))):
        message = changed(random, message)
    return message


def _meta(random: Random, model: Listed) -> Object:
    pairs: list[tuple[str, Value]] = [
        ("DataModel", model.name),
        ("EventType", random.choice(sorted(model.event_types))),
    ]
    if random.random() < 0.7:
        logs: list[Value] = [
            Object((("ID", random.choice(("l1", "l2", "", "l3"))), ("AttemptID", str(attempt))))
            for attempt in range(random.choice((1, 1, 2)))
        ]
        pairs.append(("Logs", logs))
    if random.random() < 0.5:
        pairs.append(("EventDateTime", f"2026-03-02T10:20:{random.randrange(60):02}.000Z"))
    if random.random() < 0.5:
        pairs.append(("Transmission", Object((("ID", Number(str(random.randrange(99)))),))))
    if random.random() < 0.3:
        pairs.append(("Source", Object((("ID", random.choice(("s1", "s2"))),))))
    random.shuffle(pairs)
    return Object(tuple(pairs))


def changed(random: Random, message: Object) -> Object:
    """One change somewhere: a value, a key, an order, a repeat. It may be no change at all."""
    places = list(_places(message))
    place = random.choice(places)
    found = _at(message, place)
    changes = _OF_OBJECTS if isinstance(found, Object) else _OF_ARRAYS
    if not isinstance(found, Object | list) or (place and random.random() < 0.2):
        return _replaced(message, place, any_value(random))
    return _replaced(message, place, random.choice(changes)(random, found))


def _places(value: Value, place: Place = ()) -> Iterator[Place]:
    """Where values are: members by position, so that repeated keys can be told apart."""
    yield place
    if isinstance(value, Object):
        for position, (_, member) in enumerate(value.pairs):
            yield from _places(member, (*place, position))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _places(item, (*place, position))


def _at(value: Value, place: Place) -> Value:
    for step in place:
        value = value.pairs[step][1] if isinstance(value, Object) else value[step]  # type: ignore[index]
    return value


def _replaced(value: Value, place: Place, by: Value) -> Value:
    if not place:
        return by
    step, rest = place[0], place[1:]
    if isinstance(value, Object):
        pairs = list(value.pairs)
        pairs[step] = (pairs[step][0], _replaced(pairs[step][1], rest, by))  # type: ignore[index, call-overload]
        return Object(tuple(pairs))
    items = list(value)  # type: ignore[arg-type]
    items[step] = _replaced(items[step], rest, by)  # type: ignore[index, call-overload]
    return items


def _add_member(random: Random, value: Object) -> Value:
    return _inserted(random, value, (any_key(random), any_value(random)))


def _add_extensions(random: Random, value: Object) -> Value:
    return _inserted(random, value, ("Extensions", extensions(random)))


def _add_empty(random: Random, value: Object) -> Value:
    empty: Value = random.choice((None, "", Object(()), []))
    return _inserted(random, value, (any_key(random), empty))


def _repeat(random: Random, value: Object) -> Value:
    """Repeat a key, with another or the same value; the repeat may hide behind escaped quotes."""
    if not value.pairs:
        return value
    key, member = random.choice(value.pairs)
    new: Value = random.choice((member, any_value(random), "again", None))
    return _inserted(random, value, (key, new))


def _inserted(random: Random, value: Object, pair: tuple[str, Value]) -> Object:
    at = random.randrange(len(value.pairs) + 1)
    return Object((*value.pairs[:at], pair, *value.pairs[at:]))


def _drop(random: Random, value: Object) -> Value:
    if not value.pairs:
        return value
    at = random.randrange(len(value.pairs))
    return Object(value.pairs[:at] + value.pairs[at + 1 :])


def _rename(random: Random, value: Object) -> Value:
    if not value.pairs:
        return value
    at = random.randrange(len(value.pairs))
    key = value.pairs[at][0]
    new = random.choice((key.swapcase(), key + " ", key[:-1], any_key(random)))
    return Object((*value.pairs[:at], (new, value.pairs[at][1]), *value.pairs[at + 1 :]))


def _swap_members(random: Random, value: Object) -> Value:
    pairs = list(value.pairs)
    random.shuffle(pairs)
    return Object(tuple(pairs))


def _swap_values(random: Random, value: Object) -> Value:
    """The same keys and the same values, otherwise put together."""
    members = [member for _, member in value.pairs]
    random.shuffle(members)
    return Object(
        tuple((key, member) for (key, _), member in zip(value.pairs, members, strict=True))
    )


def _as_array(_: Random, value: Object) -> Value:
    return [value]


def _shuffled(random: Random, value: list[Value]) -> Value:
    return random.sample(value, len(value))


def _shorter(_: Random, value: list[Value]) -> Value:
    return value[:-1]


def _longer(random: Random, value: list[Value]) -> Value:
    at = random.randrange(len(value) + 1)
    new = random.choice((None, "", Object(()), *value[:1], any_value(random)))
    return [*value[:at], new, *value[at:]]


def _first_alone(_: Random, value: list[Value]) -> Value:
    return value[0] if value else None


Change = Callable[[Random, object], Value]
_OF_OBJECTS: tuple[Change, ...] = (
    _add_member, _add_extensions, _add_empty, _repeat, _repeat, _drop, _rename, _swap_members,
    _swap_values, _as_array,
)  # type: ignore[assignment] # fmt: skip
_OF_ARRAYS: tuple[Change, ...] = (_shuffled, _shorter, _longer, _longer, _first_alone)  # type: ignore[assignment]

SNIPPETS = (
    b"", b"\x00", b"\xff", b"\xc0\xaf", b"\xed\xa0\xbd", b"\xf4\x90\x80\x80", b'"', b"\\", b"\\u",
    b"\\ud83d", b"{", b"}", b"[", b"]", b",", b":", b"NaN", b"-Infinity", b"Infinity", b"e", b"-",
    b"00", b".", b"tru", b"nul", b"[" * 200, b'{"":' * 200, b"\xef\xbb\xbf", b"\x0b", b"//", b"'",
    b"1e99999999999999999999", b"0" * 500, b"\x1f",
)  # fmt: skip


def damaged(random: Random, text: bytes) -> bytes:
    """Bytes cut, flipped, repeated or put in; valid JSON comes out at times."""
    for _ in range(random.choice((1, 1, 2, 3))):
        at = random.randrange(len(text) + 1)
        end = min(len(text), at + random.choice((0, 0, 1, 1, 2, 8, 40)))
        choice = random.randrange(5)
        if choice == 0:
            text = text[:at]
        elif choice == 1 and at < len(text):
            text = text[:at] + bytes((text[at] ^ (1 << random.randrange(8)),)) + text[at + 1 :]
        elif choice == 2:
            text = text[:end] + text[at:]
        else:
            text = text[:at] + random.choice(SNIPPETS) + text[end:]
    return text
