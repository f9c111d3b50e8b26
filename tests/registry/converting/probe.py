"""Looks out of the jail, with all that converts already loaded."""

from __future__ import annotations

import socket
from pathlib import Path

import registry.converting.child  # noqa: F401 - what the child loads must not open a way out


def look() -> int:
    """Write down which network interfaces and which folders can be seen."""
    interfaces = sorted(name for _index, name in socket.if_nameindex())
    folders = sorted(path.name for path in Path("/").iterdir() if path.is_dir())
    Path("seen").write_text(f"interfaces={interfaces} folders={folders}")
    return 0
