"""Faults that tools of this field had, tried from the dropped file to the page and the API. All samples are made up."""

from __future__ import annotations

import gzip
import json
import random
import time

import pytest
from django.test import Client
from PIL import Image as Pixels

from community.models import User
from community.ratings import Rating
from gallery.imagemeta.read import read_generation
from gallery.models import Image
from gallery.services.posting import NewImage, create_post
from gallery.services.publishing import publish_post
from gallery.services.reading_child import read
from registry.models import BlobHash
from registry.models.files import HashKind
from registry.services.listing import refresh_listing
from tests.factories import BlobFactory, ModelFileFactory, ModelVersionFactory, RegisteredModelFactory, UserFactory
from tests.gallery.pictures import picture, png, stealth, user_comment
from tests.gallery.rows import first, painted, posted, prepared
from tests.registry.pictures.build import moving, saved
from tests.registry.pictures.rows import sent

pytestmark = pytest.mark.django_db
HIDDEN = "paper boat on a pond\nNegative prompt: duck\nSteps: 9, Sampler: Euler, CFG scale: 4, Seed: 5, Size: 128x96"


def strict(text: str) -> object:
    """A reader of JSON that takes nothing that the standard does not have."""

    def refuse(name: str) -> None:
        raise ValueError(name)

    return json.loads(text, parse_constant=refuse)


def shown(data: bytes, owner: User | None = None) -> Image:
    """The image of a published post of one picture, whatever its format."""
    owner = owner or UserFactory(browsing_level=31)
    new = NewImage(sent(owner, data, "picture").pk, rating=Rating.PG)
    return first(publish_post(prepared(create_post(by=owner, images=[new])), by=owner))


def told_of(image: Image) -> dict:
    """What a program is told of an image, read strictly."""
    return strict(Client().get(f"/api/safelight/v1/images/{image.pk}").content.decode())


def page_of(image: Image) -> str:
    return Client().get(image.get_absolute_url()).content.decode()


@pytest.mark.parametrize("inside", ["\n", "\\n"], ids=["a line break", "its two signs"])
def test_a_value_that_holds_a_line_break_ends_no_data(inside):
    words = f'Wildcard prompt: "clay teapot,{inside}glazed: blue", Version: v1.6.0'
    numbers = f"Steps: 18, Sampler: Euler, CFG scale: 5, Seed: 9, Size: 512x512, {words}"
    image = shown(png((64, 64), parameters=f"clay teapot on oak\nNegative prompt: chips\n{numbers}"))

    told = told_of(image)["generation"]

    assert (told["negative"], told["steps"], told["seed"], told["version"]) == ("chips", 18, "9", "v1.6.0")
    assert told["extra"]["Wildcard prompt"] == "clay teapot,\nglazed: blue"


def lora(name: str, digest: str):
    model = RegisteredModelFactory(public=True, title=name, type="lora")
    version = ModelVersionFactory(model=model, published=True)
    file = ModelFileFactory(version=version, blob=BlobFactory(), name=f"{name}.safetensors", is_primary=True)
    BlobHash.objects.update_or_create(blob=file.blob, kind=HashKind.AUTOV3, defaults={"value": digest})
    refresh_listing(model)
    return version


