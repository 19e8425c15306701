"""uvicorn's HTTP protocol, made safe for a server that must neither lose a body nor wait for ever.

uvicorn has no limit of time or size for a request: here a sender that stalls is cut, unanswered,
and a request without a valid token has seconds and kilobytes in total, wherever it is: in its
line, headers, body, chunk extensions or trailers. Of a request with one, all bytes that are no
body are bounded. Everything is counted once per read, so the cost is linear. Nothing is parsed of
what follows a request without a valid token, as its answer closes the connection.
And uvicorn's parser skips the body of a request that offers an upgrade (Java's client and
`curl --http2` offer h2c on plain connections): such an offer is ignored, as HTTP allows, and the
body is read. When a connection is lost, uvicorn says so only to the newest of its requests; here
all are left at once, so that none answers into a closed connection. Who has a place is decided in
`etl.web.gate`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, NoReturn

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from etl.web.gate import Gate
from etl.web.handshake import MAX_HANDSHAKE_BYTES
from etl.web.tokens import presented_tokens

HEAD_TIMEOUT_S = 10.0
UNVERIFIED_TIMEOUT_S = 10.0
"""From its first byte to its last, answer included; a verification request takes one round trip."""
MAX_HEAD_BYTES = 32 * 2**10
MAX_HEADERS = 256
"""Each costs time before a token is seen; Redox and its proxies send some 20."""
UNVERIFIED_BYTES = 64 * 2**10
"""On the wire: a head, a verification request, and as much again for chunks."""
MAX_UNVERIFIED_PIECES = 256
"""Chunks, or reads, of a verification request's body; Redox sends it in one."""
MAX_FRAMING_BYTES = 64 * 2**10
FRAMING_PER_BODY_BYTE = 8
"""A chunk of one byte takes six on the wire; longer framing comes with no known client."""


class TimeoutHttpProtocol(HttpToolsProtocol):
    """Knows since when it waits for the rest of a request; `cut_if_slow` is called by a sweep."""

    _is_verified = False
    _is_dropping = False
    _is_last = False
    _is_inside = False
    _awaits_head = True
    _waits_since: float | None = None
    _last_data_at = 0.0
    _begun = 0
    _wire_bytes = 0
    _body_bytes = 0
    _pieces = 0
    _silent_bytes = 0

    def __init__(self, *given: Any, gate: Gate, **named: Any) -> None:
        super().__init__(*given, **named)
        self._gate = gate
        self._unanswered: deque[RequestResponseCycle] = deque()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._waits_since = self._last_data_at = self.loop.time()
        self._gate.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._gate.leave(self)
        super().connection_lost(exc)
        self._leave_unanswered()

    def evict(self) -> None:
        """Close at once, unanswered."""
        self.transport.abort()
        self._leave_unanswered()

    def _leave_unanswered(self) -> None:
        """Let all requests under way know that their connection is closed."""
        for cycle in self._unanswered:
            if not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        self._unanswered.clear()

    def data_received(self, data: bytes) -> None:
        self._last_data_at = self.loop.time()
        self._unset_keepalive_if_required()
        if self._is_dropping:
            return
        was_inside, body_before = self._is_inside, self._body_bytes
        self._begun = 0
        try:
            self._parse(data)
        except httptools.HttpParserError:
            if not self._is_dropping:
                self._is_dropping = True
                self.send_400_response("Invalid HTTP request received.")
                self._leave_unanswered()
            return
        self._count(len(data), was_inside=was_inside, has_body=self._body_bytes != body_before)
        self._keep_limits()

    def on_message_begin(self) -> None:
        if self._is_last:
            self._drop()
        super().on_message_begin()
        self._is_inside = self._awaits_head = True
        self._begun += 1
        self._body_bytes = 0
        self._waits_since = self._last_data_at
        self._is_verified = False
        self._gate.enter(self)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._awaits_head:  # a trailer: nobody reads it
            return
        if len(self.headers) == MAX_HEADERS:
            self.evict()
            self._drop()
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._is_verified = self._gate.is_valid(self.headers)
        if not self._is_verified and self._gate.is_crowded and presented_tokens(self.headers):
            self._gate.turn_away(self)
            self._drop()
        super().on_headers_complete()
        while self._unanswered and self._unanswered[0].response_complete:
            self._unanswered.popleft()
        self._unanswered.append(self.cycle)
        self._awaits_head = False
        if self._is_verified:
            self._gate.leave(self)
        else:
            self.cycle.keep_alive = False
            self._is_last = True

    def on_body(self, body: bytes) -> None:
        room = MAX_HANDSHAKE_BYTES + 1 - self._body_bytes
        self._body_bytes += len(body)
        if self._is_verified:
            super().on_body(body)
            return
        self._pieces += 1
        if self._pieces > MAX_UNVERIFIED_PIECES:
            self.evict()
        if room <= 0 or self._pieces > MAX_UNVERIFIED_PIECES:
            self._drop()
        super().on_body(body[:room])

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        self._is_inside = False
        self._waits_since = None

    def _drop(self) -> NoReturn:
        """Parse nothing more of this connection, also nothing that was read already."""
        self._is_dropping = True
        raise httptools.HttpParserError("dropped")

    def cut_if_slow(self, now: float, *, idle_s: float, total_s: float) -> None:
        """Cut the connection when the sender is too slow; times are the event loop's."""
        if self._waits_since is None:
            return
        if self._is_verified and self.flow.read_paused:  # we do not read: not the sender's fault
            self._last_data_at = now
            return
        if (
            now - self._waits_since > self._patience_s(idle_s, total_s)
            or now - self._last_data_at > idle_s
        ):
            self.evict()

    def _patience_s(self, idle_s: float, total_s: float) -> float:
        if self._is_verified:
            return total_s
        return min(HEAD_TIMEOUT_S if self._awaits_head else UNVERIFIED_TIMEOUT_S, idle_s)

    def _count(self, size_bytes: int, *, was_inside: bool, has_body: bool) -> None:
        """Count a read for the request it belongs to; of several in one read, none is charged."""
        self._silent_bytes = 0 if has_body or self._begun else self._silent_bytes + size_bytes
        if not self._begun:
            self._wire_bytes += size_bytes
        else:
            self._wire_bytes = 0 if was_inside or self._begun > 1 else size_bytes

    def _keep_limits(self) -> None:
        if self._awaits_head:
            is_over = self._wire_bytes > MAX_HEAD_BYTES
        elif self._is_verified:
            framing = self._wire_bytes - self._body_bytes
            most = MAX_FRAMING_BYTES + FRAMING_PER_BODY_BYTE * self._body_bytes
            is_over = framing > most or self._silent_bytes > MAX_FRAMING_BYTES
        else:
            is_over = self._wire_bytes > UNVERIFIED_BYTES and not self._drop_rest()
        if is_over:
            self._is_dropping = True
            self.evict()

    def _drop_rest(self) -> bool:
        """Read no more of a request that is or will be refused, so that its sender sees why.

        False when no answer is on its way: the request has not yet shown what it is.
        """
        self._is_dropping = self.cycle.response_started or self._body_bytes > MAX_HANDSHAKE_BYTES
        return self._is_dropping

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
