"""Value sets: what is judged, which value is suggested, and columns judged like their values."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.check.value_sets import ValueSetChecker
from models.catalog.records import Catalog, Synonym, ValueSet, ValueSetKind

SEX = ("Female", "Male", "Nonbinary", "Other", "Unknown")
CODESETS = ("CPT", "HCPCS", "ICD-10", "ICD-9", "Unknown")


def make_set(
    name: str, values: Iterable[str], kind: ValueSetKind = ValueSetKind.CLOSED
) -> ValueSet:
    return ValueSet(name, kind, tuple(values), source="")


def make_checker(
    *value_sets: ValueSet, synonyms: Iterable[tuple[str, str, str]] = ()
) -> ValueSetChecker:
    """A checker of a catalog that holds nothing but value sets and synonyms."""
    catalog = Catalog(
        data_models={},
        fields={},
        expectations=(),
        value_sets={value_set.name: value_set for value_set in value_sets},
        synonyms=tuple(Synonym(*synonym, reason="") for synonym in synonyms),
        rules={},
        sources={},
        reliability_settings={},
        content_hash="",
    )
    return ValueSetChecker(catalog)


CHECKER = make_checker(
    make_set("Sex", SEX),
    make_set("Codeset", CODESETS),
    make_set("PatientClass", ["Inpatient"], ValueSetKind.EXAMPLES),
    make_set("Marks", ["<", ">", "a b", "A-B"]),
    synonyms=[
        ("Sex", "F", "Female"),
        ("Sex", "Woman", "Female"),
        ("Codeset", "F", "ICD-9"),
        ("Codeset", "2.16.840.1.113883.6.90", "ICD-10"),
        ("Marks", "lt", "<"),
        ("Marks", "L.T.", ">"),
        ("PatientClass", "I", "Inpatient"),
    ],
)


@pytest.mark.parametrize(
    ("value_set", "value", "suggestion"),
    [
        ("Sex", "F", "Female"),  # an exact synonym
        ("Codeset", "F", "ICD-9"),  # of this set, not of another
        ("Sex", "f", "Female"),  # a synonym in another case
        ("Sex", "WOMAN ", "Female"),
        ("Sex", "female", "Female"),  # a value in another case
        ("Sex", "Non-Binary", "Nonbinary"),
        ("Sex", " unknown", "Unknown"),
        ("Codeset", "icd 10", "ICD-10"),
        ("Codeset", "ICD10", "ICD-10"),
        ("Codeset", "2.16.840.1.113883.6.90", "ICD-10"),
        ("Sex", "X", ""),
        ("Sex", "?", ""),  # nothing but punctuation is near to nothing
        ("Sex", " ", ""),
        ("Marks", "lt", "<"),
        ("Marks", "LT", ""),  # alike to two synonyms that mean different values
        ("Marks", "ab", ""),  # alike to two values
        ("Marks", "≤", ""),
    ],
)
def test_value_outside_gets_the_nearest_supported_value(
    value_set: str, value: str, suggestion: str
) -> None:
    assert CHECKER.find_violations(pa.array([value]), value_set) == [(0, suggestion)]


@pytest.mark.parametrize("value", SEX)
def test_every_listed_value_is_supported(value: str) -> None:
    assert CHECKER.find_violations(pa.array([value]), "Sex") == []


@pytest.mark.parametrize("kind", [kind for kind in ValueSetKind if kind is not ValueSetKind.CLOSED])
def test_only_closed_sets_are_checked(kind: ValueSetKind) -> None:
    checker = make_checker(make_set("Some", ["listed"], kind))
    assert checker.find_violations(pa.array(["not listed"]), "Some") == []


@pytest.mark.parametrize("value_set", ["", "No Such Set"])
def test_unknown_set_checks_nothing(value_set: str) -> None:
    assert CHECKER.find_violations(pa.array(["anything"]), value_set) == []


@pytest.mark.parametrize("value", ["", None])
def test_what_is_not_populated_is_not_checked(value: str | None) -> None:
    assert CHECKER.find_violations(pa.array([value], pa.string()), "Sex") == []


VALUES = st.lists(
    st.one_of(st.none(), st.sampled_from(["", "F", "female", "X", *SEX]), st.text(max_size=5))
)


@pytest.mark.parametrize("string_type", [pa.string(), pa.large_string(), pa.string_view()])
@settings(deadline=None)
@given(values=VALUES, start=st.integers(0, 5))
def test_column_is_checked_like_its_values(
    string_type: pa.DataType, values: list[str | None], start: int
) -> None:
    column = pa.array(values, string_type).slice(min(start, len(values)))
    alone = (
        CHECKER.find_violations(pa.array([one], pa.string()), "Sex") for one in column.to_pylist()
    )
    expected = [(row, suggestion) for row, found in enumerate(alone) for _, suggestion in found]

    assert CHECKER.find_violations(column, "Sex") == expected
    assert CHECKER.find_violations(pa.chunked_array([column, column]), "Sex") == [
        *expected,
        *((row + len(column), suggestion) for row, suggestion in expected),
    ]
