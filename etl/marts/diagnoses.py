"""View evidence.diagnosis: every list of diagnoses or problems with codes, of all data models.

Problem lists of Clinical Summary are problems, what claims and charges carry is billing, all other
lists belong to an encounter. A family's problems are not the patient's.
"""

from __future__ import annotations

from collections.abc import Iterator

from etl.marts.evidence import Columns, CompiledView, project, typed, union_all
from etl.marts.mentions import Mention, patient_place, visit_place
from etl.sql_text import quote
from models.catalog.records import Catalog, JsonType
from models.tables.naming import last_key
from models.tables.plan import WarehousePlan

DIAGNOSIS = "evidence.diagnosis"
_LISTS = (
    "AdmissionDiagnosis",
    "Diagnoses",
    "Diagnosis",
    "DischargeDiagnosis",
    "Problems",
    "ResolvedProblems",
)
_PROBLEM_LISTS = ("Problems", "ResolvedProblems")
_BILLING_MODELS = ("Claim", "Financial")
_NOT_THE_PATIENT = "FamilyHistory[]"

_COLUMNS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("code", "VARCHAR", ("Code",)),
    ("code_system", "VARCHAR", ("Codeset", "CodeSystemName", "CodeSystem")),
    ("code_system_oid", "VARCHAR", ("CodeSystem",)),
    ("description", "VARCHAR", ("Name", "Description")),
    ("source_type", "VARCHAR", ("Type", "Category.Name")),
    ("status", "VARCHAR", ("Status.Name",)),
    ("status_code", "VARCHAR", ("Status.Code",)),
    ("is_negative", "BOOLEAN", ("IsNegativeIndicator",)),
    ("onset_at", "TIMESTAMPTZ", ("StartDate",)),
    ("resolved_at", "TIMESTAMPTZ", ("EndDate",)),
    ("documented_at", "TIMESTAMPTZ", ("DocumentedDateTime",)),
)
_DERIVED = (
    ("data_model", "VARCHAR", ""),
    ("list", "VARCHAR", ""),
    ("condition_type", "VARCHAR", ""),
    ("ordinal", "INTEGER", ""),
    ("patient_path", "VARCHAR", ""),
    ("visit_path", "VARCHAR", ""),
)


def compile_diagnoses(
    catalog: Catalog, plan: WarehousePlan, tables: frozenset[str]
) -> CompiledView:
    """The view over those lists whose tables there are."""
    places = [p for p in _places(catalog, plan) if p.table.qualified_name in tables]
    columns: Columns = (
        *((name, kind, "") for name, kind, _ in _COLUMNS),
        *_DERIVED,
    )
    reads = ", ".join(place.table.qualified_name for place in places) or "nothing"
    return CompiledView(
        DIAGNOSIS,
        f"""\
-- Diagnoses and problems, wherever messages list them.
-- grain: one row per message and element of a list; key: message_id, path
-- reads: {reads}
{union_all((_select(place) for place in places), typed(columns))}""",
    )


def _places(catalog: Catalog, plan: WarehousePlan) -> Iterator[Mention]:
    for name, model in sorted(catalog.data_models.items(), key=lambda item: item[1].schema):
        listed = {field.path for field in catalog.fields[name]}
        arrays = {f.path for f in catalog.fields[name] if f.json_type is JsonType.ARRAY}
        for path in sorted(arrays):
            is_list = last_key(path) in _LISTS and f"{path}.Code" in listed
            if is_list and not path.startswith(_NOT_THE_PATIENT):
                tables = plan.models[name]
                yield Mention(name, model.schema, path, tables[path], tables)


def _select(place: Mention) -> str:
    columns: Columns = tuple(
        (name, kind, next((one for one in below if place.column(one)), below[0]))
        for name, kind, below in _COLUMNS
    )
    derived: Columns = (
        ("data_model", "VARCHAR", quote(place.data_model)),
        ("list", "VARCHAR", quote(place.path)),
        ("condition_type", "VARCHAR", quote(_condition_type(place))),
        ("ordinal", "INTEGER", f"o.{place.table.ordinals[-1]}"),
        ("patient_path", "VARCHAR", patient_place(place, "o")),
        ("visit_path", "VARCHAR", visit_place(place, "o")),
    )
    return project(place, columns, derived)


def _condition_type(place: Mention) -> str:
    if place.data_model in _BILLING_MODELS:
        return "billing"
    return "problem" if last_key(place.path) in _PROBLEM_LISTS else "encounter"
