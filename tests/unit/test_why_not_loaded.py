"""Objects that name no data model of the catalog: their reason, and what they say of themselves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from etl.conform.exact_json import JsonObject, parse_exact
from etl.conform.unknown import describe, why_not_loaded
from etl.records import About

KNOWN = {"PatientAdmin"}
HEADER = {"resource": {"resourceType": "MessageHeader", "source": {"endpoint": "urn:sender"}}}


def read(value: Any) -> JsonObject:
    found = parse_exact(json.dumps(value).encode(), max_depth=50)
    assert isinstance(found, JsonObject)
    return found


@pytest.mark.parametrize(
    ("message", "reason", "about"),
    [
        ({"Meta": {"DataModel": "PatientAdmin"}}, "", About("PatientAdmin")),
        (
            {"Meta": {"DataModel": "Insurance", "Source": {"ID": "s"}}},
            "unknown_data_model",
            About("Insurance", "s"),
        ),
        ({"Meta": {"DataModel": "FHIR.Encounter"}}, "fhir_message", About("FHIR.Encounter")),
        ({"resourceType": "Bundle", "entry": [HEADER]}, "fhir_message", About("FHIR Bundle", "urn:sender")),
        ({"resourceType": "Bundle", "entry": [1, {}]}, "fhir_message", About("FHIR Bundle")),
        ({"resourceType": "Bundle", "entry": "x"}, "fhir_message", About("FHIR Bundle")),
        ({"resourceType": "a patient's value"}, "no_meta", About()),
        ({"Meta": {"DataModel": 1.0}}, "no_meta", About()),
        ({"Meta": {"DataModel": ""}, "Patient": {}}, "no_meta", About()),
        ({"Meta": {"DataModel": "Other", "Source": [1]}}, "unknown_data_model", About("Other")),
        ({"Meta": {"DataModel": "x" * 900}}, "unknown_data_model", About("x" * 200)),
    ],
)  # fmt: skip
def test_reason_and_description(message: Any, reason: str, about: About) -> None:
    assert why_not_loaded(read(message), KNOWN) == reason
    assert describe(read(message)) == about
