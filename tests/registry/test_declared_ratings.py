"""A model's declared rating: with its pictures' it decides who is shown the model, wherever models are shown."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from community.errors import NotAllowed
from community.models import Follow, Notice, User
from community.ratings import Rating
from community.services.appealing import appeal, settle_appeal
from community.services.deciding import Act, Order, decide
from community.services.notifications import notify
from community.sitemaps import PART_SIZE
from gallery.models import CollectionItem
from gallery.services.collecting import create_collection
from gallery.services.resources import suggest_version
from registry.models import RegisteredModel
from registry.services.catalog import edit_model
from registry.services.pictures import roll_up_ratings
from tests.factories import ModeratorFactory, UserFactory, VersionPreviewFactory
from tests.registry.api.client import PERMISSIONS, Program
from tests.registry.search.rows import public_model, search, titles_of

pytestmark = pytest.mark.django_db

WORD = "Zmyslenie"
API = "/api/safelight/v1"
PG, R, X, XXX = Rating.PG, Rating.R, Rating.X, Rating.XXX
# declared, pictures → whether somebody who sees PG alone is shown it
SCENES = {
    "nothing is said": (None, (), True),
    "declared PG": (PG, (), True),
    "declared X": (X, (), False),
    "declared X with a PG picture": (X, (PG,), True),
    "declared X with an R picture": (X, (R,), False),
    "declared PG with an XXX picture": (PG, (XXX,), True),
    "not declared, with an XXX picture": (None, (XXX,), False),
    "not declared, with PG and XXX pictures": (None, (PG, XXX), True),
}


class Scene:
    """A public model, and what leads to it."""

    def __init__(self, declared: Rating | None, pictures: tuple[Rating, ...] = ()) -> None:
        self.owner = UserFactory(username="mira", browsing_level=1)
        self.model = public_model(WORD, owner=self.owner, name="hidden", tags=["ink"], description=WORD)
        self.version = self.model.versions.get()
        for rating in pictures:
            VersionPreviewFactory(version=self.version, rating=int(rating))
        roll_up_ratings([self.version.pk])
        if declared is not None:
            self.model = edit_model(self.model, by=self.owner, declared_rating=declared)
        self.collection = create_collection("Saved", visibility="public", by=UserFactory())
        CollectionItem.objects.create(collection=self.collection, subject=self.model.subject, position=0)
        self.people: dict[str, User | None] = {
            "anonymous": None,
            "sees PG": UserFactory(browsing_level=1),
            "sees all": UserFactory(browsing_level=31),
            "owner": self.owner,
            "moderator": ModeratorFactory(browsing_level=1),
        }
        for person in filter(None, self.people.values()):
            Follow.objects.create(person=person, subject=self.model.subject)

    def client(self, name: str) -> Client:
        client = Client()
        if person := self.people[name]:
            client.force_login(person)
        return client


LISTS = {
    "models": lambda s: "/models",
    "search": lambda s: "/models?tag=ink",
    "first page": lambda s: "/",
    "profile": lambda s: "/mira",
    "API list": lambda s: f"{API}/models",
}
OPEN = {
    "feed of models": lambda s: "/models.atom",
    "feed of a person": lambda s: "/people/mira.atom",
    "feed of a tag": lambda s: "/tags.atom?tag=ink",
    "feed of the model": lambda s: "/mira/hidden/feed.atom",
    "feed of a collection": lambda s: f"/collections/{s.collection.code}.atom",
    "sitemap": lambda s: f"/sitemap.xml?of=models&part={s.model.pk // PART_SIZE}",
}
OWN = {
    "page": lambda s: s.model.get_absolute_url(),
    "API": lambda s: f"{API}/models/mira/hidden",
    "API of the version": lambda s: f"{API}/versions/{s.version.pk}",
    "API of its reviews": lambda s: f"{API}/versions/{s.version.pk}/reviews",
    "reviews": lambda s: reverse("registry:reviews", args=[s.version.pk]),
    "talk": lambda s: reverse("community:comments", args=[s.model.subject_id]),
    "API of the talk": lambda s: f"{API}/models/mira/hidden/comments",
    "report": lambda s: reverse("community:report", args=[s.model.subject_id]),
    "save": lambda s: reverse("gallery:collect", args=[s.model.subject_id]),
    "follows": lambda s: "/follows",
    "collection": lambda s: s.collection.get_absolute_url(),
    "API of the collection": lambda s: f"{API}/collections/{s.collection.code}/items",
    "images made with it": lambda s: f"/images?model={s.model.pk}",
    "images made with the version": lambda s: f"/images?version={s.version.pk}",
}


@pytest.mark.parametrize("name", SCENES)
def test_a_model_is_shown_where_its_declared_rating_or_a_picture_fits(name):
    declared, pictures, fits_pg = SCENES[name]
    scene = Scene(declared, pictures)
    wrong = []
    for person in scene.people:
        listed = fits_pg or person == "sees all"
        client = scene.client(person)
        expected = dict.fromkeys(LISTS, listed) | dict.fromkeys(OPEN, fits_pg)
        expected |= dict.fromkeys(OWN, listed or person in {"owner", "moderator"})
        for what, address in {**LISTS, **OPEN, **OWN}.items():
            answer = client.get(address(scene))
            asks_a_name = answer.status_code == 302 and urlsplit(answer.url).path == reverse("account_login")
            if _shows(answer, what) != (expected[what] and not asks_a_name):
                wrong.append(f"{what}, {person}: {answer.status_code}")

    assert wrong == []


def _shows(answer, what: str) -> bool:
    """Whether it names the model; of what names none by itself, whether it is there."""
    text = answer.content.decode()
    if what in {"API of its reviews", "API of the talk"}:
        return answer.status_code == 200
    return WORD in text or "/mira/hidden<" in text


def test_what_settings_hide_is_counted_and_told_to_nobody():
    scene = Scene(X)
    stranger, all_seeing = scene.people["sees PG"], scene.people["sees all"]
    page = search(viewer=stranger)

    assert (titles_of(page), page.hidden) == ([], 1)
    told = notify(
        Notice.Kind.MODEL, to=[stranger, all_seeing], subject=scene.model.subject, actor=None, params={}, event="e"
    )
    assert (told, Notice.objects.get().person) == (1, all_seeing)


def test_what_one_is_not_shown_is_not_suggested_for_a_resource_either():
    scene = Scene(X)
    found = {name: suggest_version(WORD, "lora", scene.people[name]) for name in ("sees PG", "sees all", "owner")}

    assert found == {"sees PG": None, "sees all": scene.version, "owner": scene.version}


@pytest.mark.parametrize("state", ["taken down", "withdrawn", "beyond the level"])
def test_a_mistyped_word_is_not_put_right_by_a_name_that_is_hidden(state):
    model = public_model("Zmyslenie")
    if state == "taken down":
        decide(model.subject, Order(Act.REMOVE, reason="No."), by=ModeratorFactory())
    elif state == "withdrawn":
        model.versions.update(state="withdrawn")
        edit_model(model, by=model.owner, title="Zmyslenie")
    else:
        edit_model(model, by=model.owner, declared_rating=X)

    assert search("zmyslenye").spellings == ()
    assert search("zmyslenye", viewer=UserFactory(browsing_level=31)).spellings == (
        ("zmyslenie",) if state == "beyond the level" else ()
    )


def test_it_is_chosen_on_the_page_and_told_there(client):
    scene = Scene(None)
    client.force_login(scene.owner)
    address = reverse("registry:model-edit", args=["mira", "hidden"])
    form = client.get(address).context["form"]
    given = {name: value for name, value in form.initial.items() if value is not None}

    assert client.post(address, {**given, "declared_rating": "8"}).status_code == 302
    page = client.get(scene.model.get_absolute_url()).content.decode()
    assert RegisteredModel.objects.get().declared_rating == X
    assert '"contentRating": "X"' in page or '"contentRating":"X"' in page
    assert client.get(address).context["form"].initial["declared_rating"] == 8
    assert client.post(address, {**given, "declared_rating": "3"}).status_code == 400
    assert client.post(address, {**given, "declared_rating": ""}).status_code == 302
    assert RegisteredModel.objects.get().declared_rating == 0


def test_programs_declare_it_and_read_it():
    person = UserFactory(browsing_level=31)
    program = Program(person, ("models:write",))
    words = {"name": "Ink", "type": "lora", "license": "CC0-1.0", "permissions": PERMISSIONS}

    made = program.ask("POST", "models", {**words, "declared_rating": "R"})
    assert (made.status_code, made.json()["declared_rating"], made.json()["ratings"]) == (201, "R", [])
    path = f"models/{person.username}/ink"
    assert program.ask("PATCH", path, {"declared_rating": "XXX"}).json()["declared_rating"] == "XXX"
    assert program.ask("PATCH", path, {"declared_rating": None}).json()["declared_rating"] is None
    for wrong in ("Q", 8, ["R"], {}, ""):
        refused = program.ask("PATCH", path, {"declared_rating": wrong})
        assert (refused.status_code, refused.json()["field"]) == (400, "declared_rating"), wrong


def test_a_moderator_changes_it_and_the_author_declares_nothing_milder(client):
    scene, moderator = Scene(PG), ModeratorFactory()
    client.force_login(moderator)
    address = reverse("community:moderation-thing", args=[scene.model.subject_id])
    assert client.post(address, {"act": "rate", "rating": "8", "rule": "rating"}).status_code == 302

    for milder in (None, PG, R):
        with pytest.raises(NotAllowed) as refusal:
            edit_model(scene.model, by=scene.owner, declared_rating=milder)
        assert (refusal.value.code, refusal.value.field) == ("below_moderators", "declared_rating")
    assert search(viewer=scene.people["sees PG"]).hidden == 1
    edit_model(scene.model, by=scene.owner, declared_rating=XXX)
    assert RegisteredModel.objects.get().declared_rating == XXX
    answer = Program(scene.owner, ("models:write",)).ask("PATCH", "models/mira/hidden", {"declared_rating": "PG"})
    assert (answer.status_code, answer.json()["field"]) == (403, "declared_rating")


@pytest.mark.parametrize("before", [None, PG], ids=["nothing", "PG"])
def test_a_granted_appeal_gives_the_former_rating_and_the_choice_back(before):
    scene = Scene(before)
    decision = decide(scene.model.subject, Order(Act.RATE, rule="rating", rating=X), by=ModeratorFactory())

    settle_appeal(appeal(decision, by=scene.owner), overturn=True, by=ModeratorFactory())

    model = RegisteredModel.objects.get()
    assert (model.declared_rating, model.least_rating) == (int(before or 0), 0)
    assert edit_model(model, by=scene.owner, declared_rating=None).declared_rating == 0


def test_a_granted_appeal_undoes_one_decision_and_not_those_before_it():
    scene = Scene(None)
    decide(scene.model.subject, Order(Act.RATE, rule="rating", rating=R), by=ModeratorFactory())
    second = decide(scene.model.subject, Order(Act.RATE, rule="rating", rating=XXX), by=ModeratorFactory())

    settle_appeal(appeal(second, by=scene.owner), overturn=True, by=ModeratorFactory())

    model = RegisteredModel.objects.get()
    assert (model.declared_rating, model.least_rating) == (R, R)
