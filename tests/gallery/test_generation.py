"""How images were made: read from their files, corrected by their authors, linked to the models of the site."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image as Pixels
from PIL.PngImagePlugin import PngInfo

from community.errors import Conflict, InvalidInput, NotAllowed
from community.ratings import Rating
from gallery.models import Image, ImageResource, ImageSearch, PictureReading
from gallery.services.posting import NewImage, add_images, edit_image, edit_post
from gallery.services.publishing import PostNotReady, publish_post
from gallery.services.reading_child import read
from gallery.services.resources import add_resource, confirm_resource, find_version, remove_resource, weigh_resource
from gallery.services.stripping import strip_original
from registry.models import BlobHash
from registry.services.listing import refresh_listing
from registry.storage import blob_store
from tests.factories import BlobFactory, ModelFileFactory, ModelVersionFactory, RegisteredModelFactory, UserFactory
from tests.gallery.pictures import picture, png_with_chunk, stealth, user_comment
from tests.gallery.rows import INFOTEXT, drafted, first, painted, posted, prepared, told
from tests.registry.pictures.build import saved
from tests.registry.pictures.rows import sent

pytestmark = pytest.mark.django_db
SEED = 18446744073709551615


@pytest.fixture
def owner():
    return UserFactory(username="mira", browsing_level=31)


def version_with(digest: str = "", kind: str = "AutoV2", *, published: bool = True, **fields):
    """A version with a file of this digest."""
    model = RegisteredModelFactory(public=published, **{"type": "checkpoint", **fields})
    version = ModelVersionFactory(model=model, **({"published": True} if published else {}))
    file = ModelFileFactory(version=version, blob=BlobFactory(), name="tidewater.safetensors", is_primary=True)
    if digest:
        BlobHash.objects.update_or_create(blob=file.blob, kind=kind, defaults={"value": digest})
    refresh_listing(model)
    return version


def infotext(digest: str) -> bytes:
    return told(INFOTEXT.format(model=digest))


def test_what_a_tool_wrote_is_read_to_the_last_digit_and_its_block_is_kept(owner):
    image = first(posted(owner, infotext("aabbccdd00")))

    assert (image.prompt, image.negative) == (
        "harbour at night, lanterns, ink wash, <lora:tidewater:0.8>",
        "photo, frame",
    )
    assert (int(image.seed), image.generation["seed"], image.tool) == (SEED, str(SEED), "A1111")
    assert image.picture.reading.blocks == {"png:parameters": INFOTEXT.format(model="aabbccdd00")}


def test_a_text_hidden_in_the_pixels_is_read(owner):
    hidden = saved(stealth(INFOTEXT.format(model="00"), "stealth_pngcomp"), "PNG")

    image = first(posted(owner, hidden))

    assert (image.prompt[:7], image.generation["from_pixels"]) == ("harbour", True)


def test_text_that_no_column_can_hold_is_kept_as_it_stood(owner):
    block = b"parameters\0a \x00 b" + b"\nSteps: 20, Sampler: Euler a, Seed: 1"
    image = first(prepared(drafted(owner, png_with_chunk(b"tEXt", block))))

    assert image.progress == "ready"
    assert PictureReading.objects.get().state == "done"


def test_more_metadata_than_is_read_keeps_a_post_from_going_out(owner):
    post = prepared(drafted(owner, png_with_chunk(b"tEXt", b"parameters\0" + b"x" * 10_000_000)))

    assert PictureReading.objects.get().note == "metadata_too_large"
    with pytest.raises(PostNotReady, match="more metadata than can be read"):
        publish_post(post, by=owner)


HASHES = {
    "SHA-256": ("ab" * 32, "SHA256"),
    "BLAKE3": ("cd" * 32, "BLAKE3"),
    "AutoV3": ("abcdef012345", "AutoV3"),
    "AutoV2": ("abcdef0123", "AutoV2"),
    "AutoV1": ("abcdef01", "AutoV1"),
}


@pytest.mark.parametrize("name", HASHES)
def test_a_model_is_linked_by_each_of_its_digests(owner, name):
    digest, kind = HASHES[name]
    version = version_with(digest, kind)

    image = first(posted(owner, infotext(digest)))

    checkpoint = image.resources.get(kind="checkpoint")
    assert (checkpoint.version, checkpoint.hash_kind, checkpoint.source) == (version, kind, "detected")


@pytest.mark.parametrize("digest", ["e3b0c44298fc", "e3b0c44298", "e3b0c442"])
def test_the_digest_of_nothing_links_nothing(owner, digest):
    version_with(digest, {12: "AutoV3", 10: "AutoV2", 8: "AutoV1"}[len(digest)])

    assert find_version(digest, owner) == (None, "")
    assert not ImageResource.objects.filter(version__isnull=False).exists()


def test_a_draft_is_linked_for_its_owner_and_for_nobody_else(owner):
    version = version_with("abcdef0123", published=False, owner=owner)

    mine, theirs = posted(owner, infotext("abcdef0123")), posted(None, infotext("abcdef0123"))

    assert first(mine).resources.get(kind="checkpoint").version == version
    assert first(theirs).resources.get(kind="checkpoint").version is None
    assert ImageSearch.objects.get(image=first(mine).pk).version_ids == []


def test_a_name_alone_is_a_suggestion_that_its_author_confirms(owner):
    version = version_with(type="lora")

    image = first(posted(owner, infotext("00000000ff")))

    lora = image.resources.get(kind="lora")
    assert (lora.version, lora.suggestion, lora.weight) == (None, version, 0.8)
    assert image.resources.get(kind="checkpoint").suggestion is None
    confirm_resource(lora, by=owner)
    lora.refresh_from_db()
    assert (lora.version, lora.source) == (version, "confirmed")
    assert ImageSearch.objects.get().version_ids == [version.pk]


def test_two_models_of_one_name_suggest_neither(owner):
    version_with(type="lora")
    version_with(type="lora")

    assert first(posted(owner, infotext("00000000ff"))).resources.get(kind="lora").suggestion is None


def test_an_author_adds_weighs_and_removes_resources(owner):
    image, version = first(posted(owner, painted())), version_with()

    added = add_resource(image, version, by=owner, weight=0.7)
    with pytest.raises(Conflict, match="already"):
        add_resource(image, version, by=owner)
    with pytest.raises(InvalidInput):
        add_resource(image, version_with(published=False), by=owner)
    with pytest.raises(NotAllowed):
        add_resource(image, version_with(), by=UserFactory())
    assert weigh_resource(added, -1.5, by=owner).weight == -1.5
    with pytest.raises(InvalidInput, match="weight"):
        weigh_resource(added, 1e9, by=owner)
    remove_resource(added, by=owner)

    assert not image.resources.exists()


def test_what_its_author_corrects_is_marked_and_stands_beside_what_was_read(owner):
    image = first(posted(owner, infotext("00")))

    image = edit_image(image, by=owner, generation={"prompt": "a lighthouse", "seed": "7"})

    assert (image.is_edited, image.prompt, int(image.seed)) == (True, "a lighthouse", 7)
    assert (image.told["steps"], image.generation["prompt"][:7]) == (28, "harbour")
    image = edit_image(image, by=owner, generation={"seed": str(SEED)})
    assert (image.is_edited, image.prompt, int(image.seed)) == (True, "a lighthouse", SEED)
    image = edit_image(image, by=owner, generation=None)
    assert (image.is_edited, image.edited, image.prompt[:7]) == (False, None, "harbour")


def test_saying_what_was_read_is_no_correction(owner):
    image = first(posted(owner, infotext("00")))

    image = edit_image(image, by=owner, generation={"prompt": image.prompt, "steps": "28", "cfg_scale": "6"})

    assert not image.is_edited


BAD_WORDS = {
    "a seed of 65 bits": ({"seed": str(1 << 64)}, "seed"),
    "a seed that is none": ({"seed": "−1"}, "seed"),
    "steps in words": ({"steps": "many"}, "steps"),
    "a sampler of two lines": ({"sampler": "Euler\nPrompt: x"}, "sampler"),
    "a prompt beyond all bounds": ({"prompt": "x" * 40_001}, "prompt"),
    "NUL": ({"prompt": "a\0b"}, "prompt"),
    "a scale that is none": ({"cfg_scale": "nan"}, "cfg_scale"),
}


@pytest.mark.parametrize("name", BAD_WORDS)
def test_what_makes_no_sense_is_refused_by_name(owner, name):
    given, field = BAD_WORDS[name]
    image = first(drafted(owner))

    with pytest.raises(InvalidInput) as refused:
        edit_image(image, by=owner, generation=given)

    assert refused.value.field == field


def private_picture() -> bytes:
    """A picture whose text names a folder of somebody's."""
    return told(
        'harbour\nSteps: 20, Sampler: Euler a, Seed: 1, Lora hashes: "C:\\Users\\mira.k\\loras\\x.safetensors: aa"'
    )


