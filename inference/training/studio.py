"""Render with what was trained, to look at it: the checkpoint, and each of the things made for it at any strength.

This is the training's own eye. The site renders with `inference.engine`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DPMSolverMultistepScheduler
from PIL import Image
from safetensors.torch import load_file

from inference.training.embedding import PLACE, Vectors
from inference.training.hypernetwork import Hypernetwork, read_hypernetwork
from inference.training.networks import read_checkpoint
from inference.training.recipe import LAYOUT

STEPS = 20
GUIDANCE = 3.0
SIDE = 64


class Studio:
    """A pipeline with at most one thing of each kind in it."""

    def __init__(self, checkpoint: Path) -> None:
        self._pipeline: Any = read_checkpoint(checkpoint)
        self._pipeline.scheduler = DPMSolverMultistepScheduler.from_config(self._pipeline.scheduler.config)
        self._word, self._vectors = "", 0

    def use_lora(self, path: Path, weight: float) -> None:
        """Put a LoRA before everything else."""
        self._pipeline.load_lora_weights(str(path.parent), weight_name=path.name, adapter_name="lora")
        self.use_lora_at(weight)

    def use_lora_at(self, weight: float) -> None:
        """The same LoRA at another strength."""
        self._pipeline.set_adapters(["lora"], [weight])

    def use_vae(self, path: Path) -> None:
        """Decode with another autoencoder."""
        self._pipeline.vae = AutoencoderKL.from_single_file(
            str(path), config=str(LAYOUT), subfolder="vae", local_files_only=True, torch_dtype=torch.float32
        )

    def use_hypernetwork(self, path: Path, weight: float) -> Hypernetwork:
        """Put a hypernetwork before keys and values; its strength can be changed afterwards."""
        network = read_hypernetwork(path)
        network.strength = weight
        network.attach(self._pipeline.unet)
        return network

    def use_embedding(self, path: Path, word: str) -> None:
        """The word in a prompt means these vectors."""
        table = self._pipeline.text_encoder.get_input_embeddings()
        (place,) = self._pipeline.tokenizer(PLACE, add_special_tokens=False).input_ids
        vectors = load_file(path)["emb_params"].float()
        table.register_forward_hook(Vectors(vectors, place).put)
        self._word, self._vectors = word, len(vectors)

    @torch.inference_mode()
    def render(self, prompt: str, seed: int) -> Image.Image:
        """One picture; the same request gives the same pixels on the same machine."""
        if self._word:
            prompt = prompt.replace(self._word, " ".join([PLACE] * self._vectors))
        image: Image.Image = self._pipeline(
            prompt,
            num_inference_steps=STEPS,
            guidance_scale=GUIDANCE,
            height=SIDE,
            width=SIDE,
            generator=torch.Generator("cpu").manual_seed(seed),
        ).images[0]
        return image


def contact_sheet(rows: list[list[Image.Image]], zoom: int = 2) -> Image.Image:
    """Pictures in rows, enlarged."""
    side = SIDE * zoom
    sheet = Image.new("RGB", (max(len(row) for row in rows) * side, len(rows) * side), "white")
    for down, row in enumerate(rows):
        for across, image in enumerate(row):
            sheet.paste(image.resize((side, side), Image.Resampling.LANCZOS), (across * side, down * side))
    return sheet
