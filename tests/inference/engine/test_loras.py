import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
from torch import nn
from transformers import T5Config, T5EncoderModel

from inference.engine.errors import BadIngredient
from inference.engine.loras import Folder, LoraFile, fold_loras
from tests.inference.engine.networks import (
    drawn,
    is_attention,
    is_text_layer,
    kohya_pairs,
    sd1_noise,
    sd1_unet,
    sdxl_unet,
    states,
    text_encoder,
    weights,
    written,
)

SPOT = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
KOHYA = "lora_unet_" + SPOT.replace(".", "_")


def pair(rows: int = 32, columns: int = 32, rank: int = 4) -> dict[str, torch.Tensor]:
    return {f"{KOHYA}.lora_down.weight": drawn(rank, columns), f"{KOHYA}.lora_up.weight": drawn(rows, rank)}


def lora(path: Path, weight: float = 0.7, clip_weight: float = 0.7, name: str = "style") -> LoraFile:
    return LoraFile(path, weight, clip_weight, f"{path.name:0>64}", name)


def in_kohya_keys(tmp_path: Path, unet: nn.Module, encoder: nn.Module) -> Path:
    pairs = kohya_pairs(unet, "lora_unet_", is_attention)
    return written(tmp_path / "kohya.safetensors", pairs | kohya_pairs(encoder, "lora_te_text_model_", is_text_layer))


def in_peft_keys(tmp_path: Path, unet: nn.Module, encoder: nn.Module) -> Path:
    tensors = {}
    for network, prefix, wanted in (
        (unet, "unet.", is_attention),
        (encoder, "text_encoder.text_model.", is_text_layer),
    ):
        for name, module in network.named_modules():
            if isinstance(module, nn.Linear) and wanted(name, module):
                out, inputs = module.weight.shape
                tensors[f"{prefix}{name}.lora_A.weight"] = drawn(4, inputs, seed=len(tensors))
                tensors[f"{prefix}{name}.lora_B.weight"] = drawn(out, 4, seed=len(tensors))
    return written(tmp_path / "peft.safetensors", tensors)


def in_locon_keys(tmp_path: Path, unet: nn.Module, encoder: nn.Module) -> Path:
    pairs = kohya_pairs(
        unet, "lora_unet_", lambda name, module: name.endswith((".conv1", ".conv2", ".to_k", ".proj_in"))
    )
    return written(tmp_path / "locon.safetensors", pairs)


def in_old_keys(tmp_path: Path, unet: nn.Module, encoder: nn.Module) -> Path:
    tensors = {}
    for name, module in unet.named_modules():
        if isinstance(module, nn.Linear) and is_attention(name, module):
            block, projection = name.removesuffix(".0").rsplit(".", 1)
            out, inputs = module.weight.shape
            key = f"unet.{block}.processor.{projection}_lora"
            tensors[f"{key}.down.weight"] = drawn(4, inputs, seed=len(tensors))
            tensors[f"{key}.up.weight"] = drawn(out, 4, seed=len(tensors))
    return written(tmp_path / "old.safetensors", tensors)


FORMS = [in_kohya_keys, in_peft_keys, in_locon_keys, in_old_keys]


@pytest.mark.parametrize("make", FORMS, ids=lambda make: make.__name__)
def test_folding_equals_what_diffusers_loads(tmp_path, make):
    unet, encoder = sd1_unet(), text_encoder()
    path = make(tmp_path, unet, encoder)
    plain = sd1_noise(unet), states(encoder)
    with fold_loras({"unet": unet, "text_encoder": encoder}, [lora(path)]) as notes:
        folded = sd1_noise(unet), states(encoder)

    pipeline = StableDiffusionPipeline(None, encoder, None, unet, None, None, None, requires_safety_checker=False)
    pipeline.load_lora_weights(path, adapter_name="style")
    pipeline.set_adapters("style", 0.7)

    assert notes == ()
    assert (folded[0] - plain[0]).abs().max() > 1e-3
    torch.testing.assert_close(folded[0], sd1_noise(unet), atol=1e-5, rtol=0)
    torch.testing.assert_close(folded[1], states(encoder), atol=1e-5, rtol=0)


