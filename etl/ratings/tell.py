"""Tells what an import understood: as text for people, as plain values for --json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from etl.plurals import counted
from etl.ratings.importing import ImportReport
from etl.ratings.records import Comparison, FieldList, ReadField, Refusal, Unread

_SHOWN_OF_REFUSED = 20


def tell_report(report: ImportReport) -> str:
    """The report in words, one block per field list, ending with what was or would be written."""
    blocks = [_tell_comparison(one) for one in report.comparisons]
    blocks += [_tell_refused(one) for one in report.refused]
    blocks += ["\n".join(_tell_files(report))]
    return "\n\n".join(block for block in blocks if block)


def _tell_comparison(one: Comparison) -> str:
    lines = [_headline(one.field_list), f"  understood  {_understood(one.field_list)}"]
    lines += _section("new", _news(one))
    lines += _section("contradicts the catalog", _contradictions(one))
    lines += _section("not in the catalog", _quotes(one.field_list.unknown))
    lines += _section("could not be read", _quotes(one.field_list.unread))
    return "\n".join(lines)


def _headline(one: FieldList) -> str:
    name = f"{one.data_model} {one.event_type}".strip() or "event type unknown"
    return f"{one.page}, line {one.number}: {name}, layout {one.layout}"


def _understood(one: FieldList) -> str:
    ratings = Counter(read.rating or "unrated" for read in one.fields)
    words = [f"{count} {name}" for name, count in sorted(ratings.items())]
    words.append(f"{sum(read.required is True for read in one.fields)} required")
    return (
        f"{one.known} of the {one.listed} paths of the catalog ({', '.join(words)}); "
        f"event type told by {one.evidence}"
    )


def _news(one: Comparison) -> Iterator[str]:
    for (number, path), news in groupby(one.news, key=lambda news: (news.number, news.path)):
        yield f"line {number}: {path}  {', '.join(each.printed for each in news)}"
    for line in one.values:
        yield f"value set {line.value_set}  {line.value}"
    for read in one.unlinked:
        yield (
            f"line {read.number}: {read.path}  {counted(len(read.values), 'supported value')}; the catalog "
            f"names no value set for it, so nothing of it is written"
        )


def _contradictions(one: Comparison) -> Iterator[str]:
    for found in one.contradictions:
        source = f" ({found.source})" if found.source else ""
        yield (
            f"line {found.number}: {found.path}  {found.fact}: {found.printed} on the page, "
            f"{found.catalog} in the catalog{source}; {found.outcome}"
        )


def _quotes(lines: Iterable[Unread]) -> Iterator[str]:
    for line in lines:
        yield f"line {line.number}: {line.quote}  [{line.reason}]"


def _section(name: str, lines: Iterable[str], *, most: int | None = None) -> list[str]:
    found = [f"    {line}" for line in lines]
    more = max(0, len(found) - most) if most is not None else 0
    shown = [*found[:most], f"    and {more} more; --json lists all"] if more else found
    return [f"  {name} ({len(found)})", *shown] if found else []


def _tell_refused(one: FieldList) -> str:
    lines = [f"{_headline(one)}: refused, {one.refused}"]
    lines += _section("not in the catalog", _quotes(one.unknown), most=_SHOWN_OF_REFUSED)
    lines += _section("could not be read", _quotes(one.unread), most=_SHOWN_OF_REFUSED)
    return "\n".join(lines)


def _tell_files(report: ImportReport) -> Iterator[str]:
    for note in report.notes:
        yield f"{note.page}: {note.reason}"
    for refusal in report.refusals:
        yield f"{refusal.page}: refused, {refusal.reason}"
    if report.left_out:
        names = ", ".join(one.page for one in report.left_out)
        yield f"left out, no list of fields: {names}"
    for name, share in report.shares:
        yield f"{name}: {share}{'' if report.written else ' with these pages'}."
    yield _closing(report)


def _closing(report: ImportReport) -> str:
    statements = sum(len(one.statements) for one in report.comparisons)
    values = sum(len(one.values) for one in report.comparisons)
    planned = f"{counted(statements, 'expectation')} and {counted(values, 'supported value')}"
    if report.written:
        files = ", ".join(path.name for path in report.written)
        return (
            f"Written: {planned} ({files}). They apply from the next `redox-warehouse publish` on."
        )
    if not report.comparisons:
        return "Nothing could be read, so nothing was written."
    if not statements and not values:
        if any(one.contradictions for one in report.comparisons):
            return "Nothing to write: contradictions stay as they are, and the rest is already in the catalog."
        return "Nothing to write: the catalog already has all of it."
    return f"Nothing was written; --write would write {planned}."


def report_values(report: ImportReport) -> dict[str, Any]:
    """The report as plain values, the same facts as the text and every field read."""
    return {
        "lists": [_comparison_values(one) for one in report.comparisons],
        "refused_lists": [_list_values(one) for one in report.refused],
        "refused_pages": _refusal_values(report.refusals),
        "left_out_pages": _refusal_values(report.left_out),
        "notes": _refusal_values(report.notes),
        "written": [path.name for path in report.written],
        "rated": {
            name: {"listed": one.listed, "documented": one.documented, "inferred": one.inferred}
            for name, one in report.shares
        },
    }


def _refusal_values(refusals: Sequence[Refusal]) -> list[dict[str, str]]:
    return [{"page": one.page, "reason": one.reason} for one in refusals]


def _list_values(one: FieldList) -> dict[str, Any]:
    return {
        "page": one.page,
        "line": one.number,
        "layout": one.layout.name.lower(),
        "data_model": one.data_model,
        "event_type": one.event_type,
        "evidence": one.evidence,
        "refused": one.refused,
        "paths_in_catalog": one.listed,
        "paths_known": one.known,
        "fields": [_field_values(read) for read in one.fields],
        "unread": _line_values(one.unread),
        "unknown": _line_values(one.unknown),
    }


def _field_values(read: ReadField) -> dict[str, Any]:
    return {
        "path": read.path,
        "type": read.type.words if read.type else None,
        "required": read.required,
        "rating": read.rating,
        "values": list(read.values),
        "line": read.number,
    }


def _line_values(lines: Sequence[Unread]) -> list[dict[str, Any]]:
    return [{"line": one.number, "text": one.quote, "reason": one.reason} for one in lines]


def _comparison_values(one: Comparison) -> dict[str, Any]:
    return {
        **_list_values(one.field_list),
        "new": [
            {"path": news.path, "fact": news.fact, "printed": news.printed, "line": news.number}
            for news in one.news
        ],
        "contradictions": [
            {
                "path": found.path,
                "fact": found.fact,
                "printed": found.printed,
                "catalog": found.catalog,
                "source": found.source,
                "outcome": found.outcome,
                "line": found.number,
            }
            for found in one.contradictions
        ],
        "new_values": [{"value_set": line.value_set, "value": line.value} for line in one.values],
        "unlinked_values": [
            {"path": read.path, "values": list(read.values)} for read in one.unlinked
        ],
        "to_write": len(one.statements) + len(one.values),
    }
