"""Keys for programs."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from community.errors import Conflict, InvalidInput
from community.models import ApiToken
from community.services import tokens
from community.services.tokens import create_token, find_token, revoke_token
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_a_token_is_found_by_its_words_and_kept_as_a_digest():
    person = UserFactory()

    token, plain = create_token(person, " script ", ["models:write", "models:write"])

    assert plain.startswith("slt_")
    assert find_token(plain) == token
    assert token.name == "script"
    assert token.scopes == ["models:write"]
    assert plain not in str(ApiToken.objects.values().get())
    assert plain.startswith(token.hint)


@pytest.mark.parametrize(
    ("name", "scopes", "field"),
    [
        ("", ["models:read"], "name"),
        ("n" * 81, ["models:read"], "name"),
        ("a\0b", ["models:read"], "name"),
        ("x", [], "scopes"),
        ("x", [""], "scopes"),
        ("x", ["models:read", "everything"], "scopes"),
    ],
)
def test_a_bad_token_is_refused_by_field(name, scopes, field):
    with pytest.raises(InvalidInput) as refusal:
        create_token(UserFactory(), name, scopes)

    assert refusal.value.field == field


def test_a_day_gone_by_is_refused():
    with pytest.raises(InvalidInput) as refusal:
        create_token(UserFactory(), "x", ["models:read"], expires_at=timezone.now() - timedelta(days=1))

    assert refusal.value.field == "expires_at"


def test_nobody_piles_up_tokens_without_end(monkeypatch):
    monkeypatch.setattr(tokens, "MAX_TOKENS", 2)
    person = UserFactory()
    first, _ = create_token(person, "a", ["models:read"])
    create_token(person, "b", ["models:read"])

    with pytest.raises(Conflict):
        create_token(person, "c", ["models:read"])

    revoke_token(first)
    create_token(person, "c", ["models:read"])


def test_the_command_prints_the_token_as_its_last_word():
    person = UserFactory(username="Mira")
    out = io.StringIO()

    call_command("create_token", "mira", "--scopes", "models:read,images:write", "--name", "nightly", stdout=out)

    token = find_token(out.getvalue().split()[-1])
    assert token is not None
    assert (token.user, token.name, token.scopes) == (person, "nightly", ["models:read", "images:write"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["nobody", "--scopes", "models:read"], "nobody"), (["mira", "--scopes", "all"], "scopes")],
    ids=["person", "scope"],
)
def test_the_command_says_what_was_wrong(arguments, said):
    UserFactory(username="mira")

    with pytest.raises(CommandError, match=said):
        call_command("create_token", *arguments, stdout=io.StringIO())
