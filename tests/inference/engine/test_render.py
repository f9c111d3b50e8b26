"""Renders of the small checkpoint that ships with the project, through the one door."""

from __future__ import annotations

import itertools
import socket

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from inference.engine.errors import BadIngredient, DeviceFault, OutOfMemory, RenderCancelled
from inference.prompts.receipt import image_hash
from inference.prompts.request import EmbeddingUse, Hires, HypernetUse, LoraUse, Variation
from inference.prompts.samplers import SAMPLERS, SCHEDULES
from tests.inference.engine.small import TINY, Studio, pixels

LORA = TINY.with_name("ink-contrast.safetensors")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    studio = Studio(tmp_path_factory.mktemp("tiny"))
    studio.add("checkpoint", TINY)
    return studio


@pytest.fixture
def fresh(studio):
    """An engine that has loaded nothing yet."""
    studio.add("checkpoint", TINY)
    return studio


def _shades(rendered) -> np.ndarray:
    return np.asarray(rendered.images[0].pixels, dtype=np.int16)


def _picture(folder, name="init.png", size=(64, 64)):
    picture = Image.new("RGB", size, (20, 160, 220))
    ImageDraw.Draw(picture).ellipse((size[0] // 4, 8, size[0] - 8, size[1] - 8), fill=(230, 40, 30))
    picture.save(folder / name)
    return folder / name


def _mask(folder, size=(64, 64)):
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).rectangle((0, 0, size[0] // 2 - 1, size[1] - 1), fill=255)
    mask.save(folder / "mask.png")
    return folder / "mask.png"


def test_same_request_gives_the_same_bytes_and_another_seed_others(tiny):
    one, two, other = tiny.render(seed=7), tiny.render(seed=7), tiny.render(seed=8)

    assert pixels(one) == pixels(two) != pixels(other)
    assert one.images[0].image_hash == image_hash(64, 64, pixels(one))
    assert one.environment.device
    assert (one.environment.dtype, one.environment.threads) == ("float32", 1)


def test_prompt_decides_what_is_seen(tiny):
    apple, tree = tiny.render("a red apple", steps=12), tiny.render("a green tree", steps=12)

    def share(rendered, channel):
        shades = _shades(rendered)
        colored = shades[np.ptp(shades, axis=2) > 60]
        return float((colored.argmax(axis=1) == channel).mean())

    assert share(apple, 0) > 0.6
    assert share(tree, 1) > 0.6


def test_pictures_of_a_batch_equal_those_of_their_seeds(tiny):
    batch = tiny.render(seed=40, batch_count=3)
    steps = list(tiny.steps)
    alone = [tiny.render(seed=seed) for seed in (40, 41, 42)]

    assert [image.seed for image in batch.images] == [40, 41, 42]
    assert [pixels(batch, index) for index in range(3)] == [pixels(one) for one in alone]
    assert steps == [(step, 12) for step in range(1, 13)]


@pytest.mark.parametrize("prediction", ["epsilon", "v"])
@pytest.mark.parametrize("sampler", list(SAMPLERS))
def test_every_sampler_renders_and_counts_its_calls(tiny, sampler, prediction):
    steps = 3
    calls = {"n": steps, "n+1": steps + 1, "2n-1": 2 * steps - 1}[SAMPLERS[sampler].calls]

    one = tiny.render(sampler=sampler, steps=steps, prediction=prediction)
    counted = list(tiny.steps)
    two = tiny.render(sampler=sampler, steps=steps, prediction=prediction)

    assert counted == [(step, calls) for step in range(1, calls + 1)]
    assert pixels(one) == pixels(two)


@pytest.mark.parametrize("sampler", list(SAMPLERS))
def test_no_sampler_needs_more_than_one_step(tiny, sampler):
    rendered = tiny.render(sampler=sampler, steps=1)

    assert rendered.images[0].pixels.size == (64, 64)


@pytest.mark.parametrize("schedule", list(SCHEDULES))
def test_every_schedule_renders(tiny, schedule):
    rendered = tiny.render(sampler="DPM++ 2M", schedule_type=schedule)

    assert rendered.notes == ()


def test_schedule_that_a_sampler_does_not_know_is_named(tiny):
    rendered = tiny.render(sampler="DDIM", schedule_type="Karras")

    assert any("Karras" in note for note in rendered.notes)


@pytest.mark.parametrize("sampler", list(SAMPLERS))
def test_every_sampler_paints_over_a_picture(tiny, tmp_path, sampler):
    init = tiny.add_picture(_picture(tmp_path))
    mask = tiny.add_picture(_mask(tmp_path))

    rendered = tiny.render(sampler=sampler, init=init, mask=mask, denoise=0.6, steps=5)

    kept = np.asarray(Image.open(tmp_path / "init.png"))
    assert (np.asarray(rendered.images[0].pixels)[:, 32:] == kept[:, 32:]).all()
    assert (np.asarray(rendered.images[0].pixels)[:, :32] != kept[:, :32]).any()


def test_denoising_strength_says_how_much_of_a_picture_stays(tiny, tmp_path):
    init = tiny.add_picture(_picture(tmp_path))
    shown = np.asarray(Image.open(tmp_path / "init.png"), dtype=np.int16)

    distances = []
    for denoise in (0.0, 0.3, 0.9):
        rendered = tiny.render(init=init, denoise=denoise, steps=10)
        distances.append(float(np.abs(_shades(rendered) - shown).mean()))

    assert distances == sorted(distances)
    assert distances[0] < 25 < distances[2]


def test_picture_of_another_size_is_brought_to_the_size_of_the_render(tiny, tmp_path):
    init = tiny.add_picture(_picture(tmp_path, size=(100, 80)))
    mask = tiny.add_picture(_mask(tmp_path, size=(100, 80)))

    rendered = tiny.render(init=init, mask=mask, width=96, height=64)

    assert rendered.images[0].pixels.size == (96, 64)


def test_mask_of_another_size_is_refused(tiny, tmp_path):
    init = tiny.add_picture(_picture(tmp_path))
    mask = tiny.add_picture(_mask(tmp_path, size=(50, 64)))

    with pytest.raises(BadIngredient) as refused:
        tiny.render(init=init, mask=mask)

    assert (refused.value.code, refused.value.role) == ("mask_size", "mask")


def test_file_that_is_no_picture_is_refused(tiny, tmp_path):
    path = tmp_path / "init.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))

    with pytest.raises(BadIngredient) as refused:
        tiny.render(init=tiny.add_picture(path))

    assert (refused.value.code, refused.value.role) == ("unreadable_picture", "init")


@pytest.mark.parametrize("upscaler", ["latent", "lanczos"])
def test_second_pass_enlarges_the_same_picture(tiny, upscaler):
    rendered = tiny.render(hires=Hires(scale=1.5, steps=4, denoise=0.5, upscaler=upscaler), batch_count=2)

    assert [image.pixels.size for image in rendered.images] == [(96, 96), (96, 96)]
    assert tiny.steps == [(step, 12) for step in range(1, 13)]


def test_variation_lies_between_two_seeds(tiny):
    here, there = tiny.render(seed=1, sampler="Euler"), tiny.render(seed=2, sampler="Euler")
    near = tiny.render(seed=1, sampler="Euler", variation=Variation(2, 0.2))
    whole = tiny.render(seed=1, sampler="Euler", variation=Variation(2, 1.0))
    none = tiny.render(seed=1, sampler="Euler", variation=Variation(2, 0.0))

    assert pixels(none) == pixels(here) != pixels(near)
    assert np.abs(_shades(near) - _shades(here)).mean() < np.abs(_shades(there) - _shades(here)).mean()
    assert np.abs(_shades(whole) - _shades(there)).max() <= 1


def test_prompts_change_while_they_are_rendered(tiny):
    first, edited, alternating = (
        tiny.render(prompt, seed=3, steps=6) for prompt in ("a cat", "a [cat:dog:2]", "a [cat|dog]")
    )
    late = tiny.render("a [cat:dog:6]", seed=3, steps=6)

    assert pixels(late) == pixels(first)
    assert len({pixels(first), pixels(edited), pixels(alternating)}) == 3


def test_strands_pull_by_their_weights(tiny):
    alone = tiny.render("a cat", seed=3, sampler="Euler")
    nothing = tiny.render("a cat AND a dog :0", seed=3, sampler="Euler")
    both = tiny.render("a cat AND a dog :0.8", seed=3, sampler="Euler")

    assert np.abs(_shades(nothing) - _shades(alone)).max() <= 1
    assert pixels(both) != pixels(alone)


def test_guidance_of_one_needs_no_negative(tiny):
    with_one, with_other = (tiny.render(cfg_scale=1.0, negative=text) for text in ("", "a red apple"))

    assert pixels(with_one) == pixels(with_other)


def test_negative_prompt_changes_the_picture(tiny):
    assert pixels(tiny.render()) != pixels(tiny.render(negative="green"))


@pytest.mark.parametrize(
    "prompt",
    [
        pytest.param("", id="empty"),
        pytest.param("apple, " * 1400, id="10,000 characters"),
        pytest.param("(" * 5000 + "a" + ")" * 4999, id="brackets"),
        pytest.param("word BREAK " * 900, id="900 breaks"),
        pytest.param("𝔘𝔫𝔦 \u202e\u0301 ज़ 猫 🍎" * 400, id="any letters"),
    ],
)
def test_prompts_of_any_length_end(tiny, prompt):
    rendered = tiny.render(prompt[:10_000], steps=1)

    assert rendered.images[0].pixels.size == (64, 64)


def test_adapters_change_the_picture_and_leave_no_trace(tiny):
    lora = tiny.add("lora", LORA)
    plain = tiny.render(steps=8)

    with_lora = tiny.render(steps=8, loras=(LoraUse(lora, 1.0),))
    after = tiny.render(steps=8)

    saturation = [float(np.ptp(_shades(rendered), axis=2).mean()) for rendered in (plain, with_lora)]
    assert saturation[1] < saturation[0] / 3
    assert pixels(after) == pixels(plain)
    assert tiny.render(steps=8, loras=(LoraUse(lora, 0.0),)).images[0].image_hash == plain.images[0].image_hash


def test_embedding_and_hypernetwork_take_part(tiny, tmp_path):
    torch.manual_seed(0)
    torch.save({"string_to_param": {"*": torch.randn(2, 128)}, "name": "swirl"}, tmp_path / "swirl.pt")
    layers = {f"linear.{at}.{leaf}": torch.randn(*shape) / 9 for at, leaf, shape in _layers(128)}
    torch.save({128: (layers, layers), "layer_structure": [1, 2, 1]}, tmp_path / "bend.pt")
    embedding, hypernet = tiny.add("embedding", tmp_path / "swirl.pt"), tiny.add("hypernet", tmp_path / "bend.pt")
    plain = tiny.render("a swirl cat")

    with_word = tiny.render("a swirl cat", embeddings=(EmbeddingUse(embedding, "swirl"),))
    without_word = tiny.render("a cat", embeddings=(EmbeddingUse(embedding, "swirl"),))
    bent = tiny.render("a swirl cat", hypernets=(HypernetUse(hypernet, 1.0),))

    assert pixels(with_word) != pixels(plain)
    assert pixels(without_word) == pixels(tiny.render("a cat"))
    assert pixels(bent) != pixels(plain)
    assert pixels(tiny.render("a swirl cat")) == pixels(plain)


def _layers(width):
    return [
        (0, "weight", (2 * width, width)),
        (0, "bias", (2 * width,)),
        (1, "weight", (width, 2 * width)),
        (1, "bias", (width,)),
    ]


def test_stopping_is_heard_between_steps_and_keeps_the_checkpoint(fresh):
    answers = itertools.chain([False] * 4, itertools.repeat(True))

    with pytest.raises(RenderCancelled):
        fresh.render(steps=20, cancelled=lambda: next(answers))

    assert len(fresh.steps) < 4
    assert fresh.pipelines.checkpoints == (fresh.ingredients["checkpoint", 1].sha256,)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        pytest.param(RuntimeError("CUDA error: an illegal memory access was encountered"), DeviceFault, id="device"),
        pytest.param(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), OutOfMemory, id="memory"),
        pytest.param(
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), OutOfMemory, id="memory of CPU"
        ),
        pytest.param(ZeroDivisionError("division by zero"), ZeroDivisionError, id="our own mistake"),
    ],
)
def test_fault_in_the_middle_has_a_name_and_drops_what_was_loaded(fresh, monkeypatch, fault, expected):
    plain = fresh.render()
    ((model, _),) = fresh.pipelines._kept.values()

    def fail(*_given, **_named):
        raise fault

    monkeypatch.setattr(model.denoiser, "forward", fail)
    with pytest.raises(expected):
        fresh.render()

    assert fresh.pipelines.checkpoints == ()
    assert pixels(fresh.render()) == pixels(plain)


def test_no_network_is_touched(tiny, monkeypatch):
    def refuse(*given):
        raise AssertionError(f"the network was asked for: {given}")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)

    rendered = tiny.render(loras=(LoraUse(tiny.add("lora", LORA), 0.5),))

    assert len(rendered.images) == 1
