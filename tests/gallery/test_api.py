"""Posts and images through our own API, as a program has them."""

from __future__ import annotations

import hashlib

import pytest

from community.ratings import Rating
from gallery.models import Image, Post
from gallery.services.publishing import publish_due
from registry.services.listing import refresh_listing
from tests.factories import ModelVersionFactory, RegisteredModelFactory, UserFactory
from tests.gallery.rows import INFOTEXT, drafted, first, painted, posted, prepared, told
from tests.registry.api.client import Program
from tests.registry.pictures.rows import sent

pytestmark = pytest.mark.django_db
SEED = "18446744073709551615"


@pytest.fixture
def owner():
    return UserFactory(username="mira", browsing_level=31)


@pytest.fixture
def program(owner):
    return Program(owner, ("models:write", "images:write"))


def test_a_program_posts_pictures_and_reads_them_back(owner, program):
    data = [told(INFOTEXT.format(model="00")), painted()]
    uploads = [sent(owner, each) for each in data]

    made = program.post(
        "posts",
        {
            "title": "Harbour",
            "caption": "At **night**.",
            "tags": ["Ink", "#night"],
            "rating": "PG-13",
            "images": [
                {"upload": str(uploads[0].pk), "alt": "A harbour", "rating": "PG"},
                {"upload": str(uploads[1].pk), "caption": "Two"},
            ],
            "publish": True,
        },
    )

    assert (made.status_code, made.json()["state"]) == (201, "scheduled")
    prepared(Post.objects.get())
    publish_due()
    post = program.get(f"posts/{made.json()['id']}").json()
    assert (post["state"], post["tags"], post["unmet"]) == ("published", ["Ink", "night"], [])
    assert [image["rating"] for image in post["images"]] == ["PG", "PG-13"]
    image = Program().get(f"images/{post['images'][0]['id']}").json()
    assert (image["alt"], image["owner"], image["width"], image["height"]) == ("A harbour", "mira", 64, 96)
    assert (image["generation"]["seed"], image["generation"]["steps"], image["own"]) == (SEED, 28, None)
    assert [(each["kind"], each["weight"]) for each in image["resources"]] == [("checkpoint", None), ("lora", 0.8)]
    original = program.client.get(image["original_url"])
    assert hashlib.sha256(b"".join(original.streaming_content)).digest() == hashlib.sha256(data[0]).digest()


def test_a_list_is_read_to_its_end(owner, program):
    for _ in range(7):
        posted(owner)
    seen, address = [], "images?limit=3"

    while address:
        page = Program().get(address.removeprefix("http://testserver")).json()
        seen += [image["id"] for image in page["results"]]
        address = page["next"]

    assert seen == sorted(Image.objects.values_list("pk", flat=True), reverse=True)


BAD_LISTS = {
    "sort=best": "sort",
    "period=never": "period",
    "cursor=x": "cursor",
    "version=-1": "version",
    "base_model=SD+9": "base_model",
    "limit=0": "limit",
    "q=" + "x" * 300: "q",
}


@pytest.mark.parametrize("text", BAD_LISTS)
def test_a_list_says_which_parameter_makes_no_sense(text):
    answer = Program().get(f"images?{text}")

    assert (answer.status_code, answer.json()["field"]) == (400, BAD_LISTS[text])


BAD_POSTS = {
    "a foreign upload": ({"images": [{"upload": "9b7f3a80-0000-4000-8000-000000000000"}]}, 404, "images.0.upload"),
    "no upload id": ({"images": [{"upload": "x"}]}, 400, "images.0.upload"),
    "an unknown rating": ({"rating": "PG-99"}, 400, "rating"),
    "a version one may not see": ({"version": 10**9}, 400, "version"),
    "a long title": ({"title": "x" * 201}, 400, "title"),
    "two lines": ({"title": "a\nb"}, 400, "title"),
    "NUL": ({"caption": "a\0b"}, 400, "caption"),
    "tags that are none": ({"tags": "ink"}, 400, "tags"),
    "too many tags": ({"tags": [f"tag {n}" for n in range(31)]}, 400, "tags"),
    "images that are none": ({"images": {"upload": 1}}, 400, "images"),
}


