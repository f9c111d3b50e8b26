"""The way in and out, as a browser walks it."""

from __future__ import annotations

import re
from base64 import b64decode
from pathlib import Path
from urllib.parse import unquote

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.conf import settings as site
from django.core.cache import cache
from django.urls import reverse

from community.models import Invitation, User
from community.services.accounts import create_invitation
from tests.factories import ModeratorFactory, UserFactory

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def sign_up(client, name="mira", **fields):
    return client.post(reverse("account_signup"), {"username": name, "password1": PASSWORD, **fields})


def log_in(client, login, password=PASSWORD):
    return client.post(reverse("account_login"), {"login": login, "password": password})


def is_logged_in(client):
    return "_auth_user_id" in client.session


def test_a_newcomer_signs_up_without_an_address_and_is_in(client):
    response = sign_up(client)

    assert response.status_code == 302
    assert is_logged_in(client)
    assert User.objects.get().role == "member"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("admin", "belongs to the site"),
        ("Settings", "belongs to the site"),
        ("OZAN", "already exists"),
        ("mira k", "letters"),
        ("x" * 10_000, "96"),
        ("mi\0ra", "Null"),
    ],
)
def test_a_bad_name_is_told_beside_its_field(client, name, said):
    UserFactory(username="Ozan")

    response = sign_up(client, name)

    assert response.status_code == 200
    assert said in " ".join(response.context["form"].errors["username"])
    assert 'id="id_username_error"' in response.content.decode()
    assert User.objects.count() == 1


@pytest.mark.parametrize("password", ["short", "1234567890123", "password12", "mira-mira-"])
def test_a_weak_password_is_refused(client, password):
    response = client.post(reverse("account_signup"), {"username": "mira-mira", "password1": password})

    assert response.context["form"].errors["password1"]
    assert not User.objects.exists()


def test_an_address_belongs_to_one_person(client):
    person = UserFactory()
    EmailAddress.objects.create(user=person, email=person.email, primary=True)

    response = sign_up(client, email=person.email.upper())

    assert response.context["form"].errors["email"]


def test_where_mail_is_sent_a_newcomer_confirms_the_address_first(client, settings, mailoutbox):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.MAIL_IS_SENT = True

    response = sign_up(client, email="mira@example.org")
    before = is_logged_in(client)
    address = re.search(r"http://testserver(\S+)", mailoutbox[0].body)[1]
    page = client.get(address)
    client.post(address)
    log_in(client, "mira")

    assert response["Location"] == reverse("account_email_verification_sent")
    assert not before
    assert "mira@example.org" in page.content.decode()
    assert is_logged_in(client)


def test_a_closed_site_takes_nobody(client, settings):
    settings.SIGNUP = "closed"

    page, sent = client.get(reverse("account_signup")), sign_up(client)

    assert "takes no new people" in page.content.decode()
    assert "takes no new people" in sent.content.decode()
    assert not User.objects.exists()


@pytest.fixture
def code(settings):
    settings.SIGNUP = "invite"
    return create_invitation(by=ModeratorFactory())[1]


def test_an_invitations_address_fills_the_form_and_lets_in(client, code):
    page = client.get(reverse("account_signup"), {"invitation": code})
    response = sign_up(client, invitation=code)

    assert f'value="{code}"' in page.content.decode()
    assert response.status_code == 302
    assert Invitation.objects.get().used_by.username == "mira"


@pytest.mark.parametrize(
    "given", [{}, {"invitation": "made-up"}, {"invitation": "x" * 5000}], ids=["none", "bad", "big"]
)
def test_without_an_invitation_nobody_comes_in(client, code, given):
    response = sign_up(client, **given)

    assert response.context["form"].errors["invitation"]
    assert User.objects.count() == 1


def test_an_invitation_is_used_up_by_the_first(client, code):
    sign_up(client, invitation=code)
    client.logout()

    response = sign_up(client, "second", invitation=code)

    assert response.context["form"].errors["invitation"]


