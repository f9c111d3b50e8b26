"""Reports, what is decided about them, and appeals: through the services that pages and programs call."""

from __future__ import annotations

import pytest

from community.errors import Conflict, InvalidInput, NotAllowed, RateLimited
from community.models import Appeal, Case, Comment, Decision, ModerationAct, Notice, Report, Subject, User
from community.services.appealing import appeal, settle_appeal
from community.services.deciding import Act, Order, decide, decide_case
from community.services.discussion import post_comment
from community.services.following import subject_of_person
from community.services.reporting import report
from community.services.topics import begin_topic
from community.services.wording import tell
from tests.factories import ModeratorFactory, OperatorFactory, SubjectFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def topic():
    return begin_topic("Buy my lamp", "Cheap.", by=UserFactory(username="ada"))


def sentences(person: User) -> list[str]:
    rows = Notice.objects.filter(person=person).select_related("subject").order_by("pk")
    return [told.sentence for told in tell(rows)]


def test_reports_of_one_thing_gather_in_one_case(topic):
    for _person in range(3):
        report(topic.subject, "spam", by=UserFactory(), text="Again.")

    case = Case.objects.get()
    assert (case.report_count, case.subject, case.reports.count()) == (3, topic.subject, 3)


def test_reporting_again_changes_the_report_and_counts_once(topic):
    person = UserFactory()

    report(topic.subject, "spam", by=person)
    report(topic.subject, "stolen", by=person, text="It is mine.\r\n")

    case = Case.objects.get()
    assert (case.report_count, case.reports.get().rule, case.reports.get().text) == (1, "stolen", "It is mine.")


def test_what_was_decided_can_be_reported_anew(topic):
    person = UserFactory()
    report(topic.subject, "spam", by=person)
    decide(topic.subject, Order(Act.KEEP), by=ModeratorFactory())

    report(topic.subject, "spam", by=person)

    assert Case.objects.count() == 2
    assert Case.objects.open().get().report_count == 1


def test_a_comment_has_a_case_of_its_own(topic):
    comment = post_comment(topic.subject, "An insult", by=UserFactory())

    report(topic.subject, "spam", by=UserFactory())
    report(topic.subject, "other", by=UserFactory(), comment=comment)

    assert set(Case.objects.values_list("comment", flat=True)) == {None, comment.pk}


