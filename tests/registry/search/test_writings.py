"""Titles in many writings among ten thousand others: they are found, and counts keep to their limit."""

import pytest
from django.db import connection, transaction

from tests.factories import UserFactory
from tests.registry.search.rows import public_model, search, titles_of

pytestmark = pytest.mark.django_db

OTHER_WRITINGS = [
    "夕凪の灯台守", "青瓷茶壶特写", "안개 낀 부두에서", "ゆら・ゆら！ 2",
    "Gốm sứ Bát Tràng", "Straßenbahn", "Łódź nocą", "Ảnh đêm",
]  # fmt: skip


@pytest.fixture(scope="module")
def many_writings(django_db_setup, django_db_blocker):
    """Titles in many writings among ten thousand others."""
    with django_db_blocker.unblock(), transaction.atomic():
        for number, title in enumerate(OTHER_WRITINGS):
            public_model(title, name=f"written-{number}")
        owner = UserFactory(username="crowd")
        _fill(owner, 10_000)
        yield
        transaction.set_rollback(True)


def _fill(owner, count):
    """Search rows of models that say what many models say, without the services' care for each."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH said AS (SELECT n, 'harbor ' || md5(n::text) || ' 港の町' AS title FROM generate_series(1, %s) n),
            subjects AS (
                INSERT INTO community_subject (owner_id, kind, title, address, is_public, rating, comments_open,
                    comment_count, follower_count, like_count, heart_count, laugh_count, cry_count, reaction_count,
                    created_at)
                SELECT %s, 'model', title, '/crowd/m-' || n, true, 0, true, 0, 0, 0, 0, 0, 0, 0, now() FROM said
                RETURNING id, address),
            models AS (
                INSERT INTO registry_registeredmodel (subject_id, owner_id, title, name, type, description, license,
                    license_text, permissions, first_published_at, taken_down_reason, download_count, created_at,
                    updated_at)
                SELECT id, %s, 'Harbor ' || md5(address), replace(address, '/crowd/', ''), 'lora', '', 'MIT', '', 1,
                    now(), '', 0, now(), now() FROM subjects RETURNING id, title)
            INSERT INTO registry_modelsearch (model_id, owner_id, words, title, type, base_models, tag_ids, rights,
                rating, downloads, first_published_at, published_at)
            SELECT id, %s, setweight(to_tsvector('simple', title), 'A')
                    || '''港の'':9A ''の町'':10A ''町'':11A'::tsvector,
                lower(title), 'lora', '{SD 1.5}', '{}', 1, 0, id %% 1000, now(), now() FROM models
            """,
            [count, owner.pk, owner.pk, owner.pk],
        )


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("灯台", "夕凪の灯台守"),
        ("夕凪", "夕凪の灯台守"),
        ("台守", "夕凪の灯台守"),
        ("灯", "夕凪の灯台守"),
        ("守", "夕凪の灯台守"),
        ("夕凪 lora", "夕凪の灯台守"),
        ("茶壶", "青瓷茶壶特写"),
        ("부두", "안개 낀 부두에서"),
        ("ゆらゆら", "ゆら・ゆら！ 2"),
        ("gom su", "Gốm sứ Bát Tràng"),
        ("bat trang", "Gốm sứ Bát Tràng"),
        ("strassenbahn", "Straßenbahn"),
        ("lodz", "Łódź nocą"),
        ("ＬＯＤＺ", "Łódź nocą"),
        ("anh dem", "Ảnh đêm"),
    ],
)
def test_words_without_blanks_and_with_marks_are_found(many_writings, words, title):
    page = search(words)

    assert title in titles_of(page)[:3]
    assert page.count == len(page.results)
    assert sum(value.count for value in page.facets.types) == page.count


def test_a_common_word_is_counted_to_the_limit_and_read_on(many_writings):
    page = search("harbor")

    assert page.count_text == "10,000"
    assert len(page.results) == 24
    assert page.next_cursor


def test_beyond_the_ranked_hits_the_rest_follows_to_the_end(many_writings):
    seen, cursor = [], ""
    for _ in range(4):
        page = search("harbor", size=300, cursor=cursor)
        seen += [model.pk for model in page.results]
        cursor = page.next_cursor

    assert len(seen) == len(set(seen)) == 1200
