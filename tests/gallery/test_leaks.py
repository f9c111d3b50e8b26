"""Who may see an image: person × rating × state × every path that could show it, without one leak.

Each scene is one image with a word that stands in every text of it and nowhere else. Whoever may not see the image
finds neither the word nor the image's address; and what is not public is not counted among what settings hide.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.core import mail
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from community.models import Announcement, Follow, User
from community.ratings import Rating, bits_of, browsing_level_of
from community.services.deciding import Act, Order, decide
from community.services.digests import send_digests
from community.services.following import follow, subject_of_person
from community.services.notifications import tell_followers
from community.sitemaps import PART_SIZE
from gallery.models import CollectionItem
from gallery.search import ImageQuery, search_images
from gallery.services.collecting import create_collection, items_page
from gallery.services.posting import edit_image
from gallery.services.publishing import delete_post, publish_post
from inference.models import Receipt, RenderJob, RenderResult
from registry.models import Review
from registry.services.listing import refresh_listing
from tests.factories import ModelFileFactory, ModeratorFactory, RegisteredModelFactory, UserFactory
from tests.gallery.rows import drafted, first, prepared, told

pytestmark = pytest.mark.django_db

SECRET = "Zmyslenie"
INFOTEXT = f"{SECRET}, ink\nNegative prompt: {SECRET}\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 64x96"
STATES = ("draft", "scheduled", "published", "held", "removed", "post removed", "deleted")
RATINGS = (Rating.PG, Rating.R, Rating.XXX)


@pytest.fixture(autouse=True)
def _patient(settings):
    """Nobody is told to come back later: one test asks for what many visitors would."""
    settings.RATES = dict.fromkeys(settings.RATES, (100_000, 60))


class Scene:
    """An image in a state, everything that points to it, and the people who ask."""

    def __init__(self, state: str, rating: Rating) -> None:
        self.state, self.rating = state, rating
        self.owner = UserFactory(username="mira", browsing_level=31)
        fan = {"mail_digest": True, "browsing_level": 1}
        self.people: dict[str, User | None] = {
            "anonymous": None,
            "stranger who sees PG": UserFactory(**fan),
            "stranger who sees all": UserFactory(**{**fan, "browsing_level": 31}),
            "owner": self.owner,
            "moderator": ModeratorFactory(browsing_level=31),
        }
        for name in ("stranger who sees PG", "stranger who sees all"):
            follow(subject_of_person(self.owner), by=self.people[name])
        self.version = ModelFileFactory(
            published=True, version__model=RegisteredModelFactory(public=True, name="ink", title="Ink")
        ).version
        refresh_listing(self.version.model)
        post = drafted(
            self.owner, told(INFOTEXT), rating=rating, title=SECRET, caption=SECRET, tags=["ink"], version=self.version
        )
        prepared(post)
        edit_image(first(post), by=self.owner, caption=SECRET, alt=SECRET, tags=[f"{SECRET}-tag"])
        self._bring(post)
        self.image = first(post)
        self.rendition = self.image.address_of(self.image.picture.renditions.first())
        self.collection = create_collection("Saved", visibility="public", by=UserFactory())
        CollectionItem.objects.create(collection=self.collection, subject=self.image.subject, position=0)
        for person in filter(None, self.people.values()):
            Follow.objects.create(person=person, subject=self.image.subject)
        self._review()
        self._render()

    def _review(self) -> None:
        """A version that the picture's author has reviewed, with the picture."""
        self.reviewed = ModelFileFactory(published=True, version__model=RegisteredModelFactory(public=True)).version
        self.review = Review.objects.create(version=self.reviewed, author=self.owner, recommended=True)
        self.review.pictures.add(self.image.subject)

    def _render(self) -> None:
        """The render that the picture came from, with its receipt."""
        done = {"state": RenderJob.State.DONE, "finished_at": timezone.now()}
        asked = {"prompt": SECRET, "negative": "", "seed": "5"}
        self.render = RenderJob.objects.create(
            maker=self.owner, request=asked, plan={}, checkpoint_sha="0" * 64, versions=[self.version.pk], **done
        )
        self.result = RenderResult.objects.create(job=self.render, seed=5, picture=self.image.picture)
        told = json.dumps({"environment": {}, "request": {"prompt": SECRET}})
        Receipt.objects.create(result=self.result, body=told, image_hash="0" * 64)

    def _bring(self, post) -> None:
        """Into the state, the way that people and moderators do it."""
        if self.state == "draft":
            return
        later = timezone.now() + timedelta(days=1) if self.state == "scheduled" else None
        publish_post(post, by=self.owner, at=later)
        for row in Announcement.objects.all():
            tell_followers(row.pk)
        moderator, subject = self.people["moderator"], first(post).subject
        if self.state in {"held", "removed"}:
            act = Act.HOLD if self.state == "held" else Act.REMOVE
            decide(subject, Order(act, rule="stolen"), by=moderator)
        if self.state == "post removed":
            decide(subject, Order(Act.REMOVE, rule="stolen", whole=True), by=moderator)
        if self.state == "deleted":
            delete_post(post, by=self.owner)

    def within_level(self, person: User | None) -> bool:
        """Whether the rating lies within what this person chose to see."""
        return int(self.rating) in bits_of(31 if person and person.browsing_level == 31 else 1)

    def may_see(self, name: str) -> bool:
        """Its owner and moderators always; others what is out, within their level."""
        return name in {"owner", "moderator"} or self.is_listed_to(name)

    def is_listed_to(self, name: str) -> bool:
        """Whether lists show it: only what is out, within the level of whoever looks, whoever they are."""
        return self.state == "published" and self.within_level(self.people[name])

    def asked_by(self, name: str) -> Client:
        client = Client()
        if person := self.people[name]:
            client.force_login(person)
        return client


