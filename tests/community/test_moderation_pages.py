"""Reporting, the queue, decisions, appeals and the log as people meet them."""

from __future__ import annotations

import pytest
from django.urls import reverse

from community.models import Appeal, Case, Decision, Report
from community.services.appealing import appeal
from community.services.deciding import Act, Order, decide
from community.services.discussion import post_comment
from community.services.reporting import report
from community.services.topics import begin_topic
from tests.factories import ModeratorFactory, SubjectFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def topic():
    return begin_topic("Buy my lamp", "Cheap.", by=UserFactory(username="ada"))


@pytest.fixture
def moderator(client):
    person = ModeratorFactory(username="mod")
    client.force_login(person)
    return person


def test_a_topic_is_reported_from_its_page(client, topic):
    client.force_login(UserFactory())
    page = client.get(topic.get_absolute_url()).content.decode()
    named = reverse("community:report-named", args=["topics", topic.pk])
    assert named in page

    form = client.get(named, follow=True)
    sent = client.post(form.request["PATH_INFO"], {"rule": "spam", "text": "Ten times."}, follow=True)

    assert sent.redirect_chain[-1][0] == topic.get_absolute_url()
    assert "you will be told what they decide" in sent.content.decode()
    assert Report.objects.get().text == "Ten times."


def test_a_person_whom_nobody_follows_is_reported_from_their_page(client):
    person = UserFactory(username="ada")
    client.force_login(UserFactory())
    named = reverse("community:report-named", args=["people", "ada"])
    assert named in client.get(person.get_absolute_url()).content.decode()

    form = client.get(named, follow=True)
    client.post(form.request["PATH_INFO"], {"rule": "spam"})

    assert Case.objects.get().subject.owner == person


def test_ones_own_page_has_no_report(client, topic):
    client.force_login(topic.author)

    assert "/report/" not in client.get(topic.get_absolute_url()).content.decode()


def test_a_comment_is_reported_by_itself(client, topic):
    comment = post_comment(topic.subject, "An insult", by=UserFactory())
    client.force_login(UserFactory())
    address = f"{reverse('community:report', args=[topic.subject.pk])}?comment={comment.pk}"
    assert address in client.get(topic.get_absolute_url()).content.decode()

    client.post(address, {"rule": "other"})

    assert Case.objects.get().comment == comment


NOT_THERE = {
    "a subject that is not": lambda topic: reverse("community:report", args=[10**9]),
    "a private subject": lambda topic: reverse("community:report", args=[SubjectFactory(is_public=False).pk]),
    "a tag": lambda topic: reverse("community:report-named", args=["tags", "anime"]),
    "a kind that is not": lambda topic: reverse("community:report-named", args=["planets", "mars"]),
    "a comment that is not": lambda topic: reverse("community:report", args=[topic.subject.pk]) + "?comment=9999999",
    "a comment that is no number": lambda topic: reverse("community:report", args=[topic.subject.pk]) + "?comment=x",
    "a person who is not": lambda topic: reverse("community:report-named", args=["people", "nobody-here"]),
}


@pytest.mark.parametrize("name", NOT_THERE)
def test_what_one_may_not_see_cannot_be_reported(client, topic, name):
    client.force_login(UserFactory())

    assert client.get(NOT_THERE[name](topic)).status_code == 404


def test_a_bad_report_stays_in_its_form(client, topic):
    client.force_login(UserFactory())

    answer = client.post(reverse("community:report", args=[topic.subject.pk]), {"text": "x" * 1001})

    assert answer.status_code == 400
    assert not Report.objects.exists()


def test_the_queue_shows_who_says_what_and_decides(client, moderator, topic):
    report(topic.subject, "spam", by=UserFactory(username="eve"), text="Ten times.")
    page = client.get(reverse("community:moderation")).content.decode()
    assert all(words in page for words in ("Buy my lamp", "Spam", "Ten times.", "eve"))

    case = Case.objects.get()
    sent = client.post(
        reverse("community:moderation-case", args=[case.pk]),
        {"act": "remove", "rule": "spam", "reason": "", "evidence": "Ten copies."},
        follow=True,
    )

    assert "Nothing waits" in sent.content.decode()
    decision = Decision.objects.get()
    assert (decision.act, decision.actor, decision.evidence) == ("remove", moderator, "Ten copies.")


def test_a_refused_decision_says_why_in_its_form(client, moderator, topic):
    report(topic.subject, "spam", by=UserFactory())
    case = Case.objects.get()

    answer = client.post(reverse("community:moderation-case", args=[case.pk]), {"act": "remove", "rule": ""})

    assert answer.status_code == 400
    assert 'aria-invalid="true"' in answer.content.decode()
    assert Case.objects.open().exists()


def test_most_reported_first_and_one_kind_alone(client, moderator, topic):
    for _person in range(2):
        report(begin_topic("Often", by=UserFactory()).subject, "spam", by=UserFactory())
    often = begin_topic("Most often", by=UserFactory())
    for _person in range(3):
        report(often.subject, "spam", by=UserFactory())
    comment = post_comment(topic.subject, "An insult", by=UserFactory())
    report(topic.subject, "other", by=UserFactory(), comment=comment)

    most = client.get(reverse("community:moderation"), {"sort": "most"}).content.decode()
    comments = client.get(reverse("community:moderation"), {"kind": "comment"}).content.decode()
    odd = client.get(reverse("community:moderation"), {"kind": "x", "sort": "y", "cursor": "z"})

    assert most.index("Most often") < most.index("An insult")
    assert ("An insult" in comments, "Most often" in comments) == (True, False)
    assert odd.status_code == 200


