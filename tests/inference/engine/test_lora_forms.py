"""Every form of adapter against arithmetic that is written another way: numpy's loops, or the layers run one by one."""

from collections.abc import Callable
from pathlib import Path

import numpy
import pytest
import torch
from torch import nn
from torch.nn import functional

from inference.engine.loras import LoraFile, fold_loras
from tests.inference.engine.networks import (
    Tensors,
    drawn,
    flux_transformer,
    sd1_unet,
    sd3_transformer,
    text_encoder,
    written,
)

LINEAR = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k"  # (32, 24)
KERNEL = "down_blocks.0.resnets.0.conv1"  # (32, 32, 3, 3)
POINT = "down_blocks.0.attentions.0.proj_in"  # (32, 32, 1, 1)
NORM = "down_blocks.0.resnets.0.norm1"  # (32)
STRENGTH = 0.6
RANK, ALPHA = 4, 3.0


def changed(tmp_path: Path, spot: str, parts: Tensors, network: nn.Module | None = None, *, attribute="weight"):
    """(untouched values, values with the adapter) of one layer, as numpy arrays."""
    network = network if network is not None else sd1_unet()
    key = "lora_unet_" + spot.replace(".", "_")
    path = written(tmp_path / "form.safetensors", {f"{key}.{part}": tensor for part, tensor in parts.items()})
    parameter = getattr(network.get_submodule(spot), attribute)
    before = parameter.detach().clone()
    with fold_loras({"unet": network}, [LoraFile(path, STRENGTH, 0.0, "a" * 64, "form")]) as notes:
        after = parameter.detach().clone()
    assert notes == ()
    assert torch.equal(parameter.detach(), before)
    return before.numpy(), after.numpy()


