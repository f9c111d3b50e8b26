"""Texts become lexemes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from community.search_text import fold, query_terms, terms, ts_query, vector


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ＬＯＤＺ", "lodz"),
        ("Łódź", "lodz"),
        ("Straße", "strasse"),
        ("Ảnh đêm", "anh dem"),
        ("Ænima Œuvre Þing", "aenima oeuvre thing"),
        ("ﬁne", "fine"),
        ("がぎ", "がぎ"),
        ("ｶﾞｷﾞ", "ガギ"),
        ("안개", "안개"),
        ("ゆら・ゆら", "ゆらゆら"),
    ],
)
def test_what_reads_the_same_becomes_the_same(text, folded):
    assert fold(text) == folded


def test_runs_of_signs_are_parted_from_words():
    assert [(term.text, term.is_run) for term in terms("夕凪lora v2 안개")] == [
        ("夕凪", True),
        ("lora", False),
        ("v2", False),
        ("안개", True),
    ]


def test_a_run_is_stored_as_overlapping_pairs():
    assert vector([("夕凪灯", "A"), ("ink ink", "B")]) == "'ink':12B,13B '凪灯':2A '夕凪':1A '灯':3A"


@pytest.mark.parametrize(
    ("words", "query"),
    [
        ("ink wash", "'ink' & 'wash':*"),
        ("a", "'a'"),
        ("灯台守 lora", "('灯台' <-> '台守') & 'lora':*"),
        ("灯", "'灯':*"),
        ("", ""),
        ("!!! --", ""),
        ("it's & (x | y)", "'it' & 's' & 'x' & 'y'"),
    ],
)
def test_every_word_is_asked_for_and_the_last_as_a_beginning(words, query):
    assert ts_query(query_terms(words)) == query


def test_other_spellings_stand_beside_the_typed_one():
    assert ts_query(query_terms("landscpae x"), {"landscpae": ["landscape"]}) == "('landscpae' | 'landscape') & 'x'"


def test_a_query_is_bounded():
    assert len(query_terms("a " * 5000)) == 12
    assert len(query_terms("灯" * 5000)) == 1


@given(st.text(max_size=300))
def test_no_text_leaves_its_quotes(text):
    stored, asked = vector([(text, "A")]), ts_query(query_terms(text))

    assert re.fullmatch(r"(?:'[^'\\\s]+':[0-9A,]+ ?)*", stored)
    assert re.fullmatch(r"(?:'[^'\\\s]+'(?::\*)?|[()&]| |<->)*", asked)
