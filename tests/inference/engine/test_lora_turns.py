"""OFT, (IA)³ and GLoRA against arithmetic that is written another way, or the layer run step by step."""

from __future__ import annotations

import math

import numpy
import pytest
import torch
from torch.nn import functional

from inference.engine.errors import BadIngredient
from inference.engine.loras import LoraFile, fold_loras
from tests.inference.engine.networks import Tensors, drawn, sd1_unet, written
from tests.inference.engine.test_lora_forms import KERNEL, LINEAR, NORM, POINT, STRENGTH, changed

RANK, ALPHA = 4, 3.0
ROWS, COLUMNS = 32, 24  # of LINEAR


def rotation(blocks: numpy.ndarray) -> numpy.ndarray:
    """All rotations of B − Bᵀ in one large matrix, each by solving for its rows."""
    count, side, _ = blocks.shape
    whole = numpy.zeros((count * side, count * side))
    for number, block in enumerate(blocks.astype(numpy.float64)):
        skew, eye = block - block.T, numpy.eye(side)
        place = slice(number * side, (number + 1) * side)
        whole[place, place] = numpy.linalg.solve((eye - skew).T, (eye + skew).T).T
    return whole


def flat(kernel: numpy.ndarray) -> numpy.ndarray:
    return kernel.reshape(len(kernel), -1)


@pytest.mark.parametrize("spot", [LINEAR, POINT, KERNEL], ids=["matrix", "point", "kernel"])
@pytest.mark.parametrize("shape", [(8, 4, 4), (1, 32, 32), (32, 1, 1)], ids=str)
def test_rotations_turn_blocks_of_rows(tmp_path, spot, shape):
    blocks = drawn(*shape)

    before, after = changed(tmp_path, spot, {"oft_blocks": blocks})

    turned = rotation(blocks.numpy()).T @ flat(before)
    numpy.testing.assert_allclose(flat(after - before), STRENGTH * (turned - flat(before)), atol=2e-6)


def test_a_block_of_two_rows_turns_them_by_an_angle(tmp_path):
    angle = math.pi / 6
    blocks = torch.zeros(16, 2, 2)
    blocks[:, 0, 1] = math.tan(angle / 2)  # Cayley's map takes the tangent of half the angle

    before, after = changed(tmp_path, LINEAR, {"oft_blocks": blocks})

    first, second = before[0::2], before[1::2]
    expected = before.copy()
    expected[0::2] = math.cos(angle) * first - math.sin(angle) * second
    expected[1::2] = math.sin(angle) * first + math.cos(angle) * second
    numpy.testing.assert_allclose(after - before, STRENGTH * (expected - before), atol=1e-6)


def test_rows_keep_their_angles_to_each_other(tmp_path):
    network = sd1_unet()
    parameter = network.get_submodule(LINEAR).weight
    key = f"oft_unet_{LINEAR.replace('.', '_')}.oft_blocks"  # as kohya's trainer spells it
    path = written(tmp_path / "turn.safetensors", {key: drawn(1, 32, 32)})
    before = parameter.detach().clone()

    with fold_loras({"unet": network}, [LoraFile(path, 1.0, 0.0, "a" * 64, "turn")]) as notes:
        after = parameter.detach().clone()

    assert notes == ()
    assert (after - before).abs().max() > 0.05
    torch.testing.assert_close(after.T @ after, before.T @ before, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("alpha", "is_bound"), [(0.0, False), (1e-3, True), (10.0, False)], ids=str)
def test_alpha_bounds_how_far_rotations_turn(tmp_path, alpha, is_bound):
    blocks = drawn(8, 4, 4)

    before, after = changed(tmp_path, LINEAR, {"oft_blocks": blocks, "alpha": torch.tensor(alpha)})

    numbers = blocks.numpy()
    if is_bound:  # as long as alpha times the rows
        skew = numbers - numbers.transpose(0, 2, 1)
        numbers = numbers * (alpha * ROWS / math.sqrt((skew**2).sum()))
    turned = rotation(numbers).T @ before
    numpy.testing.assert_allclose(after - before, STRENGTH * (turned - before), atol=1e-6)


def test_rotated_rows_are_rescaled(tmp_path):
    blocks, rescale = drawn(8, 4, 4), 1 + drawn(32, 1, 1, 1, seed=2)

    before, after = changed(tmp_path, KERNEL, {"oft_blocks": blocks, "rescale": rescale})

    turned = (rotation(blocks.numpy()).T @ flat(before)) * rescale.numpy().reshape(32, 1)
    numpy.testing.assert_allclose(flat(after - before), STRENGTH * (turned - flat(before)), atol=2e-6)


@pytest.mark.parametrize("residual", [False, True], ids=["itself", "less the identity"])
def test_a_rotation_that_is_stored_is_taken_as_it_is(tmp_path, residual):
    small = 0.1 * drawn(8, 4, 4)
    stored = small if residual else small + torch.eye(4)

    before, after = changed(tmp_path, LINEAR, {"oft_diag": stored})

    expected = numpy.concatenate([
        (numpy.eye(4) + block).T @ before[4 * number : 4 * number + 4] for number, block in enumerate(small.numpy())
    ])  # fmt: skip
    numpy.testing.assert_allclose(after - before, STRENGTH * (expected - before), atol=1e-6)


@pytest.mark.parametrize("flag", [torch.tensor(1), torch.tensor(True), torch.tensor([1.0])], ids=["int", "bool", "row"])
def test_columns_are_weighed_on_the_input(tmp_path, flag):
    factors = drawn(COLUMNS)

    before, after = changed(tmp_path, LINEAR, {"weight": factors, "on_input": flag})

    expected = numpy.array([[value * factors[c].item() for c, value in enumerate(row)] for row in before])
    numpy.testing.assert_allclose(after - before, STRENGTH * expected, atol=1e-6)