@pytest.mark.parametrize("login", ["Mira", "mIRA", "mira@example.org", "MIRA@example.org"])
def test_one_logs_in_by_name_or_address(client, login):
    person = UserFactory(username="Mira", email="mira@example.org")
    EmailAddress.objects.create(user=person, email=person.email, primary=True)

    log_in(client, login)

    assert is_logged_in(client)


def test_a_wrong_password_says_nothing_about_the_name(client):
    UserFactory(username="mira")

    known, unknown = log_in(client, "mira", "wrong"), log_in(client, "nobody", "wrong")

    assert not is_logged_in(client)
    said = [list(answer.context["form"].non_field_errors()) for answer in (known, unknown)]
    assert said[0] == said[1] == ["The name or address and the password do not belong together."]


def test_a_person_who_was_shut_out_stays_out(client):
    UserFactory(username="mira", is_active=False)

    log_in(client, "mira")

    assert not is_logged_in(client)


def test_logging_out_takes_a_post(client):
    client.force_login(UserFactory())

    client.get(reverse("account_logout"))
    still_in = is_logged_in(client)
    client.post(reverse("account_logout"))

    assert still_in
    assert not is_logged_in(client)


def test_the_next_page_is_never_another_hosts(client):
    UserFactory(username="mira")

    response = client.post(
        reverse("account_login"), {"login": "mira", "password": PASSWORD, "next": "https://evil.example/"}
    )

    assert response["Location"] == "/"


@pytest.mark.parametrize(("act", "limit"), [(sign_up, "signup"), (lambda c: log_in(c, "mira", "no"), "login")])
def test_too_many_tries_from_one_address_are_told_when_to_come_back(client, settings, act, limit):
    settings.RATES = {**settings.RATES, limit: (2, 3600)}
    answers = []
    for _ in range(3):
        answers.append(act(client))
        client.logout()

    assert [answer.status_code == 429 for answer in answers] == [False, False, True]
    assert 1 <= int(answers[-1]["Retry-After"]) <= 3600
    assert "Too often" in answers[-1].content.decode()


def test_a_name_under_attack_from_many_addresses_is_shielded(client):
    UserFactory(username="mira")

    answers = [
        client.post(
            reverse("account_login"), {"login": "mira", "password": "wrong"}, REMOTE_ADDR=f"198.51.100.{number}"
        )
        for number in range(6)
    ]

    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[-1]["Retry-After"] == "300"


def test_allauths_own_limits_say_when_to_come_back(client):
    address = reverse("account_reset_password")

    answers = [client.post(address, {"email": "mira@example.org"}) for _ in range(6)]

    assert answers[-1].status_code == 429
    assert answers[-1]["Retry-After"] == "60"


def test_a_forgotten_password_is_renewed_through_the_mail_folder(client, settings):
    settings.EMAIL_BACKEND = site.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(settings.MAIL_FOLDER)
    person = UserFactory(username="mira", email="mira@example.org")
    EmailAddress.objects.create(user=person, email=person.email, primary=True)

    page = client.get(reverse("account_reset_password"))
    client.post(reverse("account_reset_password"), {"email": "mira@example.org"})
    mail = next(Path(settings.MAIL_FOLDER).iterdir()).read_text()
    address = re.search(r"http://testserver(\S+)", mail)[1]
    form = client.get(address, follow=True)
    client.post(form.redirect_chain[-1][0], {"password1": "another horse 5", "password2": "another horse 5"})

    assert "sends no mail" in page.content.decode()
    assert "mira" in mail
    assert log_in(client, "mira", "another horse 5").status_code == 302


def test_a_cut_way_to_a_new_password_is_explained(client):
    response = client.get("/accounts/password/reset/key/1-abc/")

    assert response.status_code == 200
    assert "cut when it was copied" in response.content.decode()


def test_nobody_learns_which_addresses_are_known(client):
    person = UserFactory()
    EmailAddress.objects.create(user=person, email=person.email, primary=True)

    known = client.post(reverse("account_reset_password"), {"email": person.email})
    unknown = client.post(reverse("account_reset_password"), {"email": "nobody@example.org"})

    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])


def current_code(secret):
    """What an authenticator app would show now. A code counts once, so its mark is wiped between uses."""
    cache.clear()
    return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))


