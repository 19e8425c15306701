"""uvicorn's HTTP protocol, made safe for a server that must neither lose a body nor wait for ever.

uvicorn has no time limit for a request: here a sender that stalls is cut, unanswered.
And its parser skips the body of a request that offers an upgrade (Java's client and `curl --http2`
offer h2c on plain connections): such an offer is ignored, as HTTP allows, and the body is read.
Which limits hold is decided by the server.
"""

from __future__ import annotations

import asyncio

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_TIMEOUT_S = 10.0
MAX_HEAD_BYTES = 64 * 2**10


class PatientProtocol(HttpToolsProtocol):
    """Knows since when it waits for the rest of a request; `cut_if_slow` is called by a sweep."""

    _head_bytes = 0
    _awaits_head = True
    _waits_since: float | None = None
    _last_data_at = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._waits_since = self._last_data_at = self.loop.time()

    def data_received(self, data: bytes) -> None:
        self._last_data_at = self.loop.time()
        self._unset_keepalive_if_required()
        try:
            self._parse(data)
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
        if self._awaits_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._awaits_head = True
        self._head_bytes = 0
        self._waits_since = self._last_data_at

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        super().on_headers_complete()
        self._awaits_head = False

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        self._waits_since = None

    def cut_if_slow(self, now: float, *, idle_s: float, total_s: float) -> None:
        """Cut the connection when the sender is too slow; times are the event loop's."""
        if self._waits_since is None:
            return
        if self.flow.read_paused:  # we do not read: the sender is not to blame
            self._last_data_at = now
            return
        patience_s = min(HEAD_TIMEOUT_S, idle_s) if self._awaits_head else total_s
        if now - self._waits_since > patience_s or now - self._last_data_at > idle_s:
            self.transport.abort()

    def _parse(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self.parser.get_method() == b"CONNECT":
                raise httptools.HttpParserError("no proxy") from None
            head = self._head_without_upgrade()
            self.parser = httptools.HttpRequestParser(self)
            self._parse(head + data[upgrade.args[0] :])

    def _head_without_upgrade(self) -> bytes:
        version = self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version)]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join((*lines, b"", b""))
