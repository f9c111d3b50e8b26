"""`POST reports` for programs."""

from __future__ import annotations

import pytest

from community.models import Case, Report
from tests.factories import CommentFactory, RegisteredModelFactory, SubjectFactory, UserFactory
from tests.registry.api.client import Program

pytestmark = pytest.mark.django_db


@pytest.fixture
def program():
    return Program(UserFactory(username="ola"), ("social:write",))


@pytest.fixture
def model():
    return RegisteredModelFactory(public=True, owner=UserFactory(username="mira"), name="ink", title="Ink")


def test_a_thing_is_named_as_in_follows_or_by_its_number(program, model):
    by_name = program.post("reports", {"kind": "models", "id": "mira/ink", "reason": "spam", "text": "Ten\ntimes."})
    by_number = program.post("reports", {"subject": model.subject_id, "reason": "stolen"})

    assert (by_name.status_code, by_number.status_code) == (201, 201)
    assert by_name.json() | {"created_at": ""} == {
        "id": Report.objects.get().pk,
        "subject": model.subject_id,
        "comment": None,
        "reason": "spam",
        "text": "Ten\ntimes.",
        "created_at": "",
    }
    assert by_number.json()["id"] == by_name.json()["id"]
    assert Case.objects.get().report_count == 1


def test_a_comment_is_named_by_its_number(program, model):
    comment = CommentFactory(subject=model.subject)

    answer = program.post("reports", {"comment": comment.pk, "reason": "other"})

    assert (answer.status_code, answer.json()["comment"]) == (201, comment.pk)


BAD = {
    "nothing is named": ({"reason": "spam"}, "kind"),
    "two things are named": ({"subject": 1, "comment": 1, "reason": "spam"}, "kind"),
    "half a name": ({"kind": "models", "reason": "spam"}, "kind"),
    "no reason": ({"kind": "models", "id": "mira/ink"}, "reason"),
    "a reason that there is not": ({"kind": "models", "id": "mira/ink", "reason": "ugly"}, "reason"),
    "a text without end": ({"kind": "models", "id": "mira/ink", "reason": "spam", "text": "x" * 1001}, "text"),
    "a number that is none": ({"subject": "1", "reason": "spam"}, "subject"),
    "a text with NUL": ({"kind": "models", "id": "mira/ink", "reason": "spam", "text": "a\0"}, "text"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_report_is_a_400_that_names_its_field(program, model, name):
    body, field = BAD[name]

    answer = program.post("reports", body)

    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert not Report.objects.exists()


GONE = {
    "a subject that is not": lambda: {"subject": 10**12},
    "a private subject": lambda: {"subject": SubjectFactory(is_public=False).pk},
    "a kind that is not": lambda: {"kind": "planets", "id": "mars"},
    "a comment under what is private": lambda: {"comment": CommentFactory(subject__is_public=False).pk},
    "an image above one's level": lambda: {"subject": SubjectFactory(kind="image", rating=16).pk},
}


@pytest.mark.parametrize("name", GONE)
def test_what_one_may_not_see_is_a_404(program, name):
    assert program.post("reports", {**GONE[name](), "reason": "spam"}).status_code == 404


def test_reports_are_limited(program, settings):
    settings.RATES = {**settings.RATES, "report": (1, 3600)}
    body = {"kind": "people", "id": UserFactory(username="eve").username, "reason": "spam"}

    answers = [program.post("reports", body) for _twice in range(2)]

    assert [answer.status_code for answer in answers] == [201, 429]
    assert answers[1]["Retry-After"]


def test_a_token_needs_the_scope(model):
    answer = Program(UserFactory(), ("models:write",)).post("reports", {"subject": model.subject_id, "reason": "spam"})

    assert answer.status_code == 403