def test_three_sources_that_name_the_same_models_name_each_once():
    one, two = lora("gullA", "a" * 12), lora("gullB", "b" * 12)
    text = (
        "gulls <lora:gullA:0.8> <lora:gullB:0.5> <lora:local_c:0.3> <lora:local_d:-0.4>\n"
        "Steps: 20, Sampler: Euler, CFG scale: 5, Seed: 4, Size: 64x64, Hashes: "
        f'{{"model": "0a1b2c3d4e", "lora:gullA": "{"a" * 12}", "lora:gullB": "{"b" * 12}", '
        '"lora:local_c": "cc33dd44ee55", "lora:local_d": "dd44ee55ff66"}, '
        f'Civitai resources: [{{"type": "lora", "weight": 0.8, "modelVersionId": {one.pk}}}]'
    )

    image = shown(png((64, 64), parameters=text))

    rows = [
        (each["kind"], each["name"], each["weight"], each["hash"], (each["version"] or {}).get("id"))
        for each in told_of(image)["resources"]
    ]
    assert sorted(rows, key=str) == [
        ("checkpoint", "", None, "0a1b2c3d4e", None),
        ("lora", "gullA", 0.8, "a" * 12, one.pk),
        ("lora", "gullB", 0.5, "b" * 12, two.pk),
        ("lora", "local_c", 0.3, "cc33dd44ee55", None),
        ("lora", "local_d", -0.4, "dd44ee55ff66", None),
    ]
    page = page_of(image)
    assert f'href="{one.get_absolute_url()}"' in page
    assert "local_d" in page


