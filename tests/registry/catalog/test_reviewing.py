"""Reviews: one a person and version, with totals that stay right."""

from __future__ import annotations

import pytest
from django.urls import reverse

from community.errors import Conflict, InvalidInput, NotAllowed, RateLimited
from community.models import ModerationAct, Notice
from community.services.following import hide, subject_of_person
from registry.models import ModelVersion, Review
from registry.services.catalog import edit_version
from registry.services.reviewing import delete_review, remove_review, review_version, reviews_page
from tests.community.test_notifications import at_once
from tests.factories import ModelVersionFactory, ModeratorFactory, RegisteredModelFactory, SubjectFactory, UserFactory
from tests.registry.api.client import Program

pytestmark = pytest.mark.django_db


@pytest.fixture
def version():
    model = RegisteredModelFactory(public=True, owner=UserFactory(username="mira"), name="ink", title="Ink")
    return ModelVersionFactory(published=True, model=model, name="v1")


def totals(version):
    return ModelVersion.objects.values_list("review_count", "recommended_count").get(pk=version.pk)


def say(version, recommended=True, text="", by=None, **more):
    return review_version(version, recommended=recommended, text=text, by=by or UserFactory(), **more)


def test_a_second_review_of_one_person_changes_the_first(version):
    person = UserFactory()

    first = say(version, True, "good", by=person)
    second = say(version, False, "broke", by=person)

    assert first == second
    assert (second.text, second.edited_at is not None) == ("broke", True)
    assert totals(version) == (1, 0)


def test_totals_follow_every_change(version):
    reviews = [say(version, recommended) for recommended in (True, True, False)]
    before = totals(version)

    delete_review(reviews[0], by=reviews[0].author)
    delete_review(reviews[0], by=reviews[0].author)
    remove_review(reviews[1], "Insults.", by=ModeratorFactory())

    assert (before, totals(version)) == ((3, 2), (1, 0))


@pytest.mark.django_db(transaction=True)
def test_totals_are_right_when_many_review_at_once(version):
    people = UserFactory.create_batch(20)

    at_once(lambda number: say(version, number % 2 == 0, by=people[number]), 20)
    at_once(lambda number: say(version, True, by=people[number]), 20)

    assert totals(version) == (20, 20)


@pytest.mark.django_db(transaction=True)
def test_one_person_who_sends_it_many_times_at_once_is_counted_once(version):
    person = UserFactory()

    at_once(lambda number: say(version, number % 2 == 0, by=person), 10)

    assert Review.objects.count() == 1
    assert totals(version) == (1, int(Review.objects.get().recommended))


def test_an_edit_of_the_version_keeps_the_totals(version):
    say(version)

    edit_version(version, by=version.model.owner, notes="New")

    assert totals(version) == (1, 1)


def test_ones_own_work_is_not_ones_to_review(version):
    with pytest.raises(NotAllowed):
        say(version, by=version.model.owner)


@pytest.mark.parametrize("state", ["draft", "withdrawn"])
def test_only_public_versions_are_reviewed(version, state):
    ModelVersion.objects.filter(pk=version.pk).update(state=state)
    version.refresh_from_db()

    with pytest.raises(Conflict):
        say(version)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"text": "x" * 10_001}, "text"),
        ({"text": "x" * 1_000_000}, "text"),
        ({"text": "a\0"}, "text"),
        ({"recommended": "yes"}, "recommended"),
        ({"pictures": [1]}, "pictures"),
        ({"pictures": list(range(13))}, "pictures"),
    ],
    ids=["long", "a-megabyte", "nul", "no-bool", "foreign-picture", "thirteen"],
)
def test_a_bad_review_is_refused_by_field(version, given, field):
    with pytest.raises(InvalidInput) as refusal:
        say(version, **given)

    assert refusal.value.field == field
    assert not Review.objects.exists()


def test_somebody_elses_picture_is_not_ones_own(version, settings):
    settings.REVIEW_PICTURES = "tests.registry.catalog.test_reviewing.pictures_of"
    person = UserFactory()
    mine, theirs = SubjectFactory(owner=person, kind="image"), SubjectFactory(kind="image")

    review = say(version, by=person, pictures=[mine.pk])
    with pytest.raises(InvalidInput):
        say(version, by=person, pictures=[theirs.pk])

    assert list(review.pictures.all()) == [mine]


