"""What renders are made on, and how its failures are told from those of a request."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import diffusers
import torch
import transformers

from inference.engine.errors import DeviceFault, OutOfMemory
from inference.engine.families import Family
from inference.prompts.receipt import Environment

ENGINE: Final = "safelight 1"
_NO_ROOM: Final = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory")
_FAULTS: Final = ("CUDA error", "cuDNN error", "CUBLAS_STATUS", "CUDNN_STATUS", "device-side assert", "HIP error")


@dataclass(frozen=True)
class Target:
    """A device and the number format of the U-Net families on it."""

    device: torch.device
    dtype: torch.dtype

    def dtype_for(self, family: Family) -> torch.dtype:
        """Transformers overflow in float16; bfloat16 has the range that they need."""
        if not family.is_unet and self.dtype == torch.float16:
            return torch.bfloat16
        return self.dtype


def choose_target(device: str = "", *, threads: int = 1) -> Target:
    """The device that is asked for ("cpu", "cuda", "cuda:1"), or the best there is. Sets what makes renders repeat."""
    if not device:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    chosen = torch.device(device)
    torch.set_num_threads(threads)
    if chosen.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
    return Target(chosen, torch.float32 if chosen.type == "cpu" else torch.float16)


def device_name(target: Target) -> str:
    """What people call it."""
    if target.device.type == "cuda":
        return torch.cuda.get_device_name(target.device)
    return _processor() or platform.machine()


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text(errors="replace").splitlines() if facts.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def device_memory(target: Target) -> int:
    """Bytes that the device has; for a CPU, those of the machine."""
    if target.device.type == "cuda":
        return int(torch.cuda.get_device_properties(target.device).total_memory)
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def environment(target: Target, family: Family, *, economical: bool = False) -> Environment:
    """What decides the pixels beside the request."""
    return Environment(
        engine=ENGINE,
        torch=torch.__version__,
        diffusers=diffusers.__version__,
        transformers=transformers.__version__,
        device=device_name(target),
        dtype=str(target.dtype_for(family)).removeprefix("torch."),
        attention="sdpa",
        threads=torch.get_num_threads(),
        economical=economical,
    )


@contextmanager
def memory_faults() -> Iterator[None]:
    """What a device raises for want of room, and for being broken, in our words."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as fault:
        raise OutOfMemory("out_of_memory") from fault
    except RuntimeError as fault:
        text = str(fault)
        if any(words in text.lower() for words in _NO_ROOM):
            raise OutOfMemory("out_of_memory") from fault
        if any(words in text for words in _FAULTS):
            raise DeviceFault("device_fault", detail=text.splitlines()[0][:200]) from fault
        raise