GRAPH = {
    "3": {"class_type": "KSampler", "inputs": {"seed": 881234, "steps": 14, "cfg": 5.5, "sampler_name": "dpmpp_2m",
          "scheduler": "karras", "denoise": 1, "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0],
          "latent_image": ["5", 0]}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "pondMix.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 640, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "tin lighthouse", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "crowd", "clip": ["4", 1]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "10": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "x"}},
}  # fmt: skip


def test_numbers_that_are_none_in_json_stop_nothing_and_the_block_stays_as_it_was():
    block = (
        json.dumps(GRAPH)[:-1]
        + ', "9": {"class_type": "DirList", "inputs": {"folder": "in", "bias": Infinity}, "is_changed": [NaN]}}'
    )
    image = shown(png((64, 64), prompt=block))

    told = told_of(image)

    made = told["generation"]
    assert (made["prompt"], made["negative"], made["seed"], made["steps"]) == ("tin lighthouse", "crowd", "881234", 14)
    assert (made["sampler"], made["schedule"], made["width"], made["height"]) == ("DPM++ 2M", "Karras", 512, 640)
    assert [each["name"] for each in told["resources"]] == ["pondMix"]
    page = page_of(image)
    for found in page.split('<script type="application/ld+json"')[1:]:
        strict(found.partition(">")[2].partition("</script>")[0])
    workflow = Client().get(f"/images/{image.pk}/workflow.json")
    assert workflow.content.decode() == block


SWARM = {
    "sui_image_params": {
        "prompt": "moss gate<lora:fern/leaf_a:0.35>", "negativeprompt": "plastic", "model": "xl/pondMix", "seed": 77,
        "steps": 24, "cfgscale": 6.5, "width": 832, "height": 1216, "sampler": "euler_ancestral", "scheduler": "karras",
        "loras": ["fern/leaf_a", "fern/leaf b_V2.7"], "loraweights": ["0.35", "0.45"],
    },
    "sui_models": [{"name": "xl/pondMix.safetensors", "param": "model", "hash": "0x" + "ab" * 32}],
}  # fmt: skip
IN_TEXTS = SWARM | {
    "sui_image_params": SWARM["sui_image_params"]
    | {"loras": "fern/leaf_a,fern/leaf b_V2.7", "loraweights": "0.35,0.45"}
}
SWARMS = {
    "lists": lambda: png((64, 64), parameters=json.dumps(SWARM)),
    "lists as texts": lambda: png((64, 64), parameters=json.dumps(IN_TEXTS)),
    "beside a graph": lambda: png((64, 64), parameters=json.dumps(SWARM), prompt=json.dumps(GRAPH)),
    "in a JPEG": lambda: picture(
        "JPEG", user_comment("MM", b"UNICODE\0" + json.dumps(SWARM).encode("utf-16-be"))
    ),
    "a comma too many": lambda: png((64, 64), parameters=json.dumps(SWARM)[:-1] + ",}"),
}  # fmt: skip


@pytest.mark.parametrize("name", SWARMS)
def test_parallel_lists_keep_their_weights_and_one_reader_wins(name):
    found = read_generation(SWARMS[name]())

    assert (found.tool, found.negative, found.width, found.height) == ("SwarmUI", "plastic", 832, 1216)
    loras = [(each.name, each.weight) for each in found.resources if each.kind == "lora"]
    assert sorted(loras) == [("leaf b_V2.7", 0.45), ("leaf_a", 0.35)]
    assert [each.hash for each in found.resources if each.kind == "checkpoint"] == ["ab" * 32]


PIXELS = {
    "PNG": ("stealth_pngcomp", "PNG", {}),
    "WebP without any metadata": ("stealth_pngcomp", "WEBP", {"lossless": True, "exact": True}),
    "not packed": ("stealth_pnginfo", "PNG", {}),
    "in the colors": ("stealth_rgbcomp", "PNG", {}),
}


@pytest.mark.parametrize("name", PIXELS)
def test_data_hidden_in_pixels_is_read_and_marked_as_found_there(name):
    signature, format, options = PIXELS[name]

    image = shown(saved(stealth(HIDDEN, signature, (128, 96)), format, **options))

    told = told_of(image)["generation"]
    assert (told["tool"], told["prompt"], told["seed"], told["from_pixels"]) == ("A1111", HIDDEN[:20], "5", True)


def packed_bomb() -> Pixels.Image:
    """Two hundred megabytes of zeros, packed, with the right length."""
    body = gzip.compress(bytes(200_000_000), 9)
    side = int((len(body) * 8 + 400) ** 0.5) + 2
    bits = "".join(f"{byte:08b}" for byte in b"stealth_pngcomp" + (len(body) * 8).to_bytes(4, "big") + body)
    alpha = Pixels.new("L", (side, side), 255)
    columns = bits.ljust(side * side, "1")
    alpha.putdata([254 + int(columns[x * side + y]) for y in range(side) for x in range(side)])
    image = Pixels.new("RGBA", (side, side), (40, 60, 80, 255))
    image.putalpha(alpha)
    return image


NOTHING = {
    "a length beyond the end": lambda: stealth(HIDDEN, "stealth_pngcomp", (128, 96), length=2**32 - 8),
    "a packed bomb": packed_bomb,
    "an ordinary picture": lambda: Pixels.new("RGBA", (512, 512), (1, 2, 3, 255)),
    "noise, and large": lambda: noisy(1_500, 2_000),
}


def noisy(width: int, height: int) -> Pixels.Image:
    image = Pixels.new("RGBA", (width, height), (40, 60, 80, 255))
    image.putalpha(Pixels.frombytes("L", (width, height), random.Random(4).randbytes(width * height)))
    return image


@pytest.mark.parametrize("name", NOTHING)
def test_pixels_that_hide_nothing_cost_next_to_nothing(name):
    data = saved(NOTHING[name](), "PNG", compress_level=1)
    began = time.perf_counter()

    told, _blocks = read(data)

    assert time.perf_counter() - began < 2
    assert not (told["generation"] or {}).get("seed")


SEED = "7310486651297043915"
FOOOCUS = {
    "A1111's scheme": (
        {"fooocus_scheme": "a1111", "parameters": "fog bank\nNegative prompt: people\nSteps: 30, "
         f"Sampler: DPM++ 2M SDE Karras, Seed: {SEED}, Size: 896x1152, CFG scale: 4, Base model: pondMix, "
         "Lora hashes: , Lora weights: , Version: Fooocus v2.2.1"},
        [],
    ),
    "its own scheme": (
        {"fooocus_scheme": "fooocus", "parameters": json.dumps({
            "prompt": "fog bank", "negative_prompt": "people", "seed": SEED, "resolution": "(896, 1152)", "steps": 30,
            "styles": "['Fooocus V2', 'Ink']", "base_model": "pondMix", "sampler": "dpmpp_2m_sde_gpu",
            "scheduler": "karras", "version": "Fooocus v2.2.1", "loras": [["leaf.safetensors", 0.5, "aa11bb22cc"]]})},
        [("leaf", 0.5, "aa11bb22cc")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FOOOCUS)
def test_a_long_seed_stays_whole_and_an_empty_list_is_none(name):
    texts, loras = FOOOCUS[name]
    image = shown(png((64, 64), **texts))

    told, page = told_of(image), page_of(image)

    assert (told["generation"]["seed"], told["generation"]["width"], told["generation"]["height"]) == (SEED, 896, 1152)
    found = [(each["name"], each["weight"], each["hash"]) for each in told["resources"] if each["kind"] == "lora"]
    assert found == loras
    assert f'data-copy="{SEED}"' in page
    if loras:
        assert "Ink" in json.dumps(told["generation"]["extra"])


TITLES = (
    "夕凪の灯台守",
    "青瓷茶壶特写",
    "안개 낀 부두에서",
    "ゆら・ゆら！ 2",
    "Gốm sứ Bát Tràng",
    "Straßenbahn",
    "Łódź nocą",
    "Ảnh đêm",
)
ASKED = {
    "灯台": 0, "夕凪": 0, "台守": 0, "茶壶": 1, "부두": 2, "ゆらゆら": 3, "gom su": 4, "bat trang": 4,
    "strassenbahn": 5, "lodz": 6, "anh dem": 7, "灯": 0, "ＬＯＤＺ": 6,
}  # fmt: skip


@pytest.fixture
def prompts():
    """Images whose prompts are words of many scripts, among others."""
    person = UserFactory(browsing_level=31)
    rows = [
        shown(png((8, 8 + n), parameters=f"{t}, ink\nSteps: 4, Sampler: Euler, Seed: 1")) for n, t in enumerate(TITLES)
    ]
    for number in range(12):
        posted(person, painted(), title=f"Quay {number}")
    return rows


def test_words_of_any_script_are_found_in_prompts(client, prompts):
    found = {
        words: [card.image.pk for card in client.get("/images", {"q": words}).context["cards"]][:3] for words in ASKED
    }

    assert {words: prompts[number].pk in found[words] for words, number in ASKED.items()} == dict.fromkeys(ASKED, True)


EVIL = "<img src=q onerror=document.title=1> <lora:reed:0.7> a < b </script><svg onload=document.title=1>"


def test_a_prompt_that_wants_to_be_code_is_shown_and_copied_as_it_stands():
    owner = UserFactory(display_name='"><svg onload=document.title=1>', browsing_level=31)
    image = shown(png((64, 64), parameters=f"{EVIL}\nSteps: 4, Sampler: Euler, Seed: 3"), owner)

    told, page = told_of(image), page_of(image)

    assert told["generation"]["prompt"] == EVIL
    assert "&lt;lora:reed:0.7&gt; a &lt; b" in page
    assert "<svg onload" not in page
    assert "<img src=q" not in page
    feed = Client().get("/images.atom").content.decode()
    assert "<svg onload" not in feed


MOVING = {
    "one frame beside its default": (lambda: moving("PNG", 2, default_image=True), False),
    "APNG": (lambda: moving("PNG", 2), True),
    "WebP": (lambda: moving("WEBP", 2), True),
    "GIF": (lambda: moving("GIF", 2), True),
}


@pytest.mark.parametrize("name", MOVING)
def test_what_moves_is_marked_stands_still_in_lists_and_plays_on_its_page(client, name):
    make, is_moving = MOVING[name]
    data = make()
    image = shown(data)

    cards, page = client.get("/images").content.decode(), page_of(image)

    assert told_of(image)["animated"] is is_moving
    assert ("Animated</span>" in cards) is is_moving
    assert {copy.format for copy in image.picture.renditions.all()} == {"webp"}
    original = b"".join(client.get(image.original_address).streaming_content)
    assert original == data
    assert (f'src="{image.original_address}"' in page) is is_moving