def test_the_queue_is_read_to_its_end(client, moderator):
    for number in range(12):
        report(begin_topic(f"Topic {number:02}", by=UserFactory()).subject, "spam", by=UserFactory())

    first = client.get(reverse("community:moderation"))
    second = client.get(first.context["next_href"])

    assert [len(answer.context["cases"]) for answer in (first, second)] == [10, 2]
    assert not second.context["next_href"]


def test_the_queue_costs_a_fixed_number_of_queries(client, moderator, django_assert_max_num_queries):
    for _case in range(3):
        topic = begin_topic("Q", by=UserFactory())
        report(topic.subject, "spam", by=UserFactory())
    with django_assert_max_num_queries(20):
        client.get(reverse("community:moderation"))


def test_what_nobody_reported_is_decided_and_restored_by_its_own_address(client, moderator, topic):
    address = reverse("community:moderation-thing", args=[topic.subject.pk])

    removed = client.post(address, {"act": "remove", "rule": "spam"}, follow=True)
    assert "Removed" in removed.content.decode() or "Remove" in removed.content.decode()
    client.post(address, {"act": "restore"})

    topic.subject.refresh_from_db()
    assert topic.subject.is_public
    assert "Decided before" in client.get(address).content.decode()


def test_an_open_case_takes_the_place_of_the_thing(client, moderator, topic):
    report(topic.subject, "spam", by=UserFactory())

    answer = client.get(reverse("community:moderation-thing", args=[topic.subject.pk]))

    assert answer["Location"] == reverse("community:moderation-case", args=[Case.objects.get().pk])


def test_the_owner_reads_rule_and_reason_and_appeals_with_one_press(client, topic):
    decision = decide(topic.subject, Order(Act.REMOVE, rule="spam", evidence="secret"), by=ModeratorFactory())
    client.force_login(topic.author)

    page = client.get(decision.get_absolute_url()).content.decode()
    assert "This is advertising" in page
    assert "secret" not in page
    assert decision.actor.username not in page
    sent = client.post(reverse("community:moderation-appeal", args=[decision.pk]), follow=True)

    assert "Another moderator will look at it" in sent.content.decode()
    assert Appeal.objects.get().person == topic.author


def test_a_decision_is_nobody_elses_to_read(client, topic):
    decision = decide(topic.subject, Order(Act.REMOVE, rule="spam"), by=ModeratorFactory())
    client.force_login(UserFactory())

    assert client.get(decision.get_absolute_url()).status_code == 404
    assert client.post(reverse("community:moderation-appeal", args=[decision.pk])).status_code == 404


def test_an_appeal_waits_in_the_queue_until_it_is_settled(client, moderator, topic):
    decision = decide(topic.subject, Order(Act.REMOVE, rule="spam"), by=ModeratorFactory())
    asked = appeal(decision, by=topic.author, text="It is a lamp.")
    assert "It is a lamp." in client.get(reverse("community:moderation")).content.decode()

    client.post(reverse("community:moderation-settle", args=[asked.pk]), {"act": "overturn", "answer": "So it is."})

    asked.refresh_from_db()
    topic.subject.refresh_from_db()
    assert (asked.state, topic.subject.is_public) == ("overturned", True)
    assert "It is a lamp." not in client.get(reverse("community:moderation")).content.decode()


PAGES = {
    "queue": lambda: reverse("community:moderation"),
    "block list": lambda: reverse("community:moderation-blocked"),
    "thing": lambda: reverse("community:moderation-thing", args=[SubjectFactory().pk]),
}


@pytest.mark.parametrize("name", PAGES)
def test_members_do_not_keep_order(client, name):
    client.force_login(UserFactory())

    assert client.get(PAGES[name]()).status_code == 403


def test_the_log_tells_everybody_what_was_decided_and_names_nobody(client, topic):
    decide(topic.subject, Order(Act.REMOVE, rule="spam", evidence="secret"), by=ModeratorFactory(username="mod"))

    page = client.get(reverse("community:moderation-log")).content.decode()

    assert "This is advertising" in page
    assert not [word for word in ("Buy my lamp", "ada", "secret", ">mod<") if word in page]


def test_the_log_says_nothing_bad_of_what_broke_no_rule(client, topic, moderator):
    decide(topic.subject, Order(Act.KEEP, rule="spam"), by=moderator)
    decide(topic.subject, Order(Act.KEEP, rule="spam", reason="It is the first of its kind."), by=moderator)

    page = client.get(reverse("community:moderation-log")).content.decode()

    assert "This is advertising" not in page
    assert "It is the first of its kind." in page


def test_the_log_is_read_to_its_end(client, topic):
    moderator = ModeratorFactory()
    for _times in range(51):
        decide(topic.subject, Order(Act.KEEP), by=moderator)

    first = client.get(reverse("community:moderation-log"))
    second = client.get(reverse("community:moderation-log"), {"cursor": first.context["next"]})

    assert [len(answer.context["rows"]) for answer in (first, second)] == [50, 1]
    assert client.get(reverse("community:moderation-log"), {"cursor": "bent"}).status_code == 200


def test_a_site_may_keep_its_log_to_its_moderators(client, settings):
    settings.MODERATION_LOG = False
    assert client.get(reverse("community:moderation-log")).status_code == 404

    client.force_login(ModeratorFactory())
    assert client.get(reverse("community:moderation-log")).status_code == 200
