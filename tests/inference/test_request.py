"""What a render may be asked for, and how it is written down."""

import json

import pytest

from inference.prompts.plan import Ingredient, RenderPlan, StoredPicture, read_plan
from inference.prompts.receipt import Environment, canonical, image_hash, make_receipt, without_ids
from inference.prompts.request import (
    ControlUse,
    EmbeddingUse,
    HypernetUse,
    Limits,
    LoraUse,
    RenderRequest,
    RequestRefused,
    Variation,
    read_request,
)

SHA = "ab" * 32
FULL = RenderRequest(
    version=3, prompt="a cat", negative="dog", seed=2**64 - 9, width=64, height=72, steps=8, sampler="Euler a",
    schedule_type="Karras", cfg_scale=4.5, clip_skip=2, loras=(LoraUse(4, 0.8), LoraUse(5, 1.0, 0.5)), vae=6,
    embeddings=(EmbeddingUse(7, "inky"),), hypernets=(HypernetUse(8, 0.3),), init=SHA, mask=SHA, denoise=0.4,
    control=ControlUse(9, SHA, 0.7, 0.1, 0.9), variation=Variation(2**63, 0.25), batch_count=3,
)  # fmt: skip


def test_what_is_written_reads_back_through_json():
    assert read_request(json.loads(json.dumps(FULL.written()))) == FULL


def test_a_version_alone_is_a_request():
    assert read_request({"version": 1}) == RenderRequest(version=1)


def test_it_names_every_version_and_picture_once():
    assert FULL.versions == (3, 4, 5, 7, 8, 6, 9)
    assert FULL.pictures == (SHA,)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("steps", 5000, "too_large"),
        ("steps", True, "not_whole"),
        ("width", 65, "not_a_multiple"),
        ("width", 100_000, "too_large"),
        ("sampler", "Wobble", "unknown_sampler"),
        ("sampler", "Restart", "foreign_sampler"),
        ("schedule_type", "Wobble", "unknown_schedule"),
        ("prompt", "a" * 100_000, "too_long"),
        ("prompt", "a\0b", "not_text"),
        ("prompt", "\ud800", "not_text"),
        ("seed", -1, "too_small"),
        ("seed", 2**64, "too_large"),
        ("seed", "1e5", "not_whole"),
        ("cfg_scale", float("nan"), "not_a_number"),
        ("cfg_scale", "7", "not_a_number"),
        ("loras", {"version": 1}, "not_a_list"),
        ("loras", [{"version": 1}] * 17, "too_many"),
        ("init", "../../etc/passwd", "not_a_hash"),
        ("batch_count", 9, "too_large"),
        ("colour", "red", "unknown_field"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_the_name_of_its_field(field, value, code):
    with pytest.raises(RequestRefused) as refusal:
        read_request({"version": 1, field: value})

    assert (refusal.value.code, refusal.value.field) == (code, field)


@pytest.mark.parametrize(
    ("data", "code", "field"),
    [
        ([], "not_an_object", "request"),
        ({}, "missing", "version"),
        ({"version": 1, "mask": SHA}, "mask_without_init", "mask"),
        ({"version": 1, "init": SHA, "hires": {}}, "hires_with_init", "hires"),
        ({"version": 1, "seed": str(2**64 - 1), "batch_count": 2}, "too_large", "seed"),
        ({"version": 1, "loras": [{"weight": 1}]}, "missing", "loras.0"),
        ({"version": 1, "loras": [{"version": 2, "weight": 99}]}, "too_large", "loras.0.weight"),
        ({"version": 1, "control": {"version": 2, "picture": "x"}}, "not_a_hash", "control.picture"),
        ({"version": 1, "hires": {"upscaler": "magic"}}, "unknown_choice", "hires.upscaler"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(data, code, field):
    with pytest.raises(RequestRefused) as refusal:
        read_request(data)

    assert (refusal.value.code, refusal.value.field) == (code, field)


def test_the_limits_are_the_callers():
    assert read_request({"version": 1, "steps": 4000}, Limits(steps=4000)).steps == 4000


def plan() -> RenderPlan:
    base = Ingredient("checkpoint", 3, "aa" * 32, 9, "blobs/aa", "safetensors", "base", "checkpoint", "SD 1.5", "sd1")
    lora = Ingredient("lora", 4, "bb" * 32, 9, "blobs/bb", "safetensors", "ink", "lora", "SD 1.5", "sd1")
    request = RenderRequest(version=3, loras=(LoraUse(4),), init=SHA, seed=2**64 - 2, batch_count=1)
    return RenderPlan(request, (base, lora), (StoredPicture(SHA, 5, "blobs/x"),), "v")


def test_a_plan_reads_back_and_finds_its_parts():
    found = read_plan(json.loads(json.dumps(plan().written())))

    assert found == plan()
    assert found.checkpoint.name == "base"
    assert found.of("lora", 4).name == "ink"
    with pytest.raises(KeyError):
        found.of("lora", 3)


def test_a_receipt_is_canonical_and_travels_without_ids():
    where = Environment("1", "2.13.0", "0.42.1", "5", "cpu", "float32", "native", 1)
    receipt = make_receipt(plan(), seed=2**64 - 2, index=0, environment=where, image="cc" * 32)

    assert canonical(receipt) == canonical(json.loads(canonical(receipt)))
    assert receipt["seed"] == "18446744073709551614"
    abroad = without_ids(receipt)
    assert abroad["request"]["version"] == "aa" * 32
    assert abroad["request"]["loras"][0]["version"] == "bb" * 32
    assert all("version" not in item for item in abroad["ingredients"])
    with pytest.raises(ValueError, match="Out of range"):
        canonical({"x": float("nan")})


def test_the_hash_of_a_picture_covers_its_shape():
    pixels = bytes(range(24))

    assert image_hash(2, 4, pixels) != image_hash(4, 2, pixels)
    with pytest.raises(ValueError, match="RGB"):
        image_hash(2, 4, pixels[:-1])
