"""Train a textual inversion: vectors in the place of a word, for a thing that the checkpoint does not know.

    python -m inference.training.embedding --checkpoint FILE --name "orange heart" --word ember-heart

Nothing but the vectors is trained. Writes `WORD.safetensors` with one tensor, `emb_params`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from inference.training.catalog import load_catalog
from inference.training.command import Run, run_step
from inference.training.export import write_safetensors
from inference.training.loop import Training
from inference.training.networks import Diffusion, encode_pictures, freeze, read_checkpoint, token_ids

VECTORS: Final = 4
# The word's vectors stand where this sign does, once for each; no caption has it.
PLACE: Final = "~"
_TEXTS: Final = ("{}", "a {}", "emoji of {}", "picture of {}", "{}, flat style", "{}, 3d style")


class Vectors(nn.Module):
    """The embedding; as a hook it takes its places in what the encoder reads."""

    def __init__(self, start: Tensor, place: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(start.clone())
        self._place = place

    def put(self, layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        """A forward hook of the token embedding: rows at the sign become the vectors, in their order."""
        chosen = inputs[0] == self._place
        order = (chosen.cumsum(1) - 1).clamp(min=0) % len(self.vectors)
        return torch.where(chosen[..., None], self.vectors[order].to(output.dtype), output)


def train_embedding(run: Run) -> None:
    """The vectors begin at those of `--like`, a word that the checkpoint knows."""
    options = run.options
    pipeline = read_checkpoint(Path(options.checkpoint)).to(run.device)
    text, tokenizer = pipeline.text_encoder, pipeline.tokenizer
    freeze(pipeline.vae, text, pipeline.unet)
    pictures = load_catalog(run.work).only({"flat", "3d"}, {options.name})
    latents = encode_pictures(pipeline.vae, pictures.on_white())
    embedding = _begin(text, tokenizer, options.like)
    training, diffusion = Training("embedding", run, {"embedding": embedding}), Diffusion(pipeline.unet, run.device)

    def loss(draw: np.random.Generator) -> Tensor:
        chosen = draw.integers(0, len(latents), training.stage.batch)
        texts = [_text(pictures.pictures[place].style, draw) for place in chosen]
        times = draw.integers(0, 1000, len(chosen))
        with torch.autocast(run.device.type, torch.bfloat16):
            states = text(token_ids(tokenizer, texts, run.device))[0]
            return diffusion.loss(latents[chosen], states, times)

    training.run(loss)
    metadata = {"modelspec.title": options.word, "modelspec.architecture": "stable-diffusion-v1/textual-inversion"}
    write_safetensors(run.work / f"{options.word}.safetensors", {"emb_params": embedding.vectors}, metadata)


def _begin(text: Any, tokenizer: Any, start: str) -> Vectors:
    table = text.get_input_embeddings()
    ids = tokenizer(start, add_special_tokens=False).input_ids
    (place,) = tokenizer(PLACE, add_special_tokens=False).input_ids
    rows = table.weight[[ids[number % len(ids)] for number in range(VECTORS)]]
    embedding = Vectors(rows.detach(), place).to(rows.device)
    table.register_forward_hook(embedding.put)
    return embedding


def _text(style: str, draw: np.random.Generator) -> str:
    fitting = [text for text in _TEXTS if "style" not in text or style in text]
    return fitting[draw.integers(len(fitting))].format(" ".join([PLACE] * VECTORS))


if __name__ == "__main__":
    run_step(
        train_embedding,
        __doc__,
        checkpoint="registry/demo/data/safelight-tiny.safetensors",
        name="orange heart",
        like="red heart",
        word="ember-heart",
    )
