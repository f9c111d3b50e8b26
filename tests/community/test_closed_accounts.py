"""Closed accounts: the one door that is left is an appeal."""

from __future__ import annotations

import re

import pytest
from django.core import mail, signing
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from community.models import Appeal, Decision
from community.services.appealing import settle_appeal
from community.services.closing import LASTS, closed_address
from community.services.deciding import Act, Order, decide
from community.services.following import subject_of_person
from community.services.tokens import create_token
from tests.factories import ModeratorFactory, UserFactory

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"  # of UserFactory


@pytest.fixture
def person():
    return UserFactory(username="mira")


def shut(person, act=Act.REMOVE, reason="Spam in every topic.") -> Decision:
    decision = decide(subject_of_person(person), Order(act, rule="spam", reason=reason), by=ModeratorFactory())
    person.refresh_from_db()
    return decision


def log_in(client, password=PASSWORD):
    return client.post(reverse("account_login"), {"login": "mira", "password": password})


def test_name_and_password_lead_to_the_reason_and_the_appeal_and_open_no_session(client, person):
    decision = shut(person)

    answer = log_in(client)
    page = client.get(answer.url)

    assert answer.url.startswith("/moderation/closed/")
    assert "Spam in every topic." in page.content.decode()
    assert page["Cache-Control"].startswith("max-age=0")
    assert client.get("/settings").url.startswith(reverse("account_login"))
    sent = client.post(answer.url, {"text": "It was not me."})
    assert (sent.status_code, sent.url) == (302, answer.url)
    appeal = Appeal.objects.get()
    assert (appeal.decision, appeal.person, appeal.text) == (decision, person, "It was not me.")
    assert "It was not me." in client.get(answer.url).content.decode()


def test_it_takes_one_appeal(client, person):
    shut(person)
    address = closed_address(person)
    client.post(address, {"text": "First."})

    assert client.post(address, {"text": "Second."}).status_code == 200
    assert [appeal.text for appeal in Appeal.objects.all()] == ["First."]


def test_what_is_too_long_is_refused_with_the_field(client, person):
    shut(person)

    answer = client.post(closed_address(person), {"text": "x" * 1_000_000})

    assert (answer.status_code, Appeal.objects.count()) == (400, 0)
    assert answer.context["form"].errors["text"]


def test_a_wrong_password_says_nothing_of_it(client, person):
    shut(person)

    answer = log_in(client, "wrong horse battery")

    assert answer.status_code == 200
    assert "/moderation/closed/" not in answer.content.decode()


def test_an_account_that_no_moderator_closed_has_no_appeal(client, person):
    person.is_active = False
    person.save()

    assert log_in(client).url == reverse("account_inactive")


def test_a_letter_tells_why_and_where(person, client, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        shut(person)

    [letter] = mail.outbox
    assert letter.to == [person.email]
    assert "Spam in every topic." in letter.body
    address = re.search(r"(/moderation/closed/\S+)", letter.body)[1]
    assert client.get(address).status_code == 200


def test_granted_it_opens_the_account_and_the_link_leads_nowhere(client, person):
    shut(person)
    address = closed_address(person)
    client.post(address, {"text": ""})

    settle_appeal(Appeal.objects.get(), overturn=True, by=ModeratorFactory())

    assert client.get(address).status_code == 404
    assert log_in(client).url == "/"


def test_turned_down_it_says_so_to_whoever_comes_back(client, person):
    shut(person)
    client.post(closed_address(person), {"text": ""})
    settle_appeal(Appeal.objects.get(), overturn=False, by=ModeratorFactory(), answer="The log is clear.")

    page = client.get(log_in(client).url).content.decode()

    assert "The log is clear." in page
    assert "<textarea" not in page


def _other_code(person) -> str:
    decision = shut(UserFactory(), reason="Another.")
    return signing.TimestampSigner(salt="community.elsewhere").sign(str(decision.pk))


BAD = {
    "nonsense": lambda person: "x",
    "a number": lambda person: "1",
    "of another purpose": _other_code,
    "changed": lambda person: closed_address(person).rpartition("/")[2] + "A",
    "a megabyte": lambda person: "A" * 1_000_000,
}


@pytest.mark.parametrize("name", BAD)
def test_what_was_not_signed_here_opens_nothing(client, person, name):
    shut(person)

    assert client.get(f"/moderation/closed/{BAD[name](person)}").status_code == 404


def test_a_link_grows_old_and_belongs_to_one_closing(client, person, monkeypatch):
    shut(person)
    first = closed_address(person)
    shut(person, Act.RESTORE)
    assert client.get(first).status_code == 404
    shut(person, reason="Again.")
    assert client.get(first).status_code == 404
    second = closed_address(person)
    assert client.get(second).status_code == 200

    now = signing.time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now + LASTS.total_seconds() + 1)
    assert client.get(second).status_code == 404


def _plain(patterns, space="", path="/") -> list[str]:
    """Every address of the site without a part that varies."""
    found = []
    for each in patterns:
        if isinstance(each, URLResolver):
            found += _plain(each.url_patterns, space, path + str(each.pattern))
        elif isinstance(each, URLPattern) and "<" not in str(each.pattern) and "^" not in str(each.pattern):
            found.append(path + str(each.pattern))
    return sorted(set(found))


def _answers(client: Client, address: str, **headers) -> tuple[int, int]:
    return client.get(address, **headers).status_code, client.post(address, **headers).status_code


def test_every_other_door_stays_shut(person):
    """With the session and the token from before, and after the appeal: as for somebody without a name."""
    closed, nobody = Client(), Client()
    closed.force_login(person)
    _row, secret = create_token(person, "script", ["models:write", "social:write", "images:write"])
    shut(person)
    closed.post(closed_address(person), {"text": ""})
    token = {"headers": {"Authorization": f"Bearer {secret}"}}
    addresses = [each for each in _plain(get_resolver().url_patterns) if each not in {"/healthz"}]
    assert len(addresses) > 60

    for address in addresses:
        assert _answers(closed, address) == _answers(nobody, address), address
        if address.startswith("/api/"):
            assert all(status in {401, 403, 405} for status in _answers(Client(), address, **token)), address


def test_the_link_is_open_where_one_signs_in_to_look(client, person, settings):
    settings.LOGIN_TO_LOOK = True
    shut(person)

    assert client.get(closed_address(person)).status_code == 200
    assert client.get("/moderation/log").status_code == 302
