"""Why a request is refused, and with which status. Nothing here answers."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Every reason for not storing a request; also the label of the metric."""

    NO_TOKEN = "no_token"
    WRONG_TOKEN = "wrong_token"
    NOT_FOUND = "not_found"
    TOO_LARGE = "too_large"
    DISK_LOW = "disk_low"
    STORAGE_FAILED = "storage_failed"
    OVERLOADED = "overloaded"
    STOPPING = "stopping"
    CUT = "cut"


STATUS: dict[Reason, int] = {
    Reason.NO_TOKEN: 401,
    Reason.WRONG_TOKEN: 403,
    Reason.NOT_FOUND: 404,
    Reason.TOO_LARGE: 413,
    Reason.DISK_LOW: 503,
    Reason.STORAGE_FAILED: 503,
    Reason.OVERLOADED: 503,
    Reason.STOPPING: 503,
}
"""No status for CUT: nobody listens any more."""


class Refusal(Exception):
    """A request that is not stored. Redox pauses the feed and sends it again."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason
