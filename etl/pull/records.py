"""The words of a pull: request, answer, kept reply, summary. Nothing here does work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """One query to send.

    `key` is the same whenever the same body is asked for the same partition; `number` is its
    1-based place in the plan. `body` holds patient values and is kept out of `repr`.
    """

    number: int
    key: str
    data_model: str
    event_type: str
    reply: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one exchange: a status and a body, or why no complete answer came.

    `status` is 0 when none came; `reason` is empty for a complete 2xx answer.
    """

    status: int
    reason: str = ""
    is_transient: bool = False
    retry_after_s: float | None = None
    received_at_us: int = 0
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class KeptReply:
    """A durably kept reply: which request it answers, when it came (microseconds UTC), its bytes.

    `errors` counts the entries of its Meta.Errors.
    """

    key: str
    received_at_us: int
    errors: int
    body: bytes = field(repr=False)


Sink = Callable[[Iterable[KeptReply]], None]
"""Takes replies in order and returns once they are durable; the same replies twice count once."""


@dataclass(slots=True)
class PullSummary:
    """What a pull did: planned = landed_before + landed + failed + not_asked.

    Of the replies landed: `with_errors` list errors, `unexpected` are of a data model or event type
    that was not asked, `under_query_event` carry their query's event type, `empty` hold nothing
    beside Meta and no errors, `without_time` have no Meta.EventDateTime.
    """

    planned: int
    landed_before: int = 0
    landed: int = 0
    failed: int = 0
    with_errors: int = 0
    unexpected: int = 0
    under_query_event: int = 0
    empty: int = 0
    without_time: int = 0
    sent: int = 0
    reply_bytes: int = 0
    recovered: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    replies: Counter[str] = field(default_factory=Counter)

    @property
    def not_asked(self) -> int:
        return self.planned - self.landed_before - self.landed - self.failed

    def as_dict(self) -> dict[str, Any]:
        """The summary as JSON values; holds counts and names of event types only."""
        plain = {part.name: getattr(self, part.name) for part in fields(self)}
        counts = {"failures": dict(self.failures), "replies": dict(self.replies)}
        return plain | counts | {"not_asked": self.not_asked}

    def __add__(self, other: PullSummary) -> PullSummary:
        sums = {
            part.name: getattr(self, part.name) + getattr(other, part.name) for part in fields(self)
        }
        return PullSummary(**sums)
