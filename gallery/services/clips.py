"""Which program looks at an original: a picture's, or a clip's."""

from __future__ import annotations

import os
from typing import IO, Final

from registry.imaging.containers.clips import clip_format

_START: Final = 1024


def program_of(source: IO[bytes]) -> str:
    """The module beside this one whose `main` reads this open file and whose `strip_main` takes things out of it.

    Told by the content; apart, so that the decoders of films are loaded where one is looked at. Leaves the place at
    which the file stands.
    """
    return "clip_child" if clip_format(os.pread(source.fileno(), _START, 0)) else "reading_child"