REFUSED = {
    "no such rule": ({"rule": "ugly"}, InvalidInput, "rule"),
    "text too long": ({"rule": "spam", "text": "x" * 1001}, InvalidInput, "text"),
    "NUL in the text": ({"rule": "spam", "text": "a\0"}, InvalidInput, "text"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_report_names_its_field(topic, name):
    given, error, field = REFUSED[name]

    with pytest.raises(error) as refusal:
        report(topic.subject, by=UserFactory(), **given)

    assert refusal.value.field == field
    assert not Case.objects.exists()


def test_one_does_not_report_oneself_nor_what_nobody_decides_about(topic):
    with pytest.raises(Conflict, match="your own"):
        report(topic.subject, "spam", by=topic.author)
    with pytest.raises(Conflict, match="cannot be reported"):
        report(SubjectFactory(kind="tag", owner=None), "spam", by=UserFactory())


def test_reports_are_limited(topic, settings):
    settings.RATES = {**settings.RATES, "report": (1, 3600)}
    person = UserFactory()
    report(topic.subject, "spam", by=person)

    with pytest.raises(RateLimited):
        report(topic.subject, "spam", by=person)


def test_a_removal_is_one_act_with_its_rule_told_to_both_sides(topic):
    reporter, moderator = UserFactory(), ModeratorFactory()
    report(topic.subject, "spam", by=reporter)

    decision = decide_case(Case.objects.get(), Order(Act.REMOVE, rule="spam", evidence="Ten of them."), by=moderator)

    topic.subject.refresh_from_db()
    assert not topic.subject.is_public
    assert (decision.reason, decision.title, decision.kind, decision.owner) == (
        "This is advertising, or the same thing many times over.",
        "Buy my lamp",
        "topic",
        topic.author,
    )
    assert not Case.objects.open().exists()
    assert ModerationAct.objects.get().rule == "spam"
    assert sentences(reporter) == ["Moderators removed what you reported."]
    assert sentences(topic.author) == [
        "Moderators removed “Buy my lamp”: This is advertising, or the same thing many times over."
    ]
    assert Notice.objects.get(person=topic.author).params["address"] == f"/moderation/decisions/{decision.pk}"


def test_a_dismissed_report_is_told_to_its_reporter_alone(topic):
    reporter = UserFactory()
    report(topic.subject, "spam", by=reporter)

    decide_case(Case.objects.get(), Order(Act.KEEP), by=ModeratorFactory())

    assert sentences(reporter) == ["Moderators looked at what you reported. It breaks no rule, and stays."]
    assert sentences(topic.author) == []
    topic.subject.refresh_from_db()
    assert topic.subject.is_public


def test_a_case_is_decided_once(topic):
    report(topic.subject, "spam", by=UserFactory())
    case = Case.objects.get()
    decide_case(case, Order(Act.KEEP), by=ModeratorFactory())

    with pytest.raises(Conflict, match="meanwhile"):
        decide_case(case, Order(Act.REMOVE, rule="spam"), by=ModeratorFactory())

    assert Decision.objects.count() == 1


def test_nobody_decides_reports_about_their_own_work_unless_alone():
    moderator = ModeratorFactory()
    topic = begin_topic("Mine", by=moderator)
    report(topic.subject, "spam", by=UserFactory())

    decide_case(Case.objects.get(), Order(Act.KEEP), by=moderator)
    report(topic.subject, "spam", by=UserFactory())
    ModeratorFactory()

    with pytest.raises(NotAllowed, match="your own work"):
        decide_case(Case.objects.open().get(), Order(Act.KEEP), by=moderator)


BAD_ORDERS = {
    "an act that the thing does not know": (Order(Act.RATE), "act"),
    "a removal without a reason": (Order(Act.REMOVE), "reason"),
    "a rule that there is not": (Order(Act.REMOVE, rule="ugly"), "rule"),
    "a reason of two lines and more": (Order(Act.REMOVE, reason="x" * 501), "reason"),
    "evidence without end": (Order(Act.REMOVE, rule="spam", evidence="x" * 2001), "evidence"),
}


@pytest.mark.parametrize("name", BAD_ORDERS)
def test_a_bad_decision_changes_nothing_and_names_its_field(topic, name):
    order, field = BAD_ORDERS[name]

    with pytest.raises(InvalidInput) as refusal:
        decide(topic.subject, order, by=ModeratorFactory())

    assert refusal.value.field == field
    assert not Decision.objects.exists()


def test_members_decide_nothing(topic):
    with pytest.raises(NotAllowed):
        decide(topic.subject, Order(Act.REMOVE, rule="spam"), by=UserFactory())


def test_a_comment_is_removed_and_restored_with_its_count(topic):
    comment = post_comment(topic.subject, "An insult", by=UserFactory())
    moderator = ModeratorFactory()

    decide(topic.subject, Order(Act.REMOVE, rule="other"), by=moderator, comment=comment)
    removed = Comment.objects.get()
    topic.subject.refresh_from_db()
    assert (removed.stands, topic.subject.comment_count) == (False, 0)

    decide(topic.subject, Order(Act.RESTORE), by=moderator, comment=comment)
    restored = Comment.objects.get()
    topic.subject.refresh_from_db()
    assert (restored.stands, restored.removal_reason, topic.subject.comment_count) == (True, "", 1)


def test_an_account_is_closed_and_opened_again():
    person = UserFactory()
    subject, moderator = subject_of_person(person), ModeratorFactory()

    decide(subject, Order(Act.REMOVE, rule="spam"), by=moderator)
    person.refresh_from_db()
    assert (person.is_active, Subject.objects.get(pk=subject.pk).is_public) == (False, False)

    decide(subject, Order(Act.RESTORE), by=moderator)
    person.refresh_from_db()
    assert person.is_active


@pytest.mark.parametrize("maker", [ModeratorFactory, OperatorFactory], ids=["moderator", "operator"])
def test_moderators_do_not_close_each_others_accounts(maker):
    with pytest.raises(NotAllowed, match="operator"):
        decide(subject_of_person(maker()), Order(Act.REMOVE, rule="spam"), by=ModeratorFactory())


def removed(topic, by: User) -> Decision:
    return decide(topic.subject, Order(Act.REMOVE, rule="spam"), by=by)


def test_an_appeal_that_is_granted_restores_the_thing(topic):
    decision = removed(topic, ModeratorFactory())
    asked = appeal(decision, by=topic.author, text="It is a lamp.")

    settle_appeal(asked, overturn=True, by=ModeratorFactory(), answer="It is.")

    topic.subject.refresh_from_db()
    asked.refresh_from_db()
    assert (topic.subject.is_public, asked.state, asked.answer) == (True, Appeal.State.OVERTURNED, "It is.")
    assert sentences(topic.author)[-1] == "Your appeal about “Buy my lamp” was granted. It is."


def test_an_appeal_that_is_turned_down_leaves_the_decision(topic):
    asked = appeal(removed(topic, ModeratorFactory()), by=topic.author)

    settle_appeal(asked, overturn=False, by=ModeratorFactory())

    topic.subject.refresh_from_db()
    assert not topic.subject.is_public
    with pytest.raises(Conflict, match="meanwhile"):
        settle_appeal(asked, overturn=True, by=ModeratorFactory())


def test_the_first_moderator_settles_an_appeal_only_where_nobody_else_can(topic):
    moderator = ModeratorFactory()
    asked = appeal(removed(topic, moderator), by=topic.author)
    other = ModeratorFactory()

    with pytest.raises(NotAllowed, match="Another moderator"):
        settle_appeal(asked, overturn=True, by=moderator)

    User.objects.filter(pk=other.pk).update(is_active=False)
    assert settle_appeal(asked, overturn=True, by=moderator).state == Appeal.State.OVERTURNED


def test_appealing_twice_is_one_appeal(topic):
    decision = removed(topic, ModeratorFactory())

    assert appeal(decision, by=topic.author) == appeal(decision, by=topic.author, text="Again.")
    with pytest.raises(NotAllowed):
        appeal(decision, by=UserFactory())


def test_what_took_nothing_is_not_appealed(topic):
    with pytest.raises(Conflict, match="took nothing"):
        appeal(decide(topic.subject, Order(Act.KEEP), by=ModeratorFactory()), by=topic.author)


def test_a_granted_appeal_undoes_no_later_decision(topic):
    first = removed(topic, ModeratorFactory())
    asked = appeal(first, by=topic.author)
    decide(topic.subject, Order(Act.REMOVE, rule="illegal"), by=ModeratorFactory())

    settle_appeal(asked, overturn=True, by=ModeratorFactory())

    topic.subject.refresh_from_db()
    assert not topic.subject.is_public


def test_a_report_outlives_its_reporter_without_their_name(topic):
    person = UserFactory()
    report(topic.subject, "spam", by=person)

    person.delete()

    assert Report.objects.get().reporter is None
