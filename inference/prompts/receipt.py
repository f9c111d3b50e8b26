"""Receipts: how a picture was rendered, exact enough to render it again.

A receipt is canonical JSON (sorted keys, no blanks, UTF-8, shortest numbers), so that its bytes can be compared and
hashed. `image_hash` covers the pixels and not the file, so that the receipt can stand inside its file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from inference.prompts.plan import RenderPlan

FORMAT: Final = 1
KEYWORD: Final = "safelight"  # of the text chunk in a PNG
MAX_BYTES: Final = 200_000


@dataclass(frozen=True, slots=True)
class Environment:
    """What rendered: versions, device, number format. Two equal environments give equal pixels for one request.

    `economical`: in less memory, with attention in slices and the VAE in tiles.
    """

    engine: str
    torch: str
    diffusers: str
    transformers: str
    device: str
    dtype: str
    attention: str
    threads: int
    economical: bool = False


def image_hash(width: int, height: int, rgb: bytes) -> str:
    """SHA-256 over width and height (32 bits each, little-endian) and the RGB8 pixels, row by row.

    ValueError unless there are three bytes a pixel.
    """
    if len(rgb) != width * height * 3:
        raise ValueError(f"{len(rgb)} bytes are not {width} x {height} RGB pixels")
    head = width.to_bytes(4, "little") + height.to_bytes(4, "little")
    return hashlib.sha256(head + rgb).hexdigest()


def make_receipt(
    plan: RenderPlan, *, seed: int, index: int, environment: Environment, image: str, notes: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The receipt of picture `index` of a plan. `image` is its `image_hash`; `notes` name what was not applied."""
    return {
        "safelight_receipt": FORMAT,
        "request": plan.request.written(),
        "ingredients": [
            {"role": item.role, "version": item.version, "name": item.name, "sha256": item.sha256}
            for item in plan.ingredients
        ],
        "prediction": plan.prediction,
        "seed": str(seed),
        "index": index,
        "environment": asdict(environment),
        "notes": list(notes),
        "image_hash": image,
    }


def without_ids(receipt: Mapping[str, Any]) -> dict[str, Any]:
    """The receipt as it stands inside a picture: without this site's ids, which mean nothing elsewhere.

    A version's place is taken by the hash of its file.
    """
    hashes = {item["version"]: item["sha256"] for item in receipt["ingredients"]}
    body = dict(receipt)
    body["request"] = _named_by_hash(receipt["request"], hashes)
    body["ingredients"] = [{k: v for k, v in item.items() if k != "version"} for item in receipt["ingredients"]]
    return body


def _named_by_hash(value: Any, hashes: Mapping[int, str]) -> Any:
    if isinstance(value, Mapping):
        named = {key: _named_by_hash(item, hashes) for key, item in value.items()}
        for key in ("version", "vae"):
            if isinstance(named.get(key), int):
                named[key] = hashes.get(named[key])
        return named
    if isinstance(value, list | tuple):
        return [_named_by_hash(item, hashes) for item in value]
    return value


def canonical(value: Mapping[str, Any]) -> str:
    """The one way to write it. ValueError for what JSON has no word for, such as NaN."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
