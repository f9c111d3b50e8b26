"""Small real files, good and bad."""

from __future__ import annotations

import json
import pickle
import random
import struct
import zipfile
from io import BytesIO

BLOCK = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"


def safetensors(seed: int = 1, metadata: dict[str, str] | None = None) -> bytes:
    """A LoRA of one layer, which says so in its tensors' names and shapes."""
    shapes = {f"{BLOCK}.lora_down.weight": [4, 768], f"{BLOCK}.lora_up.weight": [320, 4], f"{BLOCK}.alpha": []}
    header: dict[str, object] = {"__metadata__": metadata} if metadata else {}
    offset = 0
    for name, shape in shapes.items():
        size = 2
        for length in shape:
            size *= length
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + random.Random(seed).randbytes(offset)


class _Runs:
    def __reduce__(self):
        import os

        return os.system, ("echo light",)


def evil_pickle() -> bytes:
    return pickle.dumps({"weight": _Runs()}, protocol=2)


def plain_pickle() -> bytes:
    return pickle.dumps({"step": 3, "names": ["a", "b"]}, protocol=2)


def zip_bomb() -> bytes:
    """A few kilobytes that would unfold into a gigabyte."""
    body = BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("archive/data.pkl", "w") as member:
        for _ in range(256):
            member.write(bytes(4 << 20))
    return body.getvalue()
