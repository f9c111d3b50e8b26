"""Train the U-Net, and the text encoder along with it at half the rate.

    python -m inference.training.unet
    python -m inference.training.unet --checkpoint FILE     to go on from a checkpoint

Writes `base/`, a folder of the diffusers layout in half precision, and `base.safetensors`, the single file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextModel

from inference.training.captions import drawn_texts
from inference.training.catalog import load_catalog
from inference.training.command import Run, run_step
from inference.training.export import write_checkpoint
from inference.training.loop import Training
from inference.training.networks import (
    Diffusion,
    encode_pictures,
    freeze,
    new_unet,
    read_checkpoint,
    read_tokenizer,
    token_ids,
)

STYLES: Final = ("flat", "3d")


def train_unet(run: Run) -> None:
    """Needs `vae/` and `text/`, or a checkpoint."""
    torch.manual_seed(run.recipe.seed)
    vae, text, unet = (network.to(run.device) for network in _beginning(run))
    freeze(vae)
    pictures, tokenizer = load_catalog(run.work).only(STYLES, run.recipe.concepts), read_tokenizer()
    latents, chances = encode_pictures(vae, pictures.on_white()), pictures.chances(run.recipe)
    training = Training("unet", run, {"unet": unet.train(), "text": text.train()}, slower={"text": 0.5})
    diffusion = Diffusion(unet, run.device)

    def loss(draw: np.random.Generator) -> Tensor:
        chosen = draw.choice(len(latents), training.stage.batch, p=chances)
        texts = drawn_texts(pictures.pictures, chosen, run.recipe, draw)
        times = draw.integers(0, 1000, len(chosen))
        with torch.autocast(run.device.type, torch.bfloat16):
            states = text(token_ids(tokenizer, texts, run.device))[0]
            return diffusion.loss(latents[chosen], states, times)

    training.run(loss)
    write_checkpoint(run.work / "base", unet.eval(), vae, text.eval())


def _beginning(run: Run) -> tuple[AutoencoderKL, CLIPTextModel, UNet2DConditionModel]:
    if run.options.checkpoint:
        pipeline = read_checkpoint(Path(run.options.checkpoint))
        return pipeline.vae, pipeline.text_encoder, pipeline.unet
    vae = AutoencoderKL.from_pretrained(run.work / "vae")
    return vae, CLIPTextModel.from_pretrained(run.work / "text"), new_unet()


if __name__ == "__main__":
    run_step(train_unet, __doc__, checkpoint="")
