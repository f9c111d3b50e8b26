"""Every page of this app × who asks → what they get."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils.html import format_html

from community.models import User
from tests.factories import CommentFactory, ModeratorFactory, OperatorFactory, SubjectFactory, UserFactory

pytestmark = pytest.mark.django_db
WHO = ("anonymous", "stranger", "owner", "moderator", "operator")


@pytest.fixture
def people():
    return {
        "anonymous": None,
        "stranger": UserFactory(username="stranger"),
        "owner": UserFactory(username="mira"),
        "moderator": ModeratorFactory(username="moderator-one"),
        "operator": OperatorFactory(username="operator-one"),
    }


def _address(name, people):
    """The owner is whoever made the thing."""
    if name.startswith("comment"):
        public = name != "comments-of-a-draft"
        subject = SubjectFactory(owner=people["owner"], is_public=public)
        if name.startswith("comments"):
            return reverse("community:comments", args=[subject.pk])
        comment = CommentFactory(subject=subject, author=people["owner"])
        return reverse(f"community:{name}", args=[comment.pk])
    if name == "profile":
        return reverse("community:profile", args=["mira"])
    if name == "change-role":
        return reverse("community:change-role", args=[people["owner"].pk])
    return reverse(f"community:{name}")


GETS = {
    "profile": (200, 200, 200, 200, 200),
    "comments": (200, 200, 200, 200, 200),
    "comments-of-a-draft": (404, 404, 200, 200, 200),
    "comment-edit": (302, 403, 200, 403, 403),
    "comment-delete": (302, 403, 200, 403, 403),
    "comment-remove": (302, 403, 403, 200, 200),
    "settings": (302, 302, 302, 302, 302),
    "settings-profile": (302, 200, 200, 200, 200),
    "tokens": (302, 200, 200, 200, 200),
    "invitations": (302, 403, 403, 200, 200),
    "change-role": (302, 405, 405, 405, 405),
}


@pytest.mark.parametrize(("name", "statuses"), GETS.items(), ids=GETS.keys())
def test_who_may_open_a_page(client, people, settings, name, statuses):
    settings.SIGNUP = "invite"
    address = _address(name, people)

    found = []
    for who in WHO:
        client.logout()
        if people[who] is not None:
            client.force_login(people[who])
        found.append(client.get(address).status_code)

    assert tuple(found) == statuses


POSTS = {
    "comments": (302, 302, 302, 302, 302),
    "comments-of-a-draft": (404, 404, 302, 302, 302),
    "comment-edit": (302, 403, 302, 403, 403),
    "comment-delete": (302, 403, 302, 403, 403),
    "comment-remove": (302, 403, 403, 302, 302),
    "settings-profile": (302, 302, 302, 302, 302),
    "invitations": (302, 403, 403, 200, 200),
    "change-role": (302, 403, 403, 403, 302),
    "profile": (405, 405, 405, 405, 405),
}
FIELDS = {"text": "changed", "reason": "because", "role": "moderator", "level": "1"}


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize(("name", "statuses"), POSTS.items(), ids=POSTS.keys())
def test_who_may_send_a_form(client, people, settings, name, statuses, who):
    settings.SIGNUP = "invite"
    address = _address(name, people)
    if people[who] is not None:
        client.force_login(people[who])

    response = client.post(address, FIELDS)

    assert response.status_code == statuses[WHO.index(who)]
    if who == "anonymous" and response.status_code == 302:
        assert response["Location"].startswith(reverse("account_login"))


def test_forms_need_their_sign(people):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(people["owner"])

    assert client.post(_address("comments", people), FIELDS).status_code == 403


def test_a_profile_shows_the_person_safely(client):
    UserFactory(username="mira", display_name="<script>Mira</script>", about="**ink** <img src=x onerror=y>")

    page = client.get("/mira").content.decode()

    assert "&lt;script&gt;Mira&lt;/script&gt;" in page
    assert "<strong>ink</strong> &lt;img" in page


def test_a_name_in_other_letters_leads_to_the_person(client):
    UserFactory(username="Mira")

    assert client.get("/mIRA")["Location"] == "/Mira"


@pytest.mark.parametrize("name", ["nobody", "shut-out", "a--b", "x" * 200, "é", "-", "favicon.ico"])
def test_an_address_of_nobody_is_not_found(client, name):
    UserFactory(username="shut-out", is_active=False)

    assert client.get(f"/{name}").status_code == 404


def test_the_owner_with_a_reserved_name_has_a_page(client):
    UserFactory(username="admin")

    assert client.get(User.objects.get().get_absolute_url()).status_code == 200


def _panel(request, person):
    return format_html("<p>{} made much</p>", person.username)


def test_other_rooms_add_to_a_persons_page(client, settings):
    settings.PROFILE_PANELS = ["tests.community.test_pages._panel"]
    UserFactory(username="mira")

    assert "mira made much" in client.get("/mira").content.decode()


def test_an_operator_changes_a_role_on_the_persons_page(client, people):
    client.force_login(people["operator"])
    page = client.get("/mira").content.decode()

    client.post(reverse("community:change-role", args=[people["owner"].pk]), {"role": "moderator"})

    people["owner"].refresh_from_db()
    assert 'name="role"' in page
    assert people["owner"].role == "moderator"


def test_a_role_that_is_none_is_a_refusal_with_a_reason(client, people):
    client.force_login(people["operator"])

    response = client.post(reverse("community:change-role", args=[people["owner"].pk]), {"role": "king"})

    assert response.status_code == 400
    assert "There is no such role" in response.content.decode()


@pytest.mark.parametrize("address", ["/comments/999999999999999999999999/edit", "/comments/on/" + "9" * 5000])
def test_numbers_that_no_row_can_have_are_not_found(client, people, address):
    client.force_login(people["owner"])

    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("address", "status"),
    [("/mira", 302), ("/accounts/login/", 200), ("/healthz", None), ("/api/safelight/v1/me", 401)],
)
def test_a_site_that_asks_for_a_login_shows_only_the_way_in(client, people, settings, address, status):
    settings.LOGIN_TO_LOOK = True

    response = client.get(address)

    assert response.status_code == status or (status is None and response.status_code in (200, 503))
    if status == 302:
        assert response["Location"] == "/accounts/login/?next=/mira"


def test_a_site_that_asks_for_a_login_shows_its_pages_after_it(client, people, settings):
    settings.LOGIN_TO_LOOK = True
    client.force_login(people["stranger"])

    assert client.get("/mira").status_code == 200


def test_a_nul_in_the_address_is_refused(client):
    page, path, api = (client.get(address) for address in ("/mira?x=%00", "/mi%00ra", "/api/safelight/v1/me?x=%00"))

    assert page.status_code == path.status_code == api.status_code == 400
    assert api["Content-Type"] == "application/problem+json"


def test_an_unknown_address_of_the_api_is_a_problem_document(client):
    response = client.get("/api/safelight/v1/nothing")

    assert response.status_code == 404
    assert response.json()["code"] == "not_found"
