"""What the receiver reports of itself: counts, sizes, times. No patient data, no token, and no
label whose values are not listed here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from etl.web.refusals import Reason

PREFIX = "redox_warehouse_receive"
_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_MESSAGES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class ReceiverMetrics:
    """The receiver's Prometheus metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.received = self._counter("received", "Bodies received whole with a valid token")
        self.stored = self._counter("stored", "Bodies on disk and answered 200")
        self.stored_bytes = self._counter("stored_bytes", "Bytes of those bodies in segments")
        self.handshakes = self._counter("handshakes", "Verification requests answered")
        self.fsync_s = self._histogram("fsync_seconds", "Time of one fsync", _SECONDS)
        self.commit_messages = self._histogram("commit_messages", "Bodies per fsync", _MESSAGES)
        self.last_stored = self._gauge("last_stored_timestamp_seconds", "When a body was stored")
        self._rejected = Counter(
            f"{PREFIX}_rejected", "Requests not stored", ("reason",), registry=self.registry
        )
        self._by_reason = {reason: self._rejected.labels(reason.value) for reason in Reason}

    def count_commit(self, records: Sequence[bytes], *, fsync_s: float) -> None:
        """Count bodies that one fsync made durable; per commit, because each count costs time."""
        self.stored.inc(len(records))
        self.stored_bytes.inc(sum(map(len, records)))
        self.commit_messages.observe(len(records))
        self.fsync_s.observe(fsync_s)
        self.last_stored.set(time.time())

    def count_rejected(self, reason: Reason) -> None:
        self._by_reason[reason].inc()

    def watch(self, name: str, meaning: str, read: Callable[[], float]) -> None:
        """Add a gauge that is read when the metrics are."""
        self._gauge(name, meaning).set_function(read)

    def render(self) -> bytes:
        """Give all metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, meaning: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", meaning, registry=self.registry)

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", meaning, registry=self.registry)

    def _histogram(self, name: str, meaning: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"{PREFIX}_{name}", meaning, buckets=buckets, registry=self.registry)