@dataclass(frozen=True)
class Path:
    """An address. `alone`: the thing itself, 404 for who may not see it; else a list.

    `open`: the same for everybody, as for somebody without a name; 404 where nothing is listed. `own`: shows people
    their own things, too, and moderators all. `signed_in`: asks for a name first (`refuses`: with which status).
    `echoes`: repeats the word that was asked for. `makers`: is its maker's alone, whatever became of the image.
    `posters`: lists what one has out, whatever one's level.
    """

    address: Callable[[Scene], str]
    alone: bool = False
    open: bool = False
    own: bool = False
    signed_in: bool = False
    refuses: int = 302
    echoes: bool = False
    makers: bool = False
    posters: bool = False


API = "/api/safelight/v1"
PATHS = {
    "page": Path(lambda s: s.image.get_absolute_url(), alone=True),
    "API": Path(lambda s: f"{API}/images/{s.image.pk}", alone=True),
    "post page": Path(lambda s: s.image.post.get_absolute_url(), alone=True),
    "API of the post": Path(lambda s: f"{API}/posts/{s.image.post_id}", alone=True),
    "thumbnail": Path(lambda s: s.rendition, alone=True),
    "original": Path(lambda s: s.image.original_address, alone=True),
    "talk": Path(lambda s: reverse("community:comments", args=[s.image.subject_id]), alone=True),
    "API of the talk": Path(lambda s: f"{API}/images/{s.image.pk}/comments", alone=True),
    "save": Path(lambda s: reverse("gallery:collect", args=[s.image.subject_id]), alone=True, signed_in=True),
    "report": Path(lambda s: reverse("community:report", args=[s.image.subject_id]), alone=True, signed_in=True),
    "report by its name": Path(
        lambda s: reverse("community:report-named", args=["images", s.image.pk]), alone=True, signed_in=True
    ),
    "remix": Path(lambda s: reverse("gallery:remix", args=[s.image.pk]), alone=True, signed_in=True),
    "render": Path(lambda s: reverse("inference:job", args=[s.render.pk]), alone=True, signed_in=True, makers=True),
    "receipt": Path(lambda s: reverse("inference:result-receipt", args=[s.result.pk]), alone=True, makers=True),
    "PNG of the render": Path(lambda s: s.result.original_address, alone=True, makers=True),
    "thumbnail of the render": Path(
        lambda s: s.result.address_of(s.image.picture.renditions.first()), alone=True, makers=True
    ),
    "API of the render": Path(
        lambda s: f"{API}/renders/{s.render.pk}", alone=True, signed_in=True, refuses=401, makers=True
    ),
    "API of the receipt": Path(
        lambda s: f"{API}/renders/{s.render.pk}/receipt", alone=True, signed_in=True, refuses=401, makers=True
    ),
    "API of the render's PNG": Path(
        lambda s: f"{API}/renders/{s.render.pk}/picture", alone=True, signed_in=True, refuses=401, makers=True
    ),
    "pictures to review with": Path(
        lambda s: reverse("registry:review", args=[s.version.pk]), signed_in=True, posters=True
    ),
    "review": Path(lambda s: s.review.get_absolute_url(), own=True),
    "reviews": Path(lambda s: reverse("registry:reviews", args=[s.reviewed.pk]), own=True),
    "API of reviews": Path(lambda s: f"{API}/versions/{s.reviewed.pk}/reviews", own=True),
    "API of one's review": Path(
        lambda s: f"{API}/versions/{s.reviewed.pk}/review", alone=True, signed_in=True, refuses=401, makers=True
    ),
    "follows": Path(lambda s: "/follows", own=True, signed_in=True),
    "API of follows": Path(lambda s: f"{API}/follows", own=True, signed_in=True, refuses=401),
    "list": Path(lambda s: "/images"),
    "search": Path(lambda s: f"/images?q={SECRET}", echoes=True),
    "search, mistyped": Path(lambda s: f"/models?q={SECRET[:-1]}y"),
    "tag": Path(lambda s: "/images?tag=ink"),
    "of a version": Path(lambda s: f"/images?version={s.version.pk}"),
    "API list": Path(lambda s: f"{API}/images"),
    "API search": Path(lambda s: f"{API}/images?q={SECRET}", echoes=True),
    "API, by owner": Path(lambda s: f"{API}/images?owner=mira"),
    "profile": Path(lambda s: "/mira"),
    "model page": Path(lambda s: s.version.get_absolute_url()),
    "collection": Path(lambda s: s.collection.get_absolute_url(), own=True),
    "API of the collection": Path(lambda s: f"{API}/collections/{s.collection.code}/items", own=True),
    "sitemap": Path(lambda s: f"/sitemap.xml?of=images&part={s.image.pk // PART_SIZE}", open=True),
    "feed of images": Path(lambda s: "/images.atom", open=True),
    "feed of a person": Path(lambda s: "/people/mira.atom", open=True),
    "feed of posts": Path(lambda s: "/posts.atom", open=True),
    "feed of a person's posts": Path(lambda s: "/people/mira/posts.atom", open=True),
    "feed of a tag": Path(lambda s: "/tags.atom?tag=ink", open=True),
    "feed of a model": Path(lambda s: f"{s.version.model.get_absolute_url()}/feed.atom", open=True),
    "feed of a collection": Path(lambda s: f"/collections/{s.collection.code}.atom", open=True),
}


