"""Checks that ask the other side: does the webhook run, does Redox give a token, is a bucket there?

Each asks once and waits at most a few seconds; nothing is stored, no message is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooSlow
from threading import Thread
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

from etl.doctor.records import Check, fail, ok, warn
from etl.errors import RedoxWarehouseError
from etl.pipeline.pull import check_pull_login
from etl.pipeline.sources import Sources
from etl.pull.auth import login_faults
from etl.sections import ReceiveSettings
from etl.settings import Settings

AREA = "sources"
PATIENCE_S = 10.0
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}


def check_reach(settings: Settings) -> Iterator[Check]:
    """Does what is set up answer?"""
    receive = settings.receive
    if receive.port and (receive.tokens.get_secret_value() or receive.token_file):
        yield _webhook(receive)
    if not login_faults(settings.pull):
        yield _login(settings)
    for number, path in enumerate(settings.watch.paths, 1):
        if "://" in path:
            yield _bucket(settings, path, f"watched path {number} answers")


def _webhook(receive: ReceiveSettings) -> Check:
    name = "webhook answers"
    address = f"{EVERYWHERE.get(receive.host, receive.host)}:{receive.port}"
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(f"http://{address}/readyz", timeout=PATIENCE_S):
            return ok(AREA, name, f"ready at {address}")
    except HTTPError as error:
        action = "see `reason` in /readyz and the receiver's log; Redox sends again."
        return fail(AREA, name, f"not ready, status {error.code}", action)
    except (URLError, OSError, ValueError):
        action = "start `redox-warehouse receive`, or check its service."
        return warn(AREA, name, f"nothing answers at {address}", action)


def _login(settings: Settings) -> Check:
    """One token, asked for once."""
    quick = {"max_attempts": 1, "timeout_s": min(settings.pull.timeout_s, PATIENCE_S)}
    asked = settings.model_copy(update={"pull": settings.pull.model_copy(update=quick)})
    try:
        check_pull_login(asked)
    except RedoxWarehouseError as error:
        return fail(AREA, "pull login", "no token", str(error))
    return ok(AREA, "pull login", "Redox issued a token")


def _bucket(settings: Settings, url: str, name: str) -> Check:
    try:
        is_there = _within(PATIENCE_S, lambda: Sources(settings.buckets).is_there(url))
    except RedoxWarehouseError as error:
        return fail(AREA, name, "it cannot be listed", str(error))
    except TooSlow:
        action = "check the address, proxy and credentials of the store."
        return fail(AREA, name, f"no answer within {PATIENCE_S:.0f} s", action)
    if not is_there:
        action = "check bucket, prefix and the section buckets of the settings."
        return warn(AREA, name, "nothing was found there", action)
    return ok(AREA, name, "it can be listed")


def _within(patience_s: float, look: Callable[[], bool]) -> bool:
    """What `look` gives, in a thread that is left behind when it takes too long."""
    done: Future[bool] = Future()

    def run() -> None:
        try:
            done.set_result(look())
        except BaseException as error:
            done.set_exception(error)

    Thread(target=run, daemon=True).start()
    return done.result(patience_s)
