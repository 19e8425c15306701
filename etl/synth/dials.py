"""The dials of a run: what to write, how full, with which faults. Plain records, no work.

Shares are between 0 and 1. Reading them from a profile file is `profile`.
"""

from __future__ import annotations

from dataclasses import field
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

DEFAULT_FIRST_DAY = date(2026, 1, 5)
STRICT = ConfigDict(extra="forbid", hide_input_in_errors=True)

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Factor = Annotated[float, Field(ge=0)]


class Format(StrEnum):
    """How messages are laid out in a file; `single` is one pretty-printed message per file."""

    NDJSON = "ndjson"
    ARRAY = "array"
    PRETTY = "pretty"
    SINGLE = "single"


class Replies(StrEnum):
    """How replies come: as Redox's API was recorded, or as its documentation prints them."""

    RECORDED = "recorded"
    DOCUMENTED = "documented"


class Compression(StrEnum):
    NONE = ""
    GZ = "gz"
    ZST = "zst"


@dataclass(frozen=True, slots=True, config=STRICT)
class Override:
    """A population rate for the paths that match, on the days from `first_day` to `last_day`.

    "" matches everything; `*` in `path` stands for any text. Days count from 1. The rate is the
    share of messages, or below an array of its elements, in which the path is populated. Of
    several that match the last one counts.
    """

    path: str
    rate: Share
    source: str = ""
    data_model: str = ""
    event_type: str = ""
    first_day: Count = 1
    last_day: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True, slots=True, config=STRICT)
class Shares:
    """The share of messages that carry each kind of oddity; all 0 plants nothing."""

    duplicates: Share = 0.0
    same_log_id: Share = 0.0
    unlisted_keys: Share = 0.0
    extensions: Share = 0.0
    misfits: Share = 0.0
    bad_dates: Share = 0.0
    bad_codes: Share = 0.0
    malformed: Share = 0.0
    duplicate_keys: Share = 0.0
    unknown_events: Share = 0.0
    replies_as_query: Share = 0.0
    number_spelling: Share = 0.0
    bad_unicode: Share = 0.0
    contradictions: Share = 0.0
    large: Share = 0.0
    long_arrays: Share = 0.0


@dataclass(frozen=True, slots=True, config=STRICT)
class SourceDial:
    """A sending source. Empty `data_models` sends all; `density` scales its undocumented rates.

    It sends from `first_day` to `last_day` (0: to the end). `shares` are its own instead of the
    run's.
    """

    name: str
    source_id: str = ""
    facilities: tuple[str, ...] = ()
    data_models: tuple[str, ...] = ()
    weight: Factor = 1.0
    density: Factor = 1.0
    first_day: Count = 1
    last_day: Annotated[int, Field(ge=0)] = 0
    shares: Shares | None = None


FAULTS = (
    "unlisted_keys", "extensions", "misfits", "bad_dates", "bad_codes", "malformed",
    "duplicate_keys", "unknown_events", "replies_as_query", "number_spelling",
    "bad_unicode", "contradictions",
)  # fmt: skip


@dataclass(frozen=True, slots=True, config=STRICT)
class Output:
    """How the messages are written. `envelope` wraps each in a row under that key."""

    format: Format = Format.NDJSON
    compression: Compression = Compression.NONE
    files: Count = 1
    envelope: str = ""
    envelope_text: bool = False
    crlf: bool = False
    bom: bool = False
    blank_lines: Share = 0.0


@dataclass(frozen=True, slots=True, config=STRICT)
class Dials:
    """Everything a run can be told. Empty `data_models` and `event_types` mean all.

    Recorded replies have the event type of their query and no EventDateTime.

    `shapes` is the number of different field selections per event type; `density` scales the
    undocumented rates; `nulls` is the share of unpopulated fields written as null (some of them as
    "", [] or objects of nulls) instead of left out; `null_elements` the share of arrays that get
    an all-null element; `large_bytes` and `long_array` size the messages and arrays that the
    shares of those names make.
    """

    messages: Annotated[int, Field(ge=0)] = 1_000
    seed: int = 1
    data_models: tuple[str, ...] = ()
    event_types: tuple[str, ...] = ()
    weights: dict[str, Factor] = field(default_factory=dict)
    sources: Annotated[tuple[SourceDial, ...], Field(min_length=1)] = (SourceDial("Synthetic EHR"),)
    first_day: date = DEFAULT_FIRST_DAY
    days: Count = 1
    patients: Count = 500
    replies: Replies = Replies.RECORDED
    test_share: Share = 0.0
    shapes: Count = 64
    density: Factor = 1.0
    array_mean: Annotated[float, Field(ge=1)] = 1.6
    array_max: Count = 8
    nulls: Share = 0.6
    null_elements: Share = 0.0
    overrides: tuple[Override, ...] = ()
    shares: Shares = Shares()
    large_bytes: Count = 2_000_000
    long_array: Count = 10_000
    output: Output = Output()
