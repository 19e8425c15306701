"""No byte of a body and no token may appear in the log or in the metrics."""

from collections.abc import Iterator
from contextlib import suppress

from running_receiver import OTHER_TOKEN, TOKEN, WEB, Starter

CANARY = "Quintessa-Zzyzx-078-05-1120"
WRONG = "wrong-token-canary"


def test_canary_appears_nowhere(start_receiver: Starter) -> None:
    receiver = start_receiver(max_body_bytes=100_000, in_flight_bytes=200_000, access_log=True)
    body = CANARY.encode()
    headers = receiver.headers | {"x-note": CANARY, "user-agent": CANARY}

    def cut() -> Iterator[bytes]:
        yield body
        raise ConnectionAbortedError

    for path in ("", f"?a={CANARY}", f"?verification-token={OTHER_TOKEN}&challenge={CANARY}"):
        WEB.post(receiver.url + path, content=body, headers=headers)
        WEB.get(receiver.url + path, headers=headers)
        WEB.post(receiver.url + path, content=body)
    WEB.get(f"{receiver.base}/{CANARY}")
    WEB.post(receiver.url, content=body, headers={"verification-token": WRONG})
    WEB.post(receiver.url, json={"verification-token": WRONG, "challenge": CANARY})
    WEB.post(receiver.url, content=body * 10_000, headers=headers)
    receiver.limit_file_size(1000)
    assert WEB.post(receiver.url, content=body * 100, headers=headers).status_code == 503
    receiver.limit_file_size(-1)
    with suppress(ConnectionAbortedError):
        WEB.post(receiver.url, content=cut(), headers=headers)
    metrics = receiver.get("/metrics").text
    receiver.stop()
    assert "POST 200" in receiver.log
    for secret in (CANARY, TOKEN, OTHER_TOKEN, WRONG):
        assert secret not in receiver.log
        assert secret not in metrics
