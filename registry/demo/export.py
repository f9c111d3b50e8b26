"""Write a folder of the diffusers layout as one file of the single-file layout, and nothing but its standard library.

    python -m registry.demo.export FOLDER CHECKPOINT

Made for the sample checkpoint, a small relative of Stable Diffusion 1: `unet`, `vae` and `text_encoder` in half
precision.
"""

from __future__ import annotations

import json
import math
import struct
import sys
from pathlib import Path
from typing import Any, Final

from registry.demo.ldm_names import TEXT, VAE, text_names, unet_names, vae_names
from registry.demo.tensorfile import Tensor, read_tensors, write_tensors

METADATA: Final = {
    "modelspec.sai_model_spec": "1.0.1",
    "modelspec.architecture": "stable-diffusion-v1",
    "modelspec.implementation": "https://github.com/CompVis/stable-diffusion",
    "modelspec.title": "Safelight Tiny",
    "modelspec.description": "A toy of 5.6 million parameters, trained from scratch on pictures of Fluent Emoji.",
    "modelspec.resolution": "64x64",
    "modelspec.prediction_type": "v",
    "modelspec.license": "MIT",
    "modelspec.date": "2026-11-26",
}


def export_checkpoint(folder: Path) -> bytes:
    """The whole pipeline as one file. Raises KeyError for a part of a shape that this does not know."""
    unet, text = (_read(folder / part) for part in ("unet", "text_encoder"))
    layers = _config(folder / "unet")["layers_per_block"]
    tensors = {new: unet[old] for old, new in unet_names(unet, layers).items()}
    tensors |= _autoencoder(folder / "vae")
    tensors |= {new: text[old] for old, new in text_names(text).items()}
    positions = range(_config(folder / "text_encoder")["max_position_embeddings"])
    tensors[f"{TEXT}text_model.embeddings.position_ids"] = Tensor(
        "I64", (1, len(positions)), struct.pack(f"<{len(positions)}q", *positions)
    )
    return write_tensors(tensors | _schedule(_config(folder / "scheduler", "scheduler_config.json")), METADATA)


def export_vae(folder: Path, metadata: dict[str, str]) -> bytes:
    """The autoencoder in this folder as a file of its own, which has no prefix before its names."""
    tensors = {name.removeprefix(VAE): tensor for name, tensor in _autoencoder(folder).items()}
    return write_tensors(tensors, metadata)


def _autoencoder(folder: Path) -> dict[str, Tensor]:
    tensors, blocks = _read(folder), len(_config(folder)["block_out_channels"])
    return {new: _as_convolution(new, tensors[old]) for old, new in vae_names(tensors, blocks).items()}


def _config(folder: Path, name: str = "config.json") -> dict[str, Any]:
    config: dict[str, Any] = json.loads((folder / name).read_text())
    return config


def _read(folder: Path) -> dict[str, Tensor]:
    (path,) = folder.glob("*.safetensors")
    tensors, _ = read_tensors(path.read_bytes())
    return {name: tensor for name, tensor in tensors.items() if not name.endswith("position_ids")}


def _as_convolution(name: str, tensor: Tensor) -> Tensor:
    """Attention in the first autoencoder was written with 1×1 convolutions."""
    is_linear = ".attn_1." in name and len(tensor.shape) == 2
    return tensor.reshaped(*tensor.shape, 1, 1) if is_linear else tensor


def _schedule(config: dict[str, Any]) -> dict[str, Tensor]:
    """The noise schedule as old files carry it, and the mark by which tools know that the velocity is predicted."""
    if config["beta_schedule"] != "scaled_linear" or config["prediction_type"] != "v_prediction":
        raise KeyError(config["beta_schedule"])
    steps = config["num_train_timesteps"]
    first, last = math.sqrt(config["beta_start"]), math.sqrt(config["beta_end"])
    betas = [(first + (last - first) * step / (steps - 1)) ** 2 for step in range(steps)]
    kept, product = [], 1.0
    for beta in betas:
        product *= 1 - beta
        kept.append(product)
    return {
        "betas": Tensor("F32", (steps,), struct.pack(f"<{steps}f", *betas)),
        "alphas_cumprod": Tensor("F32", (steps,), struct.pack(f"<{steps}f", *kept)),
        "v_pred": Tensor("F16", (1,), bytes(2)),
    }


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(export_checkpoint(Path(sys.argv[1])))
