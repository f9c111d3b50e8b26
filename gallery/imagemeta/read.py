"""The one door: a picture file's bytes in, its generation data out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from gallery.imagemeta.a1111 import read_a1111
from gallery.imagemeta.blocks import Block, read_blocks
from gallery.imagemeta.comfyui import read_comfyui
from gallery.imagemeta.fooocus import read_fooocus
from gallery.imagemeta.generation import Generation, text
from gallery.imagemeta.invokeai import read_dream, read_invokeai, read_old_invokeai
from gallery.imagemeta.loading import load_object
from gallery.imagemeta.others import read_drawthings, read_easydiffusion, read_novelai
from gallery.imagemeta.receipts import read_receipt
from gallery.imagemeta.swarm import read_swarm

Reader = Callable[[Mapping[str, str]], Generation | None]
RECEIPT: Final = "png:safelight"


def read_generation(data: bytes, hidden: str | None = None) -> Generation | None:
    """What the picture's tool wrote about it, or None.

    `data` is the whole file; `hidden` a text found in its pixels (`read_stealth`), which counts where the file's own
    blocks say nothing. The blocks as they stood come back in `raw`, also when only some of them were understood.
    A receipt of this site wins over anything beside it; it is what the file says, not proof. Raises MalformedFile as
    `read_blocks` does, and nothing else.
    """
    raw = _by_place(read_blocks(data))
    found = read_texts(raw)
    if found is None and hidden:
        raw = {**raw, "pixels": hidden}
        found = read_texts({"png:parameters": hidden}) or _novelai_hidden(hidden)
        found = replace(found, from_pixels=True) if found else None
    return replace(found, raw=raw) if found else None


def blocks_of(data: bytes) -> tuple[Block, ...]:
    """The blocks alone, for a page that shows what could not be understood."""
    return read_blocks(data)


def _by_place(blocks: tuple[Block, ...]) -> dict[str, str]:
    """Texts by place in the file's order; a place met again is numbered, and the first of it is the one that counts."""
    raw: dict[str, str] = {}
    met: dict[str, int] = {}
    for block in blocks:
        met[block.place] = number = met.get(block.place, 0) + 1
        raw[block.place if number == 1 else f"{block.place} ({number})"] = block.text
    return raw


def read_texts(raw: Mapping[str, str]) -> Generation | None:
    """What texts tell, by the places in which they stood: the first reader that understands one."""
    for reader in (_receipt, _parameters, _invoke, _novelai, _drawthings, _easy, _comfy):
        try:
            found = reader(raw)
        except ValueError:
            continue  # longer than its reader takes
        if found is not None:
            return found
    return None


def _receipt(raw: Mapping[str, str]) -> Generation | None:
    block = load_object(raw.get(RECEIPT, ""))
    return read_receipt(block) if block else None


def _parameters(raw: Mapping[str, str]) -> Generation | None:
    """A1111's text, or the JSON of SwarmUI and Fooocus, in a PNG chunk, a UserComment or a comment."""
    for place in ("png:parameters", "exif:UserComment", "xmp:UserComment", "jpeg:comment", "gif:comment"):
        words = raw.get(place, "")
        if not words.strip():
            continue
        block = load_object(words)
        if block is None:
            found = read_a1111(words)
        else:
            scheme = raw.get("png:fooocus_scheme", "") or raw.get("exif:Make", "") or raw.get("exif:Software", "")
            found = read_swarm(block) or read_fooocus(block, "fooocus" if "fooocus" in scheme.lower() else "")
        if found:
            return found
    return None


def _invoke(raw: Mapping[str, str]) -> Generation | None:
    for place, reader in (("png:invokeai_metadata", read_invokeai), ("png:sd-metadata", read_old_invokeai)):
        block = load_object(raw.get(place, ""))
        if block and (found := reader(block)):
            return found
    return read_dream(raw["png:Dream"]) if "png:Dream" in raw else None


def _novelai(raw: Mapping[str, str]) -> Generation | None:
    if raw.get("png:Software") != "NovelAI":
        return None
    comment = load_object(raw.get("png:Comment", ""))
    return read_novelai(comment, raw.get("png:Description", ""), raw.get("png:Source", "")) if comment else None


def _novelai_hidden(hidden: str) -> Generation | None:
    """NovelAI hides the same fields as one JSON object."""
    block = load_object(hidden)
    if not block:
        return None
    fields = {f"png:{key}": value for key, value in block.items() if isinstance(value, str)}
    return _novelai({"png:Software": "NovelAI", **fields})


def _drawthings(raw: Mapping[str, str]) -> Generation | None:
    for place in ("xmp:UserComment", "exif:UserComment"):
        block = load_object(raw.get(place, ""))
        if block and (found := read_drawthings(block)):
            return found
    return None


def _easy(raw: Mapping[str, str]) -> Generation | None:
    """One text chunk a field, or in JPEG and WebP one JSON object of the same fields."""
    if load_object(raw.get("png:prompt", "")) is not None:
        return None
    block = load_object(raw.get("exif:UserComment", ""))
    if block is not None:
        return read_easydiffusion({key: _as_text(value) for key, value in block.items()})
    return read_easydiffusion(
        {place.partition(":")[2]: words for place, words in raw.items() if place.startswith("png:")}
    )


def _as_text(value: object) -> str:
    """A field's value as a text chunk would hold it."""
    if isinstance(value, list):
        return ", ".join(text(item, 400) for item in value[:200])
    return str(value).lower() if isinstance(value, bool) else text(value)


def _comfy(raw: Mapping[str, str]) -> Generation | None:
    """The graphs lie in PNG chunks, or in WebP's Exif as `prompt:{…}` under Model and `workflow:{…}` under Make."""
    prompt = raw.get("png:prompt") or raw.get("exif:Model", "").removeprefix("prompt:")
    workflow = raw.get("png:workflow") or raw.get("exif:Make", "").removeprefix("workflow:")
    return read_comfyui(load_object(prompt or ""), load_object(workflow or ""))
