"""Small real files, good and bad."""

from __future__ import annotations

import json
import pickle
import random
import struct
import zipfile
from io import BytesIO

BLOCK = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"


def safetensors(seed: int = 1, metadata: dict[str, str] | None = None, rank: int = 4) -> bytes:
    """A LoRA of one layer, which says so in its tensors' names and shapes. Each rank takes 2,176 bytes."""
    shapes = {f"{BLOCK}.lora_down.weight": [rank, 768], f"{BLOCK}.lora_up.weight": [320, rank], f"{BLOCK}.alpha": []}
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


def torch_zip(shapes: dict[str, tuple[int, int]]) -> bytes:
    """What `torch.save` writes of half-precision tensors: a stored zip whose pickle names their storages."""
    body = BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", _torch_pickle(shapes))
        for number, (rows, columns) in enumerate(shapes.values()):
            archive.writestr(f"archive/data/{number}", bytes(2 * rows * columns))
        archive.writestr("archive/version", "3\n")
    return body.getvalue()


def _torch_pickle(shapes: dict[str, tuple[int, int]]) -> bytes:
    """Written by hand in the pickle's own opcodes, so that no test needs torch."""

    def text(word: str) -> bytes:
        return b"X" + struct.pack("<I", len(word.encode())) + word.encode()

    def number(value: int) -> bytes:
        return b"J" + struct.pack("<i", value)

    out = b"\x80\x02}("
    for place, (name, (rows, columns)) in enumerate(shapes.items()):
        out += text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n(("
        out += text("storage") + b"ctorch\nHalfStorage\n" + text(str(place)) + text("cpu")
        out += number(rows * columns) + b"tQ" + number(0)
        out += number(rows) + number(columns) + b"\x86" + number(columns) + number(1) + b"\x86\x89"
        out += b"ccollections\nOrderedDict\n)RtR"
    return out + b"u."


def zip_bomb() -> bytes:
    """A few kilobytes that would unfold into a gigabyte."""
    body = BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("archive/data.pkl", "w") as member:
        for _ in range(256):
            member.write(bytes(4 << 20))
    return body.getvalue()