def pictures_of(version, person):
    return list(person.subjects.filter(kind="image"))


def test_reviews_are_limited(version, settings):
    settings.RATES = {**settings.RATES, "comment": (1, 3600)}
    person = UserFactory()
    say(version, by=person)

    with pytest.raises(RateLimited):
        say(version, by=person)


def test_the_author_hears_of_it_once(version):
    person = UserFactory(username="ola")
    say(version, by=person)
    say(version, False, by=person)

    notice = Notice.objects.get(person=version.model.owner)
    assert (notice.kind, notice.event_count) == ("review", 1)


def test_a_removed_review_is_gone_for_everybody_and_cannot_come_back(version):
    review = say(version, text="insult")

    remove_review(review, "Insults.", by=ModeratorFactory())
    remove_review(review, "Again.", by=ModeratorFactory())

    assert reviews_page(version).items == []
    assert ModerationAct.objects.get().evidence["text"] == "insult"
    assert Notice.objects.get(person=review.author).kind == "decision"
    with pytest.raises(Conflict):
        say(version, by=review.author)


@pytest.mark.parametrize(
    "act", [lambda r: delete_review(r, by=UserFactory()), lambda r: remove_review(r, "x", by=r.author)]
)
def test_what_is_not_theirs_to_do_is_refused(version, act):
    review = say(version)

    with pytest.raises(NotAllowed):
        act(review)


def test_reviews_of_people_whom_one_hides_are_left_out(version):
    review, person = say(version), UserFactory()
    hide(subject_of_person(review.author), by=person)

    assert reviews_page(version, viewer=person).items == []


def test_the_page_shows_totals_and_the_newest(client, version):
    for number in range(5):
        say(version, number > 0, f"text {number}")

    page = client.get(version.model.get_absolute_url()).content.decode()

    assert "4 of 5 recommend it" in page
    assert "text 4" in page
    assert "text 0" not in page
    assert "text 0" in client.get(reverse("registry:reviews", args=[version.pk])).content.decode()


def test_a_review_is_written_changed_and_deleted_on_pages(client, version):
    person = UserFactory()
    client.force_login(person)
    address = reverse("registry:review", args=[version.pk])

    refused = client.post(address, {"text": "?"})
    client.post(address, {"recommended": "yes", "text": "good"})
    shown = client.get(address).content.decode()
    client.post(address, {"recommended": "no", "text": "bad"})
    after = totals(version)
    client.post(reverse("registry:review-delete", args=[Review.objects.get().pk]))

    assert refused.status_code == 400
    assert "good</textarea>" in shown
    assert after == (1, 0)
    assert totals(version) == (0, 0)


def test_a_moderator_removes_it_on_a_page(client, version):
    review = say(version, text="insult")
    client.force_login(ModeratorFactory())

    client.post(reverse("registry:review-remove", args=[review.pk]), {"reason": "Insults."})

    assert totals(version) == (0, 0)


def test_programs_review(version):
    program = Program(UserFactory(username="ola"), ("social:write",))

    put = program.ask("PUT", f"versions/{version.pk}/review", {"recommended": True, "text": "good"})
    listed = Program().get(f"versions/{version.pk}/reviews").json()
    deleted = program.delete(f"versions/{version.pk}/review").status_code

    assert put.json()["recommended"] is True
    assert (listed["review_count"], listed["recommended_count"]) == (1, 1)
    assert (listed["results"][0]["author"], listed["results"][0]["text"]) == ("ola", "good")
    assert deleted == 204
    assert program.get(f"versions/{version.pk}/review").status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "recommended"),
        ({"recommended": 1}, "recommended"),
        ({"recommended": True, "text": "x" * 1_000_000}, "text"),
    ],
    ids=["none", "a-number", "a-megabyte"],
)
def test_a_bad_review_of_a_program_is_refused_by_field(version, body, field):
    answer = Program(UserFactory(), ("social:write",)).ask("PUT", f"versions/{version.pk}/review", body)

    assert (answer.status_code, answer.json()["field"]) == (400, field)
