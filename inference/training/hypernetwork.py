"""Train the hypernetwork `Cyanotype`: pictures as blue prints on white paper.

    python -m inference.training.hypernetwork --checkpoint FILE

Two small networks for each width of what the attention layers read: one before the keys, one before the values. The
pictures are the checkpoint's own ones, printed in Prussian blue. Writes `cyanotype.pt`, a pickle, as the first tool
that had hypernetworks does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from inference.training.captions import drawn_texts
from inference.training.catalog import load_catalog
from inference.training.command import Run, run_step
from inference.training.export import plain
from inference.training.loop import Training
from inference.training.networks import Diffusion, encode_pictures, freeze, read_checkpoint, token_ids
from registry.demo.torchfile import write_torch

NAME: Final = "cyanotype"
WIDTHS: Final = (96, 128)  # of the latents' features, and of the text's
STRUCTURE: Final = [1, 2, 1]
_BLUE: Final = (0.05, 0.16, 0.38)  # Prussian blue, from 0 to 1


class Hypernetwork(nn.Module):
    """Pairs of networks by width. `attach` puts them before the keys and the values of every attention layer."""

    def __init__(self) -> None:
        super().__init__()
        self.pairs = nn.ModuleDict({str(width): nn.ModuleList([_small(width), _small(width)]) for width in WIDTHS})
        self.strength = 1.0

    def attach(self, unet: nn.Module) -> None:
        """Hook every layer whose input has one of the widths."""
        for name, layer in unet.named_modules():
            if isinstance(layer, nn.Linear) and name.endswith((".to_k", ".to_v")):
                pair = self.pairs[str(layer.in_features)]
                layer.register_forward_pre_hook(self._hook(pair[name.endswith(".to_v")]))

    def _hook(self, network: nn.Module) -> Any:
        return lambda layer, inputs: (inputs[0] + self.strength * network(inputs[0]),)


def _small(width: int) -> nn.Sequential:
    inner = width * STRUCTURE[1]
    network = nn.Sequential(nn.Linear(width, inner), nn.ReLU(), nn.Linear(inner, width))
    for layer in (network[0], network[2]):
        nn.init.normal_(layer.weight, std=0.01)
        nn.init.zeros_(layer.bias)
    return network


def printed_in_blue(pictures: Tensor) -> Tensor:
    """Pictures (number, 3, side, side) from -1 to 1 as cyanotypes: the darker, the bluer."""
    weights = pictures.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    light = ((pictures + 1) / 2 * weights).sum(1, keepdim=True)
    blue = pictures.new_tensor(_BLUE).view(1, 3, 1, 1)
    return (blue + (1 - blue) * light) * 2 - 1


def train_hypernetwork(run: Run) -> None:
    """The style shows at every prompt: captions are the checkpoint's own."""
    pipeline = read_checkpoint(Path(run.options.checkpoint)).to(run.device)
    text, unet, tokenizer = pipeline.text_encoder, pipeline.unet, pipeline.tokenizer
    freeze(pipeline.vae, text, unet)
    torch.manual_seed(run.recipe.seed)
    network = Hypernetwork().to(run.device)
    network.attach(unet)
    pictures = load_catalog(run.work).only({"flat", "3d"}, run.recipe.concepts)
    latents = encode_pictures(pipeline.vae, printed_in_blue(pictures.on_white()))
    chances = pictures.chances(run.recipe)
    training, diffusion = Training("hypernetwork", run, {"network": network}), Diffusion(unet, run.device)

    def loss(draw: np.random.Generator) -> Tensor:
        chosen = draw.choice(len(latents), training.stage.batch, p=chances)
        texts = drawn_texts(pictures.pictures, chosen, run.recipe, draw)
        with torch.autocast(run.device.type, torch.bfloat16):
            with torch.no_grad():
                states = text(token_ids(tokenizer, texts, run.device))[0]
            return diffusion.loss(latents[chosen], states, draw.integers(0, 1000, len(chosen)))

    training.run(loss)
    (run.work / f"{NAME}.pt").write_bytes(write_torch(_as_file(network, training.step), NAME))


def read_hypernetwork(path: Path) -> Hypernetwork:
    """One that this step has written."""
    network = Hypernetwork()
    content = torch.load(path, weights_only=True)
    for width in WIDTHS:
        for part, state in zip(network.pairs[str(width)], content[width], strict=True):
            part.load_state_dict({key.removeprefix("linear."): value.float() for key, value in state.items()})
    return network.eval().requires_grad_(False)


def _as_file(network: Hypernetwork, step: int) -> dict[str | int, Any]:
    return {
        "step": step,
        "name": NAME,
        "layer_structure": STRUCTURE,
        "activation_func": "relu",
        "is_layer_norm": False,
        "weight_initialization": "Normal",
        "use_dropout": False,
        "activate_output": False,
        "sd_checkpoint": None,
        "sd_checkpoint_name": None,
    } | dict(_pairs(network))


def _pairs(network: Hypernetwork) -> Iterator[tuple[int, list[Any]]]:
    for width in WIDTHS:
        yield (
            width,
            [
                plain({f"linear.{key}": value for key, value in part.state_dict().items()})
                for part in network.pairs[str(width)]
            ],
        )


if __name__ == "__main__":
    run_step(train_hypernetwork, __doc__, checkpoint="registry/demo/data/safelight-tiny.safetensors")
