"""Inpainting models and ControlNets in the loop, on small models of the real families."""

from __future__ import annotations

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from inference.prompts.request import ControlUse, Hires
from tests.inference.engine.small import pixels


def _save(folder, name, picture):
    picture.save(folder / name)
    return folder / name


def _noise(size=(64, 64)):
    return Image.fromarray(np.random.default_rng(3).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8))


def _half_mask(size=(64, 64)):
    mask = Image.new("L", size, 0)
    mask.paste(255, (0, 0, size[0] // 2, size[1]))
    return mask


@pytest.mark.parametrize("architecture", ["sd1", "sd1_inpaint"])
def test_what_the_mask_leaves_alone_stays_equal(studio, workshop, tmp_path, architecture):
    version = studio.add("checkpoint", workshop.checkpoint(architecture), base_model="SD 1.5")
    init = studio.add_picture(_save(tmp_path, "init.png", _noise()))
    mask = studio.add_picture(_save(tmp_path, "mask.png", _half_mask()))

    rendered = studio.render("a red cat", version=version, init=init, mask=mask, denoise=0.8)

    painted, kept = np.asarray(rendered.images[0].pixels), np.asarray(_noise())
    assert (painted[:, 32:] == kept[:, 32:]).all()
    assert (painted[:, :32] != kept[:, :32]).mean() > 0.5


def test_inpainting_model_sees_what_is_left_of_the_picture(studio, workshop, tmp_path):
    version = studio.add("checkpoint", workshop.checkpoint("sd1_inpaint"), base_model="SD 1.5")
    mask = studio.add_picture(_save(tmp_path, "mask.png", _half_mask()))
    noise, gray = (
        studio.add_picture(_save(tmp_path, f"{name}.png", picture))
        for name, picture in (("noise", _noise()), ("gray", Image.new("RGB", (64, 64), "gray")))
    )

    beside_noise, beside_gray = (
        studio.render("a red cat", version=version, init=init, mask=mask, denoise=1.0) for init in (noise, gray)
    )

    left = [np.asarray(rendered.images[0].pixels)[:, :32] for rendered in (beside_noise, beside_gray)]
    assert (left[0] != left[1]).any()


@pytest.fixture
def controlled(studio, workshop, tmp_path):
    """A checkpoint, a ControlNet for it, and two pictures to follow."""

    def make(architecture, base_model):
        torch.manual_seed(1)
        unet = workshop.pipeline(architecture).unet
        network = diffusers.ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(8, 8, 16, 16))
        with torch.no_grad():
            for parameter in network.parameters():  # a new one begins with zeros, and adds nothing
                parameter.add_(torch.randn_like(parameter) * 0.05)
        save_file(network.state_dict(), tmp_path / "control.safetensors")
        version = studio.add("checkpoint", workshop.checkpoint(architecture), base_model=base_model)
        control = studio.add("controlnet", tmp_path / "control.safetensors", base_model=base_model)
        pictures = [
            studio.add_picture(_save(tmp_path, f"{color}.png", Image.new("RGB", (64, 64), color)))
            for color in ("white", "black")
        ]
        return version, control, pictures

    return make


@pytest.mark.parametrize(("architecture", "base_model"), [("sd1", "SD 1.5"), ("sdxl", "SDXL 1.0")])
def test_controlnet_steers_by_its_picture(studio, controlled, architecture, base_model):
    version, control, (white, black) = controlled(architecture, base_model)

    def render(picture, **more):
        return pixels(studio.render("a cat", version=version, steps=3, control=ControlUse(control, picture, **more)))

    plain = pixels(studio.render("a cat", version=version, steps=3))
    by_white = render(white)

    assert by_white == render(white)
    assert len({plain, by_white, render(black)}) == 3
    assert render(white, weight=0.0) == plain


def test_controlnet_steers_within_its_share_of_the_steps(studio, controlled):
    version, control, (white, _) = controlled("sd1", "SD 1.5")

    def render(start, end):
        use = ControlUse(control, white, start=start, end=end)
        return pixels(studio.render("a cat", version=version, steps=4, control=use))

    assert len({render(0.0, 1.0), render(0.0, 0.5), render(0.5, 1.0)}) == 3
    assert render(0.0, 0.0) == pixels(studio.render("a cat", version=version, steps=4))


def test_controlnet_steers_the_second_pass_too(studio, controlled):
    version, control, (white, _) = controlled("sd1", "SD 1.5")

    rendered = studio.render("a cat", version=version, control=ControlUse(control, white), hires=Hires(scale=2))

    assert rendered.images[0].pixels.size == (128, 128)