def _bytes_or_text(answer) -> str:
    return answer.getvalue().decode("utf-8", "replace")


@pytest.mark.parametrize("rating", RATINGS, ids=[rating.label for rating in RATINGS])
@pytest.mark.parametrize("state", STATES)
def test_nobody_learns_of_an_image_that_they_may_not_see(state, rating):
    scene = Scene(state, rating)
    leaks = []
    for name in scene.people:
        client = scene.asked_by(name)
        for what, path in PATHS.items():
            if path.makers and rating != Rating.PG:
                continue  # its maker's alone, however it is rated
            wrong = _alone(scene, name, client, path) if path.alone else _listed(scene, name, client, path)
            if wrong:
                leaks.append(f"{what}, {name}: {wrong}")
        leaks += _never(scene, name, client)

    assert leaks == []


def _alone(scene: Scene, name: str, client: Client, path: Path) -> str:
    """What is wrong with the answer of the thing's own address; empty where nothing is."""
    answer = client.get(path.address(scene))
    text = _bytes_or_text(answer)
    if path.signed_in and scene.people[name] is None:
        return "" if answer.status_code == path.refuses else f"answers {answer.status_code} without a name"
    shown = name == "owner" if path.makers else scene.may_see(name)
    expected = 200 if shown else 404
    if answer.status_code != expected and not (shown and answer.status_code == 302):
        return f"answers {answer.status_code}, not {expected}"
    if expected == 404 and SECRET in text:
        return "tells the word in a 404"
    public = scene.state == "published"
    if expected == 200 and not public and "public" in answer.get("Cache-Control", ""):
        return "may be kept by caches"
    return ""


