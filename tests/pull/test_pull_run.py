"""A pull against the stand-in: faults of the network and of Redox, resume, parallelism."""

from __future__ import annotations

import socket
import threading
from datetime import date
from pathlib import Path

import pytest

from etl.errors import PermanentError, TransientError, WarehouseBusy
from etl.framing.segments import scan_segment
from etl.pipeline.pull import PullRequest, list_days, plan_pull, pull, recover_pull
from etl.settings import Settings
from tests.pull.builders import (
    ask,
    landed_ids,
    make_home,
    make_query,
    read_landed,
    write_requests,
)
from tests.standin.faults import Fault
from tests.standin.redox import StandIn

FIVE = ["P0", "P1", "P2", "P3", "P4"]


@pytest.mark.parametrize("is_recorded", [True, False])
def test_every_query_of_the_catalog_gets_its_reply(
    is_recorded: bool,
    settings: Settings,
    standin: StandIn,
    replies: dict[tuple[str, str], str],
    tmp_path: Path,
) -> None:
    standin.queries.is_recorded = is_recorded
    queries = [make_query("P1", DataModel=model, EventType=event) for model, event in replies]
    summary = pull(settings, PullRequest((write_requests(tmp_path / "all", queries),)))
    assert summary.landed == len(replies) > 15
    assert summary.unexpected == 0
    assert summary.under_query_event == (len(replies) if is_recorded else 0)
    received = {
        (body["Meta"]["DataModel"], body["Meta"]["EventType"]) for body in read_landed(settings)
    }
    answered = set(replies) if is_recorded else {(key[0], reply) for key, reply in replies.items()}
    assert received == answered


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=429),
        Fault(status=500),
        Fault(status=503, retry_after="0"),
        Fault(cut_at=0),
        Fault(cut_at=50),
        Fault(half_body=True),
    ],
    ids=["429", "500", "503", "cut at once", "cut", "half a body"],
)
def test_a_passing_fault_is_outlived(fault: Fault, settings: Settings, standin: StandIn) -> None:
    standin.faults.add([fault] * 3)
    summary = ask(settings, 5)
    assert (summary.landed, summary.failed) == (5, 0)
    assert landed_ids(settings) == FIVE
    assert set(standin.queries.asked.values()) == {1}


def test_a_reply_slower_than_the_time_out_is_asked_again(tmp_path: Path, standin: StandIn) -> None:
    settings = make_home(tmp_path, standin, timeout_s=0.4)
    standin.faults.add([Fault(slow_s=1.0)] * 2)
    assert ask(settings, 5).landed == 5
    assert landed_ids(settings) == FIVE


def test_retry_after_holds_every_request(settings: Settings, standin: StandIn) -> None:
    ask(settings, 1)
    standin.queries.seen_at.clear()
    standin.faults.add([Fault(status=429, retry_after="1")])
    assert ask(settings, 30, partition="again").landed == 30
    first, last = min(standin.queries.seen_at), max(standin.queries.seen_at)
    in_the_pause = [at for at in standin.queries.seen_at if first + 0.3 < at < first + 0.9]
    assert last - first > 1.0
    assert in_the_pause == []


def test_a_retry_after_that_is_too_long_ends_the_pull(settings: Settings, standin: StandIn) -> None:
    standin.faults.add([Fault(), Fault(), Fault(status=429, retry_after="3600")])
    with pytest.raises(TransientError, match=r"asks to wait 3600 s; call again after that"):
        ask(settings, 30)
    landed = len(landed_ids(settings))
    assert landed >= 1
    assert ask(settings, 30).landed_before == landed


def test_the_rate_limit_is_kept_so_that_none_is_refused(tmp_path: Path, standin: StandIn) -> None:
    settings = make_home(tmp_path, standin, rate_limit=12, rate_window_s=0.5)
    standin.queries.rate_limit, standin.queries.rate_window_s = 12, 0.5
    assert ask(settings, 40).landed == 40
    assert standin.queries.statuses[429] == 0


def test_the_rate_limit_is_kept_over_two_calls(tmp_path: Path, standin: StandIn) -> None:
    settings = make_home(tmp_path, standin, rate_limit=12, rate_window_s=1.0)
    standin.queries.rate_limit, standin.queries.rate_window_s = 12, 1.0
    ask(settings, 9)
    ask(settings, 18)
    assert standin.queries.statuses[429] == 0


def test_parallelism_is_bounded(tmp_path: Path, standin: StandIn) -> None:
    settings = make_home(tmp_path, standin, parallel=3)
    standin.faults.always = Fault(slow_s=0.1)
    ask(settings, 12)
    assert 2 <= standin.queries.most_at_once <= 3  # a slow machine may never have all at once


def test_a_reply_that_lists_errors_lands_and_is_told(settings: Settings, standin: StandIn) -> None:
    standin.faults.add([Fault(errors=True)] * 2)
    summary = ask(settings, 5)
    assert (summary.landed, summary.with_errors, summary.failed) == (5, 2, 0)
    assert sum("Errors" in body["Meta"] for body in read_landed(settings)) == 2
    assert ask(settings, 5).landed == 0
    again = ask(settings, 5, retry_errors=True)
    assert (again.landed, again.with_errors, again.landed_before) == (2, 0, 3)


