"""The models that ship with the demo do what their pages say at strength 1, and nothing at strength 0."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from inference.training.evaluation import features
from inference.training.renders import read_name
from inference.training.studio import Studio
from registry.demo.samples import DATA, MAKERS
from registry.demo.scenes import RENDERS

# diffusers makes arrays of tensors in the way of older numpy.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

PROMPT = "a red apple"


def a_studio() -> Studio:
    return Studio(DATA / "safelight-tiny.safetensors")


def colors(image: Image.Image) -> tuple[float, float, float]:
    """The mean red, green and blue of what is not paper, from 0 to 255."""
    pixels = np.asarray(image, np.float32).reshape(-1, 3)
    drawn = pixels[pixels.mean(1) < 215]
    red, green, blue = drawn.mean(0)
    return float(red), float(green), float(blue)


@pytest.fixture(scope="module")
def plain() -> Image.Image:
    return a_studio().render(PROMPT, 1)


def test_a_red_apple_is_red_and_the_same_again(plain):
    red, green, blue = colors(plain)

    assert red > 1.8 * max(green, blue)
    assert a_studio().render(PROMPT, 1).tobytes() == plain.tobytes()


def test_the_older_layout_holds_the_same_numbers(tmp_path):
    data = MAKERS["tiny_checkpoint_pickle"]("safelight-tiny", ())

    pickled = torch.load(io.BytesIO(data), weights_only=True)["state_dict"]

    assert pickled.keys() == load_file(DATA / "safelight-tiny.safetensors").keys()
    for name, tensor in load_file(DATA / "safelight-tiny.safetensors").items():
        assert torch.equal(pickled[name], tensor), name
    path = tmp_path / "safelight-tiny.ckpt"
    path.write_bytes(data)
    assert Studio(path).render(PROMPT, 1).size == (64, 64)


def test_ink_contrast_takes_the_colors_away_and_at_zero_nothing(plain):
    studio = a_studio()
    studio.use_lora(DATA / "ink-contrast.safetensors", 1.0)
    with_it = studio.render(PROMPT, 1)
    studio.use_lora_at(0.0)

    assert max(colors(with_it)) - min(colors(with_it)) < 30
    assert np.abs(np.asarray(studio.render(PROMPT, 1), int) - np.asarray(plain, int)).max() <= 1


def test_cyanotype_prints_in_blue_and_at_zero_nothing(plain):
    studio = a_studio()
    network = studio.use_hypernetwork(DATA / "cyanotype.pt", 1.0)
    red, green, blue = colors(studio.render(PROMPT, 1))
    network.strength = 0.0

    assert blue > green > red
    assert blue - red > 40
    assert studio.render(PROMPT, 1).tobytes() == plain.tobytes()


def test_ember_heart_is_orange_and_other_prompts_stay(plain):
    studio = a_studio()
    before = studio.render("red heart", 1)
    studio.use_embedding(DATA / "ember-heart.safetensors", "ember-heart")
    red, green, blue = colors(studio.render("ember-heart", 1))

    assert red > green > blue
    assert green > colors(before)[1] + 30
    assert studio.render(PROMPT, 1).tobytes() == plain.tobytes()


def test_the_sharper_decoder_shows_the_same_with_harder_edges(plain):
    studio = a_studio()
    studio.use_vae(DATA / "safelight-tiny-sharp.safetensors")
    sharper = studio.render(PROMPT, 1)

    assert sharper.tobytes() != plain.tobytes()
    assert np.abs(features(sharper) - features(plain)).mean() < 12


def test_the_small_pictures_of_the_demo_have_the_place_that_their_names_have():
    with Image.open(Path(DATA) / "renders.png") as image:
        assert image.size == (6 * 64, -(-len(RENDERS) // 6) * 64)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        pytest.param("cat", ("", "cat", 0), id="plain"),
        pytest.param("ink penguin 2", ("ink", "penguin", 1), id="second of a kit"),
        pytest.param("ember 3", ("ember", "ember", 2), id="kit and prompt in one"),
    ],
)
def test_names_of_small_pictures(name, read):
    assert read_name(name) == read
