"""The page of the marts, written from their headers: what each is, its key, its columns, its tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from etl.marts.checks import mart_checks
from etl.marts.header import Header, read_header

INTRODUCTION = """\
# Marts

Written from the headers of `sql/mart/` by `make docs`. Raw tables hold what messages said; a mart
holds the current state. Every published version has the marts in schema `mart`, as Parquet beside the
raw tables and as views in the version's DuckDB file. `redox-warehouse publish` creates them.
`catalog.html` in the folder of a version shows them as a map, with their row counts.

Test messages and queries are left out; replies count as the state at their time. A null in a newer
message does not erase anything: the newest known value wins.

- `patient_id` is source and identifier, such as `7ce6f387:00012`. `encounter_id` and `appointment_id`
  are source and visit number, so that they are equal for the same visit. A reference to something
  that no message described is null, and the received number is in the column beside it.
- Every time is in UTC and has a date column beside it. Use the date column, because `time::date`
  depends on the time zone of your session.
- `first_seen_at`, `last_seen_at` and `messages` show when and how often something was reported.
- Code systems have standard names (`LOINC`, `ICD-10-CM`, `SNOMED-CT`, `CPT`, `HCPCS`, `NDC`, `RxNorm`,
  `CVX`); an unknown name stays as received.

Schema `tuva` has tables of the input layer of the Tuva project (0.18), with its columns: `patient`,
`encounter`, `appointment`, `condition`, `procedure`, `lab_result`, `observation`, `medication`,
`immunization`, `location`, `practitioner`, `eligibility` and `medical_claim`. With dbt-duckdb and the
version's file attached as `redox`, a model is one line: `select * from redox.tuva.patient`.
`tests/catalog/tuva_columns.csv` explains why some columns are always null,
`tests/catalog/tuva_tables.csv` why two tables are not filled.

Every version is tested against the headers; the results are in `quality.mart_check`. A version with a
duplicate key, an unknown word or a count of messages that is off is not published. A broken reference
or two times in the wrong order are warnings. `[marts] checks` in the
[configuration](configuration.md) changes that.

```sql
select mart, test, severity, violations, examined
from quality.mart_check
where not is_passed
```
"""


def render_marts(files: Mapping[str, str]) -> str:
    """Markdown: one section per mart; `files` are the texts of sql/mart by qualified name."""
    headers = {name: read_header(text) for name, text in sorted(files.items())}
    lines = [INTRODUCTION, "| mart | one row per | key |", "|---|---|---|"]
    for name, header in headers.items():
        grain = header.grain.removeprefix("one row per ")
        key = ", ".join(f"`{column}`" for column in header.key)
        lines.append(f"| [{name}](#{name.replace('.', '')}) | {grain} | {key} |")
    checks = mart_checks(files, {})
    for name, header in headers.items():
        tests = [f"{check.name} ({check.severity})" for check in checks if check.mart == name]
        lines += ["", *_section(name, header, tests)]
    return "\n".join(lines) + "\n"


def _section(name: str, header: Header, tests: list[str]) -> Iterator[str]:
    yield f"## {name}\n\n{header.comment}\n"
    for column, words in header.words.items():
        yield f"- `{column}`: {', '.join(words)}."
    for column, target in header.refers:
        yield f"- `{column}` names a row of `{target}`."
    yield f"- Tests: {', '.join(tests)}.\n"
    yield "| column | meaning |\n|---|---|"
    for column, meaning in header.columns.items():
        yield f"| `{column}` | {meaning.replace('|', chr(92) + '|')} |"