@pytest.mark.parametrize("spot", [LINEAR, KERNEL], ids=["matrix", "kernel"])
def test_rows_are_weighed_on_the_output(tmp_path, spot):
    factors = drawn(32) if spot == LINEAR else drawn(1, 32, 1, 1)

    before, after = changed(tmp_path, spot, {"weight": factors, "on_input": torch.tensor(0)})

    for row in range(32):
        expected = STRENGTH * before[row] * factors.reshape(-1)[row].item()
        numpy.testing.assert_allclose((after - before)[row], expected, atol=1e-6)


def mixture(*, kernel: tuple[int, ...] = (), columns: int = COLUMNS) -> dict[str, torch.Tensor]:
    """(in, r), (r, in), (out, r) and (r, in, …), by the names of today."""
    ones = (1,) * len(kernel)
    return {
        "a1": drawn(columns, RANK, *ones, seed=1),
        "a2": drawn(RANK, columns, *ones, seed=2),
        "b1": drawn(ROWS, RANK, *ones, seed=3),
        "b2": drawn(RANK, columns, *kernel, seed=4),
    }


def named(parts: dict[str, torch.Tensor], *, is_old: bool = False) -> Tensors:
    other = {"a1": "a2", "a2": "a1", "b1": "b2", "b2": "b1"}
    return {f"{other.get(name, name) if is_old else name}.weight": tensor for name, tensor in parts.items()}


@pytest.mark.parametrize("is_old", [False, True], ids=["today", "at first"])
def test_a_matrix_is_mixed(tmp_path, is_old):
    parts = mixture()

    before, after = changed(tmp_path, LINEAR, named(parts, is_old=is_old) | {"alpha": torch.tensor(ALPHA)})

    mix = parts["a1"].numpy() @ parts["a2"].numpy()
    expected = (before @ mix + parts["b1"].numpy() @ parts["b2"].numpy()) * ALPHA / RANK
    numpy.testing.assert_allclose(after - before, STRENGTH * expected, atol=2e-6)


@pytest.mark.parametrize("is_old", [False, True], ids=["today", "at first"])
@pytest.mark.parametrize("has_core", [False, True], ids=["plain", "with a core"])
def test_a_convolution_is_mixed_as_if_its_steps_were_run(tmp_path, has_core, is_old):
    parts = mixture(kernel=(1, 1) if has_core else (3, 3), columns=32)
    if has_core:
        parts["bm"] = drawn(RANK, RANK, 3, 3, seed=5)

    before, after = changed(tmp_path, KERNEL, named(parts, is_old=is_old))

    picture = drawn(2, 32, 6, 6, seed=9)
    inside = functional.conv2d(functional.conv2d(picture, parts["a2"]), parts["a1"])
    beside = functional.conv2d(picture, parts["b2"], padding=parts["b2"].shape[-1] // 2)
    beside = functional.conv2d(beside, parts["bm"], padding=1) if has_core else beside
    expected = functional.conv2d(inside, torch.from_numpy(before), padding=1) + functional.conv2d(beside, parts["b1"])
    found = functional.conv2d(picture, torch.from_numpy(after - before), padding=1)
    torch.testing.assert_close(found, STRENGTH * expected, rtol=1e-4, atol=1e-4)


BAD = [
    pytest.param(LINEAR, {"oft_blocks": drawn(8, 4, 5)}, "wrong_shape", id="blocks that are not square"),
    pytest.param(LINEAR, {"oft_blocks": drawn(8, 5, 5)}, "wrong_shape", id="blocks for other rows"),
    pytest.param(LINEAR, {"oft_blocks": drawn(32, 32)}, "wrong_shape", id="one matrix"),
    pytest.param(LINEAR, {"oft_blocks": drawn(8, 4, 4), "rescale": drawn(31)}, "wrong_shape", id="too few scales"),
    pytest.param(LINEAR, {"oft_blocks": torch.full((8, 4, 4), math.nan)}, "not_finite", id="no numbers"),
    pytest.param(LINEAR, {"on_input": torch.tensor(1)}, "missing_pair", id="a side without factors"),
    pytest.param(LINEAR, {"on_input": torch.tensor(1), "weight": drawn(32)}, "wrong_shape", id="factors of the other"),
    pytest.param(LINEAR, {"on_input": drawn(2), "weight": drawn(32)}, "wrong_shape", id="two sides"),
    pytest.param(NORM, {"on_input": torch.tensor(1), "weight": drawn(32)}, "wrong_shape", id="columns of a row"),
    pytest.param(LINEAR, {"a1.weight": drawn(24, 4), "a2.weight": drawn(4, 24)}, "missing_pair", id="half a mixture"),
    pytest.param(LINEAR, named(mixture(columns=23)), "wrong_shape", id="a mixture for other columns"),
    pytest.param(NORM, named(mixture()), "wrong_shape", id="a mixture for a row"),
    pytest.param(
        KERNEL, named(mixture(columns=32) | {"bm": drawn(RANK, RANK, 5, 5)}), "wrong_shape", id="a core too large"
    ),
]


@pytest.mark.parametrize(("spot", "parts", "code"), BAD)
def test_parts_that_do_not_fit_are_refused_by_name(tmp_path, spot, parts, code):
    with pytest.raises(BadIngredient) as caught:
        changed(tmp_path, spot, parts)

    assert caught.value.code == code
    assert caught.value.params["key"].startswith("lora_unet_")


def test_rotations_of_immense_numbers_give_no_fault_but_a_rotation(tmp_path):
    before, after = changed(tmp_path, LINEAR, {"oft_blocks": torch.full((1, 32, 32), 1e38).triu(1)})

    assert numpy.isfinite(after).all()
    assert before.shape == after.shape
