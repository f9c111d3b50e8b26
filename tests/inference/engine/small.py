"""Whole models of every family with random weights and narrow networks, and a render of them through the one door.

The widths by which a family is told (those of the text states) are the real ones; all else is small. Made in the
session, in seconds, and never kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import diffusers
import torch
import transformers

from inference.engine.architectures.folders import VERSION, write_architecture, write_bpe_tokenizer
from inference.engine.architectures.tables import ARCHITECTURES, Architecture, Config
from inference.engine.blobcache import BlobCache
from inference.engine.devices import choose_target
from inference.engine.families import FAMILIES
from inference.engine.loading import Model, model_of
from inference.engine.pipelines import PipelineCache
from inference.engine.run import Rendered, render
from inference.prompts.plan import Ingredient, RenderPlan, Role, StoredPicture
from inference.prompts.request import RenderRequest
from tests.inference.engine.exporting import save_checkpoint

TINY = Path(__file__).resolve().parents[3] / "registry/demo/data/safelight-tiny.safetensors"
_MERGES = ["c a", "ca t</w>", "d o", "do g</w>", "r e", "re d</w>", "o f</w>"]
_WORDS = 512 + len(_MERGES) + 2


def _small_tokenizer(folder: Path) -> None:
    write_bpe_tokenizer(folder, _MERGES)


_UNET: Config = {"norm_num_groups": 8, "layers_per_block": 1, "sample_size": 8}
_VAE: Config = {"block_out_channels": [8, 8, 16, 16], "norm_num_groups": 4, "layers_per_block": 1, "sample_size": 64}
_TEXT: Config = {"intermediate_size": 32, "vocab_size": _WORDS, "num_attention_heads": 4}
_T5: Config = {"d_model": 32, "d_ff": 32, "d_kv": 8, "num_layers": 1, "num_heads": 2}
_SD3: Config = {
    "num_layers": 2,
    "num_attention_heads": 2,
    "attention_head_dim": 16,
    "caption_projection_dim": 32,
    "pooled_projection_dim": 768 + 1280,
    "sample_size": 8,
}
_FLUX: Config = {
    "num_layers": 1,
    "num_single_layers": 1,
    "num_attention_heads": 2,
    "attention_head_dim": 16,
    "axes_dims_rope": [4, 6, 6],
}


def shrunk(name: str) -> Architecture:
    """An architecture of the same shape with narrow networks."""
    full = ARCHITECTURES[name]
    parts = {key: _shrunk_part(key, dict(config), name) for key, config in full.parts.items() if config is not None}
    return replace(full, parts=parts)


def _shrunk_part(key: str, config: Config, name: str) -> Config:
    if key == "unet":
        levels = len(config["block_out_channels"])
        heads = config["attention_head_dim"]
        small = {
            "block_out_channels": [16, 32, 32, 32][:levels],
            "attention_head_dim": 4 if heads == 8 else [2, 4, 4, 4][:levels],
        }
        return {**config, **_UNET, **small}
    if key == "vae":
        return {**config, **_VAE}
    if key == "transformer":
        return {**config, "joint_attention_dim": 32, **(_SD3 if name.startswith("sd3") else _FLUX)}
    if config.get("model_type") == "t5":
        return {**config, **_T5}
    if config.get("model_type") == "clip_text_model":
        layers = 2 if name.startswith("sdxl") else 3
        return {**config, **_TEXT, "num_hidden_layers": layers}
    return config


def small_folder(name: str, root: Path) -> Path:
    """The folder that the engine would make for the architecture, with the narrow networks in it."""
    folder = root / f"{name}-{VERSION}"
    if not folder.is_dir():
        root.mkdir(parents=True, exist_ok=True)
        write_architecture(shrunk(name), folder, {"clip": _small_tokenizer})
    return folder


def small_pipeline(name: str, root: Path, seed: int = 0) -> Any:
    """A pipeline of diffusers with random weights."""
    folder = small_folder(name, root)
    torch.manual_seed(seed)
    index = diffusers.DiffusionPipeline.load_config(folder)
    parts = {key: _part(folder, key, place) for key, place in index.items() if isinstance(place, list | tuple)}
    kind = getattr(diffusers, index["_class_name"])
    if "safety_checker" in index:
        parts |= {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    return kind(**parts)


def _part(folder: Path, key: str, place: Any) -> Any:
    library, kind = place
    if library is None:
        return None
    made = getattr(diffusers if library == "diffusers" else transformers, kind)
    if key.startswith("tokenizer"):
        return made.from_pretrained(folder / key, local_files_only=True)
    if library == "diffusers":
        return made.from_config(made.load_config(folder / key))
    network = made(made.config_class.from_pretrained(folder / key)).eval()
    core = getattr(network, "text_model", network)
    if hasattr(core, "final_layer_norm"):
        core.final_layer_norm.bias.data += 0.1 * torch.rand_like(core.final_layer_norm.bias)  # else the mean is nothing
    return network


class Workshop:
    """Models that are made once and used by many tests."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.architectures = folder, folder / "architectures"
        self._pipelines: dict[str, Any] = {}
        self._files: dict[str, Path] = {}

    def pipeline(self, name: str) -> Any:
        """A pipeline of an architecture; leave its weights as they are."""
        if name not in self._pipelines:
            self._pipelines[name] = small_pipeline(name, self.architectures)
        return self._pipelines[name]

    def checkpoint(self, name: str, **marks: torch.Tensor) -> Path:
        """Its file in the original layout; `marks` are tensors beside it."""
        file = "-".join((name, *marks))
        if file not in self._files:
            self._files[file] = save_checkpoint(self.pipeline(name), self.folder / f"{file}.safetensors", **marks)
        return self._files[file]


