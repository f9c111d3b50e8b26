"""What a clip's container tells: how the clip was made, where the tools write it, and what may be private in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from gallery.imagemeta.blocks import Block
from gallery.imagemeta.clip_tags import ClipTag, read_clip_tags
from gallery.imagemeta.generation import Generation
from gallery.imagemeta.loading import load_object
from gallery.imagemeta.private import (
    CAMERA_SERIAL,
    DEVICE,
    GPS,
    MAKER_NOTE,
    MAX_FINDINGS,
    OWNER_NAME,
    Finding,
    findings_of_text,
    findings_of_xmp,
)
from gallery.imagemeta.read import read_texts

# By the name of a tag, whichever container it stands in: Apple's, Android's, 3GPP's, those of cameras.
_KINDS: Final = (
    (GPS, re.compile(r"[©@]xyz|loci|.*location.*|.*(?:^|[._-])gps.*|.*latitude.*|.*longitude.*", re.IGNORECASE)),
    (CAMERA_SERIAL, re.compile(r".*serial.*|slno|.*camera\.identifier|.*(?:device|unit)[._-]?id", re.IGNORECASE)),
    (
        DEVICE,
        re.compile(
            r"[©@]ma[ck]|[©@]mod|manu|modl|mak|mod|(?:.*[._-])?(?:make|model|manufacturer|device|camera|cameraname)",
            re.IGNORECASE,
        ),
    ),
    (OWNER_NAME, re.compile(r"[©@](?:ART|aut|dir)|auth|aART|(?:.*[._-])?(?:artist|author|owner|director)", re.I)),
)
_MAX_NAME: Final = 80
# Where ComfyUI and the tools around it write what a picture's file holds under these names.
_MADE: Final = {"prompt": "png:prompt", "workflow": "png:workflow", "parameters": "png:parameters"}
_COMMENTS: Final = ("comment", "©cmt", "description", "desc", "©des")


def find_private_in_clip(data: bytes) -> tuple[Finding, ...]:
    """Every private thing in a clip's container, each once, at most 100. Raises MalformedFile as `read_clip_tags`."""
    found = dict.fromkeys(finding for tag in read_clip_tags(data) for finding in _findings(tag))
    return tuple(found)[:MAX_FINDINGS]


def _findings(tag: ClipTag) -> Iterator[Finding]:
    place = f"clip:{tag.name[:_MAX_NAME]}"
    if tag.name == "xmp":
        yield from findings_of_xmp(tag.text, place)
    if tag.is_block:
        yield Finding.of(MAKER_NOTE, place, tag.text)
    elif tag.text.strip():
        for kind, names in _KINDS:
            if names.fullmatch(tag.name[:_MAX_NAME]):
                yield Finding.of(kind, place, tag.text)
                break
    yield from findings_of_text(Block(place, tag.text))


def read_clip_generation(data: bytes) -> Generation | None:
    """What a tool wrote into a clip about its making, or None. Raises MalformedFile as `read_clip_tags`."""
    raw = _by_name(read_clip_tags(data))
    found = read_texts(raw)
    return replace(found, raw=raw) if found else None


def _by_name(tags: Iterable[ClipTag]) -> dict[str, str]:
    """The texts that may tell of a clip's making, under the places in which a PNG holds them."""
    raw: dict[str, str] = {}
    for tag in tags:
        name = tag.name.lower()
        if name in _MADE:
            raw.setdefault(_MADE[name], tag.text)
        elif name in _COMMENTS and (block := load_object(tag.text)) is not None and _MADE.keys() & block.keys():
            for key in _MADE.keys() & block.keys():
                value = block[key]
                raw.setdefault(_MADE[key], value if isinstance(value, str) else json.dumps(value))
        elif name in _COMMENTS:
            raw.setdefault("png:parameters", tag.text)
    return raw


def kept_tags(data: bytes) -> dict[str, str]:
    """Tags that tell how a clip was made and hold nothing private: what a copy without the rest may keep."""
    kept: dict[str, str] = {}
    for tag in read_clip_tags(data):
        name = {"©cmt": "comment", "©des": "description", "desc": "description"}.get(tag.name, tag.name.lower())
        if (name in _MADE or name in _COMMENTS) and not any(True for _finding in _findings(tag)):
            kept.setdefault(name, tag.text)
    return kept
