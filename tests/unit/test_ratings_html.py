"""HTML into lines: blocks, inline elements, drop-downs, sample payloads, damaged markup."""

from __future__ import annotations

import pytest

from etl.ratings.from_html import HtmlPage, read_html
from etl.ratings.records import LineKind


def read(markup: str) -> HtmlPage:
    return read_html(markup)


def texts(markup: str) -> list[str]:
    return [line.text for line in read(markup).lines]


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<p>one</p><p>two</p>", ["one", "two"]),
        ("<p>one<br>two</p>", ["one", "two"]),
        ("<p>the <b>bold</b> and <a href='x'>linked</a> word</p>", ["the bold and linked word"]),
        ("<div>ID<span>string</span><span>Reliable</span></div>", ["ID", "string", "Reliable"]),
        ("<ul><li>one<li>two</ul>", ["one", "two"]),
        ("<table><tr><td>one<td>two</table>", ["one", "two"]),
        ("<dl><dt>one<dd>two</dl>", ["one", "two"]),
        ("<my-field>one</my-field><my-field>two</my-field>", ["one", "two"]),
        ("<p>a\u00a0b\u200bc</p>", ["a bc"]),
        ("<p>one</p><script>x</script><style>y</style><!-- z --><p>two</p>", ["one", "two"]),
        ("<nav>menu</nav><p>one</p><footer>end</footer>", ["one"]),
        ("<p>never closed", ["never closed"]),
        ("</ul></div>closed too often", ["closed too often"]),
    ],
)
def test_blocks_make_lines(markup: str, expected: list[str]) -> None:
    assert texts(markup) == expected


def test_deeper_lists_have_deeper_lines() -> None:
    lines = read("<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>").lines
    depths = {line.text: line.depth or 0 for line in lines}
    assert depths["a"] == depths["c"] < depths["b"]
    assert all(line.is_item for line in lines)


def test_inline_elements_are_joined_and_tell_white_space() -> None:
    first, second, third = read("<p><span>a</span><span>b</span> c</p>").lines
    assert (first.is_joined, second.is_joined, third.is_joined) == (False, True, True)
    assert (second.is_spaced, third.is_spaced) == (False, True)


def test_a_drop_down_gives_options_without_its_prompt() -> None:
    lines = read("<select><option value=''>Choose</option><option>A</option></select>").lines
    assert [(line.text, line.kind) for line in lines] == [
        ("Choose", LineKind.TEXT),
        ("A", LineKind.OPTION),
    ]


def test_a_sample_payload_is_kept_whole() -> None:
    markup = "<pre class='js redox-model'>{<b>\"a\"</b>:\n 1}</pre>"
    (line,) = read(markup).lines
    assert (line.kind, line.text) == (LineKind.SAMPLE, '{"a":\n 1}')


def test_other_preformatted_text_keeps_its_lines_and_indentation() -> None:
    lines = read("<pre>one\n  - two\n</pre><p>three</p>").lines
    assert [line.text for line in lines] == ["one", "two", "three"]
    assert lines[0].depth is not None and lines[1].depth == lines[0].depth + 2
    assert [line.number for line in lines] == [1, 2, 3]


@pytest.mark.parametrize(
    "head",
    [
        "<link rel='canonical' href='https://example.org/a'>",
        "<meta property='og:url' content='https://example.org/a'>",
        "<!-- saved from url=(0021)https://example.org/a -->",
    ],
)
def test_the_address_is_found(head: str) -> None:
    page = read(f"<html><head>{head}<title> A\n title </title></head><body>x</body></html>")
    assert (page.address, page.title) == ("https://example.org/a", "A title")


def test_endless_nesting_is_read() -> None:
    assert texts("<div>" * 20_000 + "deep")[:1] in ([], ["deep"])
