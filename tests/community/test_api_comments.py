"""Comments and `me` in our own API."""

from __future__ import annotations

import json

import pytest
from django.http import Http404
from rest_framework.test import APIRequestFactory

from community.api.comments import CommentListView
from community.models import Comment, Subject
from community.services.tokens import create_token
from tests.factories import CommentFactory, ModeratorFactory, SubjectFactory, UserFactory

pytestmark = pytest.mark.django_db
API = "/api/safelight/v1/"


def bearer(person, *scopes):
    return {"Authorization": f"Bearer {create_token(person, 'script', scopes or ['models:write'])[1]}"}


class OfSubject(CommentListView):
    """The smallest user of the base class."""

    def get_subject(self, request, number):
        subject = Subject.objects.visible_to(request.user).filter(pk=number).first()
        if subject is None:
            raise Http404
        return subject


def ask(subject, method="get", person=None, query="", **kwargs):
    headers = bearer(person, *kwargs.pop("scopes", ())) if person else {}
    make = getattr(APIRequestFactory(), method)
    response = OfSubject.as_view()(make(f"/comments{query}", headers=headers, **kwargs), number=subject.pk)
    response.render()
    return response


def body(response):
    return json.loads(response.content)


def test_comments_are_listed_with_their_answers_as_they_were_written():
    first = CommentFactory(text="**raw** <b>")
    CommentFactory(subject=first.subject, parent=first, text="yes")

    found = body(ask(first.subject))

    assert found["next"] is None
    assert found["results"][0]["text"] == "**raw** <b>"
    assert found["results"][0]["author"] == first.author.username
    assert [reply["text"] for reply in found["results"][0]["replies"]] == ["yes"]


def test_a_list_is_read_to_its_end_by_following_next():
    subject = SubjectFactory()
    made = CommentFactory.create_batch(5, subject=subject)

    seen, query = [], "?limit=2"
    while query:
        found = body(ask(subject, query=query))
        seen += [comment["id"] for comment in found["results"]]
        query = found["next"] and "?" + found["next"].partition("?")[2]

    assert seen == [comment.pk for comment in made]


@pytest.mark.parametrize("query", ["?cursor=x", "?limit=0", "?limit=101", "?limit=x", "?limit=²"])
def test_a_bad_page_is_named(query):
    response = ask(SubjectFactory(), query=query)

    assert response.status_code == 400
    assert body(response)["field"] == query[1:].partition("=")[0]


def test_a_draft_talk_is_its_owners():
    subject = SubjectFactory(is_public=False)

    assert ask(subject).status_code == 404
    assert ask(subject, person=UserFactory()).status_code == 404
    assert ask(subject, person=subject.owner).status_code == 200


def test_a_script_comments_and_answers():
    subject, person = SubjectFactory(), UserFactory()

    made = ask(subject, "post", person, data={"text": "hello"}, format="json")
    answer = ask(subject, "post", person, data={"text": "me too", "parent": body(made)["id"]}, format="json")

    assert (made.status_code, answer.status_code) == (201, 201)
    assert body(made)["text"] == "hello"
    assert Comment.objects.get(text="me too").parent_id == body(made)["id"]


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({}, "text"),
        ({"text": ""}, "text"),
        ({"text": " "}, "text"),
        ({"text": "x" * 10_001}, "text"),
        ({"text": "x" * 1_500_000}, "text"),
        ({"text": ["x"]}, "text"),
        ({"text": "x", "parent": "1"}, "parent"),
        ({"text": "x", "parent": 10**18}, "parent"),
        ({"text": "x", "parent": 0}, "parent"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_bad_comment_is_refused_by_field(sent, field):
    response = ask(SubjectFactory(), "post", UserFactory(), data=sent, format="json")

    assert response.status_code == 400
    assert body(response)["field"] == field
    assert not Comment.objects.exists()


def test_reading_tokens_do_not_talk():
    response = ask(SubjectFactory(), "post", UserFactory(), data={"text": "x"}, format="json", scopes=["models:read"])

    assert response.status_code == 403
    assert body(response)["scope"] == "models:write"


def test_talking_too_often_says_when_to_come_back(settings):
    settings.RATES = {**settings.RATES, "comment": (1, 3600)}
    subject, person = SubjectFactory(), UserFactory()
    ask(subject, "post", person, data={"text": "1"}, format="json")

    response = ask(subject, "post", person, data={"text": "2"}, format="json")

    assert response.status_code == 429
    assert int(response["Retry-After"]) >= 1


WHO = ["anonymous", "stranger", "author", "moderator"]


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize(
    ("method", "path", "sent", "statuses"),
    [
        ("get", "", None, (200, 200, 200, 200)),
        ("patch", "", {"text": "new"}, (401, 403, 200, 403)),
        ("delete", "", None, (401, 403, 204, 403)),
        ("post", "/remove", {"reason": "An insult."}, (401, 403, 403, 204)),
        ("post", "/remove", {}, (401, 400, 400, 400)),
    ],
    ids=["read", "edit", "delete", "remove", "remove-without-reason"],
)
def test_who_may_do_what_to_a_comment(client, who, method, path, sent, statuses):
    comment = CommentFactory()
    person = {"stranger": UserFactory, "moderator": ModeratorFactory, "author": lambda: comment.author}.get(who)
    headers = bearer(person()) if person else {}
    data = {"data": sent, "content_type": "application/json"} if sent is not None else {}

    response = getattr(client, method)(f"{API}comments/{comment.pk}{path}", headers=headers, **data)

    assert response.status_code == statuses[WHO.index(who)]
    comment.refresh_from_db()
    changed = comment.text == "new" or not comment.stands
    assert changed == (method != "get" and response.status_code < 300)


@pytest.mark.parametrize("number", ["0", "999999999999999999999999"])
def test_a_comment_that_is_none_is_not_found(client, number):
    response = client.get(f"{API}comments/{number}")

    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"


def test_a_session_writes_with_the_forms_sign_only():
    from django.test import Client

    comment = CommentFactory()
    client = Client(enforce_csrf_checks=True)
    client.force_login(comment.author)
    address = f"{API}comments/{comment.pk}"

    refused = client.delete(address)
    client.get("/settings/profile")
    allowed = client.delete(address, headers={"X-CSRFToken": client.cookies["csrftoken"].value})

    assert refused.status_code == 403
    assert refused.json()["code"] == "not_allowed"
    assert allowed.status_code == 204


def test_me_says_who_a_token_is_and_what_it_may(client):
    person = ModeratorFactory(username="mira", browsing_level=7)

    found = client.get(f"{API}me", headers=bearer(person, "models:read", "images:write")).json()

    assert (found["name"], found["role"]) == ("mira", "moderator")
    assert found["scopes"] == ["models:read", "images:write"]
    assert found["browsing_levels"] == ["PG", "PG-13", "R"]
    assert found["quota"]["used_bytes"] == 0
    assert found["quota"]["limit_bytes"] > 0


def test_nobody_has_no_me(client):
    response = client.get(f"{API}me")

    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_the_description_of_the_api_names_all_of_it(client, capfd):
    document = client.get(f"{API}schema/").json()

    assert {"/api/safelight/v1/me", "/api/safelight/v1/comments/{comment_id}"} <= set(document["paths"])
    assert "token" in document["components"]["securitySchemes"]
    assert "community" not in capfd.readouterr().err
