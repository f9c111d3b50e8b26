"""What is refused before anything is loaded, and what a render is reckoned to take."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inference.engine.checks import unsupported
from inference.engine.costs import estimate, memory_needed
from inference.engine.families import FAMILIES
from inference.prompts.plan import Ingredient, RenderPlan, Role
from inference.prompts.request import ControlUse, Hires, RenderRequest, Variation

ROOT = Path(__file__).resolve().parents[3]
_BASES = {
    "tiny": "Safelight Tiny",
    "sd1": "SD 1.5",
    "sd2": "SD 2.1",
    "sdxl": "SDXL 1.0",
    "sd3": "SD 3",
    "flux1": "Flux.1 D",
}


def _file(role: Role, family: str = "sd1", **more: Any) -> Ingredient:
    facts = {
        "version": len(role),
        "sha256": "0" * 64,
        "size": 1000,
        "key": "key",
        "format": "torch-zip" if role == "hypernet" else "safetensors",
        "name": role,
        "type": "hypernetwork" if role == "hypernet" else role,
        "base_model": _BASES.get(family, family),
        "family": family,
    }
    return Ingredient(role=role, **{**facts, **more})


def _plan(*others: Ingredient, family: str = "sd1", checkpoint: Ingredient | None = None, **asked: Any) -> RenderPlan:
    return RenderPlan(RenderRequest(version=1, **asked), (checkpoint or _file("checkpoint", family), *others))


REFUSED = [
    pytest.param(_plan(_file("lora", "sdxl")), "other_family", "loras", id="LoRA of another family"),
    pytest.param(_plan(_file("vae", "flux1")), "other_family", "vae", id="VAE of another family"),
    pytest.param(_plan(_file("embedding", "sd2")), "other_family", "embeddings", id="embedding of another family"),
    pytest.param(_plan(_file("hypernet", "sd2")), "other_family", "hypernets", id="hypernetwork of another family"),
    pytest.param(_plan(_file("controlnet", "sdxl")), "other_family", "control", id="ControlNet of another family"),
    pytest.param(_plan(_file("lora", type="vae")), "not_of_this_kind", "loras", id="VAE as a LoRA"),
    pytest.param(_plan(checkpoint=_file("checkpoint", type="lora")), "not_of_this_kind", "version", id="LoRA alone"),
    pytest.param(
        _plan(checkpoint=_file("checkpoint", format="gguf")), "unloadable_format", "version", id="format of no reader"
    ),
    pytest.param(_plan(family="wan"), "family_not_rendered", "version", id="family that is not rendered"),
    pytest.param(
        _plan(checkpoint=_file("checkpoint", "sdxl", base_model="SDXL Distilled")),
        "family_not_rendered",
        "version",
        id="member that is not rendered",
    ),
    pytest.param(_plan(family="tiny", width=72, height=64), "not_a_multiple", "width", id="side between two latents"),
    pytest.param(_plan(width=1536, hires=Hires(scale=4)), "too_large", "hires.scale", id="second pass too large"),
    pytest.param(_plan(sampler="no such"), "unknown_sampler", "sampler", id="unknown sampler"),
    pytest.param(
        _plan(family="sd3", sampler="DPM++ 2M"), "sampler_not_for_family", "sampler", id="sampler of another kind"
    ),
    pytest.param(
        _plan(family="flux1", sampler="Euler", schedule_type="Karras"),
        "schedule_not_for_family",
        "schedule_type",
        id="schedule of another kind",
    ),
    pytest.param(
        _plan(family="sd3", sampler="Euler", hires=Hires()), "not_for_family", "hires", id="second pass of a flow"
    ),
    pytest.param(
        _plan(family="flux1", sampler="Euler", init="0" * 64, mask="0" * 64),
        "not_for_family",
        "init",
        id="mask of a flow",
    ),
    pytest.param(
        _plan(family="flux1", sampler="Euler", variation=Variation(1, 0.5)),
        "not_for_family",
        "variation",
        id="variation of a flow",
    ),
    pytest.param(
        _plan(family="flux1", sampler="Euler", control=ControlUse(1, "0" * 64)),
        "not_for_family",
        "control",
        id="control of a flow",
    ),
    pytest.param(_plan(prompt="cat AND " * 20), "prompt_too_large", "prompt", id="too many strands"),
    pytest.param(_plan(prompt="[a|b]" + "x" * 99_000, steps=150), "prompt_too_large", "prompt", id="changes too often"),
]


@pytest.mark.parametrize(("plan", "code", "field"), REFUSED)
def test_what_cannot_be_rendered_is_refused_with_its_field(plan, code, field):
    refused = unsupported(plan)

    assert refused is not None
    assert (refused.code, refused.field) == (code, field)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_plain_request_of_each_family_is_taken(family):
    lora = _file("lora", family, type="dora")

    assert unsupported(_plan(lora, family=family, sampler="Euler", width=64, height=64)) is None


def test_file_whose_family_nobody_knows_is_tried():
    assert unsupported(_plan(_file("lora", ""))) is None


def test_more_work_takes_longer():
    base = {"width": 512, "height": 512, "steps": 20}
    plain = estimate(_plan(**base), "cpu")

    assert estimate(_plan(**{**base, "steps": 40}), "cpu") > 1.8 * plain
    assert estimate(_plan(**{**base, "width": 1024}), "cpu") > 1.9 * plain
    assert estimate(_plan(**base, batch_count=3), "cpu") == pytest.approx(3 * plain)
    assert estimate(_plan(**base, prompt="a AND b AND c"), "cpu") > 1.7 * plain
    assert estimate(_plan(**base, hires=Hires(scale=2)), "cpu") > 2 * plain
    assert estimate(_plan(**base, cfg_scale=1.0), "cpu") < 0.6 * plain
    assert estimate(_plan(**base), "cpu", cores=8) < plain / 4
    assert estimate(_plan(**base), "cuda") < plain / 10


def test_small_model_is_reckoned_in_seconds_and_a_large_one_in_minutes_on_a_cpu():
    tiny = estimate(_plan(family="tiny", width=64, height=64, steps=20), "cpu")
    large = estimate(_plan(family="sdxl", width=1024, height=1024, steps=20), "cpu")

    assert tiny < 5
    assert large > 600


def test_memory_grows_with_weights_and_pixels():
    plan = _plan(_file("lora", size=10**8), width=512, height=512)

    assert memory_needed(plan, 2) > 2 * FAMILIES["sd1"].weights + 10**8
    assert memory_needed(plan, 4) > 1.7 * memory_needed(plan, 2)
    assert memory_needed(replace(plan, request=replace(plan.request, hires=Hires(scale=4))), 2) > memory_needed(plan, 2)


def test_questions_about_the_engine_load_no_torch():
    names = ["checks", "costs", "families", "presence", "errors", "blobcache", "scripts"]
    code = f"import importlib, sys\nfor name in {names!r}: importlib.import_module('inference.engine.' + name)\n"
    done = subprocess.run(
        [sys.executable, "-c", code + "print(*sys.modules)"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert not {"torch", "diffusers", "transformers", "numpy", "django"} & set(done.stdout.split())
