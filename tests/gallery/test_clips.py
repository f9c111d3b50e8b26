"""Clips among the pictures of a post: prepared, shown, sent in parts, kept back."""

from __future__ import annotations

import pytest
from django.test import Client

from community.models import User
from community.ratings import Rating
from gallery.models import Image, Post
from gallery.services.posting import NewImage, create_post, edit_image
from gallery.services.publishing import publish_post
from gallery.services.stripping import strip_original
from registry.models import VersionPreview
from registry.services.pictures import add_preview
from registry.services.renditions import make_avif
from tests.factories import ModelVersionFactory, UserFactory
from tests.gallery.rows import first, prepared
from tests.registry.pictures.clips import clip
from tests.registry.pictures.rows import sent

pytestmark = pytest.mark.django_db

SECRET = "a prompt of ComfyUI"
MP4 = clip(dark=2, tags={"comment": SECRET})
WEBM = clip("webm", "libvpx-vp9")


@pytest.fixture
def owner():
    return UserFactory(username="mira", browsing_level=31)


def drafted(owner: User, data: bytes = MP4, name: str = "clip") -> Post:
    """A draft with this clip and nothing else, on which the workers are done."""
    new = NewImage(sent(owner, data, name).pk, rating=Rating.PG)
    return prepared(create_post(by=owner, images=[new]))


def posted(owner: User, data: bytes = MP4) -> Image:
    """The image of a published clip."""
    post = publish_post(drafted(owner, data), by=owner)
    return first(post)


def body(response) -> bytes:
    return b"".join(response.streaming_content)


@pytest.mark.parametrize(("data", "mime"), [(MP4, "video/mp4"), (WEBM, "video/webm")], ids=["mp4", "webm"])
def test_a_clip_is_posted_as_any_picture_is(owner, data, mime):
    image = posted(owner, data)

    picture = image.picture
    assert (picture.mime, picture.width, picture.height, picture.animated) == (mime, 64, 48, True)
    assert picture.phash is not None
    assert picture.color != "#000000"
    assert [(row.format, row.width, row.height) for row in picture.renditions.all()] == [("webp", 64, 48)]
    assert (picture.reading.note, picture.reading.private, image.generation) == ("clip", [], None)


def test_its_copies_come_in_avif_too(owner):
    image = posted(owner)

    make_avif()

    assert image.picture.renditions.filter(format="avif").exists()


def test_the_original_goes_out_byte_for_byte_and_in_parts(owner):
    image, client = posted(owner), Client()

    whole = client.get(image.original_address)
    part = client.get(image.original_address, headers={"range": "bytes=100-299"})
    rest = client.get(image.original_address, headers={"range": "bytes=-50", "if-range": whole["ETag"]})
    other = client.get(image.original_address, headers={"range": "bytes=0-9", "if-range": '"of something else"'})
    beyond = client.get(image.original_address, headers={"range": f"bytes={len(MP4)}-"})

    assert (whole.status_code, whole["Content-Type"], whole["Accept-Ranges"]) == (200, "video/mp4", "bytes")
    assert body(whole) == MP4
    assert (part.status_code, part["Content-Range"], part["Content-Length"]) == (
        206,
        f"bytes 100-299/{len(MP4)}",
        "200",
    )
    assert body(part) == MP4[100:300]
    assert (rest.status_code, body(rest)) == (206, MP4[-50:])
    assert (other.status_code, body(other)) == (200, MP4)
    assert (beyond.status_code, beyond["Content-Range"]) == (416, f"bytes */{len(MP4)}")


def test_the_page_offers_to_play_it_and_fetches_nothing_before(owner):
    image = posted(owner)

    page = Client().get(image.get_absolute_url()).content.decode()

    tag = page[page.index("<video") : page.index("</video>")]
    for part in ("controls", 'preload="none"', f'poster="{image.src}"', 'width="64"', 'height="48"', "aria-label="):
        assert part in tag
    assert "autoplay" not in tag
    assert f"{image.original_address}?download" in page


def test_a_card_says_that_it_is_a_clip(owner):
    posted(owner)

    page = Client().get("/images").content.decode()

    assert '<span class="image-card__mark tagged">Clip</span>' in page
    assert "<video" not in page


def test_a_clip_that_keeps_how_it_was_made_to_itself_is_shown_as_a_picture_alone(owner):
    post = drafted(owner)
    edit_image(first(post), by=owner, hides_generation=True)
    strip_original(first(post).picture_id, "bare")
    publish_post(Post.objects.get(pk=post.pk), by=owner)
    image, client = first(post), Client()

    page = client.get(image.get_absolute_url())
    original = client.get(image.original_address)
    copy = client.get(image.src)

    assert image.post.is_public
    assert "<video" not in page.content.decode()
    assert image.original_address not in page.content.decode()
    assert original.status_code == 404
    assert (copy.status_code, copy["Content-Type"]) == (200, "image/webp")
    assert SECRET.encode() in MP4
    assert SECRET.encode() not in body(copy)


def test_nothing_is_served_while_the_stripped_original_is_only_asked_for(owner):
    image = posted(owner)
    edit_image(image, by=owner, hides_generation=True)

    assert Client().get(image.original_address).status_code == 404


def test_the_workbench_says_that_a_clips_file_is_not_read(owner):
    post = drafted(owner)
    client = Client()
    client.force_login(owner)

    page = client.get(f"/posts/{post.pk}/edit").content.decode()

    assert "is not read, and goes out with it" in page
    assert "more than can be read" not in page


def test_programs_are_told_what_the_original_is(owner):
    image = posted(owner)

    answer = Client().get(f"/api/safelight/v1/images/{image.pk}").json()

    assert (answer["mime"], answer["animated"], answer["error"]) == ("video/mp4", True, None)


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        pytest.param(clip(frames=61, rate=1), "a.mp4", "lasts 61 seconds; at most 60", id="too long"),
        pytest.param(MP4[:-100], "a.mp4", "end is missing", id="truncated"),
        pytest.param(MP4, "a.png", "named .png but holds a clip (MP4)", id="a picture's name"),
        pytest.param(WEBM, "a.mp4", "named .mp4 but holds a clip (WebM)", id="another clip's name"),
        pytest.param(clip("matroska", "libvpx"), "a.mkv", "found: a video", id="matroska"),
        pytest.param(clip(size=(4096, 2304), frames=1), "a.mp4", "4096 × 2304 pixels", id="too large"),
        pytest.param(clip(codec="mpeg4"), "a.mp4", "Browsers cannot play", id="codec"),
    ],
)
def test_a_refused_clip_says_why(owner, data, name, words):
    image = first(drafted(owner, data, name))

    assert image.progress == "refused"
    assert words in image.refusal


def test_a_versions_previews_stay_pictures_even_where_a_clip_is_known(owner):
    version = ModelVersionFactory(model__owner=owner)
    posted(owner)

    add_preview(version, sent(owner, MP4, "a.mp4"), alt="", rating=Rating.PG, by=owner)

    preview = VersionPreview.objects.get()
    assert (preview.refusal_code, preview.picture) == ("not_a_picture", None)