class Disk:
    """A store whose keys are paths."""

    def open(self, key: str) -> BinaryIO:
        return Path(key).open("rb")

    def local_path(self, key: str) -> Path | None:
        return Path(key)


class Studio:
    """Files by version number, and one engine to render them with."""

    def __init__(self, folder: Path, workshop: Workshop | None = None, limit: int = 1 << 30) -> None:
        self.folder = folder
        if workshop is not None:
            (folder / "cache").mkdir(parents=True)
            (folder / "cache" / "architectures").symlink_to(workshop.architectures)
        self.blobs = BlobCache(folder / "cache", Disk(), limit)
        self.pipelines = PipelineCache(choose_target("cpu"), limit)
        self.ingredients: dict[tuple[Role, int], Ingredient] = {}
        self.pictures: dict[str, StoredPicture] = {}
        self.steps: list[tuple[int, int]] = []

    def add(self, role: Role, path: Path, *, version: int = 0, base_model: str = "Safelight Tiny", **more: Any) -> int:
        """A file as a version; the number says which."""
        version = version or len(self.ingredients) + 1
        data = path.read_bytes()
        facts: dict[str, Any] = {
            "format": "safetensors" if path.suffix == ".safetensors" else "torch-zip",
            "family": _FAMILY_OF[base_model],
            "type": {"hypernet": "hypernetwork"}.get(role, role),
        }
        self.ingredients[role, version] = Ingredient(
            role=role,
            version=version,
            sha256=hashlib.sha256(data).hexdigest(),
            size=len(data),
            key=str(path),
            name=path.stem,
            base_model=base_model,
            **{**facts, **more},
        )
        return version

    def add_picture(self, path: Path) -> str:
        data = path.read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        self.pictures[sha256] = StoredPicture(sha256, len(data), str(path))
        return sha256

    def plan(self, request: RenderRequest, prediction: str = "") -> RenderPlan:
        found = [self.ingredients["checkpoint", request.version]]
        found += [
            item
            for (role, _), item in self.ingredients.items()
            if role != "checkpoint" and item.version in request.versions
        ]
        return RenderPlan(request, tuple(found), tuple(self.pictures.values()), prediction)

    def render(
        self,
        prompt: str = "a red apple",
        *,
        version: int = 1,
        prediction: str = "",
        cancelled: Callable[[], bool] = lambda: False,
        economical: bool = False,
        **more: Any,
    ) -> Rendered:
        """A small picture. Steps are noted in `steps`."""
        values = {"width": 64, "height": 64, "steps": 4, "sampler": "Euler a", "cfg_scale": 4.0, **more}
        request = RenderRequest(version=version, prompt=prompt, **values)
        self.steps.clear()
        return render(
            self.plan(request, prediction),
            blobs=self.blobs,
            pipelines=self.pipelines,
            on_step=lambda step, steps: self.steps.append((step, steps)),
            cancelled=cancelled,
            economical=economical,
        )

    def adopt(self, pipeline: Any, *, family: str, base_model: str) -> int:
        """A pipeline that is in memory already, as the checkpoint of a new version. Its file is never asked for."""
        path = self.folder / f"{family}-{len(self.ingredients)}.safetensors"
        path.write_bytes(f"{family} {len(self.ingredients)}".encode())
        version = self.add("checkpoint", path, base_model=base_model)
        model: Model = model_of(pipeline, FAMILIES[family], family, "adopted", self.pipelines.target)
        key = ("checkpoint", self.ingredients["checkpoint", version].sha256, base_model, "")
        with self.pipelines.lent(key, 0, lambda: model):
            return version


_FAMILY_OF: Mapping[str, str] = {
    "Safelight Tiny": "tiny",
    "SD 1.5": "sd1",
    "SD 2.1": "sd2",
    "SD 2.1 768": "sd2",
    "SDXL 1.0": "sdxl",
    "SD 3": "sd3",
    "Flux.1 D": "flux1",
}


def pixels(rendered: Rendered, index: int = 0) -> bytes:
    return rendered.images[index].pixels.tobytes()
