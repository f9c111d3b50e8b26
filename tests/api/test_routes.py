"""Every address of our API × who asks × what state the model is in → the status, and no word of what is hidden."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver
from django.utils import timezone

from community.services.topics import begin_topic
from config import api_urls
from gallery.services.collecting import add_to_collection, create_collection
from registry.models import ModelVersion, RegisteredModel, Review
from registry.services.listing import refresh_listing
from tests.factories import (
    CommentFactory,
    ModeratorFactory,
    RegisteredModelFactory,
    UploadFactory,
    UserFactory,
    VersionPreviewFactory,
)
from tests.gallery.rows import standing
from tests.inference.rows import finished_render
from tests.lasting import lasting, lay_out
from tests.registry.api.client import PERMISSIONS, Program
from tests.registry.converting.rows import made_of
from tests.registry.downloads.stored import stored_file

pytestmark = pytest.mark.django_db

SECRET = "Zmyslenie"  # stands in every text of the model, and nowhere else
STATES = ("draft", "published", "withdrawn", "taken_down")
ANYBODY, STRANGER, OWNER, MODERATOR = "anybody", "stranger", "owner", "moderator"


class Scene:
    """One model with all that hangs on it, and the people who ask."""

    def __init__(self, state: str) -> None:
        self.state = state
        self.owner = UserFactory(username="mira")
        model = RegisteredModelFactory(owner=self.owner, title=f"{SECRET} title", name="hidden", description=SECRET)
        self.file = stored_file(b"bytes", published=False, name=f"{SECRET}.safetensors", version__model=model)
        self.version = self.file.version
        made_of(self.file)
        if state != "draft":
            self._publish(model)
        if state == "withdrawn":
            ModelVersion.objects.filter(pk=self.version.pk).update(state="withdrawn")
        if state == "taken_down":
            RegisteredModel.objects.filter(pk=model.pk).update(taken_down_at=timezone.now())
        self.model = refresh_listing(model)
        self.render = finished_render(self.owner).job
        self.comment = CommentFactory(subject=self.model.subject, author=self.owner, text=SECRET)
        self.preview = VersionPreviewFactory(version=self.version, alt=SECRET)
        self.upload = UploadFactory(owner=self.owner, name=SECRET, state="complete")
        self.image = standing(self.owner, state, SECRET)
        self.topic = begin_topic("A topic", by=self.owner)
        self.collection = create_collection(SECRET, by=self.owner)
        self.item = add_to_collection(self.collection, self.model.subject, by=self.owner)
        self.review = Review.objects.create(version=self.version, author=UserFactory(), recommended=True, text=SECRET)
        ModelVersion.objects.filter(pk=self.version.pk).update(review_count=1, recommended_count=1)
        scopes = ("models:write", "social:write", "renders:write", "images:write")
        self.people = {
            ANYBODY: Program(),
            STRANGER: Program(UserFactory(), scopes),
            OWNER: Program(self.owner, scopes),
            MODERATOR: Program(ModeratorFactory(), scopes),
        }

    def _publish(self, model: RegisteredModel) -> None:
        now = timezone.now()
        RegisteredModel.objects.filter(pk=model.pk).update(first_published_at=now)
        ModelVersion.objects.filter(pk=self.version.pk).update(
            state="published", published_at=now, license="CC0-1.0", permissions=63
        )

    def address(self, route: str) -> str:
        return route.format(
            model="models/mira/hidden",
            version=self.version.pk,
            file=self.file.pk,
            comment=self.comment.pk,
            picture=self.preview.pk,
            render=self.render.pk,
            upload=self.upload.pk,
            hash=self.file.blob.sha256,
            post=self.image.post_id,
            image=self.image.pk,
            resource=self.image.resources.get().pk,
            topic=self.topic.pk,
            collection=self.collection.code,
            item=self.item.pk,
            review=self.review.pk,
            thing="models/mira/hidden",
        )


# Who gets what, in the order of who asks: (anybody, stranger, owner, moderator). OK is the route's own success.
OK = 0
HIDDEN, PUBLIC = ("draft", "withdrawn", "taken_down"), ("published",)
READ = {HIDDEN: (404, 404, OK, OK), PUBLIC: (OK, OK, OK, OK)}
EDIT = {HIDDEN: (401, 404, OK, 403), PUBLIC: (401, 403, OK, 403)}
MODERATE = {HIDDEN: (401, 404, 403, OK), PUBLIC: (401, 403, 403, OK)}
EDIT_OR_MODERATE = {HIDDEN: (401, 404, OK, OK), PUBLIC: (401, 403, OK, OK)}
TALK = {HIDDEN: (401, 404, OK, OK), PUBLIC: (401, OK, OK, OK)}
BYTES = {
    ("draft", "withdrawn"): (404, 404, OK, OK),
    ("taken_down",): (404, 404, 403, 403),
    PUBLIC: (OK, OK, OK, OK),
}
BY_HASH = {("draft",): (404, 404, OK, OK), ("published", "withdrawn", "taken_down"): (OK, OK, OK, OK)}
OPEN = {STATES: (OK, OK, OK, OK)}
SIGNED_IN = {STATES: (401, OK, OK, OK)}
OWN_UPLOAD = {STATES: (401, 404, OK, 404)}

MY_COLLECTIONS = {STATES: (400, OK, OK, OK)}
PRIVATE = {STATES: (404, 404, OK, OK)}
WRITE_PRIVATE = {STATES: (401, 404, OK, OK)}
OWN_PRIVATE = {STATES: (401, 404, OK, 403)}
OWN_TOPIC = {STATES: (401, 403, OK, 403)}
MODERATE_TOPIC = {STATES: (401, 403, 403, OK)}
REVIEW = {HIDDEN: (401, 404, 403, 409), PUBLIC: (401, OK, 403, OK)}
REPORT = {HIDDEN: (401, 404, 409, OK), PUBLIC: (401, OK, 409, OK)}
NO_REVIEW = {STATES: (401, 404, 404, 404)}

Status = int | dict[str, int]
WORDS = {"name": "Own", "type": "lora", "license": "CC0-1.0", "permissions": PERMISSIONS}
REASON = {"reason": "Because"}


@dataclass(frozen=True)
class Route:
    """One address and method. `ok` is what those who may act get: one status, or one per state of the model."""

    method: str
    path: str
    kind: dict[tuple[str, ...], tuple[int, ...]]
    ok: Status = 200
    body: Callable[[Scene], Any] | Any = None


ROUTES = [
    Route("GET", "models", OPEN),
    Route("POST", "models", SIGNED_IN, 201, WORDS),
    Route("GET", "{model}", READ),
    Route("PATCH", "{model}", EDIT, 200, {"description": "New"}),
    Route("DELETE", "{model}", EDIT, 204),
    Route("GET", "{model}/comments", READ),
    Route("POST", "{model}/comments", TALK, 201, {"text": "Hello"}),
    Route("POST", "{model}/take-down", MODERATE, 200, REASON),
    Route("POST", "{model}/restore", MODERATE, 200, REASON),
    Route("GET", "{model}/versions", READ),
    Route("POST", "{model}/versions", EDIT, 201, {"name": "v99"}),
    Route("GET", "versions/{version}", READ),
    Route("PATCH", "versions/{version}", EDIT, 200, {"notes": "New"}),
    Route("DELETE", "versions/{version}", EDIT, 204),
    Route("POST", "versions/{version}/publish", EDIT),
    Route("POST", "versions/{version}/withdraw", EDIT, {"draft": 409}, REASON),
    Route("GET", "versions/{version}/files", READ),
    Route(
        "POST",
        "versions/{version}/files",
        EDIT,
        {"draft": 201, "published": 409, "withdrawn": 409, "taken_down": 409},
        lambda scene: {"upload": str(scene.upload.pk), "name": "more.safetensors"},
    ),
    Route("GET", "versions/{version}/pictures", READ),
    Route(
        "POST",
        "versions/{version}/pictures",
        EDIT,
        {"draft": 201, "published": 201, "withdrawn": 409, "taken_down": 201},
        lambda scene: {"upload": str(scene.upload.pk), "alt": "New", "rating": "PG"},
    ),
    Route(
        "POST",
        "versions/{version}/pictures/order",
        EDIT,
        200,
        lambda scene: {"pictures": [scene.preview.pk]},
    ),
    Route("GET", "pictures/{picture}", READ),
    Route("PATCH", "pictures/{picture}", EDIT, 200, {"alt": "New"}),
    Route("DELETE", "pictures/{picture}", EDIT, 204),
    Route("GET", "files/{file}", READ),
    Route("PATCH", "files/{file}", EDIT, 200, {"primary": True}),
    Route("DELETE", "files/{file}", EDIT, {"draft": 204, "published": 409, "withdrawn": 409, "taken_down": 409}),
    Route("GET", "files/{file}/download", BYTES),
    Route("HEAD", "files/{file}/download", BYTES),
    Route("GET", "files/{file}/conversions", READ),
    Route("POST", "files/{file}/conversions", EDIT_OR_MODERATE, 409, {"kind": "full"}),
    Route("GET", "files/{file}/conversions/full/download", BYTES),
    Route("POST", "files/{file}/waiver", MODERATE, 409, REASON),
    Route("DELETE", "files/{file}/waiver", MODERATE, 204, REASON),
    Route("GET", "hashes/{hash}", BY_HASH),
    Route("GET", "comments/{comment}", READ),
    Route("PATCH", "comments/{comment}", EDIT, 200, {"text": "New"}),
    Route("DELETE", "comments/{comment}", EDIT, 204),
    Route("POST", "comments/{comment}/remove", MODERATE, 204, REASON),
    Route("GET", "follows", SIGNED_IN),
    Route("PUT", "follows/{thing}", TALK, 204),
    Route("DELETE", "follows/{thing}", TALK, 204),
    Route("GET", "mutes", SIGNED_IN),
    Route("PUT", "mutes/{thing}", TALK, 204),
    Route("DELETE", "mutes/{thing}", TALK, 204),
    Route("GET", "notifications", SIGNED_IN),
    Route("POST", "notifications/read", SIGNED_IN, 200, {}),
    Route("POST", "reports", REPORT, 201, {"kind": "models", "id": "mira/hidden", "reason": "spam"}),
    Route("POST", "reports", REPORT, 201, lambda scene: {"subject": scene.model.subject_id, "reason": "spam"}),
    Route("POST", "reports", REPORT, 201, lambda scene: {"comment": scene.comment.pk, "reason": "spam"}),
    Route("GET", "topics", OPEN),
    Route("POST", "topics", SIGNED_IN, 201, {"title": "New"}),
    Route("GET", "topics/{topic}", OPEN),
    Route("PATCH", "topics/{topic}", OWN_TOPIC, 200, {"title": "New"}),
    Route("DELETE", "topics/{topic}", OWN_TOPIC, 204),
    Route("GET", "topics/{topic}/comments", OPEN),
    Route("POST", "topics/{topic}/comments", SIGNED_IN, 201, {"text": "Hello"}),
    Route("POST", "topics/{topic}/remove", MODERATE_TOPIC, 204, REASON),
    Route("PUT", "{model}/reactions/like", TALK),
    Route("DELETE", "{model}/reactions/like", TALK),
    Route("GET", "versions/{version}/reviews", READ),
    Route("GET", "versions/{version}/review", NO_REVIEW),
    Route("PUT", "versions/{version}/review", REVIEW, 200, {"recommended": True}),
    Route("DELETE", "versions/{version}/review", NO_REVIEW),
    Route("POST", "reviews/{review}/remove", MODERATE, 204, REASON),
    Route("GET", "uploads", SIGNED_IN),
    Route("POST", "uploads", SIGNED_IN, 201, {"name": "new.safetensors", "size": 10}),
    Route("GET", "uploads/{upload}", OWN_UPLOAD),
    Route("DELETE", "uploads/{upload}", OWN_UPLOAD, 204),
    Route("POST", "uploads/{upload}/parts", OWN_UPLOAD, 409, {"numbers": [1]}),
    Route("POST", "uploads/{upload}/complete", OWN_UPLOAD, 202, {"parts": [{"number": 1, "etag": "x"}]}),
    Route("GET", "renders", SIGNED_IN),
    Route("POST", "renders", SIGNED_IN, 400, {}),
    Route("GET", "renders/{render}", OWN_UPLOAD),
    Route("DELETE", "renders/{render}", OWN_UPLOAD, 409),
    Route("GET", "renders/{render}/picture", OWN_UPLOAD, 404),
    Route("GET", "renders/{render}/receipt", OWN_UPLOAD),
    Route("POST", "posts", SIGNED_IN, 201, {"title": "New"}),
    Route("GET", "posts/{post}", READ),
    Route("PATCH", "posts/{post}", EDIT, {"taken_down": 409}, {"title": "New"}),
    Route("DELETE", "posts/{post}", EDIT, {state: 409 if state == "taken_down" else 204 for state in STATES}),
    Route("POST", "posts/{post}/publish", EDIT, {"withdrawn": 409, "taken_down": 409}),
    Route("DELETE", "posts/{post}/publish", EDIT, {"published": 409, "withdrawn": 409, "taken_down": 409}),
    Route("POST", "posts/{post}/restore", EDIT, {"taken_down": 409}),
    Route(
        "POST",
        "posts/{post}/images",
        EDIT,
        {state: 409 if state == "taken_down" else 201 for state in STATES},
        lambda scene: {"images": [{"upload": str(scene.upload.pk)}]},
    ),
    Route("POST", "posts/{post}/images/order", EDIT, {"taken_down": 409}, lambda scene: {"images": [scene.image.pk]}),
    Route("GET", "images", OPEN),
    Route("GET", "images/{image}", READ),
    Route("GET", "images/{image}/comments", READ),
    Route("POST", "images/{image}/comments", TALK, 201, {"text": "Hello"}),
    Route("PUT", "images/{image}/reactions/like", TALK),
    Route("DELETE", "images/{image}/reactions/like", TALK),
    Route("GET", "collections", MY_COLLECTIONS),
    Route("POST", "collections", SIGNED_IN, 201, {"title": "New"}),
    Route("GET", "collections/{collection}", PRIVATE),
    Route("PATCH", "collections/{collection}", OWN_PRIVATE, 200, {"title": "New"}),
    Route("DELETE", "collections/{collection}", OWN_PRIVATE, 204),
    Route("GET", "collections/{collection}/comments", PRIVATE),
    Route("POST", "collections/{collection}/comments", WRITE_PRIVATE, 201, {"text": "Hello"}),
    Route("GET", "collections/{collection}/items", PRIVATE),
    Route("POST", "collections/{collection}/items", OWN_PRIVATE, 201, {"kind": "models", "id": "mira/hidden"}),
    Route(
        "POST",
        "collections/{collection}/items/order",
        OWN_PRIVATE,
        204,
        lambda scene: {"items": [scene.item.pk]},
    ),
    Route("DELETE", "collections/{collection}/items/{item}", OWN_PRIVATE, 204),
    Route("PATCH", "images/{image}", EDIT, {"taken_down": 409}, {"alt": "New"}),
    Route("DELETE", "images/{image}", EDIT, {"draft": 204, "published": 409, "withdrawn": 409, "taken_down": 409}),
    Route(
        "POST",
        "images/{image}/resources",
        EDIT,
        {state: 409 if state == "taken_down" else 201 for state in STATES},
        lambda scene: {"version": scene.version.pk},
    ),
    Route("PATCH", "image-resources/{resource}", EDIT, {"taken_down": 409}, {"weight": 0.5}),
    Route(
        "DELETE", "image-resources/{resource}", EDIT, {state: 409 if state == "taken_down" else 204 for state in STATES}
    ),
    Route("POST", "recognize", SIGNED_IN, 400, {}),
    Route("GET", "me", SIGNED_IN),
    Route("GET", "schema/", OPEN),
]


def _expected(route: Route, state: str) -> dict[str, int]:
    statuses = next(row for states, row in route.kind.items() if state in states)
    ok = route.ok if isinstance(route.ok, int) else route.ok.get(state, 200)
    return {
        person: ok if status == OK else status
        for person, status in zip((ANYBODY, STRANGER, OWNER, MODERATOR), statuses, strict=True)
    }


def _who_acts_last(expected: dict[str, int]) -> list[str]:
    """Whoever may change something comes after those who must find it as it was."""
    return sorted(expected, key=lambda person: expected[person] < 400)


@pytest.fixture(scope="module", params=STATES)
def standing_scene(request, django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[tuple[Scene, Path]]:
    folder = tmp_path_factory.mktemp(request.param)
    with lasting(lambda: Scene(request.param), django_db_blocker, folder) as scene:
        yield scene, folder


@pytest.fixture
def scene(standing_scene: tuple[Scene, Path]) -> Scene:
    scene, folder = standing_scene
    lay_out(folder)
    return scene


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_address_answers_as_the_table_says(scene, route):
    state, expected = scene.state, _expected(route, scene.state)
    body = route.body(scene) if callable(route.body) else route.body

    answers = {
        person: scene.people[person].ask(route.method, scene.address(route.path), body)
        for person in _who_acts_last(expected)
    }

    assert {person: answers[person].status_code for person in expected} == expected
    for person, answer in answers.items():
        hidden = state in HIDDEN and person in (ANYBODY, STRANGER) and route.kind is not BY_HASH
        said = answer.getvalue().decode() if answer.status_code != 204 else ""
        assert not (hidden and (SECRET in said or said == "bytes"))
        if answer.status_code >= 400 and route.method != "HEAD":
            assert answer["Content-Type"] == "application/problem+json"
            assert answer.json()["detail"]


def test_the_table_names_every_address_and_method():
    named = {(route.method, route.path) for route in ROUTES if route.method != "HEAD"}

    assert set(_mounted(api_urls.urlpatterns)) == named


_PARTS = {
    "models/<str:owner>/<str:name>": "{model}",
    "<int:version_id>": "{version}",
    "<int:file_id>": "{file}",
    "conversions/<slug:kind>": "conversions/full",
    "<int:comment_id>": "{comment}",
    "<int:picture_id>": "{picture}",
    "<uuid:job_id>": "{render}",
    "<uuid:upload_id>": "{upload}",
    "<str:value>": "{hash}",
    "<int:topic_id>": "{topic}",
    "<slug:code>": "{collection}",
    "<int:item_id>": "{item}",
    "<int:post_id>": "{post}",
    "<int:image_id>": "{image}",
    "<int:resource_id>": "{resource}",
    "<int:review_id>": "{review}",
    "<slug:kind>/<path:thing>": "{thing}",
    "reactions/<slug:kind>": "reactions/like",
}


def _mounted(patterns: list[URLPattern | URLResolver]) -> list[tuple[str, str]]:
    found = []
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            found += _mounted(pattern.url_patterns)
            continue
        path = str(pattern.pattern)
        for written, part in _PARTS.items():
            path = path.replace(written, part)
        view = pattern.callback.view_class
        methods = [name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)]
        found += [(method, path) for method in methods]
    return found
