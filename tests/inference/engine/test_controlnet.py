import numpy
import pytest
import torch
from diffusers import ControlNetModel
from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint
from PIL import Image

from inference.engine.controlnet import control_residuals, load_controlnet, prepare_control
from inference.engine.errors import BadIngredient
from tests.inference.engine.networks import control_network, drawn, sd1_unet, sdxl_unet, weights, written

HINT = "controlnet_cond_embedding."
TABLE = {
    "time_embedding.linear_1.": "time_embed.0.",
    "time_embedding.linear_2.": "time_embed.2.",
    "conv_in.": "input_blocks.0.0.",
    "down_blocks.0.resnets.0.": "input_blocks.1.0.",
    "down_blocks.0.attentions.0.": "input_blocks.1.1.",
    "down_blocks.0.downsamplers.0.conv.": "input_blocks.2.0.op.",
    "down_blocks.1.resnets.0.": "input_blocks.3.0.",
    "mid_block.resnets.0.": "middle_block.0.",
    "mid_block.attentions.0.": "middle_block.1.",
    "mid_block.resnets.1.": "middle_block.2.",
    "controlnet_mid_block.": "middle_block_out.0.",
    f"{HINT}conv_in.": "input_hint_block.0.",
    **{f"{HINT}blocks.{place}.": f"input_hint_block.{2 * place + 2}." for place in range(6)},
    f"{HINT}conv_out.": "input_hint_block.14.",
    **{f"controlnet_down_blocks.{place}.": f"zero_convs.{place}.0." for place in range(4)},
}
RESIDUAL = {
    ".norm1.": ".in_layers.0.",
    ".conv1.": ".in_layers.2.",
    ".time_emb_proj.": ".emb_layers.1.",
    ".norm2.": ".out_layers.0.",
    ".conv2.": ".out_layers.3.",
    ".conv_shortcut.": ".skip_connection.",
}


def original(network: ControlNetModel, prefix: str = "control_model.") -> dict[str, torch.Tensor]:
    """The tests' Stable Diffusion 1 ControlNet in the original layout, by a table written out for it."""
    tensors = {}
    for name, tensor in network.state_dict().items():
        start = next(start for start in TABLE if name.startswith(start))
        theirs = TABLE[start] + name.removeprefix(start)
        if ".resnets." in start:
            for ours, other in RESIDUAL.items():
                theirs = theirs.replace(ours, other)
        tensors[prefix + theirs] = tensor.clone()
    return tensors


def asked(network: ControlNetModel) -> list[torch.Tensor]:
    image = prepare_control(Image.linear_gradient("L"), 64, 64)
    with torch.no_grad():
        down, middle = control_residuals(network, drawn(1, 4, 8, 8), 300, drawn(1, 7, 24), image, 1.0)
    return [*down, middle]


