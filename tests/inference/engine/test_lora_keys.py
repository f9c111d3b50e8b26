import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.engine.lora_keys import LayerName, layer_name, read_keys
from inference.engine.lora_layers import LayerIndex
from registry.demo.ldm_names import UNET, unet_names
from tests.inference.engine.networks import sd1_unet, sdxl_unet

TO_Q = "down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
DOTTED = "down_blocks.0.attentions.0.transformer_blocks.0.attn1"
Q_PROJ = "encoder_layers_0_self_attn_q_proj"
TEXT = "text_model.encoder.layers.0.self_attn"


@pytest.mark.parametrize(
    ("key", "side", "plain", "part"),
    [
        (f"lora_unet_{TO_Q}.lora_down.weight", "denoiser", TO_Q, "down"),
        (f"lora_unet_{TO_Q}.alpha", "denoiser", TO_Q, "alpha"),
        (f"lora_unet_{TO_Q}.w_norm", "denoiser", TO_Q, "diff"),
        (f"lycoris_{TO_Q}.hada_w1_a", "denoiser", TO_Q, "hada_w1_a"),
        (f"unet.{DOTTED}.to_q.lora_A.weight", "denoiser", TO_Q, "down"),
        (f"unet.{DOTTED}.to_q.lora_B.default.weight", "denoiser", TO_Q, "up"),
        (f"base_model.model.{DOTTED}.to_q.lora_B.weight", "denoiser", TO_Q, "up"),
        (f"unet.base_model.model.{DOTTED}.to_q.lora_A.weight", "denoiser", TO_Q, "down"),
        (f"unet.{DOTTED}.to_q.lora_magnitude_vector", "denoiser", TO_Q, "magnitude"),
        (f"unet.{DOTTED}.to_q.lora_B.bias", "denoiser", TO_Q, "up_bias"),
        (f"unet.{DOTTED}.processor.to_q_lora.down.weight", "denoiser", TO_Q, "down"),
        (f"{DOTTED}.processor.to_q_lora.up.weight", "denoiser", TO_Q, "up"),
        (f"unet.{DOTTED}.processor.to_out_lora.up.weight", "denoiser", TO_Q.replace("to_q", "to_out_0"), "up"),
        (f"unet.{DOTTED}.to_q.lora.down.weight", "denoiser", TO_Q, "down"),
        (f"diffusion_model.{DOTTED}.to_q.lora_down.weight", "denoiser", TO_Q, "down"),
        (f"lora_te_text_model_{Q_PROJ}.lora_up.weight", "text_encoder", Q_PROJ, "up"),
        (f"lora_te1_text_model_{Q_PROJ}.dora_scale", "text_encoder", Q_PROJ, "dora_scale"),
        (f"lora_te2_text_model_{Q_PROJ}.lokr_t2", "text_encoder_2", Q_PROJ, "lokr_t2"),
        (f"text_encoder.{TEXT}.q_proj.lora_linear_layer.up.weight", "text_encoder", Q_PROJ, "up"),
        (f"text_encoder.{TEXT}.to_q_lora.down.weight", "text_encoder", Q_PROJ, "down"),
        (f"text_encoder_2.{TEXT}.q_proj.lora_A.weight", "text_encoder_2", Q_PROJ, "down"),
        (f"text_encoders.clip_l.transformer.{TEXT}.q_proj.lora_A.weight", "text_encoder", Q_PROJ, "down"),
        (f"{TEXT}.q_proj.lora_A.weight", "text_encoder", Q_PROJ, "down"),
        ("transformer.proj_out.lora_A.weight", "denoiser", "proj_out", "down"),
        ("oft_unet_conv_in.oft_blocks", "denoiser", "conv_in", "oft_blocks"),
    ],
)
def test_every_spelling_means_its_layer(key, side, plain, part):
    (layer,) = read_keys([key]).layers

    assert (layer.name.side, layer.name.plain, layer.keys) == (side, plain, {part: key})


WORDS = ["lora_unet_", "lora_te_", "unet.", "x", "to_out", ".", ".alpha", ".lora_A.weight", ".lora_B.other.weight"]
WORDS += [
    ".lora_down.weight",
    "_lora.up.weight",
    ".hada_w1_a",
    ".lokr_w1",
    ".diff",
    ".w_norm",
    ".oft_diag",
    ".a1.weight",
    ".on_input",
    ".weight",
]


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=5).map("".join) | st.text(max_size=20), unique=True))
def test_no_tensor_is_dropped_in_silence(names):
    found = read_keys(names)

    placed = [key for layer in found.layers for key in layer.keys.values()]
    noted = [key for key, _ in found.strangers]
    assert len(placed) + len(noted) == len({*placed, *noted})
    assert {*placed, *noted} == set(names)


@pytest.mark.parametrize(
    "piece", [".lora_A", "lora_unet_", ".processor", "base_model.model.", "_lora.", "text_model_"], ids=str
)
def test_long_hostile_names_are_read_in_no_time(piece):
    names = [f"{piece * 150}{number}.lora_A.weight" for number in range(2_000)]
    begun = time.process_time()

    read_keys(names)
    layer_name(piece * 100_000)

    assert time.process_time() - begun < 5


@pytest.mark.parametrize("make", [sd1_unet, sdxl_unet], ids=["Stable Diffusion 1", "SDXL"])
def test_every_layer_of_a_unet_is_found_under_its_original_name(make):
    unet = make()
    index = LayerIndex({"unet": unet})
    names = [name for name in unet.state_dict() if name.endswith(".weight") and not name.startswith("add_embedding")]

    for ours, theirs in unet_names(names, unet.config.layers_per_block).items():
        plain = theirs.removeprefix(UNET).removesuffix(".weight").replace(".", "_")
        layer = index.find(LayerName("denoiser", plain))
        assert layer is not None, theirs
        assert [part.module for part in layer] == [unet.get_submodule(ours.removesuffix(".weight"))]
