"""One bad neighbor in every layout, at every place, among few and many: all others are items.

What must be found is what the slow reference finds; of each kind of damage there are more than a
hundred variants.
"""

from __future__ import annotations

import gzip
import io
import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import product

import pytest
import pyzstd

from etl.framing.form import frame
from etl.framing.frames import BROKEN, ITEM, TRUNCATED, FrameBatch, join_batches
from etl.sources.unpack import fault_of, open_unpacked
from tests.framing.mixes import DAMAGES, compact, make_message, pretty, spaced
from tests.reference.framing import find_messages

Write = Callable[[list[bytes]], bytes]
NOISE = random.Random(3).randbytes(16)


def _arrays_per_line(messages: list[bytes]) -> bytes:
    pairs = (messages[at : at + 2] for at in range(0, len(messages), 2))
    return b"\n".join(b"[" + b",".join(pair) + b"]" for pair in pairs)


def _mixed(messages: list[bytes]) -> bytes:
    """A third as lines, a third as an array, a third one behind the other."""
    third = -(-len(messages) // 3)
    first, second, last = (messages[at : at + third] for at in (0, third, 2 * third))
    array = b"[" + b",\n ".join(second) + b"]" if second else b""
    return b"\n".join(filter(None, [b"\n".join(first), array, b"".join(last)]))


LAYOUTS: dict[str, tuple[Callable[[object], bytes], Write]] = {
    "lines": (compact, b"\n".join),
    "lines of another system": (spaced, lambda m: b"\r\n".join(m) + b"\r\n"),
    "lines that end in commas": (compact, lambda m: b",\n".join(m) + b",\n"),
    "array": (compact, lambda m: b"[" + b",".join(m) + b"]"),
    "array of lines": (spaced, lambda m: b"[\n" + b",\n".join(m) + b"\n]\n"),
    "pretty array": (pretty, lambda m: b"[\n  " + b",\n  ".join(m) + b"\n]"),
    "pretty": (pretty, b"\n".join),
    "one behind the other": (compact, b"".join),
    "arrays per line": (compact, _arrays_per_line),
    "mixed": (compact, _mixed),
}
PLACES = {"first": 0.0, "middle": 0.5, "last": 1.0}
COUNTS = (1, 3, 4)


def make_messages(write: Callable[[object], bytes], count: int, seed: str) -> list[bytes]:
    rng = random.Random(seed)
    return [write(make_message(rng, number)) for number in range(count)]


def items_of(content: bytes, found: FrameBatch) -> Counter[bytes]:
    spans = zip(found.offset.tolist(), found.length.tolist(), found.kind.tolist(), strict=True)
    return Counter(content[at : at + size] for at, size, kind in spans if kind == ITEM)


def frame_all(content: bytes) -> FrameBatch:
    return join_batches(frame(iter([content])))


def missed(content: bytes) -> int:
    """How many messages the reference finds that are no item."""
    return (Counter(find_messages(content)) - items_of(content, frame_all(content))).total()


def variants(damage: str, counts: tuple[int, ...], tries: int) -> Iterator[tuple[str, bytes]]:
    for layout, place, count, number in product(LAYOUTS, PLACES, counts, range(tries)):
        write, join = LAYOUTS[layout]
        name = f"{layout}/{place}/{count}/{number}"
        messages = make_messages(write, count, name)
        at = round(PLACES[place] * (count - 1))
        messages[at] = DAMAGES[damage](random.Random(f"{damage}/{name}"), messages[at])
        yield name, join(messages)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_bad_neighbor_costs_no_good_message(damage: str) -> None:
    assert [name for name, content in variants(damage, COUNTS, 1) if missed(content)] == []


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_bad_neighbor_costs_no_good_message_among_a_thousand(damage: str) -> None:
    found = [name for name, content in variants(damage, (3, 1000), 4) if missed(content)]
    assert len(found) <= 1, found


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("count", [1, 3, 50])
def test_cut_ends_are_told_and_cost_one_message(layout: str, count: int) -> None:
    write, join = LAYOUTS[layout]
    content = join(make_messages(write, count, layout))
    rng = random.Random(f"{layout}/{count}")
    for end in sorted(rng.sample(range(1, len(content)), min(60, len(content) - 1))):
        found = frame_all(content[:end])
        items = items_of(content[:end], found)
        whole = Counter(find_messages(content[:end]))
        assert not whole - items, end
        kinds = found.kind.tolist()
        assert kinds.count(TRUNCATED) + kinds.count(BROKEN) <= 1, end


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [1, 7, 4096, 70_000])
def test_nuls_before_between_and_behind_cost_nothing(layout: str, size: int) -> None:
    write, join = LAYOUTS[layout]
    for count in (1, 3):
        content = join(make_messages(write, count, layout))
        nuls = b"\0" * size
        places = [nuls + content, content + nuls, nuls + content + nuls]
        if b"\n" in content:
            places.append(content.replace(b"}\n", b"}\n" + nuls, 1))
        assert [number for number, text in enumerate(places) if missed(text)] == []
        assert all(set(frame_all(text).kind.tolist()) == {ITEM} for text in places[:3])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_damage_costs_one_message_in_wide_text_too(layout: str, encoding: str) -> None:
    write, join = LAYOUTS[layout]
    for damage, place in product(("a Python literal", "a raw tab", "a trailing comma"), PLACES):
        messages = make_messages(write, 5, f"{layout}/{place}")
        at = round(PLACES[place] * 4)
        messages[at] = DAMAGES[damage](random.Random(place), messages[at])
        text = join(messages)
        wide = text.decode().encode(encoding)
        found = frame_all(wide)
        name = encoding if encoding == "utf-8-sig" else f"{encoding}-le"
        decoded = Counter(one.decode(name).encode() for one in items_of(wide, found).elements())
        assert not Counter(find_messages(text)) - decoded, (damage, place)


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda content: gzip.compress(content, mtime=0),
    "zstd": pyzstd.compress,
    "two members": lambda content: b"".join(
        gzip.compress(half, mtime=0)
        for half in (content[: len(content) // 2], content[len(content) // 2 :])
    ),
    "two frames": lambda content: pyzstd.compress(content[:9]) + pyzstd.compress(content[9:]),
}
ENDS = {"nothing": b"", "noise": NOISE, "zeros": b"\0" * 16, "text": b"end of export\n"}


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_packed_content_is_framed_as_if_it_were_not(layout: str, packer: str) -> None:
    write, join = LAYOUTS[layout]
    for (end, behind), count in product(ENDS.items(), (1, 3, 200)):
        content = join(make_messages(write, count, layout))
        read, fault = unpack(PACKERS[packer](content) + behind)
        assert read == content, (end, count)
        assert bool(fault) == (end in ("noise", "text")), (end, fault)


@pytest.mark.parametrize("packer", PACKERS)
def test_cut_packed_content_is_read_as_far_as_it_goes(packer: str) -> None:
    write, join = LAYOUTS["lines"]
    content = join(make_messages(write, 400, packer))
    packed = PACKERS[packer](content)
    for share in (0.2, 0.5, 0.9, 0.99):
        read, fault = unpack(packed[: int(share * len(packed))])
        assert fault
        assert content.startswith(read)
        assert not Counter(find_messages(read)) - items_of(read, frame_all(read))


def unpack(packed: bytes) -> tuple[bytes, str]:
    """What can be read of packed bytes, and why not all of them."""
    with open_unpacked(io.BufferedReader(io.BytesIO(packed)), uri="a") as stream:  # type: ignore[arg-type]
        read = b"".join(iter(lambda: stream.read(2**16), b""))
        return read, fault_of(stream)


@pytest.mark.parametrize("write", [compact, pretty])
@pytest.mark.parametrize("between", [b"][", b"]\n[", b"] [\n  "])
def test_an_array_whose_last_message_is_cut_costs_none_of_the_next_array(
    write: Callable[[object], bytes], between: bytes
) -> None:
    messages = make_messages(write, 4, "cut")
    last = messages[1]
    for end in range(1, len(last)):
        content = (
            b"[" + messages[0] + b"," + last[:end] + between + messages[2] + b"," + messages[3]
        )
        assert not missed(content + b"]"), last[:end][-40:]
