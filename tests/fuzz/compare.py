"""Compares what a subject says of texts with the slow reference, and hashes with each other."""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from tests.fuzz.inputs import Input
from tests.fuzz.subjects import CONFORMED, FITS, MAX_BYTES, MAX_DEPTH, Said, Subject
from tests.reference.classify import FITS as CLEAN
from tests.reference.classify import KEEPS, UNREADABLE, Classified, classify
from tests.reference.shapes import Listed

REMEMBERED = 200_000
UNIT = 300
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LONG_INTEGER = re.compile(rb"\d{19}")
EXAMPLES_OF_EACH = 5


@dataclass(frozen=True)
class Difference:
    """Where subject and reference disagree; `other` is the text that shares or lacks the hash."""

    what: str
    kind: str
    text: bytes
    other: bytes = b""


@dataclass
class Tally:
    """What was compared: inputs by kind, pairs by what they should be, differences by what."""

    inputs: Counter[str] = field(default_factory=Counter)
    pairs: Counter[str] = field(default_factory=Counter)
    differences: Counter[str] = field(default_factory=Counter)
    examples: list[Difference] = field(default_factory=list)

    def note(self, difference: Difference) -> None:
        self.differences[difference.what] += 1
        if self.differences[difference.what] <= EXAMPLES_OF_EACH:
            self.examples.append(difference)


class Comparison:
    """One subject beside the reference. Remembers the newest contents and hashes, to compare all of
    them with each other and not only pairs."""

    def __init__(self, subject: Subject, listed: Mapping[str, Listed]) -> None:
        self.tally = Tally()
        self.listed = listed
        self._subject = subject
        self._by_hash: OrderedDict[bytes, tuple[bytes, bytes]] = OrderedDict()
        self._by_content: OrderedDict[bytes, tuple[bytes, bytes]] = OrderedDict()

    def run(self, inputs: Iterable[Input]) -> None:
        """Compare texts, many at once; a text's origin comes before it."""
        origin, origin_content = b"", b""
        waiting = iter(inputs)
        while unit := list(islice(waiting, UNIT)):
            for given, said in zip(unit, self._ask(unit), strict=True):
                expected = classify(
                    given.text, self.listed, max_depth=MAX_DEPTH, max_bytes=MAX_BYTES
                )
                self.tally.inputs[given.kind] += 1
                if given.text is given.origin:
                    origin, origin_content = given.text, expected.content
                elif given.origin == origin and expected.content and origin_content:
                    is_same = expected.content == origin_content
                    self.tally.pairs["equal" if is_same else "different"] += 1
                if said is not None:
                    self._compare(given, said, expected)

    def _ask(self, unit: Sequence[Input]) -> list[Said | None]:
        """What the subject says of each text; one by one where it raises, None for who made it."""
        try:
            return list(self._subject([given.text for given in unit]))
        except Exception as error:
            if len(unit) == 1:
                what = f"raises {type(error).__name__}"
                self.tally.note(Difference(what, unit[0].kind, unit[0].text))
                return [None]
        return [said for given in unit for said in self._ask([given])]

    def _compare(self, given: Input, said: Said, expected: Classified) -> None:
        status, found = said
        what = status_difference(status, given.text, expected)
        if what:
            self.tally.note(Difference(what, given.kind, given.text))
        if not what and not expected.reason:
            self._compare_hash(given, expected.content, found)

    def _compare_hash(self, given: Input, content: bytes, found: bytes) -> None:
        known, text = self._by_hash.get(found, (content, b""))
        if known != content:
            self.tally.note(Difference("one hash for two contents", given.kind, given.text, text))
        hashed, text = self._by_content.get(content, (found, b""))
        if hashed != found:
            self.tally.note(Difference("two hashes for one content", given.kind, given.text, text))
        _remember(self._by_hash, found, (content, given.text))
        _remember(self._by_content, content, (found, given.text))


def status_difference(status: str, text: bytes, expected: Classified) -> str:
    """What is wrong with a status, "" when nothing is.

    A text with escapes, a byte order mark or an integer of 19 digits may take the exact way although
    it fits: that costs only time.
    """
    if expected.reason or status not in (FITS, CONFORMED):
        wanted = expected.reason or "a message"
        if status == expected.reason or {status, expected.reason} <= UNREADABLE:
            return ""
        return f"{status} for {wanted}"
    if status == FITS and expected.fit == KEEPS:
        return "fits, but something has to be kept beside it"
    is_plain = b"\\" not in text and not text.startswith(BYTE_ORDER_MARK)
    is_plain = is_plain and not LONG_INTEGER.search(text)
    if status == CONFORMED and expected.fit == CLEAN and is_plain:
        return "conformed, but it fits"
    return ""


def _remember(
    known: OrderedDict[bytes, tuple[bytes, bytes]], key: bytes, value: tuple[bytes, bytes]
) -> None:
    known[key] = value
    if len(known) > REMEMBERED:
        known.popitem(last=False)
