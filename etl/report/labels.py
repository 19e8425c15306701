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
        "▼", "Below", "The whole interval lies under what the rating promises: surely broken."
    ),
    Verdict.ABOVE: Label(
        "▲", "Above", "The whole interval lies over the rating: the field is better than rated."
    ),
    Verdict.NOT_LISTED: Label(
        "+", "Not listed", "The field arrives although the event type does not list it."
    ),
    Verdict.NOT_ENOUGH: Label("○", "Too few", "Rated, but too few messages came for a verdict."),
    Verdict.MET: Label(
        "✓",
        "Met",
        "The rating is kept: surely, likely, or perhaps when only a part of the"
        " interval lies within it.",
    ),
    Verdict.NOT_DOCUMENTED: Label(
        "–", "Not rated", "Nobody documents a rating here; the observed band is shown instead."
    ),
}
