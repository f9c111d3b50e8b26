"""Clips among the pictures: what their containers say is neither read nor taken out."""

from __future__ import annotations

import os
from typing import IO, Final

from registry.imaging.containers.clips import clip_format

# Why nothing was read, and why there is no stripped original.
CLIP: Final = "clip"
_START: Final = 1024


def is_clip(source: IO[bytes]) -> bool:
    """Whether this open file is a clip, by its content. Leaves the place at which it stands."""
    return clip_format(os.pread(source.fileno(), _START, 0)) is not None
