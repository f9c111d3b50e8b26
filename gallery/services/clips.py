"""Which program looks at an original: a picture's, or a clip's."""

from __future__ import annotations

import os
from typing import IO, Final

from registry.imaging.containers.clips import clip_format

_START: Final = 1024


def reader_of(source: IO[bytes]) -> str:
    """What a jailed child runs to read what this open file says, told by its content.

    Those for clips are apart, so that the decoders of films are loaded where one is looked at. Leaves the place at
    which the file stands.
    """
    return "gallery.services.clip_child:clip_main" if _is_clip(source) else "gallery.services.reading_child:main"


def stripper_of(source: IO[bytes]) -> str:
    """The same for what makes a copy without it."""
    of_clips = "gallery.services.clip_child:strip_clip_main"
    return of_clips if _is_clip(source) else "gallery.services.reading_child:strip_main"


def _is_clip(source: IO[bytes]) -> bool:
    return clip_format(os.pread(source.fileno(), _START, 0)) is not None
