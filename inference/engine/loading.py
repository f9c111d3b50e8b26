"""From a file to networks that can run: offline, checked, on the device.

diffusers reads the single-file layouts; it is silent about a tensor that is missing from a text encoder and about a
tokenizer that does not belong to it, so both are asked here.
"""

from __future__ import annotations

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # read when huggingface_hub is imported: nothing here asks the network for anything

import json
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import diffusers
import torch
import transformers
from diffusers.loaders.single_file_utils import SingleFileComponentError
from torch import nn

from inference.engine.architectures.folders import architecture_folder
from inference.engine.devices import Target, memory_faults
from inference.engine.errors import BadIngredient
from inference.engine.families import Family
from inference.engine.sniffing import architecture_of, check_family, check_kind, predicts_velocity, sniff
from registry.formats.architecture import Recognition

_SAMPLE: Final = 1 << 16
_SMALL: Final = 1 << 20
_ALIGNMENT: Final = 64  # bytes: what torch gives to tensors that it makes
_RESCALE: Final = 0.7  # of guidance where the last noise level has no signal at all (Lin et al. 2023)

for _library in (diffusers, transformers):  # neither has anything to say that a job's log should hold
    _logging: Any = _library.utils.logging
    _logging.set_verbosity_error()
    _logging.disable_progress_bar()


@dataclass(eq=False)
class Model:
    """A checkpoint in memory.

    `networks` are keyed as diffusers names them; `tokenizers` by the encoder that they belong to. `schedule` is the
    configuration from which every scheduler is made anew. `pipeline` is diffusers' own, for families of layout "flow".
    """

    family: Family
    architecture: str
    name: str
    networks: dict[str, nn.Module]
    tokenizers: dict[str, Any]
    schedule: dict[str, Any]
    target: Target
    pipeline: Any = None
    guidance_rescale: float = 0.0
    extras: dict[str, Any] = field(default_factory=dict)  # what others keep beside it, gone when it goes

    @property
    def bytes(self) -> int:
        """What the weights take in memory."""
        return sum(bytes_of(network) for network in self.networks.values())

    @property
    def denoiser(self) -> nn.Module:
        return self.networks["unet" if self.family.is_unet else "transformer"]

    @property
    def reads_mask(self) -> bool:
        """Whether the denoiser was trained to fill in what a mask covers."""
        config: Any = self.denoiser.config
        return self.family.is_unet and int(config.in_channels) == 9


def bytes_of(network: nn.Module) -> int:
    tensors = {id(item): item for item in (*network.parameters(), *network.buffers())}
    return sum(item.numel() * item.element_size() for item in tensors.values())


def load_checkpoint(
    path: Path, *, family: Family, base_model: str, prediction: str, name: str, root: Path, target: Target
) -> Model:
    """A checkpoint, whole and checked. `root` is where folders of configurations may be made.

    A file without a VAE gives a model without one. Raises BadIngredient, OutOfMemory.
    """
    found = sniff(path, "checkpoint", name)
    check_kind(found, "checkpoint", "checkpoint", name)
    check_family(found, family, "checkpoint", name)
    velocity = predicts_velocity(found, base_model, prediction)
    architecture = architecture_of(found, family, base_model, name, velocity=velocity)
    folder = architecture_folder(architecture, root)
    given: dict[str, Any] = dict(_tokenizers(folder))
    given |= _left_out(found, family)
    with _faults("checkpoint", name):
        pipeline = _pipeline_class(folder).from_single_file(
            str(path), config=str(folder), local_files_only=True, torch_dtype=target.dtype_for(family), **given
        )
    model = model_of(pipeline, family, architecture, name, target)
    _set_prediction(model, velocity=velocity, zero_snr="zero_snr" in found.variants)
    return model


def _left_out(found: Recognition, family: Family) -> dict[str, None]:
    """Parts that a file may lack: another file brings the VAE, and SD 3 reads without its third encoder too."""
    parts: list[str] = []
    if "vae" not in found.parts:
        parts.append("vae")
    if family.id == "sd3" and "t5" not in found.parts:
        parts += ["text_encoder_3", "tokenizer_3"]
    return dict.fromkeys(parts)


def model_of(pipeline: Any, family: Family, architecture: str, name: str, target: Target) -> Model:
    """A model of a pipeline that diffusers has loaded, moved to the device and checked."""
    parts = pipeline.components
    networks = {key: part for key, part in parts.items() if isinstance(part, nn.Module)}
    encoders = [key for key in networks if key.startswith("text_encoder")]
    tokenizers = {key: parts["tokenizer" + key.removeprefix("text_encoder")] for key in encoders}
    for key, network in networks.items():
        check_whole(network, "checkpoint", name, part=key)
    for key, tokenizer in tokenizers.items():
        _check_tokenizer(tokenizer, networks[key], name)
    with memory_faults():
        for key, network in networks.items():
            networks[key] = settled(network, target, family)
    kept = None if family.is_unet else pipeline
    return Model(family, architecture, name, networks, tokenizers, dict(parts["scheduler"].config), target, kept)


