"""Write what was trained as the files that people exchange.

Every file is in half precision, and the same numbers give the same bytes.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextModel

from inference.training.recipe import LAYOUT
from registry.demo.export import export_checkpoint, export_vae
from registry.demo.tensorfile import Tensor, write_tensors

LICENSE = {"modelspec.license": "MIT", "modelspec.sai_model_spec": "1.0.1", "modelspec.resolution": "64x64"}


def write_checkpoint(folder: Path, unet: UNet2DConditionModel, vae: AutoencoderKL, text: CLIPTextModel) -> None:
    """The diffusers folder, and the single file of the same name beside it."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(LAYOUT, folder)
    for part, network in (("unet", unet), ("vae", vae), ("text_encoder", text)):
        network.half().save_pretrained(folder / part)
        shutil.copyfile(LAYOUT / part / "config.json", folder / part / "config.json")
    weights = folder / "text_encoder" / "model.safetensors"
    named = {f"text_model.{key.removeprefix('text_model.')}": value for key, value in load_file(weights).items()}
    save_file(named, weights, {"format": "pt"})
    folder.with_suffix(".safetensors").write_bytes(export_checkpoint(folder))


def plain(tensors: Mapping[str, torch.Tensor]) -> dict[str, Tensor]:
    """Tensors of torch as the bytes that our own writers take, in half precision."""
    return {name: plain_tensor(tensor) for name, tensor in tensors.items()}


def plain_tensor(tensor: torch.Tensor) -> Tensor:
    """One of them."""
    numbers = tensor.detach().cpu().to(torch.float16).contiguous().numpy()
    return Tensor("F16", tuple(numbers.shape), numbers.astype(np.dtype("<f2")).tobytes())


def write_safetensors(path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> None:
    """A safetensors file of these tensors."""
    path.write_bytes(write_tensors(plain(tensors), {**LICENSE, **metadata}))


def write_vae(path: Path, folder: Path, title: str) -> None:
    """A VAE file of a folder of the diffusers layout, under the names of the first autoencoder."""
    path.write_bytes(export_vae(folder, {**LICENSE, "modelspec.title": title}))
