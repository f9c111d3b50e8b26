"""The engine that comes with the site, with its own small models, from the request to the receipt."""

from __future__ import annotations

import hashlib
import io
import json
import weakref
from typing import Any

import pytest
import torch
from PIL import Image, ImageStat

from inference.models import RenderJob, Verification, Worker
from inference.prompts.plan import read_plan
from inference.services.claiming import claim_render
from inference.services.controls import draw_control
from inference.services.defaults import set_default
from inference.services.device import open_engine
from inference.services.engines import Engine
from inference.services.previewing import queue_previews
from inference.services.running import run_render
from inference.services.submitting import submit_render
from inference.services.verifying import verify_receipt
from inference.services.working import announce_worker
from registry.demo import samples
from registry.models import Blob, BlobHash, ModelVersion, Picture
from registry.services.examining import examine
from registry.storage import blob_key, blob_store
from tests.factories import ModelFileFactory

pytestmark = [pytest.mark.django_db, pytest.mark.site]

MODELS = {
    "checkpoint": ("tiny_checkpoint", "safelight-tiny.safetensors"),
    "lora": ("ink_contrast", "ink-contrast.safetensors"),
    "vae": ("tiny_vae_sharp", "safelight-tiny-sharp.safetensors"),
    "embedding": ("ember_heart", "ember-heart.safetensors"),
    "hypernetwork": ("cyanotype", "cyanotype.pt"),
    "controlnet": ("tiny_controlnet", "safelight-tiny-controlnet.safetensors"),
}


def planted(type: str) -> int:
    """The id of a published version with the sample of that type, judged as every upload is."""
    make, name = MODELS[type]
    data = samples.MAKERS[make](name.rpartition(".")[0], ())
    found = examine(io.BytesIO(data), len(data), name=name, is_judged=lambda _: False, progress=lambda *_: None)
    judged, sha256 = found.judgement, found.hashes.sha256
    blob_store().put(blob_key(sha256), data, "application/octet-stream")
    blob = Blob.objects.create(
        sha256=sha256, size=len(data), key=blob_key(sha256), verdict=judged.verdict, format=judged.format,
        facts=judged.facts,
    )  # fmt: skip
    BlobHash.objects.create(blob=blob, kind="AutoV2", value=found.hashes.autov2.lower())
    values = {"version__model__type": type, "version__model__render_here": True}
    file = ModelFileFactory(blob=blob, name=name, published=True, version__base_model="Safelight Tiny", **values)
    return file.version_id


@pytest.fixture
def tiny(settings) -> Engine:
    settings.RENDER_LEASE_SECONDS = 600  # the heart has a connection of its own, and sees nothing of a test's rows
    engine = open_engine()
    assert engine is not None
    return engine


@pytest.fixture
def station(tiny) -> Worker:
    return announce_worker("render@here/1", tiny.device)


@pytest.fixture
def rendered(tiny, station, person):
    """Asks for a render, has it rendered, and gives the job as it ended."""

    def rendered(**values) -> RenderJob:
        job = submit_render({"width": 64, "height": 64, "steps": 8, "seed": 5, **values}, by=person)
        run_render(claim_render(station), station, tiny)
        job.refresh_from_db()
        assert job.state == RenderJob.State.DONE, job.error
        return job

    return rendered


def bytes_of(job: RenderJob) -> bytes:
    with blob_store().open(job.results.get().picture.blob.key) as stream:
        return stream.read()


def test_a_prompt_becomes_a_picture_and_the_same_request_the_same_bytes(rendered):
    version = planted("checkpoint")

    first, second = (rendered(version=version, prompt="a red apple") for _ in range(2))
    other = rendered(version=version, prompt="a rocket")

    assert bytes_of(first) == bytes_of(second) != bytes_of(other)
    picture = Image.open(io.BytesIO(bytes_of(first)))
    assert picture.size == (64, 64)
    assert max(ImageStat.Stat(picture).stddev) > 10  # it shows something
    receipt = json.loads(first.results.get().receipt.body)
    assert receipt["environment"]["engine"].startswith("safelight")
    assert first.step == first.steps


