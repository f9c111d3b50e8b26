"""People's words as HTML: every known way of turning them into code, and the ways of turning them into heat."""

from __future__ import annotations

import time
from html.parser import HTMLParser

import pytest
from django.template import Context, Template
from hypothesis import given, settings
from hypothesis import strategies as st

from community.services.markdown import MAX_SOURCE, render_markdown

ALLOWED = set("p br hr h3 h4 h5 h6 em strong s code pre blockquote ul ol li a table thead tbody tr th td".split())


class _Elements(HTMLParser):
    """What a browser would make of it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def elements(text):
    parser = _Elements()
    parser.feed(render_markdown(text))
    return parser.found


def assert_harmless(text):
    for tag, attributes in elements(text):
        assert tag in ALLOWED
        assert set(attributes) <= {"href", "title", "rel", "start", "class"}
        address = (attributes.get("href") or "").strip().lower()
        assert not address.startswith("//")
        if ":" in address.split("/")[0].split("?")[0].split("#")[0]:
            assert address.startswith(("http:", "https:", "mailto:", "%")), address
        if tag == "a":
            assert set((attributes["rel"] or "").split()) == {"nofollow", "ugc", "noopener", "noreferrer"}


PAYLOADS = {
    "attribute-broken-out-of": r"![\" onmouseover=document.title=1 ](q)",
    "entity-in-scheme": "[go](javascript&#58;document.title=1)",
    "tab-in-scheme": "[go](JaVa\tscript:document.title=1)",
    "newline-in-scheme": "[go](java\nscript:document.title=1)",
    "angle-brackets": "[go](<javascript:document.title=1>)",
    "control-before-scheme": "[go](<\x01javascript:document.title=1>)",
    "reference": "[go][1]\n\n[1]: javascript:document.title=1",
    "autolink": "<javascript:document.title=1>",
    "data-address": "[go](data:text/html;base64,PHN2Zz4=)",
    "vbscript": "[go](vbscript:msgbox)",
    "file": "[go](file:///etc/passwd)",
    "details": "<details open ontoggle=document.title=1>x</details>",
    "link-of-html": '<a href="//evil.example" target=_blank>x</a>',
    "other-host": "[x](//evil.example)",
    "backslashes": "[x](\\\\evil.example)",
    "script": "<script>document.title=1</script>",
    "closing-script": "</script><svg onload=document.title=1>",
    "picture": "![x](https://evil.example/pixel.png)",
    "picture-of-a-script": "![x](javascript:document.title=1)",
    "title-broken-out-of": "[x](/a '\" onclick=document.title=1 x=\"')",
    "language-broken-out-of": '```" onclick=document.title=1\nx\n```',
    "style": '<p style="position:fixed">x</p>',
    "comment": "<!-- x --><img src=q onerror=document.title=1>",
    "math": "<math><mtext></mtext><img src=q onerror=document.title=1></math>",
}


@pytest.mark.parametrize("text", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_text_that_wants_to_be_code_stays_text(text):
    assert_harmless(text)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="[]()<>!\"'`*_~#|-+:/\\&;=ajs \n\t\x00é", max_size=120))
def test_no_arrangement_of_signs_makes_more_than_the_allowed_elements(text):
    assert_harmless(text)


def test_prompts_are_shown_as_they_were_written():
    html = render_markdown("<lora:reed:0.7> a < b & c")

    assert html == "<p>&lt;lora:reed:0.7&gt; a &lt; b &amp; c</p>\n"


def test_markdown_is_rendered():
    html = render_markdown("# Ink\n\n*soft*, ~~not~~ [site](https://example.org) [here](/models)\n\n|a|\n|-|\n|b|\n")

    assert "<h3>Ink</h3>" in html
    assert "<em>soft</em>" in html
    assert "<s>not</s>" in html
    assert 'href="https://example.org" rel="nofollow ugc noopener noreferrer"' in html
    assert 'href="/models"' in html
    assert "<td>b</td>" in html


def test_a_picture_is_a_link_that_keeps_its_words():
    assert render_markdown("![a *reed*](/media/1.webp)") == (
        '<p><a href="/media/1.webp" rel="nofollow ugc noopener noreferrer">a reed</a></p>\n'
    )


HEAVY = {
    "deep-list": "- " * 20_000 + "x",
    "deep-list-by-indent": "\n".join("  " * depth + "- a" for depth in range(250)),
    "deep-quote": ">" * 40_000 + "x",
    "brackets": "[" * 40_000,
    "pictures": "![" * 20_000,
    "nested-links": "[" * 10_000 + "a" + "](b)" * 7_500,
    "emphasis": "*a_ " * 10_000,
    "stars": "a*" * 20_000,
    "backticks": "".join("`" * count + " " for count in range(280)),
    "references": "[a]: /x\n" * 3_000 + "[a]" * 5_000,
    "wide-table": "|a" * 4_000 + "|\n" + "|-" * 4_000 + "|\n" + "|\n" * 20_000,
    "narrow-table-of-many-rows": "|a" * 10 + "|\n" + "|-" * 10 + "|\n" + "|\n" * 20_000,
    "list-of-tables": "- |a" + "|a" * 500 + "|\n  " + "|-" * 501 + "|\n" + "  |\n" * 10_000,
    "angles": "<" * 40_000,
    "entities": "&a" * 20_000,
}


@pytest.mark.parametrize("text", HEAVY.values(), ids=HEAVY.keys())
def test_text_made_to_be_slow_is_not(text):
    text = text[:MAX_SOURCE]
    started = time.thread_time()

    html = render_markdown(text)

    assert time.thread_time() - started < 1.5
    assert len(html) < 40 * MAX_SOURCE


def test_a_table_of_an_ordinary_size_is_one():
    html = render_markdown("text\n\n" + "|a" * 8 + "|\n" + "|:-" * 8 + "|\n" + ("|b" * 8 + "|\n") * 200)

    assert html.count("<td>b</td>") == 1600


def test_text_over_the_limit_is_shown_unparsed():
    html = render_markdown("*a* <b>\n\nend" + "x" * MAX_SOURCE)

    assert html.startswith("<p>*a* &lt;b&gt;</p>")


def test_the_filter_is_safe_in_a_page():
    page = Template("{% load community_text %}{{ text|markdown }}{{ nothing|markdown }}")

    assert page.render(Context({"text": "**x** <i>", "nothing": None})) == "<p><strong>x</strong> &lt;i&gt;</p>\n"