def test_private_data_is_decided_on_before_a_post_goes_out(owner):
    post = prepared(drafted(owner, private_picture()))
    image = first(post)
    assert [finding["kind"] for finding in image.picture.reading.private] == ["local_path"]

    with pytest.raises(PostNotReady) as refused:
        publish_post(post, by=owner)
    assert [check["code"] for check in refused.value.extra["unmet"]] == ["private_data"]

    edit_image(image, by=owner, original="whole")
    assert publish_post(post, by=owner).state == "published"


def test_a_post_waits_until_its_stripped_original_is_made(owner):
    post = prepared(drafted(owner, private_picture()))
    image = edit_image(first(post), by=owner, original="stripped")

    assert publish_post(post, by=owner).state == "scheduled"
    strip_original(image.picture_id, "clean")
    strip_original(image.picture_id, "clean")

    made = PictureReading.objects.get().stripped
    assert set(made["clean"]) == {"key", "size"}
    assert publish_post(post, by=owner).state == "published"


def test_a_hidden_prompt_is_in_no_search_row(owner):
    version = version_with("abcdef0123")
    post = posted(owner, infotext("abcdef0123"))
    assert "harbour" in str(ImageSearch.objects.get().words)

    edit_post(post, by=owner, hides_generation=True)

    row = ImageSearch.objects.get()
    assert "harbour" not in str(row.words)
    assert (row.version_ids, row.base_models) == ([], [])
    edit_post(post, by=owner, hides_generation=False)
    assert ImageSearch.objects.get().version_ids == [version.pk]


