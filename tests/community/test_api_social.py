"""Follows, hides, notices, topics and reactions for programs."""

from __future__ import annotations

import pytest

from community.models import Follow, Mute, Notice, Topic
from community.services.reacting import react
from community.services.topics import begin_topic
from tests.factories import RegisteredModelFactory, SubjectFactory, UserFactory
from tests.registry.api.client import Program

pytestmark = pytest.mark.django_db
SOCIAL = ("social:write",)


@pytest.fixture
def person():
    return UserFactory(username="ola")


@pytest.fixture
def program(person):
    return Program(person, SOCIAL)


@pytest.fixture
def model():
    return RegisteredModelFactory(public=True, owner=UserFactory(username="mira"), name="ink", title="Ink")


@pytest.mark.parametrize(("what", "rows"), [("follows", Follow), ("mutes", Mute)], ids=["follows", "mutes"])
@pytest.mark.parametrize("thing", ["people/mira", "models/mira/ink", "tags/Ink"])
def test_following_and_hiding_are_put_and_deleted(program, model, what, rows, thing):
    put = [program.ask("PUT", f"{what}/{thing}").status_code for _twice in range(2)]
    (listed,) = program.get(what).json()["results"]
    deleted = [program.delete(f"{what}/{thing}").status_code for _twice in range(2)]

    assert put == deleted == [204, 204]
    assert f"{listed['kind']}/{listed['id']}" == thing
    assert not rows.objects.exists()


@pytest.mark.parametrize("thing", ["people/nobody", "planets/mars", "models/mira/none", "topics/1"])
def test_what_is_not_there_is_a_404(program, thing):
    assert program.ask("PUT", f"follows/{thing}").status_code == 404


def test_oneself_is_a_400(program):
    answer = program.ask("PUT", "follows/people/ola")

    assert (answer.status_code, answer.json()["code"]) == (400, "oneself")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "follows"), ("GET", "mutes"), ("GET", "notifications"), ("PUT", "follows/people/mira")],
)
def test_a_token_needs_the_scope(person, model, method, path):
    answer = Program(person, ("models:write",)).ask(method, path)

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


def test_notices_say_what_happened_and_are_marked(program, person):
    subject = SubjectFactory(owner=person, title="Ink")
    react(subject, "like", by=UserFactory(username="mira"))

    page = program.get("notifications").json()
    (notice,) = page["results"]
    marked = program.post("notifications/read", {"ids": [notice["id"]]}).json()

    assert (notice["kind"], notice["text"], notice["actors"]) == ("reaction", "mira liked “Ink”.", ["mira"])
    assert (notice["subject"]["title"], notice["address"]) == ("Ink", subject.address)
    assert (page["unread"], marked) == (1, {"read": 1})
    assert program.get("notifications").json()["unread"] == 0


def test_notices_are_read_to_the_end(program, person):
    for _more in range(5):
        react(SubjectFactory(owner=person), "like", by=UserFactory())

    first = program.get("notifications?limit=3").json()
    rest = program.get(first["next"].removeprefix("http://testserver")).json()

    assert len({notice["id"] for notice in [*first["results"], *rest["results"]]}) == 5
    assert rest["next"] is None


@pytest.mark.parametrize("body", [{"ids": "all"}, {"ids": [-1]}, {"ids": list(range(201))}, {"ids": ["1"]}])
def test_bad_ids_are_refused(program, body):
    answer = program.post("notifications/read", body)

    assert answer.status_code == 400
    assert answer.json()["field"].startswith("ids")


def test_all_are_read_without_ids(program, person):
    react(SubjectFactory(owner=person), "like", by=UserFactory())

    assert program.post("notifications/read", {}).json() == {"read": 1}
    assert Notice.objects.unread().count() == 0


def test_reactions_to_a_model_are_put_and_deleted(program, model):
    put = program.ask("PUT", "models/mira/ink/reactions/like").json()
    again = program.ask("PUT", "models/mira/ink/reactions/like").json()
    deleted = program.delete("models/mira/ink/reactions/like").json()

    assert put == again == {"like": 1, "heart": 0, "laugh": 0, "cry": 0, "mine": ["like"]}
    assert deleted == {"like": 0, "heart": 0, "laugh": 0, "cry": 0, "mine": []}


def test_an_unknown_reaction_names_the_field(program, model):
    answer = program.ask("PUT", "models/mira/ink/reactions/angry")

    assert (answer.status_code, answer.json()["field"]) == (400, "kind")


def test_reactions_over_the_limit_say_when_to_come_back(program, model, settings):
    settings.RATES = {**settings.RATES, "reaction": (1, 3600)}
    program.ask("PUT", "models/mira/ink/reactions/like")

    answer = program.ask("PUT", "models/mira/ink/reactions/heart")

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) >= 1


def test_a_topic_is_made_read_changed_talked_about_and_deleted(person):
    program = Program(person)

    made = program.post("topics", {"title": "Which?", "text": " x ", "tags": ["#Ink"]})
    path = f"topics/{made.json()['id']}"
    changed = program.patch(path, {"title": "Which one?"}).json()
    said = program.post(f"{path}/comments", {"text": "mine"}).status_code
    listed = Program().get("topics?tag=ink&sort=newest").json()["results"]
    deleted = program.delete(path).status_code

    assert made.status_code == 201
    assert (changed["title"], changed["text"], changed["tags"]) == ("Which one?", "x", ["ink"])
    assert (said, deleted) == (201, 204)
    assert [topic["title"] for topic in listed] == ["Which one?"]
    assert not Topic.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": "t", "text": "x" * 1_000_000}, "text"),
        ({"title": "t", "text": 7}, "text"),
        ({"title": "t", "tags": ["x"] * 6}, "tags"),
        ({"title": "t", "tags": "ink"}, "tags"),
    ],
    ids=["none", "long-title", "a-megabyte", "no-text", "six-tags", "no-list"],
)
def test_a_bad_topic_is_refused_by_field(person, body, field):
    answer = Program(person).post("topics", body)

    assert (answer.status_code, answer.json()["field"]) == (400, field)


@pytest.mark.parametrize(("query", "field"), [("sort=best", "sort"), ("cursor=x", "cursor"), ("limit=0", "limit")])
def test_a_bad_question_is_refused_by_field(query, field):
    answer = Program().get(f"topics?{query}")

    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_people_whom_one_hides_are_left_out_of_talk(person, program):
    topic = begin_topic("T", by=person)
    loud = UserFactory(username="loud")
    Program(loud).post(f"topics/{topic.pk}/comments", {"text": "LOUD"})
    program.ask("PUT", "mutes/people/loud")

    mine = Program(person).get(f"topics/{topic.pk}/comments").json()["results"]
    everybodys = Program().get(f"topics/{topic.pk}/comments").json()["results"]

    assert (len(mine), len(everybodys)) == (0, 1)
