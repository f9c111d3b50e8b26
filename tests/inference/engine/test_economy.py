"""A render that makes do with less memory: near the same picture, and no trace of it in what stays loaded."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from inference.engine import economy
from inference.engine.economy import sliced_attention, tile_of, tiled
from inference.engine.latents import decode, encode
from tests.inference.engine.networks import autoencoder, drawn
from tests.inference.engine.small import TINY, Studio, pixels

SIDE = 256  # 64 x 64 latents: three by three tiles, and eight slices of the widest attention


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    studio = Studio(tmp_path_factory.mktemp("tiny"))
    studio.add("checkpoint", TINY)
    return studio


def _shades(rendered) -> np.ndarray:
    return np.asarray(rendered.images[0].pixels, dtype=np.int16)


def _vae(studio):
    key = ("checkpoint", studio.ingredients["checkpoint", 1].sha256, "Safelight Tiny", "")
    with studio.pipelines.lent(key, 0, lambda: pytest.fail("not warm")) as model:
        return model.networks["vae"]


@pytest.mark.parametrize(
    ("query", "more"),
    [
        pytest.param((2, 3, 1300, 8), {}, id="several slices and a rest"),
        pytest.param((1, 2, 100, 8), {}, id="one slice"),
        pytest.param((1, 2, 1024, 8), {"scale": 0.5}, id="a scale"),
        pytest.param((1, 2, 600, 8), {"attn_mask": drawn(600, 77)}, id="a mask with a row for each query"),
        pytest.param((1, 2, 600, 8), {"attn_mask": drawn(1, 1, 1, 77)}, id="a mask for all queries"),
    ],
)
def test_attention_in_slices_gives_the_same_numbers(query, more):
    asked, key, value = drawn(*query), drawn(*query[:2], 77, 8, seed=2), drawn(*query[:2], 77, 8, seed=3)
    whole = functional.scaled_dot_product_attention(asked, key, value, **more)

    with sliced_attention(economical=True):
        sliced = functional.scaled_dot_product_attention(asked, key, value, **more)

    torch.testing.assert_close(sliced, whole, rtol=1e-5, atol=1e-6)


def test_causal_attention_is_asked_for_at_once():
    asked = drawn(1, 1, 600, 8)

    with sliced_attention(economical=True):
        seen = functional.scaled_dot_product_attention(asked, asked, asked, is_causal=True)

    assert torch.equal(seen, functional.scaled_dot_product_attention(asked, asked, asked, is_causal=True))


def test_no_call_of_attention_takes_more_queries_than_a_slice(tiny, monkeypatch):
    asked = []
    attend = economy._sliced

    def watched(func, query, *others, **more):
        def noted(query, *rest, **values):
            asked.append(query.shape[-2])
            return func(query, *rest, **values)

        return attend(noted, query, *others, **more)

    monkeypatch.setattr(economy, "_sliced", watched)

    tiny.render(width=SIDE, height=SIDE, steps=1, economical=True)

    assert max(asked) == economy.QUERIES


def test_slices_alone_give_the_picture_of_a_render_in_one_piece(tiny, monkeypatch):
    whole = tiny.render(width=SIDE, height=SIDE, steps=3, seed=4)
    monkeypatch.setattr(economy, "MOST_TILE", SIDE)
    monkeypatch.setattr(economy, "LEAST_TILE", SIDE)

    sliced = tiny.render(width=SIDE, height=SIDE, steps=3, seed=4, economical=True)

    assert np.abs(_shades(sliced) - _shades(whole)).max() <= 1


def test_tiles_and_slices_give_nearly_the_same_picture(tiny):
    whole = tiny.render(width=SIDE, height=SIDE, steps=3, seed=4)

    made = tiny.render(width=SIDE, height=SIDE, steps=3, seed=4, economical=True)
    again = tiny.render(width=SIDE, height=SIDE, steps=3, seed=4, economical=True)

    assert made.images[0].pixels.size == (SIDE, SIDE)
    assert 0 < np.abs(_shades(made) - _shades(whole)).mean() < 4
    assert pixels(made) == pixels(again)
    assert (whole.environment.economical, made.environment.economical) == (False, True)


def test_next_render_on_the_warm_networks_is_as_ever(tiny):
    asked = {"width": SIDE, "height": 128, "steps": 2, "seed": 9}
    before, settings = pixels(tiny.render(**asked)), dict(vars(_vae(tiny)))

    economical = pixels(tiny.render(**asked, economical=True))

    assert pixels(tiny.render(**asked)) == before != economical
    assert vars(_vae(tiny)) == settings


@pytest.mark.parametrize(
    ("architecture", "family", "base_model"), [("sd3_medium", "sd3", "SD 3"), ("flux_dev", "flux1", "Flux.1 D")]
)
def test_what_follows_a_flow_is_decoded_in_tiles_and_then_whole_again(
    studio, workshop, architecture, family, base_model
):
    version = studio.adopt(workshop.pipeline(architecture), family=family, base_model=base_model)
    asked = {"version": version, "sampler": "Euler", "steps": 1, "width": 320, "height": 320, "seed": 3}
    before = studio.render("a red cat", **asked)
    sides = []
    decoder = workshop.pipeline(architecture).vae.decoder
    hook = decoder.register_forward_pre_hook(lambda _module, given: sides.append(max(given[0].shape[-2:])))

    economical = studio.render("a red cat", **asked, economical=True)
    after = studio.render("a red cat", **asked)
    hook.remove()

    assert (max(sides[:-1]), sides[-1]) == (32, 40)
    assert economical.images[0].pixels.size == (320, 320)
    assert pixels(before) == pixels(after) != pixels(economical)


def test_a_fault_within_leaves_no_trace_either():
    vae = autoencoder()
    before, within = dict(vars(vae)), []

    def fail():
        within.append((vae.use_tiling, vae.tile_latent_min_size, vae.tile_sample_min_size))
        raise MemoryError

    with pytest.raises(MemoryError), tiled(vae, 4096, 4096, economical=True), sliced_attention(economical=True):
        fail()

    assert within == [(True, 64, 128)]
    assert vars(vae) == before
    assert not torch.overrides._get_current_function_mode_stack()


def test_a_tile_is_all_that_the_decoder_and_the_encoder_see_at_once():
    vae = autoencoder()
    sizes = {vae.decoder: set(), vae.encoder: set()}
    for part in sizes:
        part.register_forward_pre_hook(lambda module, given: sizes[module].update(given[0].shape[-2:]))

    with torch.inference_mode():
        picture = decode(vae, drawn(1, 4, 100, 160), (320, 200), economical=True)
        seen = encode(vae, picture, drawn(1), economical=True)

    assert (picture.size, tuple(seen.shape[-2:])) == ((320, 200), (100, 160))
    assert (max(sizes[vae.decoder]), max(sizes[vae.encoder])) == (64, 128)


@pytest.mark.parametrize(
    ("side", "tile"), [(16, 32), (64, 32), (65, 40), (96, 48), (128, 64), (192, 64)], ids=lambda value: str(value)
)
def test_a_tile_is_half_of_the_longer_side_within_bounds(side, tile):
    assert tile_of(side) == tile
