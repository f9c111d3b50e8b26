"""`@name` in texts: found, linked, and never where it is code or a link."""

from __future__ import annotations

import time
from importlib import import_module

import pytest
from django.apps import apps

from community.models import Notice
from community.services.markdown import mentions_in, render_markdown
from tests.factories import CommentFactory, UserFactory


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@mira", ["mira"]),
        ("hi @mira, and @Ola.", ["mira", "Ola"]),
        ("(@mira)", ["mira"]),
        ("@mira-x @a.b @c_d", ["mira-x", "a.b", "c_d"]),
        ("@mira @MIRA @mira", ["mira"]),
        ("**@mira**", ["mira"]),
        ("@mira's picture", ["mira"]),
        ("mail me: mira@example.org", []),
        ("`@mira`", []),
        ("```\n@mira\n```", []),
        ("[@mira](https://example.org)", []),
        ("https://example.org/@mira", []),
        ("@@mira", []),
        ("@", []),
        ("@-mira", []),
        ("@灯", []),
    ],
)
def test_names_are_found_where_they_are_words(text, names):
    assert mentions_in(text, most=10) == names


def test_no_more_names_are_found_than_asked_for():
    assert len(mentions_in(" ".join(f"@n{number}" for number in range(100)), most=10)) == 10


def test_known_people_become_links_and_others_stay_words():
    html = render_markdown("@mira and @nobody: **@Mira** `@mira`", people=["Mira"])

    assert html.count('<a href="/Mira"') == 2
    assert "@nobody" in html
    assert "<code>@mira</code>" in html


def test_a_name_inside_a_link_is_not_linked_again():
    html = render_markdown("[x @mira y](https://example.org)", people=["mira"])

    assert html.count("<a ") == 1


def test_markup_around_a_mention_stays_escaped():
    html = render_markdown('<b>@mira</b> "><script>', people=["mira"])

    assert "<script" not in html
    assert "<b>" not in html


@pytest.mark.parametrize("text", ["@" * 10_000, "@a" * 5_000, "@a.b-" * 2_000, "@" + "a" * 9_999, "@a " * 3_333])
def test_any_text_is_read_in_little_time(text):
    began = time.perf_counter()
    mentions_in(text, most=10)
    render_markdown(text, people=["a"])

    assert time.perf_counter() - began < 2


@pytest.mark.django_db
def test_comments_from_before_names_were_kept_get_their_links():
    written = import_module("community.migrations.0008_link_mentions_of_comments")
    UserFactory(username="Ola")
    old = CommentFactory(text="With @ola, @nobody and `@ola`")
    plain = CommentFactory(text="mail ola@example.org")

    written.write_mentions(apps, None)

    old.refresh_from_db()
    plain.refresh_from_db()
    assert (old.mentions, plain.mentions) == (["Ola"], [])
    assert not Notice.objects.exists()
