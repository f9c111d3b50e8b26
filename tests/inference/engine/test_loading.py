"""Files that lie, or that are not whole: each is refused by name, and the engine goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from safetensors.torch import load_file, save_file

from inference.engine.errors import BadIngredient
from tests.inference.engine.exporting import Tensors, vae_tensors
from tests.inference.engine.small import TINY, pixels, small_pipeline

_TEXT = "cond_stage_model.transformer.text_model."
_UNET = "model.diffusion_model."


def _without(name: str) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {key: value for key, value in tensors.items() if key != name}


def _without_part(prefix: str) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {key: value for key, value in tensors.items() if not key.startswith(prefix)}


def _with(name: str, change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {**tensors, name: change(tensors[name]).contiguous()}


FAULTS = [
    pytest.param(_without(f"{_TEXT}final_layer_norm.bias"), "missing_tensor", id="tensor of the text encoder missing"),
    pytest.param(_without(f"{_UNET}out.2.bias"), "missing_tensor", id="tensor of the denoiser missing"),
    pytest.param(_without("first_stage_model.decoder.conv_out.bias"), "missing_tensor", id="tensor of the VAE missing"),
    pytest.param(_without_part("cond_stage_model."), "missing_part", id="no text encoder"),
    pytest.param(_without_part("first_stage_model."), "no_vae", id="no VAE"),
    pytest.param(_without_part(_UNET), "not_of_kind", id="no denoiser"),
    pytest.param(_with(f"{_UNET}out.2.bias", lambda value: value * float("nan")), "not_finite", id="not a number"),
    pytest.param(_with(f"{_UNET}out.2.bias", lambda value: value + float("inf")), "not_finite", id="infinite"),
    pytest.param(_with(f"{_UNET}out.2.bias", lambda value: torch.zeros(7)), "wrong_shape", id="wrong shape"),
    pytest.param(lambda _: {"something": torch.zeros(3)}, "not_of_kind", id="no model at all"),
]


@pytest.mark.parametrize(("change", "code"), FAULTS)
def test_checkpoint_that_is_not_whole_is_refused_by_name(studio, tmp_path, change, code):
    save_file(change(load_file(TINY)), tmp_path / "broken.safetensors")
    version = studio.add("checkpoint", tmp_path / "broken.safetensors")

    with pytest.raises(BadIngredient) as refused:
        studio.render(version=version)

    assert refused.value.code == code
    assert refused.value.params["name"] == "broken"
    assert not studio.steps


@pytest.mark.parametrize(
    ("data", "name"),
    [
        pytest.param(b"", "empty.safetensors", id="empty"),
        pytest.param(TINY.read_bytes()[:100_000], "cut.safetensors", id="cut short"),
        pytest.param(b"\x80\x02N.", "pickle.ckpt", id="a pickle of nothing"),
        pytest.param(b"PK\x03\x04" + bytes(60), "zip.ckpt", id="a broken zip"),
    ],
)
def test_file_that_cannot_be_read_is_refused(studio, tmp_path, data, name):
    (tmp_path / name).write_bytes(data)
    version = studio.add("checkpoint", tmp_path / name)

    with pytest.raises(BadIngredient) as refused:
        studio.render(version=version)

    assert (refused.value.code, refused.value.role) == ("unreadable_file", "checkpoint")


def test_checkpoint_of_another_family_than_it_says_is_refused(studio, workshop):
    version = studio.add("checkpoint", workshop.checkpoint("sd1"), base_model="Safelight Tiny")

    with pytest.raises(BadIngredient) as refused:
        studio.render(version=version)

    assert (refused.value.code, refused.value.params["found"]) == ("other_family", "sd1")


def test_old_checkpoints_are_read_without_running_them(studio, tmp_path):
    tensors = load_file(TINY)
    torch.save({"state_dict": tensors, "global_step": 9}, tmp_path / "zip.ckpt")
    torch.save({"state_dict": tensors}, tmp_path / "legacy.ckpt", _use_new_zipfile_serialization=False)
    versions = [
        studio.add("checkpoint", TINY),
        studio.add("checkpoint", tmp_path / "zip.ckpt"),
        studio.add("checkpoint", tmp_path / "legacy.ckpt", format="torch-legacy"),
    ]

    pictures = {pixels(studio.render(version=version, prediction="v")) for version in versions}

    assert len(pictures) == 1


class _Evil:
    def __reduce__(self):
        return exec, ("raise SystemExit('ran')",)


def test_checkpoint_with_foreign_code_is_refused_and_the_code_not_run(studio, tmp_path):
    torch.save({"state_dict": load_file(TINY), "evil": _Evil()}, tmp_path / "evil.ckpt")
    version = studio.add("checkpoint", tmp_path / "evil.ckpt")

    with pytest.raises(BadIngredient) as refused:
        studio.render(version=version)

    assert refused.value.code == "unreadable_file"


def test_half_precision_is_raised_for_the_cpu(studio):
    studio.add("checkpoint", TINY)
    studio.render()

    model = next(iter(studio.pipelines._kept.values()))[0]

    assert {parameter.dtype for network in model.networks.values() for parameter in network.parameters()} == {
        torch.float32
    }


def test_vae_of_another_file_takes_the_place_of_the_own(studio, workshop, tmp_path):
    version = studio.add("checkpoint", workshop.checkpoint("sd1"), base_model="SD 1.5")
    other = small_pipeline("sd1", workshop.architectures, seed=5).vae
    save_file({key: value.contiguous() for key, value in vae_tensors(other).items()}, tmp_path / "vae.safetensors")
    vae = studio.add("vae", tmp_path / "vae.safetensors", base_model="SD 1.5")

    own = studio.render(version=version)
    swapped = studio.render(version=version, vae=vae)

    assert pixels(swapped) != pixels(own) == pixels(studio.render(version=version))


def test_checkpoint_without_a_vae_renders_with_another(studio, workshop, tmp_path):
    tensors = load_file(TINY)
    bare = {key: value for key, value in tensors.items() if not key.startswith("first_stage_model.")}
    vae = {key: value for key, value in tensors.items() if key.startswith("first_stage_model.")}
    save_file(bare, tmp_path / "bare.safetensors")
    save_file(
        {key.removeprefix("first_stage_model."): value for key, value in vae.items()}, tmp_path / "vae.safetensors"
    )
    whole, version = studio.add("checkpoint", TINY), studio.add("checkpoint", tmp_path / "bare.safetensors")

    rendered = studio.render(version=version, vae=studio.add("vae", tmp_path / "vae.safetensors"))

    assert pixels(rendered) == pixels(studio.render(version=whole))


def test_vae_that_is_not_one_is_refused(studio, workshop):
    version = studio.add("checkpoint", TINY)
    lora = studio.add("vae", TINY.with_name("ink-contrast.safetensors"))

    with pytest.raises(BadIngredient) as refused:
        studio.render(version=version, vae=lora)

    assert (refused.value.code, refused.value.role) == ("not_a_vae", "vae")
    assert studio.render(version=version).images


def test_missing_tokenizer_is_noticed(studio, workshop, monkeypatch):
    """transformers makes a tokenizer of two words where it finds no files, and says nothing."""
    version = studio.add("checkpoint", workshop.checkpoint("sd1"), base_model="SD 1.5")
    monkeypatch.setattr(type(workshop.pipeline("sd1").tokenizer), "__len__", lambda _: 2)

    with pytest.raises(BadIngredient) as refused:
        studio.render(version=version)

    assert refused.value.code == "tokenizer_mismatch"
