"""Every family end to end: a file in the original layout, or a pipeline in memory, and pictures at the other end."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.inference.engine.small import Studio, pixels

CASES = [
    pytest.param("sd1", "SD 1.5", "", {}, id="sd1"),
    pytest.param("sd1_inpaint", "SD 1.5", "", {}, id="sd1 inpainting"),
    pytest.param("sd2", "SD 2.1", "", {}, id="sd2 predicting noise"),
    pytest.param("sd2_v", "SD 2.1 768", "", {}, id="sd2 predicting velocity"),
    pytest.param("sdxl", "SDXL 1.0", "", {}, id="sdxl"),
    pytest.param("sdxl", "SDXL 1.0", "v", {"v_pred": torch.zeros(1), "ztsnr": torch.zeros(1)}, id="sdxl velocity"),
    pytest.param("sdxl_inpaint", "SDXL 1.0", "", {}, id="sdxl inpainting"),
]


@pytest.mark.parametrize(("architecture", "base_model", "prediction", "marks"), CASES)
def test_single_file_of_each_family_renders(studio, workshop, architecture, base_model, prediction, marks):
    path = workshop.checkpoint(architecture, **marks)
    version = studio.add("checkpoint", path, base_model=base_model)

    first = studio.render("a red cat", version=version, prediction=prediction, steps=2)
    again = studio.render("a red cat", version=version, prediction=prediction, steps=2)

    assert first.images[0].pixels.size == (64, 64)
    assert np.asarray(first.images[0].pixels).std() > 0
    assert pixels(first) == pixels(again)


@pytest.mark.parametrize(("architecture", "base_model"), [("sd1", "SD 1.5"), ("sd2", "SD 2.1"), ("sdxl", "SDXL 1.0")])
def test_what_is_loaded_renders_as_what_was_saved(studio, workshop, architecture, base_model):
    version = studio.add("checkpoint", workshop.checkpoint(architecture), base_model=base_model)
    pipeline = workshop.pipeline(architecture)
    family = studio.ingredients["checkpoint", version].family
    in_memory = studio.adopt(pipeline, family=family, base_model=base_model)

    from_file = studio.render("a red cat", negative="dog", version=version)
    from_memory = studio.render("a red cat", negative="dog", version=in_memory)

    assert pixels(from_file) == pixels(from_memory)


@pytest.mark.parametrize(
    ("architecture", "family", "base_model"),
    [("sd3_medium", "sd3", "SD 3"), ("sd35_medium", "sd3", "SD 3"), ("flux_dev", "flux1", "Flux.1 D")],
)
def test_transformers_that_follow_a_flow_render(studio, workshop, architecture, family, base_model):
    version = studio.adopt(workshop.pipeline(architecture), family=family, base_model=base_model)

    one = studio.render("a red cat", version=version, sampler="Euler", batch_count=2, seed=5)
    steps = list(studio.steps)
    two = studio.render("a (red:1.4) cat", version=version, sampler="Euler", seed=6)

    assert steps == [(step, 8) for step in range(1, 9)]
    assert pixels(one, 1) == pixels(two)
    assert any("emphasis" in note for note in two.notes)


def test_third_encoder_of_sd3_may_be_left_out(studio, workshop):
    parts = {**workshop.pipeline("sd3_medium").components, "text_encoder_3": None, "tokenizer_3": None}
    pipeline = type(workshop.pipeline("sd3_medium"))(**parts)
    version = studio.adopt(pipeline, family="sd3", base_model="SD 3")

    rendered = studio.render("a red cat " * 60, version=version, sampler="Euler")

    assert np.asarray(rendered.images[0].pixels).std() > 0
    assert any("77 of them" in note for note in rendered.notes)


def test_velocity_and_noise_are_told_apart(studio, workshop):
    version = studio.add("checkpoint", workshop.checkpoint("sdxl"), base_model="SDXL 1.0")

    noise = studio.render("a red cat", version=version, steps=2)
    velocity = studio.render("a red cat", version=version, steps=2, prediction="v")

    assert pixels(noise) != pixels(velocity)


def test_another_engine_gives_the_same_picture(tmp_path, workshop):
    first, second = Studio(tmp_path / "one", workshop), Studio(tmp_path / "two", workshop)
    for place in (first, second):
        place.add("checkpoint", workshop.checkpoint("sd1"), base_model="SD 1.5")

    one, two = first.render("a red cat"), second.render("a red cat")

    assert pixels(one) == pixels(two)
    assert one.environment == two.environment
