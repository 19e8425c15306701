"""The truth of a run: what each message is and what was planted, and how often each path is filled.

`messages.jsonl`: one line per message in order of writing. `populations.csv`: one line per group
and listed path that is populated in a loaded message; `messages.csv`: messages per group.
Counts are as sent, in listed shapes; `held_*` leave out what no typed column can hold.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from etl.synth.message import Key, Message, Outcome, Planted

Counts: TypeAlias = Mapping[str, int]
GROUP_COLUMNS = Key._fields
COUNT_COLUMNS = ("messages", "elements", "held_messages", "held_elements")


class Truth:
    """Collects the truth while a run is written; memory grows with the groups of a day only."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lines = (folder / "messages.jsonl").open("wb", buffering=2**20)
        self._paths = (folder / "populations.csv").open("w", encoding="utf-8", newline="")
        self._table = csv.writer(self._paths, lineterminator="\n")
        self._table.writerow((*GROUP_COLUMNS, "path", *COUNT_COLUMNS))
        self._groups: Counter[Key] = Counter()
        # Messages of one shape share their counts: these are added up once, when the day ends.
        self._shapes: dict[tuple[Key, int], list[Any]] = {}
        self._totals: dict[tuple[Key, str], list[int]] = {}
        self._day = ""

    def add(self, message: Message, *, file: str, item: int) -> None:
        """Take in one message as it was written."""
        self._lines.write(orjson.dumps(_line(message, file=file, item=item)))
        self._lines.write(b"\n")
        if message.event_at[:10] != self._day:
            self._end_day(lambda key: key.day == self._day)
            self._day = message.event_at[:10]
        if message.outcome is Outcome.LOADED:
            self._groups[message.key] += 1
            self._take(message)

    def _take(self, message: Message) -> None:
        if message.planted:
            held = message.counts if message.held_counts is None else message.held_counts
            self._count(message.key, message.counts, held, times=1)
        else:
            name = (message.key, id(message.counts))
            entry = self._shapes.setdefault(name, [message.counts, 0])
            entry[1] += 1

    def _count(self, key: Key, sent: Counts, held: Counts, *, times: int) -> None:
        for path, elements in sent.items():
            if elements:
                total = self._totals.setdefault((key, path), [0, 0, 0, 0])
                filled = held.get(path, 0)
                total[0] += times
                total[1] += times * elements
                total[2] += times * (filled > 0)
                total[3] += times * filled

    def _end_day(self, is_over: Callable[[Key], bool]) -> None:
        """Write and forget the totals that nothing can be added to any more."""
        for (key, _), (counts, times) in self._shapes.items():
            self._count(key, counts, counts, times=times)
        self._shapes.clear()
        for name in sorted(name for name in self._totals if is_over(name[0])):
            self._table.writerow((*_cells(name[0]), name[1], *self._totals.pop(name)))

    def close(self) -> None:
        """Write what is left."""
        self._end_day(lambda _: True)
        self._paths.close()
        self._lines.close()
        with (self._folder / "messages.csv").open("w", encoding="utf-8", newline="") as text:
            table = csv.writer(text, lineterminator="\n")
            table.writerow((*GROUP_COLUMNS, "messages"))
            table.writerows((*_cells(key), count) for key, count in sorted(self._groups.items()))


def _cells(key: Key) -> tuple[str, ...]:
    return (*key[:-1], "true" if key.is_test else "false")


def _line(message: Message, *, file: str, item: int) -> dict[str, Any]:
    return {
        "position": message.position,
        "file": file,
        "item": item,
        **message.key._asdict(),
        "event_at": message.event_at,
        "log_id": message.log_id,
        "outcome": message.outcome,
        "reason": message.reason,
        "duplicate_of": message.duplicate_of,
        "planted": [_planted(planted) for planted in message.planted],
    }


def _planted(planted: Planted) -> dict[str, Any]:
    return {
        "rule": planted.rule,
        "path": planted.path,
        "ordinals": planted.ordinals,
        "form": planted.form,
        "value_set": planted.value_set,
        "suggestion": planted.suggestion,
        "is_held": planted.is_held,
    }