def test_a_reply_of_another_event_type_lands_and_is_told(
    settings: Settings, standin: StandIn
) -> None:
    standin.faults.add([Fault(event_type="Query"), Fault(event_type="Arrival")])
    assert ask(settings, 5).unexpected == 1
    assert landed_ids(settings) == FIVE


def test_a_refused_request_fails_alone_and_is_asked_next_time(
    settings: Settings, standin: StandIn
) -> None:
    standin.faults.add([Fault(status=400)])
    first = ask(settings, 5)
    assert (first.landed, first.failed, dict(first.failures)) == (4, 1, {"status_400": 1})
    second = ask(settings, 5)
    assert (second.landed, second.landed_before) == (1, 4)
    assert landed_ids(settings) == FIVE


def test_a_reply_over_the_cap_fails_alone(tmp_path: Path, standin: StandIn) -> None:
    settings = make_home(tmp_path, standin, max_reply_bytes=2048)
    queries = [make_query("P1"), make_query("P" * 4000)]
    summary = pull(settings, PullRequest((write_requests(tmp_path / "r", queries),)))
    assert (summary.landed, dict(summary.failures)) == (1, {"reply_too_large": 1})


def test_many_failures_in_a_row_end_the_pull(tmp_path: Path, standin: StandIn) -> None:
    settings = make_home(tmp_path, standin, max_attempts=2, give_up_after=6)
    ask(settings, 5)
    standin.faults.always = Fault(status=503)
    with pytest.raises(TransientError, match=r"6 requests in a row had no answer .*status_503"):
        ask(settings, 1000)
    assert standin.queries.statuses[503] <= 2 * (6 + settings.pull.parallel)


def test_refusals_from_the_start_end_the_pull(settings: Settings, standin: StandIn) -> None:
    standin.faults.always = Fault(status=404)
    with pytest.raises(PermanentError, match=r"all refused .*status_404.*check pull.endpoint"):
        ask(settings, 1000)
    assert standin.queries.statuses[404] <= 50 + settings.pull.parallel


def test_nobody_listening_is_a_transient_error(tmp_path: Path, standin: StandIn) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}/endpoint"
        settings = make_home(tmp_path, standin, endpoint=endpoint, max_attempts=2)
        with pytest.raises(TransientError, match="connection"):
            ask(settings, 50)


def test_what_landed_is_not_asked_again(settings: Settings, standin: StandIn) -> None:
    ask(settings, 3)
    assert plan_pull(settings, _request(settings, 5)).to_ask == 2
    summary = ask(settings, 5)
    assert (summary.landed, summary.landed_before) == (2, 3)
    assert set(standin.queries.asked.values()) == {1}
    assert len(list(settings.incoming_path.glob("*.seg"))) == 2


def _request(settings: Settings, count: int) -> PullRequest:
    queries = [make_query(f"P{number}") for number in range(count)]
    return PullRequest((write_requests(settings.home.parent / "requests", queries),))


def test_a_new_partition_and_a_new_day_ask_anew(settings: Settings, standin: StandIn) -> None:
    days = list_days(date(2026, 1, 1), date(2026, 1, 2))
    assert ask(settings, 2, days=days).landed == 4
    assert ask(settings, 2, days=days[:1]).landed == 0
    assert ask(settings, 2, days=days[:1], partition="second").landed == 2


def test_segments_close_by_size_and_by_age(tmp_path: Path, standin: StandIn) -> None:
    small = make_home(tmp_path / "small", standin, segment_bytes=2000)
    ask(small, 12)
    assert 3 <= len(list(small.incoming_path.glob("*.seg"))) <= 12
    standin.faults.always = Fault(slow_s=0.06)
    aged = make_home(tmp_path / "aged", standin, segment_age_s=0.1, parallel=1)
    ask(aged, 8)
    assert 2 <= len(list(aged.incoming_path.glob("*.seg"))) <= 5
    assert len(landed_ids(aged)) == 8


def test_received_times_rise_within_a_segment(settings: Settings) -> None:
    ask(settings, 8)
    (segment,) = settings.incoming_path.glob("*.seg")
    times = scan_segment([segment.read_bytes()]).items.received_at_us.tolist()
    assert times == sorted(times)
    assert times[0] > 1_700_000_000_000_000


def test_a_second_pull_of_the_home_is_told_to_wait(settings: Settings, standin: StandIn) -> None:
    standin.faults.always = Fault(slow_s=0.2)
    thread = threading.Thread(target=ask, args=(settings, 8))
    thread.start()
    while not standin.queries.seen_at:
        threading.Event().wait(0.01)
    with pytest.raises(WarehouseBusy, match="Another pull of this home is running"):
        ask(settings, 1)
    assert recover_pull(settings) == 0
    thread.join()
    assert ask(settings, 8).landed_before == 8


def test_files_are_for_their_owner_only(settings: Settings) -> None:
    ask(settings, 2)
    made = [*(settings.home / "pull").rglob("*"), *settings.incoming_path.rglob("*")]
    assert {file.stat().st_mode & 0o077 for file in made} == {0}
    assert len(made) >= 4
