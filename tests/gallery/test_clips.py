"""Clips among the pictures of a post: prepared, shown, sent in parts, kept back."""

from __future__ import annotations

import io
import json
from importlib import import_module

import av
import pytest
from django.apps import apps
from django.test import Client

from community.models import User
from community.ratings import Rating
from gallery.imagemeta.clips import find_private_in_clip
from gallery.models import Image, PictureReading, Post
from gallery.services.posting import NewImage, create_post, edit_image
from gallery.services.publishing import PostNotReady, publish_post
from gallery.services.reading import read_metadata
from gallery.services.stripping import strip_original
from registry.models import VersionPreview
from registry.services.pictures import add_preview
from registry.services.renditions import make_avif
from tests.data.imagemeta.make import all_cases
from tests.factories import ModelVersionFactory, UserFactory
from tests.gallery import rows
from tests.gallery.rows import first, prepared
from tests.registry.pictures.clips import clip
from tests.registry.pictures.rows import sent

pytestmark = pytest.mark.django_db

SECRET = "a prompt of ComfyUI"
MP4 = clip(dark=2, tags={"comment": SECRET})
STRIPPER = "gallery.services.reading_child:strip_main"
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


def posted_picture(owner: User) -> Image:
    """The image of a published picture that does not move."""
    return first(rows.posted(owner))


def packets(data: bytes) -> list[bytes]:
    """Pictures and sound as they are stored, whatever the container says beside them."""
    with av.open(io.BytesIO(data)) as container:
        return [bytes(packet) for packet in container.demux() if packet.size]


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
    assert (picture.reading.note, picture.reading.private) == ("", [])
    assert (picture.seconds, picture.frame_rate, picture.length) == (1.5, 8.0, "0:02")


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

    assert '<span class="image-card__mark tagged">Clip 0:02</span>' in page
    assert "<video" not in page


def test_a_clip_that_keeps_how_it_was_made_to_itself_goes_out_without_a_word(owner):
    post = drafted(owner)
    edit_image(first(post), by=owner, hides_generation=True)
    strip_original(first(post).picture_id, "bare")
    publish_post(Post.objects.get(pk=post.pk), by=owner)
    image, client = first(post), Client()

    page = client.get(image.get_absolute_url()).content.decode()
    original = body(client.get(image.original_address))

    assert image.post.is_public
    assert "<video" in page
    assert SECRET.encode() in MP4
    assert SECRET.encode() not in original
    assert packets(original) == packets(MP4)
    assert SECRET not in page


def test_nothing_is_served_while_the_stripped_original_is_only_asked_for(owner):
    image = posted(owner)
    edit_image(image, by=owner, hides_generation=True)

    assert Client().get(image.original_address).status_code == 404


PHONE = clip(tags={"location": "+48.2082+016.3738/", "comment": SECRET, "artist": "Ada Byron"})


def test_what_is_private_in_a_clip_is_told_before_it_is_posted_and_taken_out(owner):
    post, client = drafted(owner, PHONE), Client()
    client.force_login(owner)
    page = client.get(f"/posts/{post.pk}/edit").content.decode()
    assert "The file holds private data" in page
    assert "48.21° 16.37°" in page
    with pytest.raises(PostNotReady, match="decide what happens to the private data"):
        publish_post(post, by=owner)

    edit_image(first(post), by=owner, original="stripped")
    strip_original(first(post).picture_id, "clean")
    publish_post(Post.objects.get(pk=post.pk), by=owner)

    original = body(Client().get(first(post).original_address))
    assert find_private_in_clip(PHONE)
    assert find_private_in_clip(original) == ()
    assert packets(original) == packets(PHONE)
    assert SECRET.encode() in original  # how it was made is not private by itself
    assert b"Ada Byron" not in original


def test_a_clip_that_cannot_be_written_anew_is_shown_as_a_picture_alone(owner, monkeypatch):
    post = drafted(owner)
    edit_image(first(post), by=owner, hides_generation=True)
    monkeypatch.setattr("gallery.services.stripping.stripper_of", lambda _source: STRIPPER)
    strip_original(first(post).picture_id, "bare")
    publish_post(Post.objects.get(pk=post.pk), by=owner)
    image, client = first(post), Client()

    page = client.get(image.get_absolute_url()).content.decode()

    assert image.picture.reading.stripped == {"bare": {"error": "cannot_strip"}}
    assert "<video" not in page
    assert client.get(image.original_address).status_code == 404
    assert body(client.get(image.src))


GRAPH = next(case for case in all_cases() if case.file == "comfyapi-plain.png").blocks["png:prompt"]
MADE = {
    "a tag of its own": (clip(tags={"prompt": GRAPH}, movflags="use_metadata_tags"), "ComfyUI"),
    "WebM": (clip("webm", "libvpx", tags={"prompt": GRAPH}), "ComfyUI"),
    "both in a comment": (clip(tags={"comment": json.dumps({"prompt": GRAPH, "workflow": {"nodes": []}})}), "ComfyUI"),
    "an infotext": (clip(tags={"comment": "tin lighthouse\nNegative prompt: crowd\nSteps: 14, Sampler: Euler, "
                               "CFG scale: 5.5, Seed: 881234, Size: 512x640"}), "A1111"),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_how_a_clip_was_made_is_read_where_tools_write_it(owner, name):
    data, tool = MADE[name]

    told = first(drafted(owner, data)).generation

    assert (told["tool"], told["prompt"], told["negative"]) == (tool, "tin lighthouse", "crowd")
    assert (told["seed"], told["steps"]) == ("881234", 14)


def test_clips_from_before_their_files_were_read_wait_for_a_reader(owner):
    image = first(drafted(owner, PHONE))
    old = {"note": "clip", "private": [], "stripped": {"bare": {"error": "clip"}}, "generation": None}
    PictureReading.objects.update(**old)

    import_module("gallery.migrations.0008_read_clips").read_again(apps, None)
    read_metadata(image.picture_id)

    reading = PictureReading.objects.get()
    assert (reading.state, reading.note, reading.stripped) == ("done", "", {})
    assert {each["kind"] for each in reading.private} == {"gps", "owner_name"}


def test_programs_are_told_what_the_original_is(owner):
    clip_of, picture = posted(owner), posted_picture(owner)

    answer, still = (Client().get(f"/api/safelight/v1/images/{image.pk}").json() for image in (clip_of, picture))

    assert (answer["mime"], answer["animated"], answer["error"]) == ("video/mp4", True, None)
    assert (answer["width"], answer["height"], answer["seconds"], answer["frame_rate"]) == (64, 48, 1.5, 8.0)
    assert (still["seconds"], still["frame_rate"]) == (None, None)


def test_its_page_says_how_long_and_how_large_it_is(owner):
    page = Client().get(posted(owner).get_absolute_url()).content.decode()

    words = page[page.index('id="clip-facts"') :]
    assert "0:02" in words[:300]
    assert "64 × 48" in words[:300]
    assert "8 frames a second" in words[:300]


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
