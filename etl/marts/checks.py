"""The tests of the marts, compiled from their headers into quality.mart_check.

key: unique and never null. refers: what a column names exists. words: a column holds nothing but
these words. not before: one column is not less than another. ledger: `messages` adds up.
Which of them block a version can be changed by the setting `marts.checks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from etl.marts.header import Header, read_header
from etl.marts.projection import CompiledView
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
    """One test: `violations` is an aggregate over the rows of the mart, which are called `own`.

    `exists` is a condition on one row that asks another mart; the aggregate knows it by the test's name.
    """

    mart: str
    kind: str
    subject: str
    severity: str
    violations: str
    reads: frozenset[str]
    exists: str = ""

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
        kind: str,
        subject: str,
        violations: str,
        *,
        reads: frozenset[str] = frozenset(),
        exists: str = "",
    ) -> MartCheck:
        own = f"{kind}_{subject}" if subject else kind
        short = mart.partition(".")[2]
        severity = severities.get(f"{short}.{own}", severities.get(kind, SEVERITIES[kind]))
        return MartCheck(mart, kind, subject, severity, violations, reads | {mart}, exists)

    if header.key:
        yield check("key", "", _key(header.key))
    for column, words in header.words.items():
        listing = ", ".join(quote(word) for word in words)
        yield check(
            "words", column, f"count(*) filter (coalesce(own.{column} not in ({listing}), true))"
        )
    for column, target in header.refers:
        same = target_key(target)
        exists = f"exists (select 1 from {target} as known where known.{same} = own.{column})"
        missing = f"count(*) filter (own.{column} is not null and not own.refers_{column})"
        yield check("refers", column, missing, reads=frozenset({target}), exists=exists)
    for later, earlier in header.not_before:
        yield check("not_before", later, f"count(*) filter (own.{later} < own.{earlier})")
    if header.ledger:
        difference = f"abs(coalesce(sum(own.messages), 0) - ({header.ledger}))"
        yield check("ledger", "", difference, reads=header.reads)


def target_key(target: str) -> str:
    """The key that a reference names: marts of one key column are named after what they hold."""
    return _KEYS.get(target, f"{target.partition('.')[2]}_id")


_KEYS: Mapping[str, str] = {"evidence.message": "message_id", "mart.orders": "order_id"}


def _key(key: tuple[str, ...]) -> str:
    columns = ", ".join(f"own.{column}" for column in key)
    missing = " or ".join(f"own.{column} is null" for column in key)
    return f"count(*) filter ({missing}) + count(*) - count(distinct ({columns}))"


def compile_checks(
    files: Mapping[str, str], severities: Mapping[str, str]
) -> tuple[CompiledView, ...]:
    """The view that asks all of them, each mart in one pass; none without marts."""
    checks = mart_checks(files, severities)
    if not checks:
        return ()
    by_mart = groupby(checks, key=lambda check: check.mart)
    reads = ", ".join(sorted(frozenset().union(*(check.reads for check in checks))))
    branches = "\nunion all\n".join(_one_mart(mart, tuple(own)) for mart, own in by_mart)
    return (
        CompiledView(
            MART_CHECK,
            f"""\
-- Results of the tests that the marts' headers declare: the number of violations of each.
-- grain: one row per mart and test; key: mart, test
-- stored: whole
-- reads: {reads}
-- columns:
--   mart: the mart that is tested
--   test: the kind of test and the column that it checks
--   kind: key, words, refers, not_before or ledger
--   severity: block prevents the version from being published, warn does not
--   violations: rows that fail the test; for ledger, the difference between its two counts
--   examined: rows in the mart
--   is_passed: true if there are no violations
select
  asked.mart,
  asked.test.test,
  asked.test.kind,
  asked.test.severity,
  asked.test.violations,
  asked.examined,
  asked.test.violations = 0 as is_passed
from (
{branches}
) as asked""",
        ),
    )


def _one_mart(mart: str, checks: tuple[MartCheck, ...]) -> str:
    """All tests of a mart as one list, computed in one pass over its rows."""
    more = "".join(f", {check.exists} as {check.name}" for check in checks if check.exists)
    rows = f"(select own.*{more} from {mart} as own)" if more else mart
    tests = ",\n  ".join(
        f"{{'test': {quote(check.name)}, 'kind': {quote(check.kind)}, "
        f"'severity': {quote(check.severity)}, "
        f"'violations': cast({check.violations} as bigint)}}"
        for check in checks
    )
    return (
        f"select {quote(mart)} as mart, count(*) as examined, unnest([\n  {tests}\n]) as test "
        f"from {rows} as own"
    )
