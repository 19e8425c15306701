"""Renders facts as text in each layout of Redox's documentation pages. No text of Redox is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from models.catalog.records import Field, JsonType, Temporal
from tests.pages.facts import Fact

PATHS_TYPES = {
    JsonType.STRING: "String",
    JsonType.NUMBER: "Numeric",
    JsonType.BOOLEAN: "Boolean",
    JsonType.OBJECT: "Object",
    JsonType.ANY: "String",
}
TREE_TYPES = {
    JsonType.STRING: "string, null",
    JsonType.NUMBER: "number, null",
    JsonType.BOOLEAN: "boolean, null",
    JsonType.OBJECT: "object",
    JsonType.ANY: "string, null",
}
FORMAT = "ISO 8601 Format"


def paths_type(field: Field) -> str:
    """The type as layout A prints it."""
    if field.json_type is JsonType.ARRAY:
        return f"Array of {str(field.item_type).capitalize()}s"
    if field.temporal:
        return "DateTime" if field.temporal is Temporal.DATETIME else "Date"
    return PATHS_TYPES[field.json_type]


def tree_type(fact: Fact) -> str:
    """The type line of layout B."""
    required = "required, " if fact.required else ""
    if fact.field.json_type is JsonType.ARRAY:
        return f"{required}Array of {fact.field.item_type}"
    return required + TREE_TYPES[fact.field.json_type]


def paths_text(facts: Sequence[Fact], *, glued: bool = True) -> str:
    """Layout A; tags run together with the description, or each on a line of its own."""
    lines = ["A made page", "Fields"]
    for fact in facts:
        lines += _paths_lines(fact, glued)
    return "\n".join([*lines, "End of the made page", ""])


def _paths_lines(fact: Fact, glued: bool) -> Iterator[str]:
    yield fact.path
    if fact.is_grouping and fact.field.name == "Meta":
        return
    yield paths_type(fact.field)
    tags = [*([fact.rating] if fact.rating else []), *(["Required"] if fact.required else [])]
    words = ["".join([*tags, fact.sentence])] if glued else [*tags, fact.sentence]
    yield from (word for word in words if word)
    if fact.has_format:
        yield FORMAT


def tree_text(facts: Sequence[Fact], *, bullet: str = "- ", indent: int = 2) -> str:
    """Layout B: one item per field, its lines below its name; blank lines as a browser leaves."""
    lines = ["A made page", "Request Body Schema"]
    for fact in facts:
        margin = " " * indent * (fact.depth + 1)
        inner = margin + " " * len(bullet)
        lines.append(f"{margin}{bullet}{fact.field.name}")
        lines += [inner + word for word in _tree_words(fact)]
        lines += [f"{inner}{FORMAT}"] if fact.has_format else []
    return "\n".join([*lines, "End of the made page", ""])


def _tree_words(fact: Fact) -> Iterator[str]:
    yield tree_type(fact)
    if fact.rating:
        yield fact.rating
        yield ""
    if fact.sentence:
        yield fact.sentence


def run_together_text(facts: Sequence[Fact]) -> str:
    """Layout C: layout B without its line breaks but those between some fields and formats."""
    lines = ["A made page", "Request Body Schema"]
    for at, fact in enumerate(facts):
        words = fact.field.name + tree_type(fact) + (fact.rating or "") + fact.sentence
        joins = at > 0 and facts[at - 1].depth < fact.depth
        if joins:
            lines[-1] += f"- {words}"
        else:
            lines.append(f"- {words}")
        lines += [f" {FORMAT}"] if fact.has_format else []
    return "\n".join([*lines, "End of the made page", ""])


def half_joined_text(facts: Sequence[Fact]) -> str:
    """Between B and C: name, type and rating on one line, descriptions apart, no indentation."""
    lines = ["A made page", "Request Body Schema"]
    for fact in facts:
        lines.append(f"- {fact.field.name}{tree_type(fact)}{fact.rating or ''}")
        lines += [fact.sentence] if fact.sentence else []
    return "\n".join([*lines, "End of the made page", ""])
