"""Hypernetworks of A1111: small networks that change what an attention layer makes its keys and values from.

The file is a table in torch's own format: a whole number (the width of a layer's context) stands for a pair of state
dicts, for keys and for values, beside settings. With c the context, M the network and s the strength, a layer uses
k = to_k(c + s·M_k(c)) and v = to_v(c + s·M_v(c)). The context is the text's states in cross-attention and the layer's
own input in self-attention. Several chain: each sees what the one before made.
Source: the format as A1111's stable-diffusion-webui writes it (modules/hypernetworks).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import torch
from torch import nn
from torch.nn import functional

from inference.engine.errors import BadIngredient
from inference.engine.weights import check_tensor, is_safetensors, read_torch

ROLE: Final = "hypernet"
MAX_LAYERS: Final = 32  # of one network; files in use have two to five
MAX_WIDTHS: Final = 16
_Activation = Callable[[torch.Tensor], torch.Tensor]

# A1111 offers the activations of torch.nn by their names in small letters; "swish" it takes for Hardswish. GLU, which
# halves the width, fits no network of these shapes.
_ACTIVATIONS: Final[dict[str, _Activation]] = {
    "relu": functional.relu,
    "leakyrelu": functional.leaky_relu,
    "elu": functional.elu,
    "swish": functional.hardswish,
    "hardswish": functional.hardswish,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "celu": functional.celu,
    "gelu": functional.gelu,
    "hardshrink": functional.hardshrink,
    "hardsigmoid": functional.hardsigmoid,
    "hardtanh": functional.hardtanh,
    "logsigmoid": functional.logsigmoid,
    "mish": functional.mish,
    "relu6": functional.relu6,
    "rrelu": functional.rrelu,
    "selu": functional.selu,
    "silu": functional.silu,
    "softplus": functional.softplus,
    "softshrink": functional.softshrink,
    "softsign": functional.softsign,
    "tanhshrink": functional.tanhshrink,
}

_LAYER: Final = re.compile(r"linear\.(\d{1,4})\.(weight|bias)\Z")
_OLD_LAYER: Final = {"linear1.": "linear.0.", "linear2.": "linear.1."}  # the oldest files


class Mlp(nn.Module):
    """One network: its layers in order, with the activation after each linear one (the last only if asked)."""

    def __init__(self, layers: Sequence[nn.Module], activation: _Activation | None, *, activate_output: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        linear = [place for place, layer in enumerate(layers) if isinstance(layer, nn.Linear)]
        self._activated = frozenset(linear if activate_output else linear[:-1]) if activation else frozenset()
        self._activation = activation

    def forward(self, context: torch.Tensor) -> torch.Tensor:
        for place, layer in enumerate(self.layers):
            context = layer(context)
            if self._activation is not None and place in self._activated:
                context = self._activation(context)
        return context


@dataclass(frozen=True, eq=False)
class Hypernet:
    """A read file: for each context width a network for keys and one for values, in float32 on the CPU."""

    name: str
    pairs: Mapping[int, tuple[Mlp, Mlp]]

    @property
    def widths(self) -> tuple[int, ...]:
        return tuple(sorted(self.pairs))


def read_hypernet(path: Path, name: str = "") -> Hypernet:
    """The networks of a file. Raises BadIngredient for anything else, naming the layer at fault."""
    name = name or path.name
    if is_safetensors(path):
        raise BadIngredient("not_a_hypernetwork", ROLE, name=name)
    content = read_torch(path, ROLE, name)
    widths = [key for key in content if type(key) is int] if isinstance(content, dict) else []
    if not 1 <= len(widths) <= MAX_WIDTHS:
        raise BadIngredient("not_a_hypernetwork", ROLE, name=name)
    reader = _Reader(name, _activation(content, name), bool(content.get("activate_output", True)))
    return Hypernet(name, {width: reader.pair(width, content[width]) for width in widths})


def _activation(content: Mapping[Any, Any], name: str) -> _Activation | None:
    written = content.get("activation_func")
    if written is None or written == "linear":
        return None
    found = _ACTIVATIONS.get(written.lower()) if isinstance(written, str) else None
    if found is None:
        raise BadIngredient("unknown_activation", ROLE, name=name, activation=str(written)[:60])
    return found


@dataclass(frozen=True)
class _Reader:
    """Builds the networks of one file."""

    name: str
    activation: _Activation | None
    activate_output: bool

    def pair(self, width: int, value: Any) -> tuple[Mlp, Mlp]:
        if not isinstance(value, tuple | list) or len(value) < 2:
            self.refuse("missing_pair", str(width))
        return self.network(width, "keys", value[0]), self.network(width, "values", value[1])

    def network(self, width: int, side: str, state: Any) -> Mlp:
        """The layers by their numbers; activations and dropouts took numbers too, so there are gaps."""
        layers = [
            self.layer(f"{width}.{side}.linear.{number}", parts) for number, parts in self.numbered(width, side, state)
        ]
        current = width
        for layer in layers:
            wants = layer.in_features if isinstance(layer, nn.Linear) else len(layer.weight)
            if wants != current:
                self.refuse("wrong_shape", f"{width}.{side}", shape=[wants], expected=[current])
            current = layer.out_features if isinstance(layer, nn.Linear) else current
        if current != width or not any(isinstance(layer, nn.Linear) for layer in layers):
            self.refuse("wrong_shape", f"{width}.{side}", shape=[current], expected=[width])
        return Mlp(layers, self.activation, activate_output=self.activate_output).eval().requires_grad_(False)

    def numbered(self, width: int, side: str, state: Any) -> list[tuple[int, dict[str, torch.Tensor]]]:
        numbered: dict[int, dict[str, torch.Tensor]] = {}
        for key, tensor in state.items() if isinstance(state, dict) else ():
            match = _LAYER.match(_renamed(str(key)[:60]))
            if match is None or not isinstance(tensor, torch.Tensor):
                self.refuse("unknown_key", f"{width}.{side}.{str(key)[:60]}")
            numbered.setdefault(int(match[1]), {})[match[2]] = tensor
        if not 1 <= len(numbered) <= MAX_LAYERS:
            self.refuse("not_a_hypernetwork", f"{width}.{side}")
        return sorted(numbered.items())

    def layer(self, key: str, parts: Mapping[str, torch.Tensor]) -> nn.Linear | nn.LayerNorm:
        if parts.keys() != {"weight", "bias"}:
            self.refuse("missing_pair", key)
        weight, bias = (self.numbers(f"{key}.{part}", parts[part]) for part in ("weight", "bias"))
        if weight.ndim not in (1, 2) or 0 in weight.shape or tuple(bias.shape) != (len(weight),):
            self.refuse(
                "wrong_shape", f"{key}.weight", shape=list(weight.shape), expected=[len(bias)] if bias.ndim else []
            )
        with torch.device("meta"):  # made without numbers: fresh ones would be drawn from the shared generator
            layer = nn.Linear(weight.shape[1], len(weight)) if weight.ndim == 2 else nn.LayerNorm(len(weight))
        layer.load_state_dict({"weight": weight, "bias": bias}, assign=True)
        return layer

    def numbers(self, key: str, tensor: torch.Tensor) -> torch.Tensor:
        check_tensor(tensor, ROLE, self.name, key)
        if not tensor.is_floating_point():
            self.refuse("wrong_dtype", key, dtype=str(tensor.dtype).removeprefix("torch."))
        value = tensor.detach().to(torch.float32)
        if not bool(torch.isfinite(value).all()):
            self.refuse("not_finite", key)
        return value

    def refuse(self, code: str, key: str, **params: object) -> NoReturn:
        raise BadIngredient(code, ROLE, name=self.name, key=key, **params)


def _renamed(key: str) -> str:
    for old, new in _OLD_LAYER.items():
        if key.startswith(old):
            return new + key.removeprefix(old)
    return key


@contextmanager
def attach_hypernets(unet: nn.Module, hypernets: Sequence[tuple[Hypernet, float]]) -> Iterator[None]:
    """Let the attention layers of `unet` see their context through `hypernets` as long as the context is open.

    Raises BadIngredient `nothing_applies` for one that has no width of this U-Net. Strength 0 attaches nothing.
    """
    layers = list(_attention_inputs(unet))
    widths = {projection.in_features for _, projection in layers}
    for hypernet, _ in hypernets:
        if not widths & hypernet.pairs.keys():
            raise BadIngredient("nothing_applies", ROLE, name=hypernet.name, widths=list(hypernet.widths))
    with ExitStack() as hooks:
        for hypernet, strength in hypernets:
            placed = _placed(hypernet, unet) if strength else {}
            for side, projection in layers:
                pair = placed.get(projection.in_features)
                if pair is not None:
                    handle = projection.register_forward_pre_hook(_adding(pair[side], strength))
                    hooks.callback(handle.remove)
        yield


def _attention_inputs(unet: nn.Module) -> Iterator[tuple[int, nn.Linear]]:
    """(0 for keys or 1 for values, projection) of every attention layer over the text and over the picture itself."""
    for name, module in unet.named_modules():
        if name.endswith((".attn1", ".attn2")):
            for side, projection in enumerate((module.get_submodule("to_k"), module.get_submodule("to_v"))):
                if isinstance(projection, nn.Linear):
                    yield side, projection


def _placed(hypernet: Hypernet, unet: nn.Module) -> dict[int, tuple[nn.Module, nn.Module]]:
    """Copies on the U-Net's device and in its dtype; the file's own stay as read, for another pipeline."""
    like = next(unet.parameters())
    return {width: (_copied(keys, like), _copied(values, like)) for width, (keys, values) in hypernet.pairs.items()}


def _copied(network: Mlp, like: torch.Tensor) -> nn.Module:
    return copy.deepcopy(network).to(like.device, like.dtype)


_Hook = Callable[[nn.Module, tuple[torch.Tensor, ...]], tuple[torch.Tensor, ...]]


def _adding(network: nn.Module, strength: float) -> _Hook:
    def add(_projection: nn.Module, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        context, *others = given
        return context + network(context) * strength, *others

    return add
