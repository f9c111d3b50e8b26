"""Hypernetworks against an attention that is written out by hand from the file's own tensors."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from inference.engine.errors import BadIngredient
from inference.engine.hypernets import attach_hypernets, read_hypernet
from tests.inference.engine.networks import drawn, sd1_noise, sd1_unet, weights

CROSS, OWN = 24, 32  # widths of the text's states and of the picture's at the first level


def state(width: int, seed: int, *, norm: bool = False, gap: int = 1) -> dict[str, torch.Tensor]:
    """Linear to twice the width, gaps for activation and dropout, linear back; layer norms where asked."""
    tensors, number = {}, 0
    for place, (inputs, out) in enumerate(((width, 2 * width), (2 * width, width))):
        tensors[f"linear.{number}.weight"] = drawn(out, inputs, seed=seed + place)
        tensors[f"linear.{number}.bias"] = drawn(out, seed=seed + 10 + place)
        number += 1 + (gap if place == 0 else 0)
        if norm:
            tensors[f"linear.{number}.weight"] = 1 + drawn(out, seed=seed + 20 + place)
            tensors[f"linear.{number}.bias"] = drawn(out, seed=seed + 30 + place)
            number += 1
    return tensors


def content(seed: int = 0, *, widths: tuple[int, ...] = (CROSS, OWN), norm: bool = False, **settings: Any) -> dict:
    pairs = {
        width: (state(width, seed + width, norm=norm), state(width, seed + width + 100, norm=norm)) for width in widths
    }
    return pairs | {"layer_structure": [1, 2, 1], "is_layer_norm": norm, "name": "mood", "step": 9} | settings


def saved(tmp_path: Path, table: Any, name: str = "mood.pt") -> Path:
    torch.save(table, tmp_path / name)
    return tmp_path / name


def by_hand(tensors: dict[str, torch.Tensor], context: torch.Tensor, activation, *, on_output: bool) -> torch.Tensor:
    numbers = sorted({int(key.split(".")[1]) for key in tensors})
    last = max(number for number in numbers if tensors[f"linear.{number}.weight"].ndim == 2)
    for number in numbers:
        weight, bias = tensors[f"linear.{number}.weight"], tensors[f"linear.{number}.bias"]
        if weight.ndim == 1:
            centered = context - context.mean(-1, keepdim=True)
            context = centered / (centered.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt() * weight + bias
            continue
        context = context @ weight.T + bias
        if activation and (number != last or on_output):
            context = activation(context)
    return context


class WrittenOut:
    """An attention processor with the hypernetworks inside, in place of diffusers' own."""

    def __init__(self, tables: list[tuple[dict, float]], activation, *, on_output: bool) -> None:
        self.tables, self.activation, self.on_output = tables, activation, on_output

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, **_: Any) -> torch.Tensor:
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        seen = [context, context]
        for table, strength in self.tables:
            for side in (0, 1):
                if context.shape[-1] in table:
                    tensors = table[context.shape[-1]][side]
                    extra = by_hand(tensors, seen[side], self.activation, on_output=self.on_output)
                    seen[side] = seen[side] + strength * extra
        query, key, value = attn.to_q(hidden_states), attn.to_k(seen[0]), attn.to_v(seen[1])
        heads = [part.unflatten(-1, (attn.heads, -1)).transpose(1, 2) for part in (query, key, value)]
        scores = (heads[0] @ heads[1].transpose(-1, -2)) * attn.scale
        found = (scores.softmax(-1) @ heads[2]).transpose(1, 2).flatten(2)
        return attn.to_out[1](attn.to_out[0](found)) / attn.rescale_output_factor


CASES = {
    "no activation": (content(), None, True),
    "relu, also on the output": (content(activation_func="relu"), functional.relu, True),
    "relu, not on the output": (content(activation_func="relu", activate_output=False), functional.relu, False),
    "swish means Hardswish": (
        content(activation_func="swish", activate_output=False),
        functional.hardswish,
        False,
    ),
    "layer norms": (
        content(activation_func="mish", activate_output=False, norm=True),
        functional.mish,
        False,
    ),
    "cross-attention alone": (content(widths=(CROSS,)), None, True),
}


@pytest.mark.parametrize("case", CASES)
def test_attached_networks_equal_an_attention_written_by_hand(tmp_path, case):
    table, activation, on_output = CASES[case]
    unet = sd1_unet()
    plain = sd1_noise(unet)
    with attach_hypernets(unet, [(read_hypernet(saved(tmp_path, table)), 0.8)]):
        attached = sd1_noise(unet)

    unet.set_attn_processor(WrittenOut([(table, 0.8)], activation, on_output=on_output))

    assert (attached - plain).abs().max() > 1e-3
    torch.testing.assert_close(attached, sd1_noise(unet), atol=1e-5, rtol=0)


def test_several_chain_each_on_the_one_before(tmp_path):
    tables = [content(), content(500)]
    unet = sd1_unet()
    files = [read_hypernet(saved(tmp_path, table, f"{place}.pt")) for place, table in enumerate(tables)]
    with attach_hypernets(unet, [(files[0], 0.5), (files[1], 1.0)]):
        attached = sd1_noise(unet)

    unet.set_attn_processor(WrittenOut([(tables[0], 0.5), (tables[1], 1.0)], None, on_output=True))

    torch.testing.assert_close(attached, sd1_noise(unet), atol=1e-5, rtol=0)


