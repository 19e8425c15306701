"""What a site says of its patients: which type of identifier is a source's own, who is one person.

`HOME/persons.csv` (columns patient_id, person_id) maps patients of several sources to persons; a
patient that it does not name is a person of its own.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from etl.errors import UsageFault
from etl.marts.projection import CompiledView
from etl.sections import MartSettings
from etl.sql_text import literal_path, quote

PERSONS_FILE = "persons.csv"
ID_TYPE = "evidence.patient_id_type"
PERSON = "evidence.person"
_COLUMNS = {"patient_id", "person_id"}


@dataclass(frozen=True, slots=True)
class Site:
    """The site's own facts. `persons_hash` is of the file's content, empty without a file."""

    patient_id_types: Mapping[str, str]
    severities: Mapping[str, str]
    persons: Path | None
    persons_hash: str


def read_site(home: Path, settings: MartSettings) -> Site:
    """The facts of a home; raises UsageFault for a crosswalk without its columns."""
    path = home / PERSONS_FILE
    found = path if path.is_file() else None
    if found:
        _check_header(found)
    hashed = hashlib.sha256(found.read_bytes()).hexdigest()[:16] if found else ""
    return Site(settings.patient_id_types, settings.checks, found, hashed)


def _check_header(path: Path) -> None:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = {name.strip() for name in next(csv.reader(file), [])}
    except UnicodeDecodeError:
        raise UsageFault(f"{PERSONS_FILE} is not UTF-8 text; save it as UTF-8.") from None
    if not header >= _COLUMNS:
        raise UsageFault(
            f"{PERSONS_FILE} needs the columns patient_id and person_id; correct its header."
        )


def compile_site(site: Site) -> tuple[CompiledView, ...]:
    """The site's facts as views."""
    return (
        CompiledView(ID_TYPE, _id_types(site.patient_id_types)),
        CompiledView(PERSON, _persons(site)),
    )


def _id_types(types: Mapping[str, str]) -> str:
    rows = [f"({quote(source)}, {quote(kind)})" for source, kind in sorted(types.items())]
    values = ", ".join(rows) or "(null, null)"
    return f"""\
-- The identifier type by which a source names its patients, as set in marts.patient_id_types.
-- grain: one row per source; key: source_id
-- reads: nothing
select
  cast(source_id as varchar) as source_id,
  cast(id_type as varchar) as id_type
from (values {values}) as given(source_id, id_type)
where source_id is not null"""


def _persons(site: Site) -> str:
    file = quote(literal_path(str(site.persons))) if site.persons else ""
    source = f"from read_csv({file}, all_varchar = true, header = true)" if file else "where false"
    columns = ("patient_id", "person_id") if file else ("null", "null")
    return f"""\
-- Which patients are the same person, as the site listed them (HOME/{PERSONS_FILE}).
-- grain: one row per patient; key: patient_id
-- stored: whole
-- reads: nothing
-- columns:
--   patient_id: source and identifier
--   person_id: the site's identifier of the person
-- content: {site.persons_hash}
select
  cast({columns[0]} as varchar) as patient_id,
  min(cast({columns[1]} as varchar)) as person_id
{source}
group by 1"""
