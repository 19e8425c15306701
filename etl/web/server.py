"""Runs the receiver: socket, patience with slow senders, graceful stop. HTTP is uvicorn's."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

import uvicorn

from etl.errors import UsageFault
from etl.sections import ReceiveSettings
from etl.settings import Settings
from etl.web.app import ReceiverApp
from etl.web.gate import Gate
from etl.web.protocol import TimeoutHttpProtocol
from etl.web.receiver import Receiver
from etl.web.segment_folder import open_folder
from etl.web.tokens import TokenBook

COMMIT_GRACE_S = 10
"""On top of the stop timeout, for the last fsync."""

BACKLOG = 4096
OTHER_FILES = 64
"""Beside two per connection: accepted ones whose first bytes are unread come on top."""
TICKS_PER_SWEEP = 10
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

log = logging.getLogger(__name__)


def run_receiver(settings: Settings) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP.

    Raises UsageFault (no token, address not free), WarehouseBusy (another receiver has the
    folder) or PermanentError (the folder cannot be written).
    """
    chosen = settings.receive
    tokens = TokenBook(fixed=chosen.tokens.get_secret_value(), token_file=chosen.token_file)
    _keep_tracebacks_out()
    max_connections = _allow_many_files(chosen.max_connections)
    _stop_by(_exit_well)
    with (
        open_folder(
            settings.incoming_path,
            segment_bytes=chosen.segment_bytes,
            segment_age_s=chosen.segment_age_s,
        ) as folder,
        _listen(chosen.host, chosen.port) as listener,
    ):
        gate = Gate(tokens, max_connections=max_connections)
        app = ReceiverApp(chosen, tokens=tokens, folder=folder, gate=gate)
        server = _Server(chosen, app)
        _stop_by(server.handle_exit)  # an exit amid uvicorn's start would leave parts open
        log.info("listening on %s", _address(listener, chosen.path))
        server.run(sockets=[listener])


class _Server(uvicorn.Server):
    def __init__(self, settings: ReceiveSettings, app: ReceiverApp) -> None:
        super().__init__(_config(settings, app))
        self._settings = settings
        self._receiver: Receiver = app.receiver

    async def on_tick(self, counter: int) -> bool:
        if counter % TICKS_PER_SWEEP == 0:
            self._cut_slow_senders()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._receiver.stop()
        await super().shutdown(sockets)

    def _cut_slow_senders(self) -> None:
        now = asyncio.get_running_loop().time()
        for connection in list(self.server_state.connections):
            if isinstance(connection, TimeoutHttpProtocol):
                connection.cut_if_slow(
                    now,
                    idle_s=self._settings.idle_timeout_s,
                    total_s=self._settings.request_timeout_s,
                )


def _config(settings: ReceiveSettings, app: ReceiverApp) -> uvicorn.Config:
    return uvicorn.Config(
        app.asgi,
        http=functools.partial(TimeoutHttpProtocol, gate=app.gate),  # type: ignore[arg-type]
        loop="uvloop",
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,  # uvicorn's holds the query string, and with it the token
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=int(settings.stop_timeout_s) + COMMIT_GRACE_S,
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:  # whose own text repeats the address
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise UsageFault(
            f"The receiver cannot listen on {host} port {port} ({reason}); free the port "
            f"or set receive.host and receive.port."
        ) from error


def _address(listener: socket.socket, path: str) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}{path}" if ":" in host else f"http://{host}:{port}{path}"


def _keep_tracebacks_out() -> None:
    """The last line of a traceback is an error's text, and libraries put data into theirs."""

    def strip(record: logging.LogRecord) -> bool:
        record.exc_info = record.exc_text = None
        return True

    for name in ("uvicorn.error", "asyncio"):
        logging.getLogger(name).addFilter(strip)


def _allow_many_files(max_connections: int) -> int:
    """Return how many connections there may be; every one is a file, the usual limit is 1,024."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # some systems name a hard limit that they do not grant
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    allowed, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY or allowed >= 2 * max_connections + OTHER_FILES:
        return max_connections
    granted = max(2, (allowed - OTHER_FILES) // 2)
    log.warning(
        "at most %d connections instead of %d: the system grants %d open files; raise "
        "LimitNOFILE or lower receive.max_connections", granted, max_connections, allowed
    )  # fmt: skip
    return granted


def _stop_by(stop: Callable[[int, FrameType | None], object]) -> None:
    """Handle the signals that stop, but those that `nohup` and its like have us ignore."""
    for number in STOP_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)


def _exit_well(_number: int, _frame: FrameType | None) -> NoReturn:
    """A stop on request is no failure, also before the server can take it."""
    sys.exit(0)
