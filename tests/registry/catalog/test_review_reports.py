"""Reviews before a moderator: reported, held, removed, restored, appealed; the totals count what is shown."""

from __future__ import annotations

from contextlib import suppress

import pytest
from django.db import transaction
from django.urls import reverse

from community.errors import Conflict
from community.models import Case, Subject
from community.services.appealing import appeal, settle_appeal
from community.services.deciding import Act, Order, decide
from community.services.reporting import report
from registry.models import ModelVersion, Review
from registry.services.listing import refresh_listing
from registry.services.publishing import delete_version
from registry.services.reviewing import delete_review, review_version, reviews_page, subject_of_review
from tests.community.test_notifications import at_once
from tests.factories import ModelVersionFactory, ModeratorFactory, RegisteredModelFactory, UserFactory
from tests.registry.api.client import Program

pytestmark = pytest.mark.django_db


@pytest.fixture
def version():
    model = RegisteredModelFactory(public=True, owner=UserFactory(username="mira"), name="ink", title="Ink")
    return ModelVersionFactory(published=True, model=model, name="v1")


def totals(version):
    return ModelVersion.objects.values_list("review_count", "recommended_count").get(pk=version.pk)


def say(version, recommended=True, text="", by=None):
    return review_version(version, recommended=recommended, text=text, by=by or UserFactory())


def test_a_review_is_reported_and_waits_in_the_queue_with_its_words(client, version):
    review = say(version, text="buy my pills")
    client.force_login(UserFactory())
    page = client.get(version.model.get_absolute_url()).content.decode()
    address = reverse("community:report-named", args=["reviews", review.pk])
    assert address in page

    sent = client.post(client.get(address).url, {"rule": "spam"})

    assert sent.status_code == 302
    case = Case.objects.get()
    assert (case.subject.kind, case.subject.owner, case.report_count) == ("review", review.author, 1)
    client.force_login(ModeratorFactory())
    queue = client.get(reverse("community:moderation")).content.decode()
    assert "buy my pills" in queue
    assert client.get(reverse("community:moderation") + "?kind=review").context["cases"]


def test_programs_report_reviews_by_their_number(version):
    review, program = say(version), Program(UserFactory(), ("social:write",))
    sent = program.ask("POST", "reports", {"kind": "reviews", "id": str(review.pk), "reason": "spam"})

    assert sent.status_code == 201
    assert program.ask("POST", "reports", {"kind": "reviews", "id": "999", "reason": "spam"}).status_code == 404
    own = Program(review.author, ("social:write",))
    assert own.ask("POST", "reports", {"kind": "reviews", "id": str(review.pk), "reason": "spam"}).status_code == 409


DECIDED = {
    "hold": ([Act.HOLD], False),
    "remove": ([Act.REMOVE], False),
    "hold twice": ([Act.HOLD, Act.HOLD], False),
    "hold, remove": ([Act.HOLD, Act.REMOVE], False),
    "remove, hold": ([Act.REMOVE, Act.HOLD], False),
    "hold, restore": ([Act.HOLD, Act.RESTORE], True),
    "remove, restore": ([Act.REMOVE, Act.RESTORE], True),
    "restore what stands": ([Act.RESTORE], True),
    "keep": ([Act.KEEP], True),
}


@pytest.mark.parametrize("name", DECIDED)
@pytest.mark.parametrize("recommended", [True, False])
def test_totals_leave_out_exactly_what_is_held_or_removed(client, version, recommended, name):
    acts, stands = DECIDED[name]
    say(version, True), say(version, False)
    review = say(version, recommended, text="insult")

    for act in acts:
        decide(subject_of_review(review), Order(act, rule="other"), by=ModeratorFactory())

    assert totals(version) == (2 + stands, 1 + (stands and recommended))
    listed = client.get(f"/api/safelight/v1/versions/{version.pk}/reviews").json()
    assert ("insult" in str(listed["results"]), listed["review_count"]) == (stands, 2 + stands)
    assert ("insult" in client.get(version.model.get_absolute_url()).content.decode()) == stands


def test_what_is_held_is_read_by_its_author_and_moderators_alone_and_not_written_anew(client, version):
    review = say(version, text="insult")
    decide(subject_of_review(review), Order(Act.HOLD, rule="other", reason="We look at it."), by=ModeratorFactory())
    statuses = {}
    for name, person in {"nobody": None, "other": UserFactory(), "author": review.author}.items():
        client.logout()
        if person:
            client.force_login(person)
        answer = client.get(review.get_absolute_url())
        statuses[name] = (answer.status_code, "We look at it." in answer.content.decode())

    assert statuses == {"nobody": (404, False), "other": (404, False), "author": (200, True)}
    with pytest.raises(Conflict):
        say(version, by=review.author)
    assert client.post(reverse("registry:review-delete", args=[review.pk])).status_code == 404


def test_its_author_appeals_and_it_is_counted_again(version):
    review = say(version, True)
    decision = decide(subject_of_review(review), Order(Act.REMOVE, rule="spam"), by=ModeratorFactory())
    assert totals(version) == (0, 0)

    settle_appeal(appeal(decision, by=review.author), overturn=True, by=ModeratorFactory())

    assert totals(version) == (1, 1)
    assert reviews_page(version).items == [review]


def _standing_as(version: ModelVersion, state: str) -> None:
    ModelVersion.objects.filter(pk=version.pk).update(state=state)
    with transaction.atomic():
        refresh_listing(version.model)


def test_a_review_of_what_is_no_longer_public_is_not_named_to_strangers(client, version):
    review = say(version)
    subject = subject_of_review(review)
    _standing_as(version, "withdrawn")
    client.force_login(UserFactory())

    assert client.get(reverse("community:report", args=[subject.pk])).status_code == 404
    assert client.get(review.get_absolute_url()).status_code == 404
    _standing_as(version, "published")
    assert client.get(reverse("community:report", args=[subject.pk])).status_code == 200


def test_with_a_version_or_a_review_its_subject_and_its_cases_go(version):
    reviews = [say(version), say(version)]
    for review in reviews:
        report(subject_of_review(review), "spam", by=UserFactory())

    delete_review(reviews[0], by=reviews[0].author)
    assert Subject.objects.filter(kind="review").count() == 1
    delete_version(version, by=version.model.owner)

    assert not Subject.objects.filter(kind="review").exists()
    assert not Case.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_totals_stay_exact_while_moderators_decide_and_authors_change_their_minds(version):
    reviews = [say(version, number % 2 == 0) for number in range(4)]
    moderator = ModeratorFactory()
    subjects = [subject_of_review(review) for review in reviews]

    def decided(number: int) -> None:
        act = Act.HOLD if number % 3 else Act.RESTORE
        decide(subjects[number % 4], Order(act, rule="other"), by=moderator)

    def changed(number: int) -> None:
        with suppress(Conflict):
            say(version, number % 3 == 0, by=reviews[number % 4].author)

    at_once(lambda number: decided(number // 2) if number % 2 else changed(number // 2), 16)

    standing = Review.objects.standing().filter(version=version)
    assert totals(version) == (standing.count(), standing.filter(recommended=True).count())
