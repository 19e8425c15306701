"""What needs attention first: whose field, how bad, since when, and what to do, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from etl.plurals import counted, is_or_are
from etl.report.changes import ChangeGroup, Silence, day_text, percent
from etl.report.overview import Below, Overview, Worst
from etl.report.records import Verdict

_FALLING = ("vanished", "fell")
_MOST_NAMES = 2


class Kind(StrEnum):
    """What is wrong."""

    BELOW = "below"
    SILENT = "silent"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Attention:
    """One thing to look at: whose it is, what happened, since when, what to do.

    `what` and `since` are parts of a sentence, `action` is a whole one.
    """

    kind: Kind
    who: str
    what: str
    since: str
    action: str

    @property
    def sentence(self) -> str:
        """Everything but the sender's name, which leads it."""
        return f"{self.what}, {self.since}. {self.action}"


def list_attention(
    overview: Overview, changes: Sequence[ChangeGroup], silences: Sequence[Silence], *, most: int
) -> tuple[Attention, ...]:
    """Return what to look at first: broken ratings that fail, silences, falls, other breaks.

    Of the broken ratings those come first that fell on a day, then the furthest below.

    One field is named once: a fall that also breaks its rating is only told as the broken rating.
    """
    failing = sorted(
        (worst for worst in overview.worst if worst.checks[0].fails_check),
        key=lambda worst: worst.checks[0].since is None,
    )
    others = [worst for worst in overview.worst if not worst.checks[0].fails_check]
    broken = {worst.path for worst in overview.worst}
    falls = [
        group
        for group in changes
        if group.kind in _FALLING and not {one.path for one in group.changes} <= broken
    ]
    found = [
        *map(_below, failing[:most]),
        *map(about_silence, silences),
        *map(about_change, falls),
        *map(_below, others),
    ]
    return tuple(_mixed(found, most))


def _mixed(found: Sequence[Attention], most: int) -> Iterator[Attention]:
    """The first of each kind is never pushed out by many of another kind."""
    firsts = [next((one for one in found if one.kind is kind), None) for kind in Kind]
    chosen = set(list(dict.fromkeys([*filter(None, firsts), *found]))[:most])
    yield from (one for one in found if one in chosen)


def is_told(group: ChangeGroup, overview: Overview) -> bool:
    """Return whether a change is the fall of fields that are named as below their rating."""
    named = {
        (worst.path, sender)
        for worst in overview.worst
        if worst.checks[0].fall
        for sender in worst.senders
    }
    return group.kind in _FALLING and named >= {
        (change.path, sender) for change in group.changes for sender in group.senders
    }


def count_below(overview: Overview) -> int:
    """Return how many fields are below their rating, whatever the number of sources and events."""
    return len({worst.path for worst in overview.worst})


def headline(
    overview: Overview, changes: Sequence[ChangeGroup], silences: Sequence[Silence]
) -> str:
    """Return the title of a report: what is wrong, in a few words."""
    if not overview.total.checks:
        return "No messages are counted yet"
    fields = count_below(overview)
    fallen = {
        change.path for group in changes if group.kind in _FALLING for change in group.changes
    }
    silent = len({silence.sender for silence in silences})
    parts = []
    if fields:
        whose = "its" if fields == 1 else "their"
        parts.append(f"{counted(fields, 'field')} {is_or_are(fields)} below {whose} rating")
    elif fallen:
        parts.append(f"{counted(len(fallen), 'field')} fell")
    if silent:
        parts.append(f"{counted(silent, 'source')} {is_or_are(silent)} silent")
    if parts:
        return ", ".join(parts)
    return "No field is below its rating" if overview.total.evaluated else "Nothing to evaluate yet"


def sum_up(overview: Overview) -> str:
    """Return the first sentence: how many checks have a rating, and how many of these are kept."""
    total = overview.total
    if not total.checks:
        return "No messages are counted yet."
    share = percent(overview.rated_share)
    if not overview.rated:
        return f"None of {counted(total.checks, 'check')} has a rating."
    have = "has" if overview.rated == 1 else "have"
    lead = f"{overview.rated:,} of {counted(total.checks, 'check')} ({share}) {have} a rating"
    if not total.evaluated:
        return f"{lead}; none of them can be evaluated yet, because there are too few messages."
    below = total.verdicts.get(Verdict.BELOW, 0)
    fall = (
        f"{below:,} {'falls' if below == 1 else 'fall'} below it" if below else "none falls below"
    )
    kept = f"{percent(total.kept or 0)} meet it, {fall}."
    if total.evaluated == overview.rated:
        return f"{lead}: {kept}"
    return f"{lead}; {total.evaluated:,} of them have enough messages to be evaluated: {kept}"


def _below(worst: Worst) -> Attention:
    first = worst.checks[0]
    more = len(worst.checks) - 1
    beside = f" (and {counted(more, 'more check')})" if more else ""
    return Attention(
        Kind.BELOW,
        who=_names(worst.senders),
        what=f"{worst.path} {_how_low(first)} {first.data_model} {first.event_type}{beside}, "
        f"{_promise(worst)}",
        since=_since(worst),
        action=_ask(worst, first.since),
    )


def _how_low(check: Below) -> str:
    """What happened to a field, up to the word before its data model."""
    fall = check.fall
    if fall and fall.past_rate is not None and fall.recent_rate is not None:
        return f"fell from {percent(fall.past_rate)} to {percent(fall.recent_rate)} of messages of"
    if check.rate is None:
        return "is filled too rarely in"
    return f"is filled in {percent(check.rate)} of messages of"


def _promise(worst: Worst) -> str:
    if worst.basis == "site":
        return f"expected here to be {worst.rating}"
    return f"{worst.basis} as {worst.rating}"


def _since(worst: Worst) -> str:
    day = worst.checks[0].since
    return f"since {day_text(day)}" if day else "in the whole period"


def _ask(worst: Worst, since: date | None) -> str:
    who = _names(worst.senders)
    if since:
        return f"Ask {who} what changed on {day_text(since)}."
    if worst.basis == "inferred":
        return f"Ask {who} whether it can be sent; the rating is inferred, so do not rely on it."
    return f"Ask {who} to send it, or correct what this site expects (expectations.csv)."


def about_silence(silence: Silence) -> Attention:
    """Return what to do about a sender that fell silent."""
    what = "nothing" if silence.data_model == "*" else f"no {silence.data_model}"
    return Attention(
        Kind.SILENT,
        who=silence.sender,
        what=f"sent {what} for {counted(silence.silent_days, 'day')}",
        since=f"since {day_text(silence.last_day)}",
        action=f"Ask {silence.sender} and Redox whether the feed is paused.",
    )


def about_change(group: ChangeGroup) -> Attention:
    """Return what to do about fields that changed."""
    return Attention(
        Kind.CHANGED,
        who=group.who,
        what=group.what,
        since=f"since {day_text(group.day)}",
        action=f"Ask {group.who} what changed on {day_text(group.day)}.",
    )


def _names(senders: Sequence[str]) -> str:
    if len(senders) <= _MOST_NAMES:
        return " and ".join(senders)
    return f"{senders[0]} and {counted(len(senders) - 1, 'other source')}"
