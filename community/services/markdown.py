"""What people write, as HTML that is safe to show.

Markdown only: HTML in the text is shown as the text it is. Pictures in text become links, because a picture there
would pass by the reader's rating, call another host and move the page while it loads. The parser's own output is
sanitized again by a second library, so that a fault of one of them is not a hole.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from typing import Any

import nh3
from django.utils.html import escape, linebreaks
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

MAX_SOURCE = 40_000  # the worst of it takes under a second to parse
# A row of a table is filled up to the width of its head, so a few signs could otherwise make very many cells.
MAX_CELLS = 10_000
SCHEMES = {"http", "https", "mailto"}
LINK_REL = "nofollow ugc noopener noreferrer"
_TAGS = set("p br hr h3 h4 h5 h6 em strong s code pre blockquote ul ol li a table thead tbody tr th td".split())
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "code": {"class"}}
_DELIMITER_ROW = re.compile(r"^[ \t>]*[|:-][ \t|:-]*$", re.MULTILINE)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


def render_markdown(text: str) -> SafeString:
    """`text` as HTML. Longer than `MAX_SOURCE` characters it is shown as plain paragraphs, unparsed."""
    if len(text) > MAX_SOURCE:
        return mark_safe(linebreaks(text, autoescape=True))  # noqa: S308 (escaped by autoescape)
    parser = _parser if _may_hold_tables(text) else _parser_without_tables
    clean = nh3.clean(
        parser.render(text),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel=LINK_REL,
    )
    return mark_safe(clean)  # noqa: S308 (sanitized in the line above)


def _may_hold_tables(text: str) -> bool:
    """Whether all tables of `text` together stay within `MAX_CELLS`, by its widest one and all of its lines."""
    widest = max((row[0].count("|") + 1 for row in _DELIMITER_ROW.finditer(text)), default=0)
    return widest * (text.count("\n") + 1) <= MAX_CELLS


def _is_plain_link(address: str) -> bool:
    """Whether an address may be followed: of this site, or with one of `SCHEMES`. `<lora:name:0.8>` is no link."""
    scheme = _SCHEME.match(address)
    if scheme is None:
        return not address.startswith(("//", "\\", "/\\"))
    return scheme[1].lower() in SCHEMES


def _picture_as_link(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: Any, env: MutableMapping[str, Any]
) -> str:
    token = tokens[idx]
    address = str(token.attrs.get("src", ""))
    words = self.renderInlineAsText(token.children, options, env) or address
    return f'<a href="{escape(address)}">{escape(words)}</a>'


def _lower_headings(tokens: list[Token]) -> None:
    """A page has one h1 of its own, and its parts are h2: what people write stands below."""
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"


def _make_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 20}).enable(["table", "strikethrough"])
    parser.validateLink = _is_plain_link  # type: ignore[method-assign]
    parser.add_render_rule("image", _picture_as_link)
    parser.core.ruler.push("lower_headings", lambda state: _lower_headings(state.tokens))
    return parser


_parser = _make_parser()
_parser_without_tables = _make_parser().disable("table")
