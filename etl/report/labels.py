"""How verdicts are called and marked, on the page and on the terminal; never by colour alone."""

from __future__ import annotations

from dataclasses import dataclass

from etl.report.records import Verdict


@dataclass(frozen=True, slots=True)
class Label:
    """A verdict's sign, its short name and its meaning in a sentence."""

    sign: str
    name: str
    meaning: str


LABELS = {
    Verdict.BELOW: Label(
        "▼", "Below", "The whole interval is below the rating's bound: surely not met."
    ),
    Verdict.ABOVE: Label(
        "▲", "Above", "The whole interval is above the rating's bound: better than rated."
    ),
    Verdict.NOT_LISTED: Label(
        "+", "Not listed", "The field arrives although the event type does not list it."
    ),
    Verdict.NOT_ENOUGH: Label(
        "○", "Too few", "Rated, but there are too few messages for a verdict."
    ),
    Verdict.MET: Label(
        "✓",
        "Met",
        "The rating is met: surely, likely, or perhaps if only part of the interval"
        " is within its bound.",
    ),
    Verdict.NOT_DOCUMENTED: Label(
        "–", "Not rated", "No rating is documented here; the observed band is shown instead."
    ),
}