def test_everything_that_is_made_for_it_takes_part(rendered):
    version = planted("checkpoint")
    plain = rendered(version=version, prompt="a heart")
    for type in ("lora", "embedding", "hypernetwork"):
        planted(type)
    vae = planted("vae")

    tags = {
        "lora": "a heart <lora:ink-contrast:0.8>",
        "embedding": "embedding:ember-heart",
        "hypernetwork": "a heart <hypernet:cyanotype:1>",
    }
    made = {name: bytes_of(rendered(version=version, prompt=prompt)) for name, prompt in tags.items()}
    made["vae"] = bytes_of(rendered(version=version, prompt="a heart", vae=vae))

    assert len({bytes_of(plain), *made.values()}) == 5
    assert bytes_of(rendered(version=version, prompt="a heart")) == bytes_of(plain)  # nothing of them has stayed


def test_the_demos_controlnet_is_previewed_with_the_picture_that_ships(tiny, station):
    set_default("Safelight Tiny", ModelVersion.objects.get(pk=planted("checkpoint")), by=None)
    version = ModelVersion.objects.get(pk=planted("controlnet"))
    assert queue_previews(version) == 12
    Picture.objects.update(state=Picture.State.READY)  # a jailed child has read the lines of the house

    job = claim_render(station)
    run_render(job, station, tiny)

    job.refresh_from_db()
    assert job.state == RenderJob.State.DONE, job.error
    asked = json.loads(job.results.get().receipt.body)
    assert {item["role"] for item in asked["ingredients"]} == {"checkpoint", "controlnet"}
    assert asked["request"]["control"]["picture"] == hashlib.sha256(draw_control(64, 64)).hexdigest()
    assert (version.rendered_previews.get(job=job).result, asked["notes"]) == (job.results.get(), [])


def test_a_receipt_holds(rendered, tiny, station, person):
    job = rendered(version=planted("checkpoint"), prompt="a red apple", batch_count=2)

    verify_receipt(job.results.get(index=1), by=person)
    run_render(claim_render(station), station, tiny)

    told = Verification.objects.get()
    assert (told.outcome, told.mean_difference, told.environment) == ("identical", 0.0, {})


def test_a_device_without_room_for_the_first_decode_makes_the_picture_with_less(
    rendered, tiny, station, person, monkeypatch
):
    version = planted("checkpoint")
    whole = rendered(version=version, prompt="a rocket")
    networks, render, tries = weakref.ref(no_room_to_decode(tiny, whole)), tiny.render, []

    def noted(plan, **more):
        tries.append((more["economical"], networks() is None))
        return render(plan, **more)

    monkeypatch.setattr(tiny, "render", noted)
    job = rendered(version=version, prompt="a rocket", width=192, height=192, steps=2)

    assert tries == [(False, False), (True, True)]  # the second try had the room of what the first one held
    assert (job.tries, job.results.count()) == (1, 1)
    assert environment_of(job)["economical"] is True
    verify_receipt(job.results.get(), by=person)
    run_render(claim_render(station), station, tiny)
    told = Verification.objects.get()
    assert (told.outcome, told.environment) == ("identical", {})
    assert bytes_of(rendered(version=version, prompt="a rocket")) == bytes_of(whole)


def environment_of(job: RenderJob) -> dict:
    return json.loads(job.results.get().receipt.body)["environment"]


def no_room_to_decode(engine: Engine, job: RenderJob) -> Any:
    """Have the warm VAE of a render run out of memory at its next decode, as torch says it. Gives the warm networks."""

    def refuse(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    key = ("checkpoint", job.checkpoint_sha, job.base_model, read_plan(job.plan).prediction)
    with engine._pipelines.lent(key, 0, pytest.fail) as model:
        model.networks["vae"].decoder.register_forward_pre_hook(refuse)
        return model


def test_a_running_render_is_called_off_between_two_steps(tiny, station, person):
    from inference.services.cancelling import cancel_render

    version = planted("checkpoint")
    submit_render({"version": version, "width": 64, "height": 64, "steps": 100}, by=person)
    job = claim_render(station)
    cancel_render(job, by=person)

    run_render(job, station, tiny)

    job.refresh_from_db()
    assert (job.state, job.results.count()) == (RenderJob.State.CANCELLED, 0)
