"""Autoencoder files. Names of the original layout are proven by diffusers' own converter, not by the table in use."""

import pytest
import torch
from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

from inference.engine.errors import BadIngredient
from inference.engine.vaes import load_vae
from registry.demo.ldm_names import VAE, vae_names
from tests.inference.engine.networks import autoencoder, drawn, weights, written


def original(prefix: str = VAE) -> dict[str, torch.Tensor]:
    """This autoencoder in the original layout, the attention's matrices as convolutions of one point."""
    state = autoencoder().state_dict()
    tensors = {}
    for ours, theirs in vae_names(state, 2).items():
        tensor = state[ours]
        is_projection = ".attn_1." in theirs and tensor.ndim == 2
        tensors[theirs.replace(VAE, prefix)] = (tensor[..., None, None] if is_projection else tensor).clone()
    return tensors


def diffusers_names(prefix: str = "") -> dict[str, torch.Tensor]:
    return {prefix + name: tensor.clone() for name, tensor in autoencoder().state_dict().items()}


def first_years_names() -> dict[str, torch.Tensor]:
    old = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}
    tensors = {}
    for name, tensor in diffusers_names().items():
        for new, aged in old.items():
            name = name.replace(new, aged)
        tensors[name] = tensor
    return tensors


def test_the_names_in_these_tests_are_those_that_diffusers_converts():
    converted = convert_ldm_vae_checkpoint(original(), autoencoder().config)

    wanted = autoencoder().state_dict()
    assert converted.keys() == wanted.keys()
    assert all(torch.equal(converted[name].reshape(wanted[name].shape), wanted[name]) for name in wanted)


@pytest.mark.parametrize(
    "tensors",
    [
        original(),
        original(""),
        original("vae."),
        diffusers_names(),
        diffusers_names("vae."),
        first_years_names(),
        original() | {"cond_stage_model.transformer.weight": drawn(2), "first_stage_model.loss.logvar": drawn(1)},
    ],
    ids=[
        "in a checkpoint",
        "alone",
        "vae.",
        "diffusers",
        "diffusers with a prefix",
        "diffusers' first year",
        "with more",
    ],
)
@pytest.mark.parametrize("packed", ["safetensors", "pt", "nested"])
def test_an_autoencoder_is_loaded_whole(tmp_path, tensors, packed):
    path = tmp_path / f"vae.{'safetensors' if packed == 'safetensors' else 'pt'}"
    if packed == "safetensors":
        written(path, tensors)
    else:
        torch.save({"state_dict": tensors} if packed == "nested" else tensors, path)

    vae = load_vae(path, dict(autoencoder().config), torch.float32)

    assert all(torch.equal(*pair) for pair in zip(weights(vae), weights(autoencoder()), strict=True))
    assert not any(parameter.requires_grad for parameter in vae.parameters())
    picture = drawn(1, 3, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(vae(picture).sample, autoencoder()(picture).sample)


def test_the_configuration_may_be_a_folder_and_the_precision_another(tmp_path):
    autoencoder().save_config(tmp_path)

    vae = load_vae(written(tmp_path / "vae.safetensors", original()), tmp_path, torch.bfloat16)

    assert {parameter.dtype for parameter in vae.parameters()} == {torch.bfloat16}
    assert vae.config.scaling_factor == autoencoder().config.scaling_factor


KEY = "first_stage_model.decoder.up.0.block.0.conv1.weight"


def without(key: str) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in original().items() if name != key}


@pytest.mark.parametrize(
    ("tensors", "code", "key"),
    [
        pytest.param({"lora_unet_x.lora_down.weight": drawn(4, 4)}, "not_a_vae", None, id="an adapter"),
        pytest.param({"decoder.conv_in.weight": drawn(4, 4, 3, 3)}, "not_a_vae", None, id="a single layer"),
        pytest.param(without(KEY), "incomplete", KEY, id="a tensor missing"),
        pytest.param(original() | {KEY: drawn(16, 48, 3, 3)}, "wrong_shape", KEY, id="another width"),
        pytest.param(original() | {KEY: torch.full((16, 32, 3, 3), float("nan"))}, "not_finite", KEY, id="NaN"),
        pytest.param(
            original() | {KEY: torch.ones(16, 32, 3, 3, dtype=torch.int64)}, "wrong_dtype", KEY, id="whole numbers"
        ),
    ],
)
def test_a_file_that_is_none_is_refused_by_key(tmp_path, tensors, code, key):
    path = written(tmp_path / "vae.safetensors", tensors)

    with pytest.raises(BadIngredient) as caught:
        load_vae(path, dict(autoencoder().config), torch.float32, "fine")

    fault = caught.value
    assert (fault.code, fault.role, fault.params["name"], fault.params.get("key")) == (code, "vae", "fine", key)