def test_the_tables_names_are_those_that_diffusers_converts():
    network = control_network(sd1_unet())

    converted = convert_controlnet_checkpoint(original(network), {"layers_per_block": 1})

    wanted = network.state_dict()
    assert converted.keys() == wanted.keys()
    assert all(torch.equal(converted[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize(
    "layout", [original, lambda network: original(network, ""), lambda network: network.state_dict()],
    ids=["original", "without a prefix", "diffusers"],
)  # fmt: skip
@pytest.mark.parametrize(
    "config", [lambda _: sd1_unet().config, lambda network: network.config], ids=["U-Net's", "own"]
)
def test_a_controlnet_is_loaded_whole(tmp_path, layout, config):
    network = control_network(sd1_unet())
    path = written(tmp_path / "control.safetensors", layout(network))

    loaded = load_controlnet(path, dict(config(network)), torch.float32)

    assert all(torch.equal(*pair) for pair in zip(weights(network), weights(loaded), strict=True))
    assert all(torch.equal(*pair) for pair in zip(asked(network), asked(loaded), strict=True))


def test_a_controlnet_of_sdxl_is_loaded_whole(tmp_path):
    network = control_network(sdxl_unet())
    path = written(tmp_path / "control.safetensors", network.state_dict())

    loaded = load_controlnet(path, dict(sdxl_unet().config), torch.float32)
    added = {"text_embeds": drawn(1, 40, seed=3), "time_ids": torch.ones(1, 6)}
    with torch.no_grad():
        answers = [
            control_residuals(each, drawn(1, 4, 8, 8), 300, drawn(1, 7, 40), drawn(1, 3, 64, 64), 0.5, added)
            for each in (network, loaded)
        ]

    assert torch.equal(answers[0][1], answers[1][1])
    assert all(torch.equal(*pair) for pair in zip(answers[0][0], answers[1][0], strict=True))


def test_a_smaller_picture_encoder_is_read_off_the_file(tmp_path):
    network = control_network(sd1_unet(), (8, 16, 16))  # halves a side twice, as the tiny family's autoencoder does

    loaded = load_controlnet(
        written(tmp_path / "c.safetensors", network.state_dict()), dict(sd1_unet().config), torch.float32
    )

    with torch.no_grad():
        answers = [
            control_residuals(each, drawn(1, 4, 8, 8), 300, drawn(1, 7, 24), drawn(1, 3, 32, 32), 1.0)[1]
            for each in (network, loaded)
        ]
    assert torch.equal(*answers)


def test_a_folder_with_the_configuration_will_do_and_the_file_may_be_torchs_own(tmp_path):
    network = control_network(sd1_unet())
    sd1_unet().save_config(tmp_path)
    torch.save({"state_dict": original(network)}, tmp_path / "control.ckpt")

    loaded = load_controlnet(tmp_path / "control.ckpt", tmp_path, torch.float16)

    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float16}


def test_a_checkpoints_inpainting_config_leaves_the_controlnets_latents_alone(tmp_path):
    network = control_network(sd1_unet())
    path = written(tmp_path / "control.safetensors", network.state_dict())

    loaded = load_controlnet(path, dict(sd1_unet().config) | {"in_channels": 9}, torch.float32)

    assert loaded.config.in_channels == 4


def changed(**tensors: torch.Tensor | None) -> dict[str, torch.Tensor]:
    state = original(control_network(sd1_unet())) | {f"control_model.{key}": value for key, value in tensors.items()}
    return {key: tensor for key, tensor in state.items() if tensor is not None}


ZERO, FIRST = "zero_convs.1.0.weight", "input_hint_block.0.weight"


@pytest.mark.parametrize(
    ("tensors", "code", "key"),
    [
        pytest.param({"decoder.conv_in.weight": drawn(2)}, "not_a_controlnet", None, id="an autoencoder"),
        pytest.param({"lora_controlnet": drawn(2)}, "unknown_variant", None, id="a Control-LoRA"),
        pytest.param({"task_embedding": drawn(2)}, "unknown_variant", None, id="a union"),
        pytest.param(changed(**{ZERO: None}), "incomplete", ZERO, id="a tensor missing"),
        pytest.param(changed(**{ZERO: drawn(9, 32, 1, 1)}), "wrong_shape", ZERO, id="another width"),
        pytest.param(changed(**{FIRST: drawn(9)}), "wrong_shape", FIRST, id="an encoder of no convolutions"),
        pytest.param(changed(**{ZERO: torch.full((32, 32, 1, 1), float("nan"))}), "not_finite", ZERO, id="NaN"),
        pytest.param(
            changed(**{ZERO: torch.ones(32, 32, 1, 1, dtype=torch.uint8)}), "wrong_dtype", ZERO, id="whole numbers"
        ),
    ],
)
def test_a_file_that_is_none_is_refused_by_key(tmp_path, tensors, code, key):
    path = written(tmp_path / "control.safetensors", tensors)

    with pytest.raises(BadIngredient) as caught:
        load_controlnet(path, dict(sd1_unet().config), torch.float32, "lines")

    fault = caught.value
    assert (fault.code, fault.role, fault.params["name"]) == (code, "controlnet", "lines")
    assert fault.params.get("key") == (f"control_model.{key}" if key else None)


def test_a_controlnet_of_another_family_is_refused(tmp_path):
    path = written(tmp_path / "control.safetensors", control_network(sdxl_unet()).state_dict())

    with pytest.raises(BadIngredient) as caught:
        load_controlnet(path, dict(sd1_unet().config), torch.float32)

    assert caught.value.code in ("incomplete", "wrong_shape")


# The picture.


@pytest.mark.parametrize(
    ("picture", "corner"),
    [
        (Image.new("RGB", (40, 40), (255, 0, 51)), (1.0, 0.0, 0.2)),
        (Image.new("L", (10, 90), 51), (0.2, 0.2, 0.2)),
        (Image.new("RGBA", (40, 40), (255, 255, 255, 0)), (0.0, 0.0, 0.0)),
        (Image.new("LA", (40, 40), (255, 255)), (1.0, 1.0, 1.0)),
        (Image.new("1", (40, 40), 1), (1.0, 1.0, 1.0)),
        (Image.new("CMYK", (40, 40), (0, 0, 0, 0)), (1.0, 1.0, 1.0)),
        (Image.fromarray(numpy.full((40, 40), 13107, numpy.uint16)), (0.2, 0.2, 0.2)),
    ],
    ids=["RGB", "gray", "transparent", "gray and opaque", "black and white", "CMYK", "16 bits"],
)
def test_a_picture_of_any_mode_becomes_numbers_from_0_to_1(picture, corner):
    image = prepare_control(picture, 64, 32)

    assert (tuple(image.shape), image.dtype) == ((1, 3, 32, 64), torch.float32)
    torch.testing.assert_close(image[0, :, 0, 0], torch.tensor(corner), atol=2e-3, rtol=0)


def test_a_picture_keeps_its_proportions_and_is_cut_at_the_sides():
    picture = Image.new("RGB", (90, 30), (0, 0, 0))
    picture.paste((255, 255, 255), (30, 0, 60, 30))

    assert prepare_control(picture, 32, 32).min() > 0.95


def test_weight_scales_what_is_added_and_a_batch_shares_the_picture():
    network = control_network(sd1_unet())
    latents, image = drawn(2, 4, 8, 8), prepare_control(Image.linear_gradient("L"), 64, 64)

    with torch.no_grad():
        whole = control_residuals(network, latents, 300, drawn(2, 7, 24), image, 1.0)
        half = control_residuals(network, latents, 300, drawn(2, 7, 24), image, 0.5)

    assert len(whole[1]) == 2
    torch.testing.assert_close(half[1], whole[1] / 2)
    assert all(torch.equal(a, b / 2) for a, b in zip(half[0], whole[0], strict=True))


def test_a_unet_takes_what_is_added():
    unet = sd1_unet()
    down, middle = (answer := asked(control_network(unet)))[:-1], answer[-1]

    with torch.no_grad():
        steered, plain = (
            unet(drawn(1, 4, 8, 8), 300, drawn(1, 7, 24), **extra).sample
            for extra in (
                {"down_block_additional_residuals": tuple(down), "mid_block_additional_residual": middle},
                {},
            )
        )

    assert (steered - plain).abs().max() > 1e-3
