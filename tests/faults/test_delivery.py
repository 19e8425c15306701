"""Redox delivers while receiver and loader are killed: every acknowledged message is loaded once."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from etl.pipeline.load import load_paths
from etl.settings import read_settings
from etl.warehouse.connection import open_warehouse
from tests.faults.killing import RUN, killed_now_and_then
from tests.standin.messages import make_message
from tests.standin.sender import Subscription

TOKEN = "synthetic-token"


def _environment(home: Path, port: int) -> dict[str, str]:
    return os.environ | {
        "REDOX_WAREHOUSE_HOME": str(home),
        "REDOX_WAREHOUSE_RECEIVE__TOKENS": TOKEN,
        "REDOX_WAREHOUSE_RECEIVE__PORT": str(port),
        "REDOX_WAREHOUSE_RECEIVE__SEGMENT_AGE_S": "2",
        "REDOX_WAREHOUSE_RECEIVE__MIN_FREE_BYTES": "0",
    }


def _check_delivery(tmp_path: Path, port: int, *, messages: int, every_s: float) -> None:
    home = tmp_path / "home"
    environment = _environment(home, port)
    subscription = Subscription(
        f"http://127.0.0.1:{port}/redox", TOKEN, time_scale=0.02, lost_answers=0.02
    )
    stop = threading.Event()
    incoming = home / "incoming"
    incoming.mkdir(parents=True)
    with (
        killed_now_and_then(["receive"], environment, every_s=every_s, stop=stop) as receiver_kills,
        killed_now_and_then(["load", str(incoming)], environment, every_s=every_s, stop=stop),
    ):
        delivered = subscription.deliver(make_message(number) for number in range(messages))
    assert receiver_kills, "the receiver was never killed: the test shows nothing"
    assert delivered.attempts > messages, "nothing was sent again: the test shows nothing"
    receiver = subprocess.Popen([*RUN, "receive"], env=environment, stderr=subprocess.DEVNULL)
    time.sleep(8)
    receiver.send_signal(signal.SIGTERM)
    receiver.wait(timeout=60)
    settings = read_settings(home)
    load_paths(settings, [str(incoming)])
    with open_warehouse(settings.warehouse_path, read_only=True) as connection:
        loaded = [
            row[0] for row in connection.execute("select log_id from core.message").fetchall()
        ]
    assert len(loaded) == len(set(loaded))
    assert sorted(delivered.log_ids) == sorted(set(delivered.log_ids))
    assert set(delivered.log_ids) - set(loaded) == set()
    assert len(loaded) == messages


def test_every_acknowledged_message_is_loaded_once(tmp_path: Path, unused_port: int) -> None:
    _check_delivery(tmp_path, unused_port, messages=200, every_s=6)


@pytest.mark.faults
def test_ten_thousand_messages_are_loaded_once(tmp_path: Path, unused_port: int) -> None:
    _check_delivery(tmp_path, unused_port, messages=10_000, every_s=5)
