"""Whether this installation can render at all. Imports nothing of what it looks for."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

NEEDED: Final = ("torch", "diffusers", "transformers", "accelerate", "safetensors")


def is_installed() -> bool:
    """Whether the packages of the extra `inference` are there (`make engine` installs them)."""
    return all(find_spec(name) is not None for name in NEEDED)