def original_name(name: str) -> str:
    """An SDXL trainer's name of one of this U-Net's layers, written out by hand for those the test uses."""
    table = {
        "down_blocks.1.attentions.0.": "input_blocks_4_1_",
        "down_blocks.2.attentions.1.": "input_blocks_8_1_",
        "down_blocks.2.resnets.0.conv1": "input_blocks_7_0_in_layers_2",
        "mid_block.attentions.0.": "middle_block_1_",
        "up_blocks.0.attentions.2.": "output_blocks_2_1_",
        "up_blocks.1.attentions.0.": "output_blocks_3_1_",
    }
    start = next(start for start in table if name.startswith(start))
    return (table[start] + name.removeprefix(start)).replace(".", "_")


def test_sdxl_names_of_trainers_equal_what_diffusers_loads(tmp_path):
    unet, encoders = sdxl_unet(), (text_encoder(24), text_encoder(40, projection=True))
    tensors = {}
    spots = ("down_blocks.1.attentions.0.", "down_blocks.2.attentions.1.", "mid_block.attentions.0.")
    spots += ("up_blocks.0.attentions.2.", "up_blocks.1.attentions.0.", "down_blocks.2.resnets.0.conv1")
    for key, tensor in kohya_pairs(unet, "", lambda name, _: name.startswith(spots) and "norm" not in name).items():
        tensors[key] = tensor
    names = {name.replace(".", "_"): name for name, _ in unet.named_modules()}
    tensors = {
        f"lora_unet_{original_name(names[layer])}.{rest}": tensor
        for (layer, rest), tensor in ((key.split(".", 1), tensor) for key, tensor in tensors.items())
    }
    for number, encoder in enumerate(encoders, 1):
        tensors |= kohya_pairs(encoder, f"lora_te{number}_text_model_", is_text_layer)
    path = written(tmp_path / "sdxl.safetensors", tensors)
    modules = {"unet": unet, "text_encoder": encoders[0], "text_encoder_2": encoders[1]}
    with fold_loras(modules, [lora(path)]) as notes:
        folded = sdxl_noise(unet), *map(states, encoders)
    plain = sdxl_noise(unet)

    pipeline = StableDiffusionXLPipeline(None, *encoders, None, None, unet, None, add_watermarker=False)
    pipeline.load_lora_weights(path, adapter_name="style")
    pipeline.set_adapters("style", 0.7)

    assert notes == ()
    assert (folded[0] - plain).abs().max() > 1e-3
    for ours, theirs in zip(folded, (sdxl_noise(unet), *map(states, encoders)), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def sdxl_noise(unet: nn.Module) -> torch.Tensor:
    extra = {"text_embeds": drawn(1, 40, seed=3), "time_ids": torch.ones(1, 6)}
    with torch.no_grad():
        return unet(drawn(1, 4, 8, 8), 500, drawn(1, 7, 40), added_cond_kwargs=extra).sample


def test_undoing_is_exact_after_two_adapters_on_the_same_layers(tmp_path):
    unet, encoder = sd1_unet().half(), text_encoder().to(torch.bfloat16)
    before = weights(unet, encoder)
    paths = in_kohya_keys(tmp_path, unet, encoder), in_locon_keys(tmp_path, unet, encoder)

    with fold_loras({"unet": unet, "text_encoder": encoder}, [lora(path) for path in paths]):
        changed = [torch.equal(*pair) for pair in zip(before, weights(unet, encoder), strict=True)]

    assert not all(changed)
    assert all(torch.equal(*pair) for pair in zip(before, weights(unet, encoder), strict=True))


def test_undoing_is_exact_after_an_exception(tmp_path):
    unet, encoder = sd1_unet(), text_encoder()
    before = weights(unet, encoder)
    path = in_kohya_keys(tmp_path, unet, encoder)

    with pytest.raises(RuntimeError, match="a device fault"), fold_loras({"unet": unet}, [lora(path)]):
        raise RuntimeError("a device fault")

    assert all(torch.equal(*pair) for pair in zip(before, weights(unet, encoder), strict=True))


def test_a_refused_file_leaves_the_networks_as_they_were(tmp_path):
    unet, encoder = sd1_unet(), text_encoder()
    before = weights(unet)
    good = in_kohya_keys(tmp_path, unet, encoder)
    bad = written(tmp_path / "bad.safetensors", pair(rows=33))

    with pytest.raises(BadIngredient), fold_loras({"unet": unet}, [lora(good), lora(bad)]):
        pass

    assert all(torch.equal(*pair) for pair in zip(before, weights(unet), strict=True))


def test_the_order_of_adapters_changes_no_bit(tmp_path):
    unet, encoder = sd1_unet(), text_encoder()
    files = [lora(make(tmp_path, unet, encoder), 0.3 + 0.2 * place) for place, make in enumerate(FORMS[:3])]
    dora = written(tmp_path / "dora.safetensors", pair() | {f"{KOHYA}.dora_scale": drawn(32, 1).abs()})
    files.append(lora(dora, 0.4))

    results = []
    for order in (files, files[::-1], files[2:] + files[:2]):
        with fold_loras({"unet": unet, "text_encoder": encoder}, order):
            results.append(weights(unet, encoder))

    for other in results[1:]:
        assert all(torch.equal(*both) for both in zip(results[0], other, strict=True))


def test_strengths_of_denoiser_and_text_encoder_are_apart(tmp_path):
    unet, encoder = sd1_unet(), text_encoder()
    path = in_kohya_keys(tmp_path, unet, encoder)
    plain = weights(unet), weights(encoder)

    with fold_loras({"unet": unet, "text_encoder": encoder}, [lora(path, 0.0, 0.5)]):
        assert all(torch.equal(*pair) for pair in zip(plain[0], weights(unet), strict=True))
        assert not all(torch.equal(*pair) for pair in zip(plain[1], weights(encoder), strict=True))


def test_folding_under_inference_mode_works_and_is_undone(tmp_path):
    unet, encoder = sd1_unet(), text_encoder()
    before = weights(unet)
    path = in_kohya_keys(tmp_path, unet, encoder)

    with torch.inference_mode(), fold_loras({"unet": unet, "text_encoder": encoder}, [lora(path)]):
        folded = sd1_noise(unet)

    assert torch.isfinite(folded).all()
    assert all(torch.equal(*pair) for pair in zip(before, weights(unet), strict=True))


def test_a_memory_layout_with_channels_last_is_kept(tmp_path):
    unet, encoder = sd1_unet().to(memory_format=torch.channels_last), text_encoder()
    path = in_locon_keys(tmp_path, unet, encoder)

    with fold_loras({"unet": unet}, [lora(path)]):
        kernel = unet.down_blocks[0].resnets[0].conv1.weight
        assert kernel.is_contiguous(memory_format=torch.channels_last)


def test_the_same_set_is_folded_once(tmp_path):
    unet, encoder = sd1_unet(), text_encoder()
    path = in_kohya_keys(tmp_path, unet, encoder)
    folder = Folder({"unet": unet, "text_encoder": encoder})

    first = folder.apply([lora(path)])
    held = [parameter.data_ptr() for parameter in unet.parameters()]
    path.unlink()  # a second fold would have to read it

    assert folder.apply([lora(path)]) == first == ()
    assert [parameter.data_ptr() for parameter in unet.parameters()] == held
    assert folder.applied == (lora(path),)


def test_the_same_set_at_another_place_is_the_same_set(tmp_path):
    unet, encoder = sd1_unet(), text_encoder()
    path = in_kohya_keys(tmp_path, unet, encoder)
    folder = Folder({"unet": unet, "text_encoder": encoder})

    folder.apply([lora(path)])
    moved = path.rename(tmp_path / "elsewhere.safetensors")
    held = [parameter.data_ptr() for parameter in unet.parameters()]
    folder.apply([replace(lora(path), path=moved)])

    assert [parameter.data_ptr() for parameter in unet.parameters()] == held


def test_another_set_replaces_the_first(tmp_path):
    unet, encoder = sd1_unet(), text_encoder()
    first, second = in_kohya_keys(tmp_path, unet, encoder), in_locon_keys(tmp_path, unet, encoder)
    modules = {"unet": unet, "text_encoder": encoder}
    with fold_loras(modules, [lora(second)]):
        wanted = weights(unet, encoder)

    folder = Folder(modules)
    folder.apply([lora(first)])
    folder.apply([lora(second)])

    assert all(torch.equal(*pair) for pair in zip(wanted, weights(unet, encoder), strict=True))
    folder.apply([])
    assert folder.applied == ()


# What is not applied, and what is refused.


def refused(tmp_path: Path, tensors: dict[str, torch.Tensor], weight: float = 0.7) -> BadIngredient:
    path = written(tmp_path / "bad.safetensors", tensors)
    with pytest.raises(BadIngredient) as caught, fold_loras({"unet": sd1_unet()}, [lora(path, weight)]):
        pass
    assert caught.value.role == "lora"
    assert caught.value.params["name"] == "style"
    return caught.value


@pytest.mark.parametrize(
    ("tensors", "code", "key"),
    [
        pytest.param(pair(rows=33), "wrong_shape", f"{KOHYA}.lora_up.weight", id="rows of another model"),
        pytest.param(pair(columns=48), "wrong_shape", f"{KOHYA}.lora_down.weight", id="columns of another model"),
        pytest.param(pair(rank=5000), "wrong_shape", f"{KOHYA}.lora_down.weight", id="a huge rank"),
        pytest.param({f"{KOHYA}.lora_down.weight": drawn(4, 32)}, "missing_pair", KOHYA, id="half a pair"),
        pytest.param(
            {f"{KOHYA}.hada_w1_a": drawn(32, 4), f"{KOHYA}.hada_w1_b": drawn(4, 32)},
            "missing_pair",
            KOHYA,
            id="half a LoHa",
        ),
        pytest.param(
            {f"{KOHYA}.lokr_w1": drawn(8, 8), f"{KOHYA}.lokr_w2": drawn(8, 8)},
            "wrong_shape",
            f"{KOHYA}.lokr_w2",
            id="a product that is too large",
        ),
        pytest.param(
            {
                f"{KOHYA}.lokr_w1_a": drawn(3000, 1),
                f"{KOHYA}.lokr_w1_b": drawn(1, 3000),
                f"{KOHYA}.lokr_w2": drawn(8, 8),
            },
            "wrong_shape",
            f"{KOHYA}.lokr_w1_a",
            id="a factor that would grow",
        ),
        pytest.param(
            pair() | {f"{KOHYA}.lora_up.weight": drawn(32, 4).fill_(float("nan"))},
            "not_finite",
            f"{KOHYA}.lora_up.weight",
            id="NaN",
        ),
        pytest.param(
            pair() | {f"{KOHYA}.lora_up.weight": torch.ones(32, 4, dtype=torch.int32)},
            "wrong_dtype",
            f"{KOHYA}.lora_up.weight",
            id="whole numbers",
        ),
        pytest.param(
            pair() | {f"{KOHYA}.alpha": torch.tensor(float("inf"))},
            "not_finite",
            f"{KOHYA}.alpha",
            id="an endless alpha",
        ),
        pytest.param(
            pair() | {f"{KOHYA}.alpha": torch.ones(2)}, "wrong_shape", f"{KOHYA}.alpha", id="an alpha of two numbers"
        ),
        pytest.param(
            pair() | {f"{KOHYA}.dora_scale": torch.ones(7, 1)},
            "wrong_shape",
            f"{KOHYA}.dora_scale",
            id="a short magnitude",
        ),
        pytest.param({f"{KOHYA}.diff": torch.ones(0, 32)}, "wrong_shape", f"{KOHYA}.diff", id="an empty difference"),
        pytest.param(
            {f"{KOHYA}.lora_down.weight": torch.ones(0, 32), f"{KOHYA}.lora_up.weight": torch.ones(32, 0)},
            "wrong_shape",
            f"{KOHYA}.lora_down.weight",
            id="a rank of nothing",
        ),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_by_key(tmp_path, tensors, code, key):
    fault = refused(tmp_path, tensors)

    assert (fault.code, fault.params["key"]) == (code, key)


def test_an_adapter_of_another_family_is_refused(tmp_path):
    flux = {
        "lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight": drawn(4, 16),
        "lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight": drawn(48, 4),
    }
    path = written(
        tmp_path / "flux.safetensors", flux | kohya_pairs(text_encoder(), "lora_te1_text_model_", is_text_layer)
    )

    with (
        pytest.raises(BadIngredient) as caught,
        fold_loras({"unet": sd1_unet(), "text_encoder": text_encoder()}, [lora(path)]),
    ):
        pass

    assert caught.value.code == "nothing_applies"


def test_a_text_encoders_own_adapter_applies(tmp_path):
    encoder = text_encoder()
    path = written(tmp_path / "words.safetensors", kohya_pairs(encoder, "lora_te_text_model_", is_text_layer))
    before = states(encoder)

    with fold_loras({"unet": sd1_unet(), "text_encoder": encoder}, [lora(path)]) as notes:
        assert notes == ()
        assert not torch.equal(before, states(encoder))


def test_values_that_leave_half_precision_are_refused_and_undone(tmp_path):
    unet = sd1_unet().half()
    before = weights(unet)
    path = written(tmp_path / "loud.safetensors", {f"{KOHYA}.diff": torch.full((32, 32), 60_000.0)})

    with pytest.raises(BadIngredient) as caught, fold_loras({"unet": unet}, [lora(path, 2.0)]):
        pass

    assert (caught.value.code, caught.value.params["key"]) == ("overflow", KOHYA)
    assert all(torch.equal(*pair) for pair in zip(before, weights(unet), strict=True))


def test_parts_that_are_not_applied_are_named(tmp_path):
    tensors = pair() | {
        "lora_unet_down_blocks_9_nowhere.lora_down.weight": drawn(4, 32),
        "lora_unet_down_blocks_9_nowhere.lora_up.weight": drawn(32, 4),
        "lora_unet_conv_in.oft_blocks": drawn(3, 8, 4, 4),
        "lora_unet_conv_out.rescale": drawn(4, 1, 1, 1),
        f"{KOHYA}.diff_b": drawn(32),  # to_q has no bias
        "something.else": drawn(2),
    }
    path = written(tmp_path / "mixed.safetensors", tensors)

    with fold_loras({"unet": sd1_unet()}, [lora(path)]) as notes:
        pass

    assert sorted(notes) == [
        "style: lora_unet_conv_in: BOFT is not supported",
        "style: lora_unet_conv_out: has a scale and no weights",
        f"style: {KOHYA}.diff_b: the layer has no bias",
        "style: lora_unet_down_blocks_9_nowhere: no layer of that name",
        "style: something.else: not part of an adapter",
    ]


def test_many_notes_end_with_their_number(tmp_path):
    strangers = {f"lora_unet_nowhere_{number}.diff": drawn(2) for number in range(80)}
    path = written(tmp_path / "many.safetensors", pair() | strangers)

    with fold_loras({"unet": sd1_unet()}, [lora(path)]) as notes:
        pass

    assert len(notes) == 51
    assert notes[-1] == "style: 30 more parts are not applied"


def test_of_several_adapters_in_a_file_one_is_taken(tmp_path):
    tensors = {
        f"base_model.model.{SPOT}.lora_{side}.{name}.weight": drawn(*shape, seed=len(name))
        for name in ("other", "default")
        for side, shape in (("A", (4, 32)), ("B", (32, 4)))
    }
    unet = sd1_unet()
    path = written(tmp_path / "named.safetensors", tensors)
    before = unet.get_submodule(SPOT).weight.detach().clone()

    with fold_loras({"unet": unet}, [lora(path, 1.0)]) as notes:
        change = unet.get_submodule(SPOT).weight.detach() - before

    torch.testing.assert_close(change, drawn(32, 4, seed=7) @ drawn(4, 32, seed=7), atol=1e-6, rtol=0)
    assert notes == tuple(
        f"style: base_model.model.{SPOT}.lora_{side}.other.weight: belongs to another adapter in the file"
        for side in "AB"
    )


@pytest.mark.parametrize(
    ("written_settings", "scale"),
    [
        ({"unet.lora_alpha": 8}, 2.0),
        ({"unet.lora_alpha": 8, "unet.use_rslora": True}, 4.0),
        ({"unet.lora_alpha": 8, "unet.alpha_pattern": {SPOT: 2}}, 0.5),
        ({"transformer.lora_alpha": 1}, 0.25),
        ({"unet.lora_alpha": "8"}, 1.0),
        ([], 1.0),
    ],
    ids=["alpha", "rank-stabilized", "pattern", "transformer", "text", "not a table"],
)
def test_alpha_is_read_from_the_settings_that_diffusers_writes(tmp_path, written_settings, scale):
    unet = sd1_unet()
    tensors = {f"unet.{SPOT}.lora_A.weight": drawn(4, 32), f"unet.{SPOT}.lora_B.weight": drawn(32, 4)}
    path = written(tmp_path / "peft.safetensors", tensors, {"lora_adapter_metadata": json.dumps(written_settings)})
    before = unet.get_submodule(SPOT).weight.detach().clone()

    with fold_loras({"unet": unet}, [lora(path, 1.0)]):
        change = unet.get_submodule(SPOT).weight.detach() - before

    torch.testing.assert_close(change, scale * (drawn(32, 4) @ drawn(4, 32)), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    "wrap", [lambda tensors: tensors, lambda tensors: {"state_dict": tensors}], ids=["flat", "nested"]
)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_torchs_own_files_are_read(tmp_path, wrap, zipped):
    unet = sd1_unet()
    path = tmp_path / "lora.pt"
    torch.save(wrap(pair()), path, _use_new_zipfile_serialization=zipped)
    before = unet.get_submodule(SPOT).weight.detach().clone()

    with fold_loras({"unet": unet}, [lora(path, 1.0)]):
        change = unet.get_submodule(SPOT).weight.detach() - before

    torch.testing.assert_close(change, drawn(32, 4) @ drawn(4, 32), atol=1e-6, rtol=0)


def test_a_tensor_that_repeats_one_number_is_refused(tmp_path):
    path = tmp_path / "lora.pt"
    torch.save({f"{KOHYA}.lora_down.weight": torch.zeros(1).expand(1 << 40)}, path)

    with pytest.raises(BadIngredient) as caught, fold_loras({"unet": sd1_unet()}, [lora(path)]):
        pass

    assert caught.value.code == "false_size"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"PK\x03\x04 and no archive",
        (2**40).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"{}junk",
    ],
    ids=["empty", "text", "broken zip", "a header of a terabyte", "trailing bytes"],
)
def test_a_broken_file_is_refused(tmp_path, content):
    path = tmp_path / "lora.safetensors"
    path.write_bytes(content)

    with pytest.raises(BadIngredient) as caught, fold_loras({"unet": sd1_unet()}, [lora(path)]):
        pass

    assert caught.value.code == "unreadable_file"


def test_a_pickle_that_would_run_something_is_refused(tmp_path):
    path = tmp_path / "lora.pt"
    path.write_bytes(b"cos\nsystem\n(S'touch ran'\ntR.")

    with pytest.raises(BadIngredient) as caught, fold_loras({"unet": sd1_unet()}, [lora(path)]):
        pass

    assert caught.value.code == "unreadable_file"


def test_a_compressed_archive_is_refused(tmp_path):
    torch.save({f"{KOHYA}.diff": torch.zeros(1024, 1024)}, tmp_path / "plain.pt")
    path = tmp_path / "lora.pt"
    with zipfile.ZipFile(tmp_path / "plain.pt") as plain, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for member in plain.namelist():
            packed.writestr(member, plain.read(member))

    with pytest.raises(BadIngredient) as caught, fold_loras({"unet": sd1_unet()}, [lora(path)]):
        pass

    assert (caught.value.code, "compressed" in caught.value.params["reason"]) == ("unreadable_file", True)


def test_a_layer_in_two_forms_gets_both(tmp_path):
    unet = sd1_unet()
    path = written(tmp_path / "both.safetensors", pair() | {f"{KOHYA}.diff": drawn(32, 32, seed=9)})
    before = unet.get_submodule(SPOT).weight.detach().clone()

    with fold_loras({"unet": unet}, [lora(path, 1.0)]):
        change = unet.get_submodule(SPOT).weight.detach() - before

    wanted = drawn(32, 4) @ drawn(4, 32) + drawn(32, 32, seed=9)
    torch.testing.assert_close(change, wanted, atol=1e-6, rtol=0)


def test_t5s_layers_are_found_second_where_trainers_number_them_third(tmp_path):
    encoder = T5EncoderModel(T5Config(vocab_size=20, d_model=8, d_kv=4, d_ff=16, num_layers=1, num_heads=2))
    name = "encoder.block.0.layer.0.SelfAttention.q"
    path = written(tmp_path / "t5.safetensors", {f"lora_te3_{name.replace('.', '_')}.diff": torch.ones(8, 8)})
    before = encoder.get_submodule(name).weight.detach().clone()

    with fold_loras({"text_encoder": text_encoder(), "text_encoder_2": encoder}, [lora(path, 1.0, 0.5)]) as notes:
        torch.testing.assert_close(encoder.get_submodule(name).weight.detach(), before + 0.5)

    assert notes == ()
