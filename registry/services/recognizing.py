"""What a file is, told from its header alone, before a byte of it is sent."""

from __future__ import annotations

import struct
from io import BytesIO

from django.utils.translation import gettext as _

from community.errors import InvalidInput
from registry.formats.architecture import Recognition, recognize
from registry.formats.errors import MalformedFile
from registry.formats.safetensors import read_header


def recognize_header(*, name: str, size: int, header: str) -> Recognition:
    """Recognize a safetensors file of `size` bytes by the JSON of its header. The whole file is judged later.

    Raises InvalidInput (field "header") for a header that no such file can have.
    """
    raw = header.encode()
    try:
        found = read_header(BytesIO(struct.pack("<Q", len(raw)) + raw), size)
    except MalformedFile as fault:
        raise InvalidInput(
            _("The header of “%(name)s” is broken: %(reason)s") % {"name": name[:200], "reason": fault.message},
            code=fault.reason,
            field="header",
        ) from fault
    return recognize(found.tensors, found.metadata, file_name=name)
