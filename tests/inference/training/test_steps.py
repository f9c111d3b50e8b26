"""Every step of the training, two steps long, from pictures to the files that people exchange."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from inference.training.catalog import load_catalog
from inference.training.command import Run
from inference.training.decoder import train_decoder
from inference.training.embedding import PLACE, VECTORS, Vectors, train_embedding
from inference.training.hypernetwork import printed_in_blue, read_hypernetwork, train_hypernetwork
from inference.training.lora import kohya_names, train_lora
from inference.training.networks import encode_pictures, new_vae, read_tokenizer
from inference.training.studio import Studio
from inference.training.text import train_text
from inference.training.unet import train_unet
from inference.training.vae import train_vae, whiten
from registry.demo.samples import DATA
from registry.formats.architecture import recognize
from registry.formats.safetensors import read_header
from tests.inference.training.conftest import CHECKPOINT

# diffusers makes arrays of tensors in the way of older numpy.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def known_as(path: Path) -> tuple[str, str | None]:
    with path.open("rb") as stream:
        header = read_header(stream, path.stat().st_size)
    seen = recognize(header.tensors, header.metadata, file_name=path.name)
    return seen.model_type, seen.base_model


def test_from_nothing_to_a_checkpoint_that_renders(run: Run):
    run = replace(
        run,
        options=argparse.Namespace(checkpoint=""),
        recipe=replace(run.recipe, concepts=frozenset({"red heart", "orange heart", "cat", "rocket"})),
    )
    train_vae(run)
    train_text(run)
    train_unet(run)

    picture = Studio(run.work / "base.safetensors").render("a cat", seed=1)

    assert known_as(run.work / "base.safetensors") == ("checkpoint", "Safelight Tiny")
    assert picture.size == (64, 64)
    assert (run.work / "base.safetensors").stat().st_size < 12_000_000


def test_a_checkpoint_is_trained_further_and_keeps_its_autoencoder(run: Run):
    train_unet(run)

    before, after = load_file(CHECKPOINT), load_file(run.work / "base.safetensors")
    changed = {name for name, tensor in before.items() if not torch.equal(tensor, after[name])}
    assert before.keys() == after.keys()
    assert not [name for name in changed if name.startswith("first_stage_model.")]
    assert {"model.diffusion_model.out.2.weight"} <= changed
    assert [name for name in changed if name.startswith("cond_stage_model.")]


def test_the_decoder_learns_and_the_encoder_stays(run: Run):
    train_decoder(run)

    before, after = load_file(CHECKPOINT), load_file(run.work / "safelight-tiny-sharp.safetensors")
    assert known_as(run.work / "safelight-tiny-sharp.safetensors")[0] == "vae"
    for name, tensor in after.items():
        same = torch.equal(tensor, before[f"first_stage_model.{name}"])
        assert same == name.startswith(("encoder.", "quant_conv.")) or tensor.ndim < 4, name


def test_a_lora_has_the_names_of_the_common_trainer(run: Run):
    train_lora(run)

    tensors = load_file(run.work / "ink-contrast.safetensors")
    layer = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
    assert known_as(run.work / "ink-contrast.safetensors") == ("lora", "Safelight Tiny")
    assert tensors[f"{layer}.lora_down.weight"].shape == (8, 128)
    assert tensors[f"{layer}.lora_up.weight"].shape == (96, 8)
    assert tensors[f"{layer}.alpha"].item() == 8


def test_a_lora_is_trained_further_from_an_earlier_one(run: Run):
    first = DATA / "ink-contrast.safetensors"
    no_steps = {name: replace(stage, steps=0) for name, stage in run.recipe.stages.items()}
    options = argparse.Namespace(checkpoint=str(CHECKPOINT), start=str(first))

    train_lora(replace(run, options=options, recipe=replace(run.recipe, stages=no_steps)))

    before, after = load_file(first), load_file(run.work / "ink-contrast.safetensors")
    assert before.keys() == after.keys()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_names_of_a_lora():
    weight = torch.zeros(2, 2)

    assert kohya_names({"mid_block.attentions.0.proj_in.lora_B.weight": weight}).keys() == {
        "lora_unet_mid_block_attentions_0_proj_in.lora_up.weight",
        "lora_unet_mid_block_attentions_0_proj_in.alpha",
    }


def test_an_embedding_is_its_vectors(run: Run):
    train_embedding(run)

    path = run.work / "ember-heart.safetensors"
    assert known_as(path) == ("embedding", "Safelight Tiny")
    assert load_file(path)["emb_params"].shape == (VECTORS, 128)


def test_vectors_take_the_places_of_their_sign_in_their_order():
    vectors = Vectors(torch.tensor([[1.0], [2.0]]), place=9)

    given = vectors.put(torch.nn.Identity(), (torch.tensor([[5, 9, 9, 5]]),), torch.zeros(1, 4, 1))

    assert given[0, :, 0].tolist() == [0, 1, 2, 0]


def test_the_sign_of_the_vectors_is_one_token():
    assert len(read_tokenizer()(PLACE, add_special_tokens=False).input_ids) == 1


def test_a_hypernetwork_is_a_pickle_of_weights_alone(run: Run):
    train_hypernetwork(run)

    path = run.work / "cyanotype.pt"
    content = torch.load(path, weights_only=True)
    assert [len(content[width]) for width in (96, 128)] == [2, 2]
    assert content[128][0]["linear.0.weight"].shape == (256, 128)
    assert (content["layer_structure"], content["activate_output"]) == ([1, 2, 1], 0)
    assert read_hypernetwork(path).pairs["128"][0][2].bias.shape == (128,)


def test_a_cyanotype_is_white_where_there_was_paper_and_blue_where_there_was_ink():
    print_of = printed_in_blue(torch.tensor([1.0, -1.0]).view(2, 1, 1, 1).expand(2, 3, 1, 1))

    assert print_of[0].flatten().tolist() == pytest.approx([1, 1, 1])
    red, green, blue = print_of[1].flatten().tolist()
    assert red < green < blue < 0


def test_whitened_latents_have_mean_zero_and_spread_one_and_decode_as_before(catalog):
    torch.manual_seed(1)
    vae, pictures = new_vae().eval(), catalog.on_white()
    with torch.no_grad():
        before = vae.decode(vae.encode(pictures).latent_dist.mean).sample
        whiten(vae, pictures)
        after = vae.decode(vae.encode(pictures).latent_dist.mean).sample

    latents = encode_pictures(vae, pictures)
    assert latents.mean((0, 2, 3)).tolist() == pytest.approx([0] * 4, abs=1e-3)
    assert latents.std((0, 2, 3)).tolist() == pytest.approx([1] * 4, abs=1e-2)
    assert torch.allclose(before, after, atol=1e-3)


def test_a_catalog_is_needed_first(run: Run):
    (run.work / "pictures.json").unlink()

    with pytest.raises(FileNotFoundError, match=r"pictures\.json"):
        load_catalog(run.work)
