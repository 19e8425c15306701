"""The SELECT that gives a mart without what identifies a person, by the rules of a mode."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from etl.publish.relations import Column, Relation
from etl.queries.deidentify.rules import DROP, Mode, code_patterns, rule_of, small_zip3
from etl.sql_text import quote

OLDEST = 90
"""Years; ages over 89 are one class."""
_TEXT_KINDS = ("VARCHAR",)


@dataclass(frozen=True, slots=True)
class Told:
    """One column of a copy: its name there, the expression, the column it is made of, the action."""

    name: str
    expression: str
    column: str
    action: str


def told_columns(relation: Relation, mode: Mode, *, least_patients: int) -> Iterator[Told]:
    """The columns of a mart in a copy; what the rules do not allow is left out."""
    for column in relation.columns:
        rule = rule_of(column.name, mode)
        if rule.action == DROP:
            continue
        made = _ACTIONS[rule.action](relation, column, rule.kind, least_patients)
        for suffix, expression in made:
            yield Told(f"{column.name}{suffix}", expression, column.name, rule.action)


def select_of(relation: Relation, mode: Mode, *, least_patients: int) -> str:
    """The whole SELECT; rows come in no order that tells of time."""
    told = list(told_columns(relation, mode, least_patients=least_patients))
    listing = ",\n  ".join(f"{one.expression} as {one.name}" for one in told)
    return f"select\n  {listing}\nfrom {relation.qualified_name} as own"


def id_columns(relation: Relation, mode: Mode) -> Iterator[tuple[str, str]]:
    """(kind, column) of the identifying numbers that get a code."""
    for column in relation.columns:
        rule = rule_of(column.name, mode)
        if rule.action in ("code", "hmac"):
            yield rule.kind, column.name


Made = list[tuple[str, str]]


def _keep(relation: Relation, column: Column, kind: str, least: int) -> Made:
    return [("", f"own.{column.name}")]


def _code(relation: Relation, column: Column, kind: str, least: int) -> Made:
    expression = (
        f"(select code from code_book where kind = {quote(kind)} and value = own.{column.name})"
    )
    return [("", expression)]


def _year(relation: Relation, column: Column, kind: str, least: int) -> Made:
    return [("_year", f"year(own.{column.name})")]


def _is_old(column: Column) -> str:
    """Older than 89 now, or perhaps: only the year counts, as only the year is handed over."""
    return f"year(current_date) - year(own.{column.name}) >= {OLDEST}"


def _birth_year(relation: Relation, column: Column, kind: str, least: int) -> Made:
    year = f"year(own.{column.name})"
    return [
        ("_year", f"case when not {_is_old(column)} then {year} end"),
        ("_age_class", _age_class(column)),
    ]


def _age_class(column: Column) -> str:
    return (
        f"case when {_is_old(column)} then '90 or over' "
        f"when own.{column.name} is not null then 'under 90' end"
    )


def _shift(relation: Relation, column: Column, kind: str, least: int) -> Made:
    if not relation.has_column("patient_id"):
        return []
    days = "(select days from patient_shift where patient_shift.patient_id = own.patient_id)"
    shifted = f"own.{column.name} - to_days(cast({days} as integer))"
    return [("", f"cast({shifted} as {column.sql_type})")]


def _shift_birth(relation: Relation, column: Column, kind: str, least: int) -> Made:
    ((_, shifted),) = _shift(relation, column, kind, least) or [("", "null")]
    return [
        ("", f"case when not {_is_old(column)} then {shifted} end"),
        ("_age_class", _age_class(column)),
    ]


def _zip3(relation: Relation, column: Column, kind: str, least: int) -> Made:
    small = ", ".join(quote(zip3) for zip3 in sorted(small_zip3()))
    area = f"substr(trim(own.{column.name}), 1, 3)"
    return [
        (
            "_zip3",
            f"case when regexp_full_match(trim(own.{column.name}), '[0-9]{{5}}(-?[0-9]{{4}})?') "
            f"then case when {area} in ({small}) then '000' else {area} end end",
        )
    ]


def _code_system(relation: Relation, column: Column, kind: str, least: int) -> Made:
    text = f"upper(trim(cast(own.{column.name} as varchar)))"
    pattern = quote(code_patterns()[kind])
    return [("", f"case when regexp_full_match({text}, {pattern}) then {text} end")]


def _number(relation: Relation, column: Column, kind: str, least: int) -> Made:
    if column.sql_type == "VARCHAR":
        return [("", f"try_cast(own.{column.name} as double)")]
    return [("", f"own.{column.name}")]


def _word(relation: Relation, column: Column, kind: str, least: int) -> Made:
    """A text of a list, as far as enough patients have it: a stray name is of one."""
    if column.sql_type != "VARCHAR":
        return [("", f"own.{column.name}")] if column.sql_type == "BOOLEAN" else []
    if not relation.has_column("patient_id"):
        return []
    common = (
        f"select word.{column.name} from {relation.qualified_name} as word "
        f"group by word.{column.name} having count(distinct word.patient_id) >= {least}"
    )
    return [("", f"case when own.{column.name} in ({common}) then own.{column.name} end")]


_ACTIONS = {
    "keep": _keep,
    "code": _code,
    "hmac": _code,
    "year": _year,
    "birth_year": _birth_year,
    "shift": _shift,
    "shift_birth": _shift_birth,
    "zip3": _zip3,
    "code_system": _code_system,
    "number": _number,
    "word": _word,
}
