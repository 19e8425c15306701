"""One message read: whether it fits, what is repeated, and which messages say the same."""

import json
from typing import Any

import pytest

from etl.kernel.run import Status
from tests.kernel.one_message import COMPILED, Seen, message, see, see_payload

COMPACT = (",", ":")


@pytest.mark.parametrize(
    "layout", [{"separators": COMPACT}, {}, {"indent": 2}, {"ensure_ascii": False}]
)
def test_layout_changes_nothing(layout: dict[str, Any]) -> None:
    name = message(Patient={"Demographics": {"FirstName": "Zoë \u0007 \U0001f600"}})
    seen = see_payload(name, **layout)
    assert seen.status is Status.FITS
    assert seen.content_hash == see_payload(name).content_hash


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"Visit":', '"Visit":{},"Visit":'),
        ('"VisitNumber":"1"', '"VisitNumber":"1","VisitNumber":"1"'),
        ('"DataModel":', '"DataModel":"","DataModel":'),
    ],
)
@pytest.mark.parametrize("separators", [COMPACT, (", ", ": ")])
def test_a_repeated_key_is_always_seen(old: str, new: str, separators: tuple[str, str]) -> None:
    raw = json.dumps(message(), separators=COMPACT).replace(old, new)
    spaced = raw.replace('":', f'"{separators[1]}').encode()
    seen = see(spaced)
    assert seen.status is Status.CONFORMED
    assert seen.content_hash != see_payload(message()).content_hash


def test_a_repeated_volatile_key_is_seen_and_not_content() -> None:
    raw = json.dumps(message(), separators=COMPACT).replace('"ID":5', '"ID":5,"ID":5')
    assert see(raw.encode()).status is Status.CONFORMED
    assert see(raw.encode()).content_hash == see_payload(message()).content_hash


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
def test_redelivered_content_has_the_same_content_hash(one: Any, other: Any) -> None:
    assert see_payload(one).content_hash == see_payload(other).content_hash


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_other_content_has_another_content_hash(one: Any, other: Any) -> None:
    assert see_payload(one).content_hash != see_payload(other).content_hash


@pytest.mark.parametrize("spelling", ["100", "100.0", "1e2", "1.00E+2"])
def test_number_spelling_is_no_difference(spelling: str) -> None:
    raw = json.dumps(message(Visit={"Duration": 4711})).replace("4711", spelling)
    plain = see_payload(message(Visit={"Duration": 100}))
    assert see(raw.encode()).content_hash == plain.content_hash


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
    assert see(raw) == Seen(Status.QUARANTINED, reason=reason)


HUGE = ["1e99999999999999999999", "-1e-99999999999999999999", "1e9999999", "0e9999999999"]
NUMBER_PLACES = ["Balance", "Duration", "VisitNumber", "VisitDateTime", "Unlisted", "Insurances"]


@pytest.mark.parametrize("number", [*HUGE, "7" * 500, "0." + "7" * 500])
@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("key", NUMBER_PLACES)
def test_no_number_is_too_large_to_be_kept(number: str, quote: str, key: str) -> None:
    raw = json.dumps(message(Visit={key: "@"})).replace('"@"', quote + number + quote).encode()
    conformed = COMPILED.exact.conform(raw)
    kept = [value.value for value in conformed.aside.unplaced]
    kept += [form.received for form in conformed.aside.forms]
    assert quote + number + quote in kept or json.loads(conformed.line)["Visit"][key] == number
    assert see(raw).status in (Status.CONFORMED, Status.FITS)


def test_numbers_of_many_digits_are_not_rounded_for_comparing() -> None:
    one, other = (f"{'1' * 30}{last}e50" for last in "12")
    raw = json.dumps(message(Unlisted="@"))
    assert (
        see(raw.replace('"@"', one).encode()).content_hash
        != see(raw.replace('"@"', other).encode()).content_hash
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
    aside = COMPILED.exact.conform(raw).aside
    slug = json.dumps(*extensions)[1:-1]
    for row in aside.extensions:
        "".join((row.owner_path, row.slug, row.value_type, row.url, row.value)).encode()
        assert row.value_type or not row.value
    assert bool(aside.extensions) is not any(slug in value.path for value in aside.unplaced)
