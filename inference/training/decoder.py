"""Train the decoder of a checkpoint further, for the VAE file: sharper edges, cleaner paper.

    python -m inference.training.decoder --checkpoint FILE

The encoder stays as it is, and so do the latents: the file fits every picture that the checkpoint makes. The decoder
learns from latents with a little noise, since a U-Net's are never quite those of a picture.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its name everywhere
from torch import Tensor

from inference.training.catalog import load_catalog
from inference.training.command import Run, run_step
from inference.training.export import write_vae
from inference.training.loop import Training
from inference.training.networks import freeze, read_checkpoint
from inference.training.vae import difference, drawn_batch

NOISE: Final = 0.1  # of the latents' spread
EDGES: Final = 1.5


def train_decoder(run: Run) -> None:
    """From a checkpoint's autoencoder to `decoder/` and a VAE file."""
    pictures = load_catalog(run.work).only({"flat", "3d", "contrast"})
    vae = read_checkpoint(Path(run.options.checkpoint)).vae.to(run.device)
    freeze(vae)
    for part in (vae.decoder, vae.post_quant_conv):
        part.train().requires_grad_(True)
    training = Training("decoder", run, {"vae": vae})
    scale = NOISE / vae.config.scaling_factor

    def loss(draw: np.random.Generator) -> Tensor:
        images = drawn_batch(pictures, training.stage.batch, draw).to(run.device)
        with torch.autocast(run.device.type, torch.bfloat16):
            with torch.no_grad():
                latents = vae.encode(images).latent_dist.mean
                latents = latents + torch.randn_like(latents) * scale
            again = vae.decode(latents).sample.float()
        return difference(again, images) + EDGES * _edges(again, images)

    training.run(loss)
    vae.eval().half().save_pretrained(run.work / "decoder")
    write_vae(run.work / "safelight-tiny-sharp.safetensors", run.work / "decoder", "Safelight Tiny, sharper decoder")


def _edges(image: Tensor, wanted: Tensor) -> Tensor:
    """The second differences of the brightness: large where an edge is soft on one side only."""
    kernel = image.new_tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]]).view(1, 1, 3, 3)
    gray, gray_wanted = image.mean(1, keepdim=True), wanted.mean(1, keepdim=True)
    return F.l1_loss(F.conv2d(gray, kernel), F.conv2d(gray_wanted, kernel))


if __name__ == "__main__":
    run_step(train_decoder, __doc__, checkpoint="registry/demo/data/safelight-tiny.safetensors")
