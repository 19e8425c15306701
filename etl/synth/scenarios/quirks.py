"""Quirks: what real senders do wrong, put into the messages of a run on the days that a list names.

A line says whose messages (sender, data model, event type, each empty for all), from which day to
which (counted from 1; 0: to the end), what share of them, and what happens at a path. A line of
kind `silent` holds back the whole message.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def _drop(holder: Json, key: str, _: str) -> None:
    del holder[key]


def _recode(holder: Json, key: str, value: str) -> None:
    """`value` maps words: Female=F|Male=M."""
    codes = dict(pair.split("=") for pair in value.split("|"))
    holder[key] = codes.get(holder[key], holder[key])


def _no_zone(holder: Json, key: str, _: str) -> None:
    holder[key] = holder[key].removesuffix("Z")


def _number(holder: Json, key: str, _: str) -> None:
    holder[key] = int(holder[key])


def _text(holder: Json, key: str, value: str) -> None:
    holder[key] = value


KINDS: dict[str, Callable[[Json, str, str], None]] = {
    "drop": _drop,
    "recode": _recode,
    "no_zone": _no_zone,
    "number": _number,
    "text": _text,
}
SILENT, ADD, TWICE = "silent", "add", "twice"


@dataclass(frozen=True, slots=True)
class Quirk:
    """One line of the list."""

    kind: str
    sender: str
    data_model: str
    event_type: str
    path: str
    first_day: int
    last_day: int
    share: float
    value: str

    def fits(self, body: Json, day: int) -> bool:
        """True if it speaks of this message."""
        meta = body["Meta"]
        return (
            self.sender in ("", meta["Source"]["Name"])
            and self.data_model in ("", meta["DataModel"])
            and self.event_type in ("", meta["EventType"])
            and self.first_day <= day <= (self.last_day or day)
        )


def read_quirks(file: Path) -> tuple[Quirk, ...]:
    """The quirks of a list; what its column `why` says is for readers."""
    with file.open(encoding="utf-8", newline="") as text:
        return tuple(
            Quirk(
                kind=line["kind"],
                sender=line["sender"],
                data_model=line["data_model"],
                event_type=line["event_type"],
                path=line["path"],
                first_day=int(line["first_day"] or 1),
                last_day=int(line["last_day"] or 0),
                share=float(line["share"] or 1),
                value=line["value"],
            )
            for line in csv.DictReader(text)
        )


class Careless:
    """Applies quirks to messages; draws of its own, so that all else stays as it is without."""

    def __init__(self, quirks: tuple[Quirk, ...], seed: int) -> None:
        self._quirks = quirks
        self._rng = random.Random(f"{seed}/quirks")

    def copies(self, body: Json, day: int) -> int:
        """Change a message of a day, counted from 1; how often it is sent: 0, 1 or 2 times."""
        copies = 1
        for quirk in self._quirks:
            if not quirk.fits(body, day) or self._rng.random() >= quirk.share:
                continue
            if quirk.kind == SILENT:
                return 0
            copies += quirk.kind == TWICE
            _apply(quirk, body)
        return copies


def _apply(quirk: Quirk, body: Json) -> None:
    *outer, last = quirk.path.split(".")
    for holder in _holders(body, outer):
        key = last.removesuffix("[]")
        if quirk.kind == ADD:
            holder[key] = quirk.value
        elif key in holder and quirk.kind in KINDS:
            KINDS[quirk.kind](holder, key, quirk.value)


def _holders(host: Any, outer: list[str]) -> Iterator[Json]:
    """The objects at the end of a path, of every element of its arrays."""
    if not outer:
        yield host
        return
    inner = host.get(outer[0].removesuffix("[]"))
    for one in inner if isinstance(inner, list) else [inner]:
        if isinstance(one, dict):
            yield from _holders(one, outer[1:])
