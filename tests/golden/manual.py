"""The case files of the manual: Markdown with payloads and, beside each, what must come of it.

Reading only; `loaded` says what did come of them. The format is described in README.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
SECTIONS = frozenset(
    {
        "received", "marks", "items", "outcome", "reason", "group", "rows", "findings", "counts",
        "forms", "unplaced", "extensions", "unsupported",
    }
)  # fmt: skip
NOT_NOTED = "not noted"
FIRST_DAY = datetime(2001, 1, 1, 12, tzinfo=UTC)

_BLOCK = re.compile(r"^```(json|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r"\A# (.+)\n")


class CaseFault(ValueError):
    """A case file does not have the documented form."""


@dataclass(frozen=True)
class Delivery:
    """One payload of a case as received, when, and what must come of it (by section)."""

    body: bytes
    received_at: datetime | None
    expected: dict[str, Any]

    @property
    def is_file(self) -> bool:
        """True if it is loaded as a file of its own, whose items are what the page states."""
        return "items" in self.expected


@dataclass(frozen=True)
class Case:
    """One page of the manual."""

    name: str
    title: str
    deliveries: tuple[Delivery, ...]


@cache
def read_cases() -> list[Case]:
    """All pages, by topic and name; each payload has a day of receipt of its own."""
    paths = sorted(FOLDER.glob("*/*.md"))
    days = _days()
    return [read_case(path, path.relative_to(FOLDER).with_suffix("").as_posix(), days)
            for path in paths]  # fmt: skip


def read_case(path: Path, name: str, days: Iterator[datetime]) -> Case:
    """One page; raises CaseFault that says what is wrong with it."""
    text = path.read_text("utf-8")
    title = _TITLE.match(text)
    kinds = [kind for kind, _ in _BLOCK.findall(text)]
    if title is None or not kinds or kinds != ["json", "yaml"] * (len(kinds) // 2):
        raise CaseFault(f"{name}: needs a title and pairs of a json and a yaml block.")
    contents = [content for _, content in _BLOCK.findall(text)]
    deliveries = []
    for payload, facts in zip(contents[::2], contents[1::2], strict=True):
        expected = yaml.load(facts, _Loader) or {}
        if unknown := expected.keys() - SECTIONS:
            raise CaseFault(f"{name}: unknown sections {sorted(unknown)}.")
        deliveries.append(_delivery(payload, expected, next(days)))
    return Case(name, title[1], tuple(deliveries))


def _delivery(payload: str, expected: dict[str, Any], day: datetime) -> Delivery:
    body = payload.removesuffix("\n").encode()
    for mark, hexadecimal in expected.pop("marks", {}).items():
        if mark.encode() not in body:
            raise CaseFault(f"The mark {mark} is not in its payload.")
        body = body.replace(mark.encode(), bytes.fromhex(hexadecimal))
    received = expected.pop("received", day)
    return Delivery(body, None if received == NOT_NOTED else received, expected)


def _days() -> Iterator[datetime]:
    """Days far apart from those that payloads name."""
    number = 0
    while True:
        yield FIRST_DAY + timedelta(days=number)
        number += 1


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML with exact decimals, and with true and false as the only words that are booleans."""

    yaml_implicit_resolvers = {  # noqa: RUF012 (PyYAML's own form)
        first: [(tag, pattern) for tag, pattern in found if not tag.endswith(":bool")]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _decimal(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal:
    return Decimal(str(loader.construct_scalar(node)))


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"true|false"), list("tf"))
_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)