def test_the_sign_for_the_phone_stands_on_white(client):
    UserFactory(username="mira")
    log_in(client, "mira")
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})

    drawing = unquote(client.get(reverse("mfa_activate_totp")).context["totp_svg_data_uri"])

    assert b'fill="#fff"/><path' in b64decode(drawing.partition("base64,")[2])


def set_up_app(client):
    """Through the pages; returns the secret."""
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.get(reverse("mfa_activate_totp"))
    secret = page.context["form"].secret
    response = client.post(reverse("mfa_activate_totp"), {"code": current_code(secret)})
    assert response.status_code == 302
    return secret


def test_a_second_step_is_set_up_asked_for_and_replaced_by_a_recovery_code(client):
    person = UserFactory(username="mira")
    log_in(client, "mira")
    secret = set_up_app(client)
    codes = client.get(reverse("mfa_view_recovery_codes")).context["unused_codes"]
    client.post(reverse("account_logout"))

    first = log_in(client, "mira")
    half_way = is_logged_in(client)
    wrong = client.post(reverse("mfa_authenticate"), {"code": "000000"})
    client.post(reverse("mfa_authenticate"), {"code": current_code(secret)})
    with_code = is_logged_in(client)
    client.post(reverse("account_logout"))
    log_in(client, "mira")
    client.post(reverse("mfa_authenticate"), {"code": codes[0]})

    assert first["Location"] == reverse("mfa_authenticate")
    assert not half_way
    assert wrong.context["form"].errors["code"]
    assert with_code
    assert is_logged_in(client)
    assert person.authenticator_set.count() == 2


ACCOUNT_PAGES = {
    "account_login": (200, 302),
    "account_signup": (200, 302),
    "account_logout": (302, 200),
    "account_inactive": (200, 200),
    "account_reset_password": (200, 200),
    "account_reset_password_done": (200, 200),
    "account_reset_password_from_key_done": (200, 200),
    "account_email_verification_sent": (200, 200),
    "account_change_password": (302, 200),
    "account_set_password": (302, 302),
    "account_email": (302, 200),
    "account_reauthenticate": (302, 200),
    "mfa_index": (302, 200),
    "mfa_authenticate": (302, 302),
    "mfa_activate_totp": (302, 302),
    "mfa_deactivate_totp": (302, 404),
    "mfa_view_recovery_codes": (302, 404),
}


@pytest.mark.parametrize(("name", "statuses"), ACCOUNT_PAGES.items(), ids=ACCOUNT_PAGES.keys())
def test_every_account_page_answers_in_our_look(client, name, statuses):
    anonymous = client.get(reverse(name))
    client.force_login(UserFactory())
    person = client.get(reverse(name))

    assert (anonymous.status_code, person.status_code) == statuses
    for answer in (anonymous, person):
        if answer.status_code == 200:
            assert 'id="main"' in answer.content.decode()


def test_pages_behind_a_second_look_answer_in_our_look(client):
    UserFactory(username="mira")
    log_in(client, "mira")
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    set_up_app(client)

    for name in ("mfa_index", "mfa_deactivate_totp", "mfa_view_recovery_codes", "mfa_generate_recovery_codes"):
        assert 'id="main"' in client.get(reverse(name)).content.decode()
    assert client.get(reverse("mfa_download_recovery_codes")).content.decode().split()


def test_an_address_is_added_used_and_removed(client):
    person = UserFactory(username="mira", email="")
    log_in(client, "mira")
    address = reverse("account_email")

    client.post(address, {"action_add": "", "email": "one@example.org"})
    client.post(address, {"action_primary": "", "email": "one@example.org"})
    client.post(address, {"action_add": "", "email": "two@example.org"})
    client.post(address, {"action_remove": "", "email": "two@example.org"})
    page = client.get(address).content.decode()

    person.refresh_from_db()
    assert person.email == "one@example.org"
    assert "one@example.org" in page
    assert "two@example.org" not in page.split('name="email"')[-1]


def test_after_a_login_pages_are_in_the_persons_language(client):
    UserFactory(username="mira", language="de")

    response = log_in(client, "mira")

    assert response.cookies["django_language"].value == "de"
