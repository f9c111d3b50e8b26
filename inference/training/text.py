"""Train the text encoder before the U-Net sees it: the part that CLIP's own training plays for Stable Diffusion.

    python -m inference.training.text

Without it the attention of the U-Net averages over some 70 nearly equal states of padding, and learns what a prompt
means very slowly. Three heads tell from the states which thing, which style and roughly which picture is meant; they
are thrown away afterwards.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its name everywhere
from diffusers import AutoencoderKL
from torch import Tensor, nn

from inference.training.captions import caption
from inference.training.catalog import Catalog, load_catalog
from inference.training.command import Run, run_step
from inference.training.loop import Training
from inference.training.networks import encode_pictures, new_text, read_tokenizer, token_ids

STYLES = ("flat", "3d")
NAMED = 0.6  # share of captions that say the style


class Heads(nn.Module):
    """What is told from one state: the thing, its style (or none), its picture in 8 x 8 latents."""

    def __init__(self, width: int, things: int, numbers: int) -> None:
        super().__init__()
        self.thing = nn.Linear(width, things)
        self.style = nn.Linear(width, len(STYLES) + 1)
        self.picture = nn.Sequential(nn.Linear(width, 256), nn.SiLU(), nn.Linear(256, numbers))

    def loss(self, state: Tensor, thing: Tensor, style: Tensor, picture: Tensor) -> Tensor:
        """How wrong all three are."""
        return (
            F.cross_entropy(self.thing(state), thing)
            + 0.5 * F.cross_entropy(self.style(state), style)
            + F.mse_loss(self.picture(state), picture)
        )


def train_text(run: Run) -> None:
    """From nothing to `text/`; needs `vae/`."""
    pictures = load_catalog(run.work).only(STYLES, run.recipe.concepts)
    vae = AutoencoderKL.from_pretrained(run.work / "vae").eval().to(run.device)
    coarse = F.avg_pool2d(encode_pictures(vae, pictures.on_white()), 2).flatten(1)
    torch.manual_seed(run.recipe.seed)
    text, tokenizer = new_text().to(run.device).train(), read_tokenizer()
    heads = Heads(text.config.hidden_size, len(run.recipe.concepts), coarse.shape[1]).to(run.device)
    training = Training("text", run, {"text": text, "heads": heads})
    things = _numbered(pictures).to(run.device)

    def loss(draw: np.random.Generator) -> Tensor:
        chosen = draw.integers(0, len(coarse), training.stage.batch)
        named = draw.random(len(chosen)) < NAMED
        texts = [
            caption(pictures.pictures[place], run.recipe, draw, named=float(says))
            for place, says in zip(chosen, named, strict=True)
        ]
        ids = token_ids(tokenizer, texts, run.device)
        states = text(ids)[0]
        styles = torch.tensor(
            [
                STYLES.index(pictures.pictures[place].style) if says else len(STYLES)
                for place, says in zip(chosen, named, strict=True)
            ],
            device=run.device,
        )
        wanted = things[chosen], styles, coarse[chosen]
        return heads.loss(states.mean(1), *wanted) + heads.loss(
            _one_state(states, ids, tokenizer.eos_token_id), *wanted
        )

    training.run(loss)
    text.save_pretrained(run.work / "text")


def _numbered(pictures: Catalog) -> Tensor:
    names = sorted({picture.name for picture in pictures.pictures})
    return torch.tensor([names.index(picture.name) for picture in pictures.pictures])


def _one_state(states: Tensor, ids: Tensor, end: int) -> Tensor:
    """Of each text, a random state at its end or in the padding after it."""
    first = (ids == end).int().argmax(1)
    place = first + (torch.rand(len(ids), device=ids.device) * (ids.shape[1] - first)).long()
    return states[torch.arange(len(ids), device=ids.device), place]


if __name__ == "__main__":
    run_step(train_text, __doc__)
