"""Renders facts as HTML, the same text in many choices of tags."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from tests.pages.facts import Fact
from tests.pages.layouts import FORMAT, paths_type, tree_type


@dataclass(frozen=True, slots=True)
class Tags:
    """How one field is marked up: `{0}` is the text, in `item` also `{children}`."""

    item: str
    children: str
    name: str = "<div>{0}</div>"
    type: str = "<div>{0}</div>"
    rating: str = "<div>{0}</div>"
    text: str = "<p>{0}</p>"


LISTS = Tags("<li>{0}{children}</li>", "<ul>{0}</ul>")
SPANS = Tags(
    "<li>{0}{children}</li>",
    "<ul>{0}</ul>",
    "<span class='n'>{0}</span>",
    "<span>{0}</span>",
    "<span>{0}</span>",
    "<p>{0}</p>",
)
SPACED_SPANS = Tags(
    "<li>\n{0}\n{children}</li>\n",
    "<ul>\n{0}</ul>\n",
    "<span>{0}</span>\n",
    "<span>{0}</span>\n",
    "<span>{0}</span>\n",
    "<span>{0}</span>\n",
)
DIVS = Tags(
    "<div class='row'>{0}{children}</div>",
    "<div>{0}</div>",
    "<div><b>{0}</b></div>",
    "<div>{0}</div>",
    "<div>{0}</div>",
    "<div>{0}</div>",
)
DEFINITIONS = Tags(
    "{0}{children}</dd>",
    "<dl>{0}</dl>",
    "<dt>{0}</dt>",
    "<dd><p>{0}</p>",
    "<p>{0}</p>",
    "<p>{0}</p>",
)
TABLES = Tags(
    "<tr>{0}<td>{children}</td></tr>",
    "<table><tbody>{0}</tbody></table>",
    "<td>{0}</td>",
    "<td>{0}</td>",
    "<td>{0}</td>",
    "<td>{0}</td>",
)
GLUED = Tags(
    "<li>{0}{children}</li>",
    "<ul>{0}</ul>",
    "<code>{0}</code>",
    "<em>{0}</em>",
    "<b>{0}</b>",
    "{0}",
)
DETAILS = Tags(
    "<li><details open>{0}{children}</details></li>",
    "<ul>{0}</ul>",
    "<summary>{0}</summary>",
    "<div><span>{0}</span></div>",
    "<div><small>{0}</small></div>",
    "<div>{0}</div>",
)
ALL_TAGS = {
    "lists": LISTS,
    "spans": SPANS,
    "spaced spans": SPACED_SPANS,
    "divs": DIVS,
    "definitions": DEFINITIONS,
    "tables": TABLES,
    "glued": GLUED,
    "details": DETAILS,
}
PATHS_TAGS = {name: tags for name, tags in ALL_TAGS.items() if name not in ("glued", "definitions")}


def html_page(body: str, *, title: str = "A made page", head: str = "") -> str:
    """A whole page around `body`, with what saved pages carry: scripts, menus, a footer."""
    return (
        f"<!DOCTYPE html>\n<html><head><meta charset='utf-8'><title>{escape(title)}</title>{head}"
        "<style>li{color:red}</style></head><body><script>var Fields = 'Reliable';</script>"
        "<nav><ul><li>Fields</li><li>Reliable</li></ul></nav>"
        f"<main><h1>A made page</h1>{body}</main><footer>Made for tests</footer></body></html>\n"
    )


def tree_html(facts: Sequence[Fact], tags: Tags) -> str:
    """Layout B (C where the tags only stress words): nested items below the heading."""
    return f"<h2>Request Body Schema</h2>{_tree(list(facts), tags)}"


def _tree(facts: list[Fact], tags: Tags) -> str:
    items = ""
    while facts:
        fact = facts.pop(0)
        below = []
        while facts and facts[0].depth > fact.depth:
            below.append(facts.pop(0))
        words = _words(fact, fact.field.name, tree_type(fact), tags, _mark_rating)
        children = _tree(below, tags) if below else ""
        items += tags.item.format(words, children=children)
    return tags.children.format(items)


def paths_html(facts: Sequence[Fact], tags: Tags, *, sample: bool = True) -> str:
    """Layout A: the sample payload, then one item per path, not nested."""
    items = "".join(
        tags.item.format(
            _words(fact, fact.path, paths_type(fact.field), tags, _mark_tags), children=""
        )
        for fact in facts
    )
    payload = sample_html(facts) if sample else ""
    return f"{payload}<h3>Fields</h3>{tags.children.format(items)}"


def sample_html(facts: Sequence[Fact]) -> str:
    """The sample payload that names the event type."""
    said = {fact.path: fact.sentence for fact in facts}
    meta = {"DataModel": said["Meta.DataModel"], "EventType": said["Meta.EventType"]}
    payload = json.dumps({"Meta": meta, "Patient": {"Notes": ["Reliable"]}}, indent=2)
    return f"<pre class='redox-model js'>{escape(payload)}</pre>"


def _words(fact: Fact, name: str, type_: str, tags: Tags, mark: Callable[[Fact, Tags], str]) -> str:
    words = tags.name.format(name) + tags.type.format(type_) + mark(fact, tags)
    if fact.sentence:
        words += tags.text.format(escape(fact.sentence))
    if fact.values:
        words += f"<select><option value=''>Choose</option>{_options(fact.values)}</select>"
    return words + (tags.text.format(FORMAT) if fact.has_format else "")


def _mark_rating(fact: Fact, tags: Tags) -> str:
    return tags.rating.format(fact.rating) if fact.rating else ""


def _mark_tags(fact: Fact, tags: Tags) -> str:
    required = tags.rating.format("Required") if fact.required else ""
    return _mark_rating(fact, tags) + required


def _options(values: Sequence[str]) -> str:
    return "".join(f"<option>{escape(value)}</option>" for value in values)
