"""One message judged: whether it fits, what is repeated, and which messages say the same."""

import json
from typing import Any

import pytest

from etl.conform.judge import Judge, Judgement, Limits, Status
from models.catalog import read_catalog

JUDGE = Judge(read_catalog(), Limits(max_bytes=2**20, max_depth=64))
META = {
    "DataModel": "PatientAdmin",
    "EventType": "Arrival",
    "EventDateTime": "2026-03-01T08:00:00.000Z",
    "Logs": [{"ID": "log-1", "AttemptID": 'attempt "1"'}],
    "Transmission": {"ID": 5},
}
COMPACT = (",", ":")


def message(meta: dict[str, Any] | None = None, **sections: Any) -> dict[str, Any]:
    return {"Meta": META | (meta or {}), "Visit": {"VisitNumber": "1"}} | sections


def judge(payload: Any, **layout: Any) -> Judgement:
    return JUDGE.judge(json.dumps(payload, **layout).encode())


@pytest.mark.parametrize(
    "layout", [{"separators": COMPACT}, {}, {"indent": 2}, {"ensure_ascii": False}]
)
def test_layout_changes_nothing(layout: dict[str, Any]) -> None:
    name = message(Patient={"Demographics": {"FirstName": "Zoë \u0007 \U0001f600"}})
    judged = judge(name, **layout)
    assert judged.status is Status.FITS
    assert judged.fingerprint == judge(name).fingerprint


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"Visit":', '"Visit":{},"Visit":'),
        ('"ID":5', '"ID":5,"ID":5'),
        ('"VisitNumber":"1"', '"VisitNumber":"1","VisitNumber":"1"'),
        ('"DataModel":', '"DataModel":"","DataModel":'),
    ],
)
@pytest.mark.parametrize("separators", [COMPACT, (", ", ": ")])
def test_a_repeated_key_is_always_seen(old: str, new: str, separators: tuple[str, str]) -> None:
    raw = json.dumps(message(), separators=COMPACT).replace(old, new)
    spaced = raw.replace('":', f'"{separators[1]}').encode()
    judged = JUDGE.judge(spaced)
    assert judged.status is Status.CONFORMED
    assert judged.fingerprint != judge(message()).fingerprint


SAME = [
    (message(), message({"Logs": [{"ID": "log-1", "AttemptID": "2"}], "EventDateTime": "later"})),
    (message(), message({"Transmission": {"ID": 6}})),
    (message({"Logs": [{"AttemptID": "1"}]}), message({"Logs": [{"AttemptID": "2"}]})),
    (message(Visit={"Balance": 12.5}), dict(reversed(message(Visit={"Balance": 12.50}).items()))),
]
OTHER = [
    (message(), message({"Logs": [{"ID": "log-2", "AttemptID": "1"}]})),
    (message({"Logs": []}), message({"Logs": [], "EventDateTime": "later"})),
    (message(), message(Visit={"VisitNumber": "2"})),
    (message(), message(Visit={"VisitNumber": 1})),
    (message(), message(Unlisted=1)),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_redelivered_content_has_the_same_fingerprint(one: Any, other: Any) -> None:
    assert judge(one).fingerprint == judge(other).fingerprint


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_other_content_has_another_fingerprint(one: Any, other: Any) -> None:
    assert judge(one).fingerprint != judge(other).fingerprint


@pytest.mark.parametrize("spelling", ["100", "100.0", "1e2", "1.00E+2"])
def test_number_spelling_is_no_difference(spelling: str) -> None:
    raw = json.dumps(message(Visit={"Duration": 4711})).replace("4711", spelling)
    plain = judge(message(Visit={"Duration": 100}))
    assert JUDGE.judge(raw.encode()).fingerprint == plain.fingerprint


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "truncated"),
        (b"{", "truncated"),
        (b"nonsense", "not_json"),
        (b"[]", "not_object"),
        (b"{}", "no_meta"),
        (b'{"Meta":{"DataModel":"Astrology","EventType":"New"}}', "unknown_data_model"),
        (b'{"Meta":{"DataModel":"PatientAdmin"},"x":NaN}', "non_finite_number"),
        (b'{"Meta":"\xff"}', "bad_utf8"),
        (b"[" * 100 + b"]" * 100, "too_deep"),
        (b" " * (2**20 + 1), "too_large"),
    ],
)
def test_what_is_no_message_has_a_reason(raw: bytes, reason: str) -> None:
    judged = JUDGE.judge(raw)
    assert (judged.status, judged.reason) == (Status.QUARANTINED, reason)


HUGE = ["1e99999999999999999999", "-1e-99999999999999999999", "1e9999999", "0e9999999999"]
NUMBER_PLACES = ["Balance", "Duration", "VisitNumber", "VisitDateTime", "Unlisted", "Insurances"]


@pytest.mark.parametrize("number", [*HUGE, "7" * 500, "0." + "7" * 500])
@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("key", NUMBER_PLACES)
def test_no_number_is_too_large_to_be_kept(number: str, quote: str, key: str) -> None:
    raw = json.dumps(message(Visit={key: "@"})).replace('"@"', quote + number + quote).encode()
    conformed = JUDGE.conform(raw)
    kept = [value.value for value in conformed.aside.unplaced]
    kept += [form.received for form in conformed.aside.forms]
    assert quote + number + quote in kept or json.loads(conformed.line)["Visit"][key] == number
    assert JUDGE.judge(raw).status in (Status.CONFORMED, Status.FITS)


def test_numbers_of_many_digits_are_not_rounded_for_comparing() -> None:
    one, other = (f"{'1' * 30}{last}e50" for last in "12")
    raw = json.dumps(message(Unlisted="@"))
    assert (
        JUDGE.judge(raw.replace('"@"', one).encode()).fingerprint
        != JUDGE.judge(raw.replace('"@"', other).encode()).fingerprint
    )


SURROGATE = "\ud83d"
ODD_EXTENSIONS: list[dict[str, Any]] = [
    {"slug": {"url": "https://synthetic.invalid/x", "": 1}},
    {"slug": {"": {"nested": 1}}},
    {"": {"string": "text"}},
    {SURROGATE: {"string": "text"}},
    {"slug": {SURROGATE: "text"}},
    {"slug": {"url": SURROGATE, "string": "text"}},
    {"slug": {"url": 7, "string": "text"}},
    {"slug": {"string": SURROGATE}},
]


@pytest.mark.parametrize("extensions", ODD_EXTENSIONS)
def test_odd_extensions_are_kept_and_storable(extensions: dict[str, Any]) -> None:
    raw = json.dumps(message(Visit={"VisitNumber": "1", "Extensions": extensions})).encode()
    aside = JUDGE.conform(raw).aside
    slug = json.dumps(*extensions)[1:-1]
    for row in aside.extensions:
        "".join((row.owner_path, row.slug, row.value_type, row.url, row.value)).encode()
        assert row.value_type or not row.value
    assert bool(aside.extensions) is not any(slug in value.path for value in aside.unplaced)