def run_convolutions(kernels: list[torch.Tensor]) -> numpy.ndarray:
    """The one kernel that does what these do one after the other, found by asking with single points."""
    size = max(kernel.shape[-1] for kernel in kernels)
    inputs = kernels[0].shape[1]
    found = numpy.zeros((kernels[-1].shape[0], inputs, size, size), numpy.float32)
    for channel in range(inputs):
        signal = torch.zeros(1, inputs, size, size)
        signal[0, channel, size // 2, size // 2] = 1.0
        for kernel in kernels:
            signal = functional.conv2d(signal, kernel, padding=kernel.shape[-1] // 2)
        found[:, channel] = signal[0].flip(-1, -2).numpy()  # a point's answer is the kernel turned round
    return found


def test_a_low_rank_pair(tmp_path):
    down, up = drawn(RANK, 24), drawn(32, RANK, seed=2)
    parts = {"lora_down.weight": down, "lora_up.weight": up, "alpha": torch.tensor(ALPHA)}

    before, after = changed(tmp_path, LINEAR, parts)

    expected = numpy.einsum("or,ri->oi", up.numpy(), down.numpy()) * ALPHA / RANK
    numpy.testing.assert_allclose(after - before, STRENGTH * expected, atol=1e-6)


def test_a_pair_without_alpha_counts_in_full(tmp_path):
    down, up = drawn(RANK, 24), drawn(32, RANK, seed=2)

    before, after = changed(tmp_path, LINEAR, {"lora_down.weight": down, "lora_up.weight": up})

    numpy.testing.assert_allclose(after - before, STRENGTH * (up.numpy() @ down.numpy()), atol=1e-6)


@pytest.mark.parametrize("square", [(1, 1), ()], ids=["as convolutions", "as matrices"])
def test_a_pair_for_a_convolution_of_one_point(tmp_path, square):
    down, up = drawn(RANK, 32, *square), drawn(32, RANK, *square, seed=2)

    before, after = changed(tmp_path, POINT, {"lora_down.weight": down, "lora_up.weight": up})

    expected = up.reshape(32, RANK).numpy() @ down.reshape(RANK, 32).numpy()
    numpy.testing.assert_allclose((after - before)[..., 0, 0], STRENGTH * expected, atol=1e-6)


@pytest.mark.parametrize(
    ("down", "up"),
    [((RANK, 32, 3, 3), (32, RANK, 1, 1)), ((RANK, 32, 1, 1), (32, RANK, 3, 3))],
    ids=["first", "second"],
)
def test_locon_equals_its_convolutions_one_after_the_other(tmp_path, down, up):
    kernels = [drawn(*down), drawn(*up, seed=2)]
    parts = {"lora_down.weight": kernels[0], "lora_up.weight": kernels[1], "alpha": torch.tensor(ALPHA)}

    before, after = changed(tmp_path, KERNEL, parts)

    numpy.testing.assert_allclose(after - before, STRENGTH * ALPHA / RANK * run_convolutions(kernels), atol=1e-5)


def test_tucker_equals_its_three_convolutions(tmp_path):
    down, mid, up = drawn(RANK, 32, 1, 1), drawn(RANK, RANK, 3, 3, seed=2), drawn(32, RANK, 1, 1, seed=3)
    parts = {"lora_down.weight": down, "lora_mid.weight": mid, "lora_up.weight": up, "alpha": torch.tensor(ALPHA)}

    before, after = changed(tmp_path, KERNEL, parts)

    numpy.testing.assert_allclose(
        after - before, STRENGTH * ALPHA / RANK * run_convolutions([down, mid, up]), atol=1e-5
    )


@pytest.mark.parametrize(("spot", "columns"), [(LINEAR, 24), (KERNEL, 32 * 9)], ids=["matrix", "kernel"])
def test_loha_is_one_product_of_two_products(tmp_path, spot, columns):
    factors = {
        name: drawn(*shape, seed=number)
        for number, (name, shape) in enumerate(
            {
                "hada_w1_a": (32, RANK),
                "hada_w1_b": (RANK, columns),
                "hada_w2_a": (32, RANK),
                "hada_w2_b": (RANK, columns),
            }.items()
        )
    }

    before, after = changed(tmp_path, spot, factors | {"alpha": torch.tensor(ALPHA)})

    one_a, one_b, two_a, two_b = (factors[name].numpy() for name in sorted(factors))
    expected = numpy.empty((32, columns), numpy.float32)
    for row in range(32):
        for column in range(columns):
            expected[row, column] = (one_a[row] @ one_b[:, column]) * (two_a[row] @ two_b[:, column])
    numpy.testing.assert_allclose((after - before).reshape(32, -1), STRENGTH * ALPHA / RANK * expected, atol=1e-6)


def test_loha_with_cores_is_a_product_of_two_chains_of_convolutions(tmp_path):
    parts: Tensors = {}
    kernels = []
    for number in (1, 2):
        core, a, b = (
            drawn(RANK, RANK, 3, 3, seed=number),
            drawn(RANK, 32, seed=10 + number),
            drawn(RANK, 32, seed=20 + number),
        )
        parts |= {f"hada_t{number}": core, f"hada_w{number}_a": a, f"hada_w{number}_b": b}
        kernels.append(run_convolutions([b[..., None, None], core, a.T[..., None, None]]))

    before, after = changed(tmp_path, KERNEL, parts | {"alpha": torch.tensor(ALPHA)})

    numpy.testing.assert_allclose(after - before, STRENGTH * ALPHA / RANK * kernels[0] * kernels[1], atol=1e-5)


def kronecker(first: numpy.ndarray, second: numpy.ndarray) -> numpy.ndarray:
    """Block by block, over the first two sides."""
    rows, columns = first.shape
    blocks = [[first[row, column] * second for column in range(columns)] for row in range(rows)]
    return numpy.concatenate([numpy.concatenate(line, 1) for line in blocks], 0)


LOKR: dict[str, tuple[str, Tensors, Callable[[Tensors], tuple[torch.Tensor, torch.Tensor]], float]] = {
    "both whole, alpha unused": (
        LINEAR,
        {"lokr_w1": drawn(4, 4), "lokr_w2": drawn(8, 6, seed=2)},
        lambda p: (p["lokr_w1"], p["lokr_w2"]),
        1.0,
    ),
    "second a product": (
        LINEAR,
        {"lokr_w1": drawn(4, 4), "lokr_w2_a": drawn(8, RANK, seed=2), "lokr_w2_b": drawn(RANK, 6, seed=3)},
        lambda p: (p["lokr_w1"], p["lokr_w2_a"] @ p["lokr_w2_b"]),
        ALPHA / RANK,
    ),
    "both products": (
        LINEAR,
        {
            "lokr_w1_a": drawn(4, RANK),
            "lokr_w1_b": drawn(RANK, 4, seed=4),
            "lokr_w2_a": drawn(8, RANK, seed=2),
            "lokr_w2_b": drawn(RANK, 6, seed=3),
        },
        lambda p: (p["lokr_w1_a"] @ p["lokr_w1_b"], p["lokr_w2_a"] @ p["lokr_w2_b"]),
        ALPHA / RANK,
    ),
    "a kernel": (
        KERNEL,
        {"lokr_w1": drawn(4, 4), "lokr_w2": drawn(8, 8, 3, 3, seed=2)},
        lambda p: (p["lokr_w1"], p["lokr_w2"]),
        1.0,
    ),
    "a kernel as a product": (
        KERNEL,
        {"lokr_w1": drawn(4, 4), "lokr_w2_a": drawn(8, RANK, seed=2), "lokr_w2_b": drawn(RANK, 8 * 9, seed=3)},
        lambda p: (p["lokr_w1"], (p["lokr_w2_a"] @ p["lokr_w2_b"]).reshape(8, 8, 3, 3)),
        ALPHA / RANK,
    ),
    "a kernel with a core": (
        KERNEL,
        {
            "lokr_w1": drawn(4, 4),
            "lokr_t2": drawn(RANK, RANK, 3, 3, seed=5),
            "lokr_w2_a": drawn(RANK, 8, seed=2),
            "lokr_w2_b": drawn(RANK, 8, seed=3),
        },
        lambda p: (
            p["lokr_w1"],
            torch.from_numpy(
                run_convolutions([p["lokr_w2_b"][..., None, None], p["lokr_t2"], p["lokr_w2_a"].T[..., None, None]])
            ),
        ),
        ALPHA / RANK,
    ),
}


@pytest.mark.parametrize("form", LOKR)
def test_lokr_is_a_product_of_blocks(tmp_path, form):
    spot, parts, factors, scale = LOKR[form]

    before, after = changed(tmp_path, spot, parts | {"alpha": torch.tensor(ALPHA)})

    first, second = (factor.numpy() for factor in factors(parts))
    numpy.testing.assert_allclose(after - before, STRENGTH * scale * kronecker(first, second), atol=1e-5)


def test_a_whole_difference_and_a_bias(tmp_path):
    parts = {"diff": drawn(32, 32, 3, 3), "diff_b": drawn(32, seed=2)}

    before, after = changed(tmp_path, KERNEL, parts)
    bias_before, bias_after = changed(tmp_path, KERNEL, parts, attribute="bias")

    numpy.testing.assert_allclose(after - before, STRENGTH * parts["diff"].numpy(), atol=1e-6)
    numpy.testing.assert_allclose(bias_after - bias_before, STRENGTH * parts["diff_b"].numpy(), atol=1e-6)


def test_a_norms_weight_and_bias(tmp_path):
    parts = {"w_norm": drawn(32), "b_norm": drawn(32, seed=2)}

    before, after = changed(tmp_path, NORM, parts)
    bias_before, bias_after = changed(tmp_path, NORM, parts, attribute="bias")

    numpy.testing.assert_allclose(after - before, STRENGTH * parts["w_norm"].numpy(), atol=1e-6)
    numpy.testing.assert_allclose(bias_after - bias_before, STRENGTH * parts["b_norm"].numpy(), atol=1e-6)


DORA = {
    "rows": ("dora_scale", (32, 1), "rows"),
    "rows without a second side": ("dora_scale", (32,), "rows"),
    "columns": ("dora_scale", (1, 24), "columns"),
    "as peft saves it": ("lora_magnitude_vector", (32,), "rows"),
    "as peft names it": ("lora_magnitude_vector.default.weight", (32,), "rows"),
}


@pytest.mark.parametrize("form", DORA)
def test_dora_gives_each_row_or_column_its_length(tmp_path, form):
    part, shape, side = DORA[form]
    down, up, magnitude = drawn(RANK, 24), drawn(32, RANK, seed=2), drawn(*shape, seed=3).abs() + 0.1
    parts = {"lora_down.weight": down, "lora_up.weight": up, "alpha": torch.tensor(ALPHA), part: magnitude}

    before, after = changed(tmp_path, LINEAR, parts)

    directed = before + ALPHA / RANK * (up.numpy() @ down.numpy())
    lengths = magnitude.numpy().reshape(-1)
    if side == "rows":
        whole = numpy.stack(
            [row * length / numpy.sqrt((row**2).sum()) for row, length in zip(directed, lengths, strict=True)]
        )
    else:
        whole = numpy.stack(
            [
                column * length / numpy.sqrt((column**2).sum())
                for column, length in zip(directed.T, lengths, strict=True)
            ],
            1,
        )
    numpy.testing.assert_allclose(after, before + STRENGTH * (whole - before), atol=1e-6)


@pytest.mark.parametrize(
    ("part", "shape", "axes"),
    [
        ("dora_scale", (32, 1, 1, 1), (1, 2, 3)),
        ("dora_scale", (1, 32, 1, 1), (0, 2, 3)),
        ("lora_magnitude_vector", (1, 32, 1, 1), (1, 2, 3)),
    ],
    ids=["rows", "columns", "peft"],
)
def test_dora_of_a_kernel(tmp_path, part, shape, axes):
    kernels, magnitude = [drawn(RANK, 32, 3, 3), drawn(32, RANK, 1, 1, seed=2)], drawn(32, seed=3).abs() + 0.1
    parts = {"lora_down.weight": kernels[0], "lora_up.weight": kernels[1], part: magnitude.reshape(shape)}

    before, after = changed(tmp_path, KERNEL, parts)

    directed = before + run_convolutions(kernels)
    lengths = numpy.sqrt((directed**2).sum(axes, keepdims=True))
    whole = directed / lengths * magnitude.numpy().reshape(lengths.shape)
    numpy.testing.assert_allclose(after, before + STRENGTH * (whole - before), atol=1e-5)


def test_dora_of_a_loha(tmp_path):
    factors = {
        "hada_w1_a": drawn(32, 2),
        "hada_w1_b": drawn(2, 24),
        "hada_w2_a": drawn(32, 2),
        "hada_w2_b": drawn(2, 24),
    }

    before, after = changed(tmp_path, LINEAR, factors | {"dora_scale": torch.full((32, 1), 0.5)})

    whole = (after - before) / STRENGTH + before
    numpy.testing.assert_allclose(numpy.linalg.norm(whole, axis=1), 0.5, atol=1e-5)


def test_a_table_of_words_in_pefts_form(tmp_path):
    encoder = text_encoder()
    down, up = drawn(RANK, 100), drawn(24, RANK, seed=2)
    key = "text_encoder.text_model.embeddings.token_embedding"
    path = written(tmp_path / "words.safetensors", {f"{key}.lora_embedding_A": down, f"{key}.lora_embedding_B": up})
    table = encoder.get_submodule("embeddings.token_embedding").weight
    before = table.detach().clone()

    with fold_loras({"text_encoder": encoder}, [LoraFile(path, 0.0, STRENGTH, "", "words")]) as notes:
        after = table.detach().clone()

    assert notes == ()
    numpy.testing.assert_allclose((after - before).numpy(), STRENGTH * (up.numpy() @ down.numpy()).T, atol=1e-6)


# Layers that the original networks keep in one matrix and diffusers in several.

FLUX = {
    "double_blocks_0_img_attn_qkv": [f"transformer_blocks.0.attn.to_{side}" for side in "qkv"],
    "double_blocks_0_txt_attn_qkv": [f"transformer_blocks.0.attn.add_{side}_proj" for side in "qkv"],
    "double_blocks_0_img_mlp_0": ["transformer_blocks.0.ff.net.0.proj"],
    "double_blocks_0_txt_mod_lin": ["transformer_blocks.0.norm1_context.linear"],
    "single_blocks_0_linear1": [
        *(f"single_transformer_blocks.0.attn.to_{side}" for side in "qkv"),
        "single_transformer_blocks.0.proj_mlp",
    ],
    "single_blocks_0_linear2": ["single_transformer_blocks.0.proj_out"],
    "single_blocks_0_modulation_lin": ["single_transformer_blocks.0.norm.linear"],
    "img_in": ["x_embedder"],
    "final_layer_linear": ["proj_out"],
}
SD3 = {
    "joint_blocks_0_x_block_attn_qkv": [f"transformer_blocks.0.attn.to_{side}" for side in "qkv"],
    "joint_blocks_1_context_block_attn_qkv": [f"transformer_blocks.1.attn.add_{side}_proj" for side in "qkv"],
    "joint_blocks_0_x_block_attn_proj": ["transformer_blocks.0.attn.to_out.0"],
    "joint_blocks_0_context_block_mlp_fc1": ["transformer_blocks.0.ff_context.net.0.proj"],
    "joint_blocks_0_context_block_adaLN_modulation_1": ["transformer_blocks.0.norm1_context.linear"],
    "context_embedder": ["context_embedder"],
}


@pytest.mark.parametrize("prefix", ["lora_unet_", "diffusion_model."], ids=["kohya", "dotted"])
@pytest.mark.parametrize(
    ("make", "original", "layers"),
    [(flux_transformer, *item) for item in FLUX.items()] + [(sd3_transformer, *item) for item in SD3.items()],
    ids=[*FLUX, *SD3],
)
def test_a_transformers_original_layer_reaches_its_parts(tmp_path, make, original, layers, prefix):
    transformer = make()
    modules = [transformer.get_submodule(name) for name in layers]
    before = torch.cat([module.weight.detach() for module in modules]).clone()
    down, up = drawn(RANK, before.shape[1]), drawn(len(before), RANK, seed=2)
    magnitude = drawn(len(before), 1, seed=3).abs() + 0.1
    tensors = {"lora_down.weight": down, "lora_up.weight": up, "dora_scale": magnitude}
    path = written(tmp_path / "part.safetensors", {f"{prefix}{original}.{part}": t for part, t in tensors.items()})

    with fold_loras({"transformer": transformer}, [LoraFile(path, STRENGTH, 0.0, "", "part")]) as notes:
        after = torch.cat([module.weight.detach() for module in modules]).clone()

    directed = before + up @ down
    whole = directed / directed.norm(dim=1, keepdim=True) * magnitude
    assert notes == ()
    torch.testing.assert_close(after, before + STRENGTH * (whole - before), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("make", "original", "layer"),
    [
        (flux_transformer, "final_layer_adaLN_modulation_1", "norm_out.linear"),
        (sd3_transformer, "final_layer_adaLN_modulation_1", "norm_out.linear"),
        (
            sd3_transformer,
            "joint_blocks_1_context_block_adaLN_modulation_1",
            "transformer_blocks.1.norm1_context.linear",
        ),
    ],
    ids=["Flux", "SD 3", "SD 3's last block"],
)
def test_a_final_modulations_halves_change_places(tmp_path, make, original, layer):
    transformer = make()
    module = transformer.get_submodule(layer)
    before = module.weight.detach().clone()
    difference, bias = drawn(*before.shape), drawn(len(before), seed=2)
    tensors = {f"lora_unet_{original}.diff": difference, f"lora_unet_{original}.diff_b": bias}
    path = written(tmp_path / "part.safetensors", tensors)
    bias_before = module.bias.detach().clone()

    with fold_loras({"transformer": transformer}, [LoraFile(path, 1.0, 0.0, "", "part")]):
        change, bias_change = module.weight.detach() - before, module.bias.detach() - bias_before

    torch.testing.assert_close(change, difference.roll(len(before) // 2, 0), atol=1e-6, rtol=0)
    torch.testing.assert_close(bias_change, bias.roll(len(before) // 2, 0), atol=1e-6, rtol=0)