def test_removal_and_no_strength_are_exact(tmp_path):
    unet = sd1_unet()
    plain, before = sd1_noise(unet), weights(unet)
    hypernet = read_hypernet(saved(tmp_path, content()))

    with attach_hypernets(unet, [(hypernet, 0.0)]):
        assert torch.equal(sd1_noise(unet), plain)
    with attach_hypernets(unet, [(hypernet, 1.0)]):
        assert not torch.equal(sd1_noise(unet), plain)
    with pytest.raises(RuntimeError, match="a fault"), attach_hypernets(unet, [(hypernet, 1.0)]):
        raise RuntimeError("a fault")

    assert torch.equal(sd1_noise(unet), plain)
    assert all(torch.equal(*pair) for pair in zip(before, weights(unet), strict=True))


def test_the_file_stays_as_read_when_the_network_is_of_half_precision(tmp_path):
    hypernet = read_hypernet(saved(tmp_path, content()))
    unet = sd1_unet().to(torch.bfloat16)
    latents, text = drawn(1, 4, 8, 8).to(torch.bfloat16), drawn(1, 7, CROSS).to(torch.bfloat16)

    with torch.no_grad(), attach_hypernets(unet, [(hypernet, 1.0)]):
        noise = unet(latents, 500, text).sample

    assert noise.dtype == torch.bfloat16
    assert all(
        tensor.dtype == torch.float32 for pair in hypernet.pairs.values() for net in pair for tensor in net.parameters()
    )


def test_reading_draws_nothing_from_the_shared_generator(tmp_path):
    path = saved(tmp_path, content())
    torch.manual_seed(4)
    wanted = torch.rand(1)
    torch.manual_seed(4)

    read_hypernet(path)

    assert torch.equal(torch.rand(1), wanted)


def test_the_oldest_names_of_layers_are_read(tmp_path):
    tensors = state(CROSS, 3, gap=0)
    old = {
        key.replace("linear.0.", "linear1.").replace("linear.1.", "linear2."): tensor for key, tensor in tensors.items()
    }
    new, aged = ({CROSS: (pair, pair)} for pair in (tensors, old))
    unet = sd1_unet()
    results = []
    for place, table in enumerate((new, aged)):
        with attach_hypernets(unet, [(read_hypernet(saved(tmp_path, table, f"{place}.pt")), 1.0)]):
            results.append(sd1_noise(unet))

    assert torch.equal(*results)


def broken(change) -> dict:
    table = content()
    change(table[CROSS][0])
    return table


def wrong(key: str, tensor: torch.Tensor):
    return broken(lambda tensors: tensors.update({key: tensor}))


@pytest.mark.parametrize(
    ("table", "code", "key"),
    [
        pytest.param({"step": 1}, "not_a_hypernetwork", None, id="no networks"),
        pytest.param([1, 2], "not_a_hypernetwork", None, id="a list"),
        pytest.param({"state_dict": {"a": torch.ones(2)}}, "not_a_hypernetwork", None, id="a checkpoint"),
        pytest.param({width: ({}, {}) for width in range(1, 40)}, "not_a_hypernetwork", None, id="too many widths"),
        pytest.param({CROSS: state(CROSS, 1)}, "missing_pair", "24", id="keys alone"),
        pytest.param({CROSS: ({}, {})}, "not_a_hypernetwork", "24.keys", id="no layers"),
        pytest.param(
            broken(lambda tensors: tensors.pop("linear.0.bias")), "missing_pair", "24.keys.linear.0", id="no bias"
        ),
        pytest.param(
            wrong("linear.0.weight", drawn(48, 20)), "wrong_shape", "24.keys", id="layers that do not fit together"
        ),
        pytest.param(
            wrong("linear.2.weight", drawn(48, 48)),
            "wrong_shape",
            "24.keys.linear.2.weight",
            id="a bias that does not fit",
        ),
        pytest.param(
            wrong("linear.0.bias", torch.full((48,), float("nan"))), "not_finite", "24.keys.linear.0.bias", id="NaN"
        ),
        pytest.param(
            wrong("linear.0.weight", torch.ones(48, 24, dtype=torch.int64)),
            "wrong_dtype",
            "24.keys.linear.0.weight",
            id="whole numbers",
        ),
        pytest.param(
            wrong("linear.0.weight", torch.zeros(1).expand(1 << 20, 24)),
            "false_size",
            "24.keys.linear.0.weight",
            id="a tensor that repeats one number",
        ),
        pytest.param(wrong("conv.0.weight", drawn(2)), "unknown_key", "24.keys.conv.0.weight", id="an unknown layer"),
        pytest.param(content(activation_func="exec"), "unknown_activation", None, id="an unknown activation"),
        pytest.param(content(activation_func=7), "unknown_activation", None, id="an activation that is no name"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path, table, code, key):
    path = saved(tmp_path, table)

    with pytest.raises(BadIngredient) as caught:
        read_hypernet(path, "mood")

    assert (caught.value.code, caught.value.role, caught.value.params.get("key")) == (code, "hypernet", key)


def test_widths_of_another_family_are_refused(tmp_path):
    hypernet = read_hypernet(saved(tmp_path, content(widths=(768,))))
    unet = sd1_unet()

    with pytest.raises(BadIngredient) as caught, attach_hypernets(unet, [(hypernet, 1.0)]):
        pass

    assert (caught.value.code, caught.value.params["widths"]) == ("nothing_applies", [768])


def test_hooks_work_beside_layers_of_peft(tmp_path):
    from peft import LoraConfig

    hypernet = read_hypernet(saved(tmp_path, content()))
    unet = sd1_unet()
    with attach_hypernets(unet, [(hypernet, 1.0)]):
        wanted = sd1_noise(unet)

    unet.add_adapter(LoraConfig(r=2, target_modules=["to_q"]))
    with attach_hypernets(unet, [(hypernet, 1.0)]):
        got = sd1_noise(unet)

    torch.testing.assert_close(got, wanted, atol=1e-6, rtol=0)
    assert isinstance(unet.get_submodule("down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_k"), nn.Linear)