def test_a_comment_in_utf16_is_read_from_a_photograph(owner):
    comment = user_comment("MM", b"UNICODE\0" + INFOTEXT.format(model="00").encode("utf-16-be"))
    post = drafted(owner)
    photo = picture("JPEG", comment)

    add_images(post, [NewImage(sent(owner, photo, "a.jpg").pk, rating=Rating.PG)], by=owner)
    prepared(post)

    assert Image.objects.order_by("pk").last().prompt[:7] == "harbour"


def test_an_answer_that_no_reader_gave_is_not_believed(owner, monkeypatch):
    def taken_over(work, source, folder, *arguments, **options):
        (folder / "told.json").write_text(json.dumps({"generation": {"tool": 1, "evil": 2, "resources": []}}))
        (folder / "raw").write_bytes(b"")

    post = drafted(owner)
    monkeypatch.setattr("gallery.services.reading.run_jailed", taken_over)
    prepared(post)

    assert PictureReading.objects.get().generation is None
    assert publish_post(post, by=owner).state == "published"


def _both(text: str = INFOTEXT) -> bytes:
    """As NovelAI writes it: a text chunk, and the same once more in the pixels."""
    info = PngInfo()
    info.add_text("parameters", text)
    return saved(stealth(text, "stealth_pngcomp", (160, 160)), "PNG", pnginfo=info)


def _served(owner, kind, **changes):
    """The stripped original of a picture that says the same in its blocks and its pixels."""
    image = edit_image(first(prepared(drafted(owner, _both(SECRET)))), by=owner, **changes)
    strip_original(image.picture_id, kind)
    made = PictureReading.objects.get().stripped[kind]
    with blob_store().open(made["key"]) as stream:
        return stream.read()


SECRET = INFOTEXT + ", Outpath: /home/ada/pictures"


@pytest.mark.parametrize(
    ("kind", "changes"),
    [("bare", {"hides_generation": True}), ("clean", {"original": "stripped"})],
    ids=["hidden generation data", "private data taken out"],
)
def test_what_stands_in_blocks_and_in_pixels_is_taken_out_of_both(owner, kind, changes):
    served = _served(owner, kind, **changes)

    told, blocks = read(served)
    assert (told, blocks) == ({"generation": None, "private": []}, {})
    with Pixels.open(io.BytesIO(served)) as shown:
        assert (shown.mode, shown.size, shown.getpixel((3, 3))) == ("RGBA", (160, 160), (40, 60, 80, 255))


def test_private_data_in_the_pixels_is_found_beside_blocks_that_say_less(owner):
    info = PngInfo()
    info.add_text("parameters", INFOTEXT)
    data = saved(stealth(SECRET, "stealth_pngcomp", (160, 160)), "PNG", pnginfo=info)

    image = first(prepared(drafted(owner, data)))

    assert [finding["kind"] for finding in image.picture.reading.private] == ["local_path"]
    assert image.generation["from_pixels"] is False
