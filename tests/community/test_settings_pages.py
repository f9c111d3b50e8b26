"""What a person sets for themselves."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from community.models import ApiToken, Invitation
from community.services.tokens import create_token, find_token
from tests.factories import ModeratorFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(client):
    person = UserFactory(username="mira")
    client.force_login(person)
    return person


def test_settings_begin_with_the_profile(client, person):
    assert client.get("/settings")["Location"] == "/settings/profile"


def test_the_profile_is_saved(client, person):
    response = client.post(
        "/settings/profile", {"display_name": "Mira K.", "about": "*ink*", "level": "4", "language": "de"}
    )

    person.refresh_from_db()
    assert (person.display_name, person.about, person.browsing_level, person.language) == ("Mira K.", "*ink*", 7, "de")
    assert response.cookies["django_language"].value == "de"


def test_following_the_browser_again_forgets_the_language(client, person):
    client.cookies["django_language"] = "de"

    response = client.post("/settings/profile", {"display_name": "", "about": "", "level": "1", "language": ""})

    assert response.cookies["django_language"].value == ""


def test_the_form_shows_the_highest_level_of_now(client, person):
    person.browsing_level = 15
    person.save()

    page = client.get("/settings/profile").content.decode()

    assert re.search(r'value="8"[^>]*checked', page)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"level": "3"}, "level"),
        ({"level": "x"}, "level"),
        ({"level": ""}, "level"),
        ({"language": "xx"}, "language"),
        ({"display_name": "n" * 81}, "display_name"),
        ({"display_name": "a\u202eb"}, "display_name"),
        ({"display_name": "a\0b"}, "display_name"),
        ({"about": "a" * 4001}, "about"),
    ],
)
def test_a_wrong_value_is_told_beside_its_field(client, person, fields, wrong):
    response = client.post(
        "/settings/profile", {"display_name": "", "about": "", "level": "1", "language": "", **fields}
    )

    person.refresh_from_db()
    assert response.status_code == 400
    assert list(response.context["form"].errors) == [wrong]
    assert (person.browsing_level, person.display_name) == (1, "")


def test_a_token_is_shown_once(client, person):
    response = client.post("/settings/tokens", {"name": "script", "scopes": ["models:read"], "days": "30"})
    plain = re.search(r"slt_[A-Za-z0-9_-]{43}", response.content.decode())[0]
    again = client.get("/settings/tokens").content.decode()

    token = find_token(plain)
    assert token.user == person
    assert 29 <= (token.expires_at - token.created_at).days <= 30
    assert plain not in again
    assert token.hint in again
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": "", "scopes": ["models:read"]}, "name"),
        ({"name": "x"}, "scopes"),
        ({"name": "x", "scopes": ["all"]}, "scopes"),
        ({"name": "x", "scopes": ["models:read"], "days": "-5"}, "days"),
    ],
)
def test_a_wrong_token_is_told_beside_its_field(client, person, fields, wrong):
    response = client.post("/settings/tokens", fields)

    assert response.status_code == 400
    assert wrong in response.context["form"].errors
    assert not ApiToken.objects.exists()


def test_tokens_are_limited(client, person, settings):
    settings.RATES = {**settings.RATES, "token": (1, 3600)}
    fields = {"name": "x", "scopes": ["models:read"], "days": "never"}

    answers = [client.post("/settings/tokens", fields).status_code for _ in range(2)]

    assert answers == [200, 429]


def test_a_token_is_revoked_by_its_owner_alone(client, person):
    mine, plain = create_token(person, "a", ["models:read"])
    other, other_plain = create_token(UserFactory(), "b", ["models:read"])

    refused = client.post(reverse("community:token-revoke", args=[other.pk]))
    client.post(reverse("community:token-revoke", args=[mine.pk]))

    assert refused.status_code == 404
    assert find_token(plain) is None
    assert find_token(other_plain) == other
    assert "slt_" not in client.get("/settings/tokens").content.decode()


def test_a_moderator_invites_and_takes_back(client, settings):
    settings.SIGNUP = "invite"
    moderator = ModeratorFactory()
    client.force_login(moderator)

    response = client.post("/settings/invitations", {"note": "for <b>"})
    made = Invitation.objects.get()
    listed = client.get("/settings/invitations").content.decode()
    client.post(reverse("community:invitation-end", args=[made.pk]))

    assert re.search(r"http://testserver/accounts/signup/\?invitation=[\w-]{32}", response.content.decode())
    assert "for &lt;b&gt;" in listed
    assert not Invitation.objects.exists()


def test_others_invitations_are_not_ones_own_to_end(client, settings):
    settings.SIGNUP = "invite"
    made = Invitation.objects.create(digest="x", created_by=ModeratorFactory(), expires_at="2100-01-01T00:00:00+00:00")
    client.force_login(ModeratorFactory())

    response = client.post(reverse("community:invitation-end", args=[made.pk]))

    assert response.status_code == 404
    assert Invitation.objects.exists()
