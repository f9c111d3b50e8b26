"""The daily mail: only for those who asked, once a day, ended with one click."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from community.models import Notice, Subject, User
from community.services.digests import person_of, send_digests, unsubscribe, unsubscribe_code
from community.services.notifications import mark_read
from community.services.reacting import react
from tests.factories import SubjectFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def subject(settings):
    settings.SITE_URL = "https://site.example"
    return SubjectFactory(title="Ink <i>", owner=UserFactory(mail_digest=True, username="mira"))


def like(subject, name):
    react(subject, "like", by=UserFactory(username=name))


def test_what_is_new_is_mailed_in_plain_text_with_a_way_to_end_it(subject):
    like(subject, "ola")

    assert send_digests() == 1

    (message,) = mail.outbox
    assert message.to == ["mira@example.org"]
    assert "1 new notice" in message.subject
    assert "ola liked “Ink <i>”.\n  https://site.example/somebody/" in message.body
    assert message.extra_headers["List-Unsubscribe"].strip("<>") in message.body
    assert message.alternatives == [] if hasattr(message, "alternatives") else True


def test_it_comes_once_a_day(subject):
    like(subject, "ola")
    send_digests()
    like(subject, "per")

    same_day = send_digests()
    User.objects.update(digest_sent_at=timezone.now() - timedelta(days=1))
    next_day = send_digests()

    assert (same_day, next_day) == (0, 1)
    assert "per and 1 other liked" in mail.outbox[1].body or "per and ola liked" in mail.outbox[1].body


@pytest.mark.parametrize(
    "change",
    [{"mail_digest": False}, {"email": ""}, {"is_active": False}],
    ids=["did-not-ask", "has-no-address", "shut-out"],
)
def test_nobody_else_gets_one(subject, change):
    like(subject, "ola")
    User.objects.filter(pk=subject.owner_id).update(**change)

    assert send_digests() == 0
    assert mail.outbox == []


def test_what_was_read_or_hidden_meanwhile_is_not_mailed(subject):
    like(subject, "ola")
    mark_read(subject.owner)
    assert send_digests() == 0

    other = SubjectFactory(title="Secret")
    Notice.objects.create(
        person=subject.owner, kind="comment", subject=other, gathered="x", latest_at=timezone.now(), event_count=1
    )
    Subject.objects.filter(pk=other.pk).update(is_public=False)

    assert send_digests() == 0
    assert mail.outbox == []


def test_the_mail_is_written_in_the_persons_language(subject):
    User.objects.filter(pk=subject.owner_id).update(language="de")
    like(subject, "ola")

    send_digests()

    assert len(mail.outbox) == 1


def test_the_link_ends_the_mail_and_nothing_else_does(subject):
    person = subject.owner
    code = unsubscribe_code(person)

    assert unsubscribe(code + "x") is None
    assert unsubscribe("1") is None
    assert person_of(code) == person
    assert unsubscribe(code) == person
    person.refresh_from_db()
    assert not person.mail_digest


def test_a_mail_server_that_is_away_stops_nobody(subject, monkeypatch):
    like(subject, "ola")

    def fail(message):
        raise ConnectionRefusedError

    monkeypatch.setattr("community.services.digests.EmailMessage.send", fail)

    assert send_digests() == 0
