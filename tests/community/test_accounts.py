"""Who comes in, under which name, and who may do what."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from community.errors import Conflict, InvalidInput, NotAllowed
from community.models import Invitation, ModerationAct, User
from community.services.accounts import (
    check_signup_name,
    create_invitation,
    create_owner,
    create_person,
    find_invitation,
    redeem_invitation,
    set_role,
    withdraw_invitation,
)
from tests.factories import ModeratorFactory, OperatorFactory, UserFactory

pytestmark = pytest.mark.django_db
GOOD_PASSWORD = "tidewater ink 5"


@pytest.mark.parametrize("name", ["mira", "mira.k", "M_1", "a", "9", "_", "x" * 96, "a-b.c_d", "modelmaker", "Admins"])
def test_a_newcomer_may_take_a_plain_name(name):
    check_signup_name(name)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "invalid_name"),
        ("x" * 97, "invalid_name"),
        ("x" * 10_000, "invalid_name"),
        ("mira k", "invalid_name"),
        ("-mira", "invalid_name"),
        ("mira-", "invalid_name"),
        (".mira", "invalid_name"),
        ("mira.", "invalid_name"),
        ("mi--ra", "invalid_name"),
        ("mi..ra", "invalid_name"),
        ("mi-.ra", "invalid_name"),
        ("mira.git", "invalid_name"),
        ("mira/x", "invalid_name"),
        ("mira\n", "invalid_name"),
        ("mi\0ra", "invalid_name"),
        ("міра", "invalid_name"),
        ("mira\u202e", "invalid_name"),
        ("<b>", "invalid_name"),
        ("admin", "reserved_name"),
        ("ADMIN", "reserved_name"),
        ("Api", "reserved_name"),
        ("models", "reserved_name"),
        ("settings", "reserved_name"),
        ("comments", "reserved_name"),
        ("robots.txt", "reserved_name"),
        ("ozan", "name_taken"),
        ("OZAN", "name_taken"),
    ],
)
def test_a_newcomer_may_not_take(name, code):
    UserFactory(username="Ozan")

    with pytest.raises(InvalidInput) as refusal:
        check_signup_name(name)

    assert refusal.value.code == code
    assert refusal.value.field == "username"


def test_the_owner_may_bear_a_reserved_name_and_is_an_operator():
    owner = create_owner("admin", GOOD_PASSWORD)

    owner.refresh_from_db()
    assert owner.is_operator
    assert owner.check_password(GOOD_PASSWORD)


@pytest.mark.parametrize(
    ("name", "password", "field"),
    [("bad name", GOOD_PASSWORD, "username"), ("mira", "short", "password"), ("mira", "1234567890123", "password")],
    ids=["name", "short-password", "digits-only"],
)
def test_a_bad_owner_is_refused_by_field(name, password, field):
    with pytest.raises(InvalidInput) as refusal:
        create_owner(name, password)

    assert refusal.value.field == field
    assert not User.objects.exists()


def test_a_taken_name_is_a_conflict_in_any_case_of_letters():
    UserFactory(username="Mira")

    with pytest.raises(Conflict) as refusal:
        create_owner("mIRA", GOOD_PASSWORD)

    assert refusal.value.code == "name_taken"


def test_the_database_itself_keeps_names_apart():
    UserFactory(username="Mira")

    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(username="MIRA")


def test_a_person_without_a_password_cannot_be_signed_in_as():
    person = create_person("demo-person")

    assert not person.has_usable_password()


def test_an_operator_gives_roles_and_the_act_is_kept():
    operator, person = OperatorFactory(), UserFactory()

    set_role(person, "moderator", by=operator)

    person.refresh_from_db()
    act = ModerationAct.objects.get()
    assert person.is_moderator
    assert not person.is_operator
    assert (act.actor, act.act, act.evidence) == (operator, "person.role", {"from": "member", "to": "moderator"})


@pytest.mark.parametrize("by", [UserFactory, ModeratorFactory], ids=["member", "moderator"])
def test_nobody_else_gives_roles(by):
    person = by()

    with pytest.raises(NotAllowed):
        set_role(person, "operator", by=person)

    person.refresh_from_db()
    assert not person.is_operator


def test_an_unknown_role_is_refused():
    with pytest.raises(InvalidInput) as refusal:
        set_role(UserFactory(), "king", by=OperatorFactory())

    assert refusal.value.field == "role"


def test_the_last_operator_stays_one():
    operator = OperatorFactory()
    OperatorFactory(is_active=False)

    with pytest.raises(Conflict) as refusal:
        set_role(operator, "member", by=operator)

    assert refusal.value.code == "last_operator"
    second = OperatorFactory()
    set_role(operator, "member", by=second)
    operator.refresh_from_db()
    assert operator.role == "member"


@pytest.mark.parametrize(
    ("signup", "inviters", "who", "allowed"),
    [
        ("invite", "moderator", ModeratorFactory, True),
        ("invite", "moderator", OperatorFactory, True),
        ("invite", "moderator", UserFactory, False),
        ("invite", "member", UserFactory, True),
        ("invite", "operator", ModeratorFactory, False),
        ("invite", "operator", OperatorFactory, True),
        ("open", "member", OperatorFactory, False),
        ("closed", "member", OperatorFactory, False),
    ],
)
def test_who_may_invite_is_the_operators_setting(settings, signup, inviters, who, allowed):
    settings.SIGNUP, settings.INVITERS = signup, inviters
    person = who()

    if allowed:
        create_invitation(by=person)
    else:
        with pytest.raises(NotAllowed):
            create_invitation(by=person)

    assert Invitation.objects.exists() == allowed


@pytest.fixture
def _by_invitation(settings):
    settings.SIGNUP = "invite"


@pytest.mark.usefixtures("_by_invitation")
def test_an_invitation_lets_one_person_in():
    invitation, code = create_invitation(by=ModeratorFactory(), note="for ozan")
    person = UserFactory()

    redeem_invitation(code, person)

    invitation.refresh_from_db()
    assert invitation.used_by == person
    assert find_invitation(code) is None
    with pytest.raises(InvalidInput):
        redeem_invitation(code, UserFactory())


@pytest.mark.usefixtures("_by_invitation")
def test_only_a_digest_of_the_code_is_kept():
    invitation, code = create_invitation(by=ModeratorFactory())

    assert code not in str(Invitation.objects.filter(pk=invitation.pk).values().get())


@pytest.mark.usefixtures("_by_invitation")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda made: Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1)),
        lambda made: withdraw_invitation(made),
        lambda made: User.objects.filter(pk=made.created_by_id).update(is_active=False),
    ],
    ids=["expired", "taken-back", "its-maker-shut-out"],
)
def test_a_spoiled_invitation_lets_nobody_in(spoil):
    invitation, code = create_invitation(by=ModeratorFactory())
    spoil(invitation)

    assert find_invitation(code) is None
    with pytest.raises(InvalidInput):
        redeem_invitation(code, UserFactory())


@pytest.mark.parametrize("code", ["", "x", "x" * 5000, "\0", "é"])
def test_a_made_up_code_is_nobodys(code):
    assert find_invitation(code) is None


@pytest.mark.usefixtures("_by_invitation")
def test_a_used_invitation_cannot_be_taken_back():
    invitation, code = create_invitation(by=ModeratorFactory())
    redeem_invitation(code, UserFactory())
    invitation.refresh_from_db()

    withdraw_invitation(invitation)

    assert Invitation.objects.filter(pk=invitation.pk).exists()