def vae_config(model: Model, root: Path) -> dict[str, Any]:
    """The configuration of a VAE for a checkpoint that has none of its own."""
    folder = architecture_folder(model.architecture, root) / "vae"
    config: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    return config


def _pipeline_class(folder: Path) -> Any:
    index = diffusers.DiffusionPipeline.load_config(folder)
    return getattr(diffusers, index["_class_name"])


@lru_cache(maxsize=32)
def _tokenizer(folder: Path, kind: str) -> Any:
    """A tokenizer takes a second to read and is never changed: one for all models."""
    return getattr(transformers, kind).from_pretrained(folder, local_files_only=True)


def _tokenizers(folder: Path) -> Iterator[tuple[str, Any]]:
    index = diffusers.DiffusionPipeline.load_config(folder)
    for key, place in index.items():
        if key.startswith("tokenizer") and place[0] is not None:
            yield key, _tokenizer(folder / key, place[1])


def settled(network: nn.Module, target: Target, family: Family) -> nn.Module:
    """On the device, for reading alone. A VAE that overflows in float16 works in full; bfloat16 has the range."""
    config: Any = getattr(network, "config", None)
    overflows = isinstance(network, diffusers.AutoencoderKL) and config.get("force_upcast")
    dtype = torch.float32 if overflows and family.is_unet else None
    network = network.to(target.device, dtype).requires_grad_(False).eval()
    for parameter in network.parameters():
        # A file is mapped as it lies, and arithmetic on a CPU differs in its last bit with the place in memory.
        if target.device.type == "cpu" and parameter.data_ptr() % _ALIGNMENT:
            parameter.data = parameter.data.clone()
    return network


def _set_prediction(model: Model, *, velocity: bool, zero_snr: bool) -> None:
    if not model.family.is_unet:
        return
    if velocity:
        model.schedule["prediction_type"] = "v_prediction"
    elif model.family.id != "tiny":
        model.schedule["prediction_type"] = "epsilon"
    if zero_snr and velocity:
        model.schedule |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
        model.guidance_rescale = _RESCALE


def check_whole(network: nn.Module, role: str, name: str, *, part: str = "") -> None:
    """Refuse a network with a tensor that the file did not have, or with numbers that are none."""
    for key, tensor in network.named_parameters():
        key = f"{part}.{key}" if part else key
        if tensor.is_meta:
            raise BadIngredient("missing_tensor", role, name=name, key=key)
        if not bool(torch.isfinite(_sample(tensor)).all()):
            raise BadIngredient("not_finite", role, name=name, key=key)


def _sample(tensor: torch.Tensor) -> torch.Tensor:
    """All of a small tensor, and of a large one every so many numbers: a file is not read twice for this."""
    flat = tensor.detach().reshape(-1)
    return flat if flat.numel() <= _SMALL else flat[:: flat.numel() // _SAMPLE]


def _check_tokenizer(tokenizer: Any, encoder: nn.Module, name: str) -> None:
    """A tokenizer that was not found reads every prompt as nothing. T5's table has some rows that no word uses."""
    config: Any = encoder.config
    entries, rows = len(tokenizer), int(config.vocab_size)
    spare = 128 if config.model_type == "t5" else 0
    if not rows - spare <= entries <= rows:
        raise BadIngredient("tokenizer_mismatch", "checkpoint", name=name, entries=entries, rows=rows)


@contextmanager
def _faults(role: str, name: str) -> Iterator[None]:
    """What diffusers raises for a file that is not what it should be, in our words."""
    try:
        with memory_faults():
            yield
    except SingleFileComponentError as fault:
        raise BadIngredient("missing_part", role, name=name, reason=_line(fault)) from fault
    except NotImplementedError as fault:  # "Cannot copy out of meta tensor": one of its tensors was not in the file
        raise BadIngredient("missing_tensor", role, name=name, key="") from fault
    except (KeyError, AttributeError) as fault:
        raise BadIngredient("missing_tensor", role, name=name, key=_line(fault)) from fault
    except (ValueError, RuntimeError, TypeError) as fault:
        raise BadIngredient("wrong_shape", role, name=name, reason=_line(fault)) from fault
    except (OSError, EOFError, pickle.UnpicklingError) as fault:
        raise BadIngredient("unreadable_file", role, name=name, reason=_line(fault)) from fault


def _line(fault: BaseException) -> str:
    return (str(fault).strip().splitlines() or [type(fault).__name__])[0][:200]
