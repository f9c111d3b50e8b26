"""What people write, as HTML that is safe to show.

Markdown only: HTML in the text is shown as the text it is. Pictures in text become links, because a picture there
would pass by the reader's rating, call another host and move the page while it loads. The parser's own output is
sanitized again by a second library, so that a fault of one of them is not a hole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from typing import Any

import nh3
from django.utils.html import escape, linebreaks
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

MAX_SOURCE = 40_000  # the worst of it takes under a second to parse
# A row of a table is filled up to the width of its head, so a few signs could otherwise make very many cells.
MAX_CELLS = 10_000
SCHEMES = {"http", "https", "mailto"}
LINK_REL = "nofollow ugc noopener noreferrer"
_TAGS = set("p br hr h3 h4 h5 h6 em strong s code pre blockquote ul ol li a table thead tbody tr th td".split())
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "code": {"class"}}
_DELIMITER_ROW = re.compile(r"^[ \t>]*[|:-][ \t|:-]*$", re.MULTILINE)
# As `community.names` has it; a name that ends a sentence is followed by the sentence's own dot.
_MENTION = re.compile(r"(?<![\w@./:-])@([A-Za-z0-9_](?:[A-Za-z0-9_]|[.-](?=[A-Za-z0-9_])){0,95})(?![\w@])", re.ASCII)
_PEOPLE = "people"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


def render_markdown(text: str, *, people: Iterable[str] = ()) -> SafeString:
    """`text` as HTML, with `@name` of the named `people` as links to them.

    Longer than `MAX_SOURCE` characters it is shown as plain paragraphs, unparsed.
    """
    if len(text) > MAX_SOURCE:
        return mark_safe(linebreaks(text, autoescape=True))  # noqa: S308 (escaped by autoescape)
    parser = _parser if _may_hold_tables(text) else _parser_without_tables
    clean = nh3.clean(
        parser.render(text, {_PEOPLE: {name.lower(): name for name in people}}),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel=LINK_REL,
    )
    return mark_safe(clean)  # noqa: S308 (sanitized in the line above)


def mentions_in(text: str, *, most: int) -> list[str]:
    """The first names that a text mentions as `@name`, each once; what stands in code or in a link mentions nobody."""
    found: dict[str, str] = {}
    for block in _parser_without_tables.parse(text[:MAX_SOURCE]):
        for words in _plain_words(block.children or []):
            for match in _MENTION.finditer(words.content):
                found.setdefault(match[1].lower(), match[1])
                if len(found) == most:
                    return list(found.values())
    return list(found.values())


def _plain_words(tokens: Sequence[Token]) -> Iterator[Token]:
    """The pieces of a line that are words and nothing more."""
    depth = 0
    for token in tokens:
        depth += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type == "text" and depth == 0:
            yield token


def _link_mentions(state: StateCore) -> None:
    """Make `@name` of people that the caller knows a link to them."""
    people = state.env.get(_PEOPLE)
    if not people:
        return
    for block in state.tokens:
        if block.type != "inline" or not block.children or "@" not in block.content:
            continue
        plain = {id(token) for token in _plain_words(block.children)}
        pieces = ([token] if id(token) not in plain else _with_links(token, people) for token in block.children)
        block.children = [token for piece in pieces for token in piece]


def _with_links(words: Token, people: dict[str, str]) -> list[Token]:
    tokens: list[Token] = []
    end = 0
    for match in _MENTION.finditer(words.content):
        name = people.get(match[1].lower())
        if name is None:
            continue
        tokens += [
            _text(words.content[end : match.start()], words.level),
            Token("link_open", "a", 1, attrs={"href": f"/{name}"}, level=words.level),
            _text(match[0], words.level + 1),
            Token("link_close", "a", -1, level=words.level),
        ]
        end = match.end()
    return [*tokens, _text(words.content[end:], words.level)] if tokens else [words]


def _text(content: str, level: int) -> Token:
    return Token("text", "", 0, content=content, level=level)


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
    parser.core.ruler.push("mentions", _link_mentions)
    return parser


_parser = _make_parser()
_parser_without_tables = _make_parser().disable("table")
