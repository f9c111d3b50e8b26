"""Train the autoencoder, then whiten its latents.

    python -m inference.training.vae

The mean and the spread of the latents are folded into the convolutions beside them, so that Stable Diffusion's usual
scaling factor gives latents of mean 0 and spread 1, and no tool has to know about it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its name everywhere
from diffusers import AutoencoderKL
from torch import Tensor

from inference.training.catalog import Catalog, flattened, load_catalog
from inference.training.command import Run, run_step
from inference.training.loop import Training
from inference.training.networks import new_vae

KL_WEIGHT: Final = 5e-4
COLORED_PAPER: Final = 0.3  # share of pictures


def train_vae(run: Run) -> None:
    """From nothing to `vae/`."""
    pictures = load_catalog(run.work).only({"flat", "3d", "contrast"})
    torch.manual_seed(run.recipe.seed)
    vae = new_vae().to(run.device).train()
    training = Training("vae", run, {"vae": vae})

    def loss(draw: np.random.Generator) -> Tensor:
        images = drawn_batch(pictures, training.stage.batch, draw).to(run.device)
        with torch.autocast(run.device.type, torch.bfloat16):
            seen = vae.encode(images).latent_dist
            again = vae.decode(seen.sample()).sample
        mean, variance, logarithm = seen.mean.float(), seen.var.float(), seen.logvar.float()
        divergence = 0.5 * (mean.square() + variance - 1 - logarithm).mean()
        return difference(again.float(), images) + KL_WEIGHT * divergence

    training.run(loss)
    whiten(vae.eval(), pictures.on_white()[:: max(1, len(pictures.pictures) // 1500)])
    vae.save_pretrained(run.work / "vae")


def drawn_batch(pictures: Catalog, count: int, draw: np.random.Generator) -> Tensor:
    """Pictures on white or colored paper, half of the batches mirrored, all moved by up to two pixels."""
    pixels = torch.from_numpy(pictures.pixels[draw.integers(0, len(pictures.pixels), count)])
    paper = draw.random((count, 3, 1, 1), dtype=np.float32)
    paper[draw.random(count) >= COLORED_PAPER] = 1.0
    images = flattened(pixels, torch.from_numpy(paper))
    if draw.random() < 0.5:
        images = images.flip(3)
    across, down = (int(way) for way in draw.integers(-2, 3, 2))
    return torch.roll(images, (across, down), (3, 2))


def difference(image: Tensor, wanted: Tensor) -> Tensor:
    """How unlike two batches are: values, edges, broad areas, colors.

    Without the term for colors, red and green fall together into brown.
    """
    loss = F.l1_loss(image, wanted) + 0.5 * F.mse_loss(image, wanted)
    for axis in (2, 3):
        loss = loss + 0.5 * F.l1_loss(image.diff(dim=axis), wanted.diff(dim=axis))
    small, small_wanted = F.avg_pool2d(image, 2), F.avg_pool2d(wanted, 2)
    loss = loss + 0.5 * F.l1_loss(F.avg_pool2d(small, 2), F.avg_pool2d(small_wanted, 2))
    return loss + 2.0 * F.l1_loss(_colors(small), _colors(small_wanted))


def _colors(image: Tensor) -> Tensor:
    red, green, blue = image.unbind(1)
    return torch.stack([red - green, blue - (red + green) / 2], 1)


@torch.no_grad()
def whiten(vae: AutoencoderKL, pictures: Tensor) -> None:
    """Fold the latents' mean and spread over these pictures into the autoencoder."""
    device = next(vae.parameters()).device
    means = torch.cat([vae.encode(part.to(device)).latent_dist.mean for part in pictures.split(100)])
    center, spread = means.mean((0, 2, 3)), means.std((0, 2, 3)) * vae.config.scaling_factor
    into, out = vae.quant_conv, vae.post_quant_conv
    bias = out.bias + out.weight[:, :, 0, 0] @ center
    out.weight.mul_(spread.view(1, -1, 1, 1))
    out.bias.copy_(bias)
    channels = len(center)
    into.weight[:channels].div_(spread.view(-1, 1, 1, 1))
    into.bias[:channels].copy_((into.bias[:channels] - center) / spread)
    into.bias[channels:].sub_(2 * spread.log())


if __name__ == "__main__":
    run_step(train_vae, __doc__)