def _listed(scene: Scene, name: str, client: Client, path: Path) -> str:
    """What is wrong with a list; empty where nothing is."""
    answer = client.get(path.address(scene))
    if path.signed_in and scene.people[name] is None:
        return "" if answer.status_code == path.refuses else f"answers {answer.status_code} without a name"
    if answer.status_code != 200 and not (path.open and answer.status_code == 404):
        return f"answers {answer.status_code}"
    text = _bytes_or_text(answer)
    shown = scene.may_see(name) if path.own else scene.is_listed_to("anonymous" if path.open else name)
    if path.posters:
        shown = name == "owner" and scene.state == "published"
    if path is PATHS["search, mistyped"]:
        shown = False  # what no public model is called is nobody's spelling
    address = f"/images/{scene.image.pk}"
    found = address in text or (SECRET in text and not path.echoes)
    return "" if found == shown else f"{'shows' if found else 'lacks'} it"


# Pages without a word of any picture, whoever asks and whatever became of it.
WORDLESS = (
    "/",
    "/discuss",
    "/moderation/log",
    "/robots.txt",
    "/models",
    "/models.atom",
    "/discuss.atom",
    f"{API}/models",
)


def _never(scene: Scene, name: str, client: Client) -> list[str]:
    """Paths that name no image at all, or only by what follows from elsewhere."""
    wrong = []
    hashes = (f"/hashes/{scene.image.picture.blob_id}", f"{API}/hashes/{scene.image.picture.blob_id}")
    for address in (*hashes, *(WORDLESS if scene.rating == Rating.PG else ())):
        if SECRET in _bytes_or_text(client.get(address)):
            wrong.append(f"{address}, {name}: tells the word")
    if name.startswith("stranger"):
        told = SECRET in _bytes_or_text(client.get(f"{API}/notifications"))
        if told != scene.is_listed_to(name):
            wrong.append(f"API of notices, {name}: wrong")
    page = _bytes_or_text(client.get(scene.image.get_absolute_url()))
    opens = scene.state == "published" and scene.rating == Rating.PG
    if 'property="og:image"' in page and not opens:
        wrong.append(f"OpenGraph, {name}: offers a picture that is not for everybody")
    if name.startswith("stranger") and (SECRET in _bytes_or_text(client.get("/notifications"))) != scene.is_listed_to(
        name
    ):
        wrong.append(f"notices, {name}: wrong")
    return wrong


@pytest.mark.parametrize("rating", RATINGS, ids=[rating.label for rating in RATINGS])
@pytest.mark.parametrize("state", STATES)
def test_what_is_not_public_is_never_counted_as_hidden(state, rating):
    scene = Scene(state, rating)
    for name, person in scene.people.items():
        client = scene.asked_by(name)
        viewer = client.get("/images").wsgi_request.user
        shown, hidden = scene.is_listed_to(name), state == "published" and not scene.within_level(person)

        page = search_images(ImageQuery(), viewer)
        found = search_images(ImageQuery.from_params(QueryDict(f"q={SECRET}")), viewer)
        collected = items_page(scene.collection, viewer)

        assert [(page.count, page.hidden), (found.count, found.hidden)] == [(int(shown), int(hidden))] * 2, name
        assert collected.hidden == int(hidden and not scene.may_see(name)), name
        assert int(rating) in bits_of(browsing_level_of(viewer)) or not shown


@pytest.mark.parametrize("state", STATES)
def test_mail_names_only_what_its_reader_may_see(state):
    scene = Scene(state, Rating.R)

    send_digests()

    told_to = {address for letter in mail.outbox if SECRET in letter.body + letter.subject for address in letter.to}
    expected = {scene.people["stranger who sees all"].email} if state == "published" else set()
    assert told_to == expected
