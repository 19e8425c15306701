"""The HTML report: its numbers are SQL's, it is one file, it repeats nothing it must not."""

from __future__ import annotations

import re
import stat
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from reliability_demo import LAKESIDE, WESTBROOK, connect_demo
from reliability_page import NOW, build
from reliability_world import Feed, connect_world, expect, list_fields, send

from etl.errors import UsageFault
from etl.report import history, payload
from etl.report.build import build_report
from etl.report.records import ReportOptions, Verdict


def small_world(**feed: Any) -> duckdb.DuckDBPyConnection:
    connection = connect_world()
    list_fields(connection, ["Patient.Name", "Patient.Age"], events=["Arrival"])
    expect(connection, "Patient.Name", "Reliable", source="page|note")
    rates = {"Patient.Name": 0.5, "Patient.Age": 0.25}
    send(connection, [Feed("north", "Arrival", 100, rates, **feed)], days=10)
    return connection


@pytest.fixture(scope="module")
def demo() -> duckdb.DuckDBPyConnection:
    return connect_demo()


def test_every_number_of_the_page_is_sqls(demo: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    _, data = build(demo, tmp_path)
    rows, feeds = data["rows"], data["feeds"]
    told = {
        (
            data["senders"][feeds[feed][0]][1],
            data["models"][feeds[feed][1]],
            data["events"][feeds[feed][2]],
            data["fields"][rows["field"][row]][1],
        ): (
            rows["populated"][row], feeds[feed][3], rows["low"][row], rows["high"][row],
            data["verdicts"][rows["verdict"][row]], data["texts"][rows["text"][row]],
            data["ratings"][rows["rating"][row]], data["bases"][rows["basis"][row]],
            rows["elements"][row], rows["elementsOf"][row], rows["elementRate"][row],
            rows["carrying"][row],
        )
        for row, feed in enumerate(rows["feed"])
    }  # fmt: skip

    meant = {
        (source, model, event, path): tuple(values)
        for source, model, event, path, *values in demo.execute(
            "select source_id, data_model, event_type, path, messages_populated, messages,"
            " round(rate_low * 10000)::int, round(rate_high * 10000)::int, verdict,"
            " if(rating is null, '', verdict_text),"
            " coalesce(rating, ''), coalesce(rating_basis, ''), elements, element_denominator,"
            " round(element_rate * 10000)::int, organizations_carrying from quality.field_verdict"
        ).fetchall()
    }
    assert told == meant


def test_every_series_of_the_page_is_sqls(demo: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    _, data = build(demo, tmp_path)
    rows, feeds = data["rows"], data["feeds"]
    told = set()
    for row, feed in enumerate(rows["feed"]):
        sender, model, event, _, days, messages = feeds[feed]
        series = rows["series"][row]
        if series != 0:
            key = (data["senders"][sender][1], data["models"][model], data["events"][event],
                   data["fields"][rows["field"][row]][1])  # fmt: skip
            filled = messages if series == 1 else series
            told |= {
                (*key, data["days"][day], populated, total)
                for day, populated, total in zip(days, filled, messages, strict=True)
            }

    meant = set(demo.execute(
        "select source_id, data_model, event_type, path, day::varchar, messages_populated, messages"
        " from quality.field_day"
    ).fetchall())  # fmt: skip
    assert told == meant


def test_summary_counts_what_sql_counts(demo: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    summary = build_report(demo, tmp_path / "report.html", options=ReportOptions(generated_at=NOW))

    verdicts = dict(demo.execute(
        "select verdict, count(*) from quality.field_verdict group by verdict"
    ).fetchall())  # fmt: skip
    assert {verdict.value: number for verdict, number in summary.verdicts.items()} == verdicts
    assert [(summary.changes, summary.failing)] == demo.execute(
        "select (select count(*) from quality.field_drift),"
        " (select count(*) from quality.field_verdict where fails_check)"
    ).fetchall()
    assert (summary.sources, summary.silences) == (3, 1)
    assert summary.size_bytes == (tmp_path / "report.html").stat().st_size


def test_changes_are_told_as_sentences(demo: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    page, _ = build(demo, tmp_path)

    assert re.search(
        r"Visit\.VisitNumber of Westbrook Health fell from 97% to 1\d% on March 21, 2026\.", page
    )
    assert "Patient.Demographics.PhoneNumber.Mobile of Lakeside Hospital vanished" in page
    assert "Lakeside Hospital sent no Scheduling for" in page


def test_page_is_one_file_that_asks_nothing_of_a_network(
    demo: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    page, _ = build(demo, tmp_path)

    assert "default-src 'none'" in page
    assert not re.search(r"\ssrc\s*=|url\(|@import|<link|\bfetch\(|XMLHttpRequest|WebSocket", page)
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) <= {"http://www.w3.org/2000/svg"}


def test_page_is_for_its_owner_only_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    build(small_world(), tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert stat.S_IMODE((tmp_path / "report.html").stat().st_mode) == 0o600


def test_same_facts_give_the_same_page(demo: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    first, _ = build(demo, tmp_path)
    second, _ = build(demo, tmp_path)

    assert first == second


def test_choice_of_model_source_and_event_is_kept(
    demo: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    _, data = build(demo, tmp_path, data_model="PatientAdmin", source_id=WESTBROOK,
                    event_type="Arrival")  # fmt: skip
    _, by_name = build(demo, tmp_path, source_id="Lakeside Hospital")

    assert (data["models"], data["events"]) == (["PatientAdmin"], ["Arrival"])
    assert [sender[1] for sender in data["senders"]] == [WESTBROOK]
    assert [sender[1] for sender in by_name["senders"]] == [LAKESIDE]


def test_test_messages_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    connection = small_world()
    send(connection, [Feed("north", "Arrival", 3, {"Patient.Name": 0}, is_test=True)])

    _, without = build(connection, tmp_path)
    page, both = build(connection, tmp_path, include_test=True)

    assert [name for name, *_ in without["senders"]] == ["north"]
    assert [name for name, *_ in both["senders"]] == ["north", "north (test)"]
    assert "Test messages included." in page
    assert "<dt>Sources</dt><dd>1</dd>" in page


def test_only_test_messages_are_shown_with_a_note(tmp_path: Path) -> None:
    page, data = build(small_world(is_test=True), tmp_path)

    assert "Test messages only." in page
    assert [name for name, *_ in data["senders"]] == ["north (test)"]


def test_empty_warehouse_gives_a_page_that_says_so(tmp_path: Path) -> None:
    page, data = build(connect_world(), tmp_path)

    assert "No messages are counted yet" in page
    assert data["rows"]["feed"] == []


def test_names_that_could_hold_data_are_not_printed(tmp_path: Path) -> None:
    connection = connect_world()
    list_fields(connection, ["Patient.Name"], events=["Arrival"])
    send(connection, [
        Feed("</script><b>Jane Doe</b>", "Arrival", 50, {"Patient.Name": 1}),
        Feed("north", "born 1970-01-01 Jane", 50, {"Patient.Name": 1}),
        Feed("", "Arrival", 50, {"Patient.Name": 1}),
    ])  # fmt: skip

    page, data = build(connection, tmp_path)

    assert "Jane" not in page
    assert {name for name, *_ in data["senders"]} == {"(odd source 1)", "north", "(no source)"}
    assert "(odd event type 1)" in data["events"]


def test_source_of_a_rating_is_told_by_its_title(tmp_path: Path) -> None:
    _, data = build(small_world(), tmp_path, source_titles={"page": "Patient admin page"})

    row = data["verdicts"].index(Verdict.BELOW)
    source = data["rows"]["source"][data["rows"]["verdict"].index(row)]
    assert data["ratingSources"][source] == "Patient admin page; note"


def test_of_too_many_checks_the_rated_ones_stay_and_all_are_counted(
    demo: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    page, data = build(demo, tmp_path, max_rows=1000)

    total, rated = demo.execute(
        "select count(*), count(rating) from quality.field_verdict"
    ).fetchall()[0]
    assert len(data["rows"]["feed"]) == 1000 > rated == sum(map(bool, data["rows"]["rating"]))
    assert f"{total - 1000:,} checks of unrated fields that are" in page
    not_rated = demo.execute(
        "select count(*) from quality.field_verdict where verdict = 'not_documented'"
    ).fetchall()[0][0]
    assert re.search(rf"Not rated</span>\s*<strong>{not_rated:,}</strong>", page)


def test_days_of_too_many_fields_are_left_out_the_changed_ones_last(
    demo: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payload, "MOST_CELLS", 3000)
    _, data = build(demo, tmp_path)

    series = data["rows"]["series"]
    assert sum(len(one) for one in series if isinstance(one, list)) <= 3000
    assert payload.LEFT_OUT in series
    assert all(isinstance(series[row], list) for row, *_ in data["changes"])


def test_a_day_without_messages_keeps_its_place_on_the_axis(tmp_path: Path) -> None:
    connection = connect_world()
    list_fields(connection, ["Patient.Name"], events=["Arrival"])
    send(connection, [Feed("north", "Arrival", [40, 0, 0, 40], {"Patient.Name": 0.5})], days=4)

    _, data = build(connection, tmp_path)

    assert data["days"] == ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"]
    assert data["feeds"][0][4] == [0, 3]


def test_the_first_screen_says_whose_field_how_bad_since_when_and_what_to_do(
    demo: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    page, _ = build(demo, tmp_path)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))

    rated, total = demo.execute(
        "select count(rating_basis), count(*) from quality.field_verdict"
    ).fetchall()[0]
    assert re.search(rf"{rated:,} of {total:,} checks \(\d+%\) have a rating[:;]", text)
    assert re.search(
        r"Westbrook Health( and [\w ]+?)? Visit\.VisitNumber fell from \d+% to \d+% of messages of"
        r" PatientAdmin \w+ .*?expected here to be Reliable Since March 21, 2026"
        r" What to do: Ask Westbrook Health",
        text,
    )
    assert "1 source is silent" in page
    assert page.index('id="below"') < page.index('id="changes"') < page.index('id="fields"')


def test_equal_changes_of_many_sources_are_told_once(tmp_path: Path) -> None:
    connection = connect_world()
    list_fields(connection, ["Patient.Name", "Visit.Room"], events=["Arrival"])
    fall = {"Patient.Name": [0.9] * 20 + [0.1] * 10, "Visit.Room": 0.5}
    names = ["north", "south", "east"]
    send(connection, [Feed(name, "Arrival", 200, fall) for name in names], days=30)

    page, _ = build(connection, tmp_path)

    assert page.count("Patient.Name of 3 sources fell on March 21, 2026.") == 1
    assert "3 changes in PatientAdmin" in page


def test_sources_with_nothing_evaluated_are_folded(tmp_path: Path) -> None:
    connection = small_world()
    list_fields(connection, ["Notes"], events=["New"], data_model="Notes")
    send(connection, [Feed("quiet", "New", 3, {"Notes": 1}, data_model="Notes")])

    page, _ = build(connection, tmp_path)

    folded = page[page.index("1 source and data model with nothing evaluated") :]
    assert "quiet" in folded[: folded.index("</details>")]
    assert "quiet" not in page[page.index('id="sources"') : page.index("with nothing evaluated")]


def test_findings_are_counted_by_rule_and_field_with_their_days(tmp_path: Path) -> None:
    connection = small_world()
    connection.execute(
        "insert into quality.rule (rule, severity, area, meaning, action)"
        " values ('time_impossible', 'warning', 'time', 'No such time.', 'Ask.')"
    )
    find(connection, "time_impossible", "Patient.DOB", {date(2026, 3, 1): 3, date(2026, 3, 2): 20})

    page, _ = build(connection, tmp_path)
    hidden, _ = build(connection, tmp_path, suppress_below=11)

    table = page[page.index('id="findings"') : page.index('id="sources"')].replace("<wbr>", "")
    assert "<code>time_impossible</code>" in table and "<code>Patient.DOB</code>" in table
    assert '<td class="num">23</td>' in table and "at most 20 a day" in table
    assert "No such time. Ask." in table
    assert "23 warnings, see" in page
    hidden = hidden[hidden.index('id="findings"') : hidden.index('id="sources"')]
    assert '<td class="num">23</td>' in hidden and "<svg" not in hidden


def find(
    connection: duckdb.DuckDBPyConnection, rule: str, path: str, days: dict[date, int]
) -> None:
    """Count findings of one rule and path."""
    for day, count in days.items():
        connection.execute(
            "insert into quality.finding_count (rule, severity, data_model, event_type, path,"
            " source_id, is_test, day, findings, messages) values ($1, 'warning', 'PatientAdmin',"
            " 'Arrival', $2, 'north', false, $3, $4, $4)",
            [rule, path, day, count],
        )


def test_earlier_reports_are_kept_listed_and_limited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "KEPT_REPORTS", 2)
    for hour in range(4):
        at = NOW + timedelta(hours=hour)
        options = ReportOptions(generated_at=at, earlier=history.list_reports(tmp_path))
        summary = build_report(small_world(), tmp_path / history.NEWEST, options=options)
        history.keep_report(tmp_path, summary, at)

    kept = [one.file for one in history.list_reports(tmp_path)]
    assert kept == [history.dated_name(NOW + timedelta(hours=hour)) for hour in (3, 2)]
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {*kept, history.NEWEST, "history.json"}
    page = (tmp_path / history.NEWEST).read_text()
    assert f'href="{history.dated_name(NOW + timedelta(hours=2))}"' in page
    assert all(stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600 for name in files)
    (tmp_path / "history.json").write_text("[{")
    assert history.list_reports(tmp_path) == ()


def test_file_that_cannot_be_written_is_a_fault_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    options = ReportOptions(generated_at=NOW)

    with pytest.raises(UsageFault, match=r"cannot be written to .*; name another file"):
        build_report(small_world(), tmp_path / "file" / "report.html", options=options)


def test_report_is_made_from_a_read_only_file(tmp_path: Path) -> None:
    world = small_world()
    world.execute(
        f"attach '{tmp_path}/counts.duckdb' as counts; copy from database memory to counts"
    )
    world.execute("detach counts")

    reader = duckdb.connect(str(tmp_path / "counts.duckdb"), read_only=True)
    _, data = build(reader, tmp_path)

    assert data["rows"]["populated"] == [500, 250]
