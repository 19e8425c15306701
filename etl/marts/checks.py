"""The tests of the marts, compiled from their headers into quality.mart_check.

key: unique and never null. refers: what a column names exists. words: a column holds nothing but
these words. not before: one column is not less than another. ledger: `messages` adds up.
Which of them block a version can be changed by the setting `marts.checks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from etl.marts.evidence import CompiledView
from etl.marts.header import Header, read_header
from etl.sql_text import quote

MART_CHECK = "quality.mart_check"
MART_SCHEMA = "mart"
BLOCK, WARN = "block", "warn"
SEVERITIES: Mapping[str, str] = {
    "key": BLOCK,
    "words": BLOCK,
    "ledger": BLOCK,
    "refers": WARN,
    "not_before": WARN,
}


MEANINGS: Mapping[str, str] = {
    "key": "The key is unique and never null",
    "words": "The column holds only the words that the header lists",
    "ledger": "The messages of all rows are the messages that there are, none lost, none doubled",
    "refers": "What the column names is there",
    "not_before": "The later time is not before the earlier one",
}


@dataclass(frozen=True, slots=True)
class MartCheck:
    """One test: `violations` and `examined` are scalar SELECTs over the marts it reads."""

    mart: str
    kind: str
    subject: str
    severity: str
    violations: str
    examined: str
    reads: frozenset[str]

    @property
    def name(self) -> str:
        """Its name within the mart: `key`, `words_status_code`."""
        return f"{self.kind}_{self.subject}" if self.subject else self.kind

    @property
    def meaning(self) -> str:
        """What it says when it is kept, in one sentence."""
        return f"{MEANINGS[self.kind]} ({self.subject})" if self.subject else MEANINGS[self.kind]


def mart_checks(files: Mapping[str, str], severities: Mapping[str, str]) -> tuple[MartCheck, ...]:
    """The tests of all marts of schema mart, by mart.

    `severities` overrides block or warn by kind, by mart and name (`encounter.words_status`).
    """
    return tuple(
        check
        for name, text in sorted(files.items())
        if name.partition(".")[0] == MART_SCHEMA
        for check in _checks(name, read_header(text), severities)
    )


def _checks(mart: str, header: Header, severities: Mapping[str, str]) -> Iterator[MartCheck]:
    def check(
        kind: str, subject: str, violations: str, reads: frozenset[str] = frozenset()
    ) -> MartCheck:
        own = f"{kind}_{subject}" if subject else kind
        short = mart.partition(".")[2]
        severity = severities.get(f"{short}.{own}", severities.get(kind, SEVERITIES[kind]))
        examined = f"select count(*) from {mart}"
        return MartCheck(mart, kind, subject, severity, violations, examined, reads | {mart})

    if header.key:
        yield check("key", "", _key(mart, header.key))
    for column, words in header.words.items():
        listing = ", ".join(quote(word) for word in words)
        query = f"select count(*) from {mart} where coalesce({column} not in ({listing}), true)"
        yield check("words", column, query)
    for column, target in header.refers:
        same = column if column in _key_of(target) else _key_of(target)[0]
        query = (
            f"select count(*) from {mart} as own where own.{column} is not null and not exists "
            f"(select 1 from {target} as known where known.{same} = own.{column})"
        )
        yield check("refers", column, query, frozenset({target}))
    for later, earlier in header.not_before:
        query = f"select count(*) from {mart} where {later} < {earlier}"
        yield check("not_before", later, query)
    if header.ledger:
        query = f"select abs((select coalesce(sum(messages), 0) from {mart}) - ({header.ledger}))"
        yield check("ledger", "", query, header.reads)


def _key_of(target: str) -> tuple[str, ...]:
    """The key that a reference names: marts of one key column are named after what they hold."""
    return (_KEYS.get(target, f"{target.partition('.')[2]}_id"),)


_KEYS: Mapping[str, str] = {"evidence.message": "message_id", "mart.orders": "order_id"}


def _key(mart: str, key: tuple[str, ...]) -> str:
    columns = ", ".join(key)
    missing = " or ".join(f"{column} is null" for column in key)
    return (
        f"select (select count(*) from {mart} where {missing}) + "
        f"(select count(*) - count(distinct ({columns})) from {mart})"
    )


def compile_checks(
    files: Mapping[str, str], severities: Mapping[str, str]
) -> tuple[CompiledView, ...]:
    """The view that asks all of them; none without marts."""
    checks = mart_checks(files, severities)
    if not checks:
        return ()
    reads = ", ".join(sorted(frozenset().union(*(check.reads for check in checks))))
    branches = "\nunion all\n".join(_branch(check) for check in checks)
    return (
        CompiledView(
            MART_CHECK,
            f"""\
-- Whether the marts hold what their headers promise: violations of each test.
-- grain: one row per mart and test; key: mart, test
-- stored: whole
-- reads: {reads}
-- columns:
--   mart: the mart that is tested
--   test: kind of the test and the column it is about
--   kind: key, words, refers, not_before or ledger
--   severity: block keeps a version from being published, warn does not
--   violations: rows that break it; of a ledger the difference of its two sums
--   examined: rows of the mart
--   is_passed: there are no violations
select
  mart,
  test,
  kind,
  severity,
  violations,
  examined,
  violations = 0 as is_passed
from (
{branches}
) as asked""",
        ),
    )


def _branch(check: MartCheck) -> str:
    return (
        f"select {quote(check.mart)} as mart, {quote(check.name)} as test, "
        f"{quote(check.kind)} as kind, {quote(check.severity)} as severity, "
        f"cast(({check.violations}) as bigint) as violations, "
        f"cast(({check.examined}) as bigint) as examined"
    )
