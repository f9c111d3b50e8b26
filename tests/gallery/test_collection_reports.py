"""Collections are reported by whoever can open them, and by nobody else."""

from __future__ import annotations

import pytest
from django.urls import reverse

from community.models import Case, Report
from community.services.deciding import Act, Order, decide
from gallery.services.collecting import create_collection
from tests.factories import ModeratorFactory, UserFactory
from tests.registry.api.client import Program

pytestmark = pytest.mark.django_db

# What the form's address answers once it was followed, and what programs get: (anonymous, stranger, owner, moderator).
REPORTED = {
    "public": ((302, 302, 200, 302), (401, 201, 409, 201)),
    "unlisted": ((302, 302, 200, 302), (401, 201, 409, 201)),
    "private": ((302, 404, 200, 302), (401, 404, 409, 201)),
    "removed": ((302, 404, 200, 302), (401, 404, 409, 201)),
}


def _made(state: str):
    visibility = "unlisted" if state == "removed" else state
    collection = create_collection("Lanterns", "", visibility, by=UserFactory(username="mira"))
    if state == "removed":
        decide(collection.subject, Order(Act.REMOVE, rule="spam"), by=ModeratorFactory())
    collection.refresh_from_db()
    return collection


def _sent(client, address: str) -> int:
    """The answer to a report that is sent to where the form is."""
    first = client.get(address)
    if first.status_code == 404 or "/accounts/login" in first.get("Location", ""):
        return first.status_code
    return client.post(first.get("Location", address), {"rule": "spam"}).status_code


@pytest.mark.parametrize("state", REPORTED)
def test_whoever_can_open_a_collection_can_report_it(client, state):
    collection = _made(state)
    address = reverse("community:report-named", args=["collections", collection.code])
    on_pages, by_programs = [], []
    for person in (None, UserFactory(), collection.owner, ModeratorFactory()):
        client.logout()
        if person is not None:
            client.force_login(person)
        answer = _sent(client, address)
        on_pages.append(200 if person == collection.owner and answer in (200, 409) else answer)
        program = Program(person, ("social:write",)) if person else Program()
        body = {"kind": "collections", "id": collection.code, "reason": "spam"}
        by_programs.append(program.ask("POST", "reports", body).status_code)

    assert (tuple(on_pages), tuple(by_programs)) == REPORTED[state]
    expected = 2 if state in {"public", "unlisted"} else 1
    assert Report.objects.filter(case=Case.objects.open().get()).count() == expected


@pytest.mark.parametrize("state", ["unlisted", "private"])
def test_the_number_of_what_no_list_names_opens_nothing(client, state):
    collection = _made(state)
    stranger = UserFactory()
    client.force_login(stranger)
    by_number = {"subject": collection.subject_id, "reason": "spam"}

    assert client.get(reverse("community:report", args=[collection.subject_id])).status_code == 404
    assert Program(stranger, ("social:write",)).ask("POST", "reports", by_number).status_code == 404
    guessed = reverse("community:report-named", args=["collections", "A" * 16])
    assert client.get(guessed).status_code == 404


def test_the_page_of_an_unlisted_one_offers_the_report_to_others(client):
    collection = _made("unlisted")
    address = reverse("community:report-named", args=["collections", collection.code])
    offered = {}
    for name, person in {"nobody": None, "stranger": UserFactory(), "owner": collection.owner}.items():
        client.logout()
        if person is not None:
            client.force_login(person)
        offered[name] = address in client.get(collection.get_absolute_url()).content.decode()

    assert offered == {"nobody": False, "stranger": True, "owner": False}