@pytest.mark.parametrize("name", BAD_POSTS)
def test_a_bad_post_is_refused_by_field_and_nothing_is_kept(program, name):
    body, status, field = BAD_POSTS[name]

    answer = program.post("posts", body)

    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert not Post.objects.exists()


def test_publishing_lists_all_that_is_missing(owner, program):
    post = prepared(drafted(owner, painted(), painted(), rating=None))

    answer = program.post(f"posts/{post.pk}/publish")

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "not_ready_to_publish")
    assert [unmet["code"] for unmet in problem["unmet"]] == ["rating_missing", "rating_missing"]
    assert program.patch(f"posts/{post.pk}", {"rating": "R"}).json()["unmet"] == []
    assert program.post(f"posts/{post.pk}/publish").json()["state"] == "published"


def test_a_correction_is_marked_and_can_be_taken_back(owner, program):
    image = first(posted(owner, told(INFOTEXT.format(model="00"))))

    changed = program.patch(f"images/{image.pk}", {"generation": {"prompt": "a lighthouse"}}).json()
    back = program.patch(f"images/{image.pk}", {"generation": None}).json()

    assert (changed["is_edited"], changed["generation"]["prompt"]) == (True, "a lighthouse")
    assert changed["own"]["read"]["prompt"].startswith("harbour")
    assert (back["is_edited"], back["generation"]["seed"]) == (False, SEED)


def test_resources_are_confirmed_named_and_removed(owner, program):
    model = RegisteredModelFactory(public=True, title="Tidewater", type="lora")
    version = ModelVersionFactory(model=model, published=True)
    refresh_listing(model)
    image = first(posted(owner, told(INFOTEXT.format(model="00"))))
    lora = next(each for each in program.get(f"images/{image.pk}").json()["resources"] if each["kind"] == "lora")
    assert (lora["version"], lora["suggestion"]["id"]) == (None, version.pk)
    assert Program().get(f"images/{image.pk}").json()["resources"][1]["suggestion"] is None

    confirmed = program.patch(f"image-resources/{lora['id']}", {"confirm": True, "weight": 0.5}).json()
    again = program.post(f"images/{image.pk}/resources", {"version": version.pk})
    removed = program.delete(f"image-resources/{lora['id']}")

    assert (confirmed["version"]["id"], confirmed["weight"], confirmed["source"]) == (version.pk, 0.5, "confirmed")
    assert (again.status_code, removed.status_code) == (409, 204)


def test_a_token_without_the_scope_posts_nothing(owner):
    reader = Program(owner, ("models:write",))

    answer = reader.post("posts", {"title": "x"})

    assert (answer.status_code, answer.json()["scope"]) == (403, "images:write")


@pytest.mark.parametrize(
    ("level", "seen", "hidden"), [(1, ["PG"], 2), (7, ["PG", "R"], 1), (31, ["PG", "R", "XXX"], 0)]
)
def test_a_list_keeps_to_the_level_of_whoever_asks(owner, level, seen, hidden):
    for rating in (Rating.XXX, Rating.R, Rating.PG):
        posted(owner, rating=rating)

    page = Program(UserFactory(browsing_level=level)).get("images").json()

    assert ([image["rating"] for image in page["results"]], page["hidden"]) == (seen, hidden)


def test_a_list_asks_the_same_however_long_it_is(owner, django_assert_max_num_queries):
    posted(owner, tags=["ink"])
    Program().get("images")
    with django_assert_max_num_queries(15) as few:
        Program().get("images")
    posted(owner, *[painted() for _ in range(9)], tags=["ink", "night"])

    with django_assert_max_num_queries(len(few)):
        Program().get("images")
