"""HTML into lines of visible text, nested as the page nests them.

Only what any HTML of the page keeps is used: blocks, lists, drop-downs, the order of text. Class
names are not, but for `redox-model`, the sample payload. Blocks make lines; inline elements make
joined lines, except those that only stress words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from bs4 import BeautifulSoup, Tag
from bs4.element import Comment, NavigableString, PageElement, PreformattedString

from etl.ratings.from_text import clean, split_lines
from etl.ratings.records import LineKind, TextLine

_BLOCK = re.compile(
    r"address|article|aside|blockquote|body|caption|center|dd|details|dialog|dir|div|dl|dt|"
    r"fieldset|figcaption|figure|footer|form|h[1-6]|header|hr|html|legend|li|main|menu|nav|"
    r"ol|optgroup|option|p|pre|section|select|summary|table|tbody|td|tfoot|th|thead|tr|ul|"
    r"\w+-[-\w]+"
)
_STRESS = re.compile(
    r"a|abbr|acronym|b|bdi|bdo|big|cite|code|del|dfn|em|font|i|ins|kbd|mark|q|s|samp|small|"
    r"strike|strong|sub|sup|tt|u|var|wbr"
)
_SKIPPED = re.compile(r"head|script|style|template|noscript|svg|nav|footer|iframe|object")
_SAMPLE_CLASS = "redox-model"
_SAVED_FROM = re.compile(r"saved from url=\(\d+\)(\S+)")
_ADDRESSES = (("link", "canonical", "href"), ("meta", "og:url", "content"))


@dataclass(frozen=True, slots=True)
class HtmlPage:
    """The lines, title and address of an HTML page."""

    lines: tuple[TextLine, ...]
    title: str
    address: str


def read_html(markup: str) -> HtmlPage:
    """Parse saved HTML, however damaged, into lines. Never raises for what the markup holds."""
    soup = BeautifulSoup(markup, "lxml")
    lines = _Lines()
    for step in _walk(soup):
        lines.take(step)
    lines.end_line()
    return HtmlPage(tuple(lines.found), _title(soup), _address(soup))


@dataclass(frozen=True, slots=True)
class _Step:
    """One step of the walk: a tag is entered or left, or a text is met (`is_end` False)."""

    node: PageElement
    is_end: bool = False


def _walk(root: Tag) -> Iterator[_Step]:
    """Depth first without recursion, so that no nesting is too deep."""
    waiting = [_Step(root)]
    while waiting:
        step = waiting.pop()
        yield step
        node = step.node
        if step.is_end or not isinstance(node, Tag) or _is_kept(node):
            continue
        waiting.append(_Step(node, is_end=True))
        waiting.extend(_Step(child) for child in reversed(node.contents) if not _is_skipped(child))


def _is_skipped(node: PageElement) -> bool:
    return isinstance(node, Tag) and bool(_SKIPPED.fullmatch(node.name))


def _is_kept(tag: Tag) -> bool:
    """True if the tag's text is taken as it stands, line breaks and all."""
    return tag.name == "pre"


@dataclass(slots=True)
class _Lines:
    """The lines found so far and the pieces of the line being built."""

    found: list[TextLine] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    depth: int = 0
    number: int = 0
    is_item: bool = False
    kind: LineKind = LineKind.TEXT

    def take(self, step: _Step) -> None:
        node = step.node
        if isinstance(node, Tag):
            self._take_tag(node, step.is_end)
        elif isinstance(node, NavigableString) and not isinstance(node, PreformattedString):
            last = self.pieces.pop() if self.pieces else ""
            self.pieces.append(last + node)

    def _take_tag(self, tag: Tag, is_end: bool) -> None:
        if _is_kept(tag):
            self._take_kept(tag)
        elif tag.name == "br":
            self.end_line()
        elif _BLOCK.fullmatch(tag.name):
            self._cross_block(tag, is_end)
        elif not _STRESS.fullmatch(tag.name):
            self.pieces.append("")

    def _cross_block(self, tag: Tag, is_end: bool) -> None:
        self.end_line()
        self.depth += -1 if is_end else 1
        if tag.name == "li":
            self.is_item = not is_end
        is_option = tag.name == "option" and not is_end and not _is_prompt(tag)
        self.kind = LineKind.OPTION if is_option else LineKind.TEXT

    def _take_kept(self, tag: Tag) -> None:
        self.end_line()
        text = tag.get_text()
        if _SAMPLE_CLASS in tag.get_attribute_list("class"):
            self.number += 1
            self.found.append(TextLine(self.number, self.depth, text, kind=LineKind.SAMPLE))
            return
        self.found.extend(
            split_lines(text, first_number=self.number + 1, base_depth=self.depth + 1)
        )
        self.number = self.found[-1].number if self.found else self.number

    def end_line(self) -> None:
        """Close the line being built: its first piece stands alone, the others are joined."""
        pieces, self.pieces = [clean(piece) for piece in self.pieces], []
        if not any(piece.strip() for piece in pieces):
            return
        self.number += 1
        is_first, is_spaced = True, False
        for piece in pieces:
            text = " ".join(piece.split())
            is_spaced = is_spaced or piece[:1].isspace()
            if text:
                self.found.append(
                    TextLine(
                        self.number,
                        self.depth,
                        text,
                        self.is_item and is_first,
                        not is_first,
                        is_spaced,
                        self.kind,
                    )
                )
                is_first = False
            is_spaced = (not text and is_spaced) or piece[-1:].isspace()
        self.is_item = False


def _is_prompt(option: Tag) -> bool:
    """True if an entry of a drop-down only asks to choose."""
    return option.get("value") == "" or option.has_attr("disabled")


def _title(soup: BeautifulSoup) -> str:
    for name in ("title", "h1"):
        tag = soup.find(name)
        text = " ".join(clean(tag.get_text(" ")).split()) if isinstance(tag, Tag) else ""
        if text:
            return text
    return ""


def _address(soup: BeautifulSoup) -> str:
    for name, mark, attribute in _ADDRESSES:
        for tag in soup.find_all(name):
            if mark in (*tag.get_attribute_list("rel"), tag.get("property")):
                return str(tag.get(attribute) or "")
    for comment in soup.find_all(string=lambda text: isinstance(text, Comment)):
        found = _SAVED_FROM.search(comment)
        if found:
            return found[1]
    return ""
