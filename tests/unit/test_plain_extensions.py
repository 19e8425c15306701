"""Extensions read in their usual form are those of the exact way; what is unusual is left to it."""

from __future__ import annotations

import pytest

from etl.conform.conformer import PutAside, put_extensions_aside
from etl.conform.exact_json import parse_exact
from etl.conform.plain_extensions import put_plain_extensions

USUAL = [
    "{}",
    '{"a": {}}',
    '{"a": {"url": "https://example.org/a", "string": "blue"}}',
    '{"a": {"url": null, "string": ""}, "b": {"url": "u"}}',
    '{"": {"integer": 7, "decimal": 1.50, "big": 12345678901234567890, "e": 1E+2}}',
    '{"a": {"boolean": true, "other": false, "none": null}}',
    '{"a": {"coding": {"code": "7", "display": "\u00e9t\u00e9"}, "list": [1, [], {}]}}',
    '{"a": {"coding": {"code": 1, "code": null}}}',
    ' { "a" : { "url" : "u" , "coding" : { "code" : "7" } } } ',
]
UNUSUAL = [
    "[]",
    "7",
    '"text"',
    "null",
    '{"a": 1}',
    '{"a": null}',
    '{"a": {"string": "x"}, "a": {"string": "y"}}',
    '{"a": {"string": "x", "string": "y"}}',
    '{"a": {"string": "x", "string": null}}',
    '{"a": {"url": 7}}',
    '{"a": {"url": {"b": "c"}}}',
    '{"a": {"": "x"}}',
    '{"a\\u0062": {"string": "x"}}',
    '{"a": {"string": "\\ud800"}}',
]


def _exactly(text: str) -> PutAside:
    aside = PutAside()
    put_extensions_aside(parse_exact(text.encode(), max_depth=99), "Patient", (1,), aside)
    return aside


@pytest.mark.parametrize("text", USUAL)
def test_usual_is_what_the_exact_way_gives(text: str) -> None:
    aside = PutAside()
    assert put_plain_extensions(text.encode(), "Patient", (1,), aside, max_depth=99)
    assert aside == _exactly(text)


@pytest.mark.parametrize("text", UNUSUAL)
def test_unusual_is_left_alone(text: str) -> None:
    aside = PutAside()
    assert not put_plain_extensions(text.encode(), "Patient", (1,), aside, max_depth=99)
    assert aside == PutAside()


def test_earlier_value_of_an_empty_one_is_kept() -> None:
    aside = _exactly('{"a": {"coding": {"code": 1, "code": null}}}')
    assert [value.value for value in aside.unplaced] == ["1"]
