"""Faults that a test asks the stand-in to make, one per request, in order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fault:
    """How one answer departs from the good one.

    `cut_at`: close after so many body bytes although more were announced. `half_body`: a complete
    answer with half the body. `errors`: 200 with Meta.Errors. `event_type`: another than expected.
    `empty`: nothing beside Meta. `timeless`: no Meta.EventDateTime.
    """

    status: int = 200
    retry_after: str | None = None
    slow_s: float = 0
    cut_at: int | None = None
    half_body: bool = False
    errors: bool = False
    event_type: str | None = None
    empty: bool = False
    timeless: bool = False


GOOD = Fault()


@dataclass(slots=True)
class FaultQueue:
    """Faults for the next requests; when it is empty, `always` applies."""

    always: Fault = GOOD
    _next: deque[Fault] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, faults: Iterable[Fault]) -> None:
        with self._lock:
            self._next.extend(faults)

    def take(self) -> Fault:
        with self._lock:
            return self._next.popleft() if self._next else self.always
