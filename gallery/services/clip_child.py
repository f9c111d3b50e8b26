"""The child's program: what a clip's container says, and the same clip without it.

Reads standard input, writes into the working folder as `reading_child` does. The copy is remuxed: pictures and sound
are copied as they are, packet by packet, and never decoded; what stands in their own streams stays, and subtitles and
tracks of data go. Runs only inside `registry.imaging.cell`; what may be needed is imported here, since the door is
shut afterwards.
"""

from __future__ import annotations

import codecs
import contextlib
import importlib
import io
import json
import mmap
import sys
import zlib
from pathlib import Path
from typing import Any, Final

import av
from av.container import InputContainer, OutputContainer
from av.stream import Stream

from gallery.imagemeta.clip_tags import read_clip_tags
from gallery.imagemeta.clips import find_private_in_clip, kept_tags, read_clip_generation
from gallery.services.reading_child import plain_generation
from registry.formats.errors import MalformedFile
from registry.imaging.containers.clips import clip_format
from registry.imaging.limits import MAX_CLIP_PACKETS, MAX_CLIP_STREAMS

# What opening would load late, when the folders are out of sight.
for _name in "codeccontext stream subtitle".split():
    importlib.import_module(f"av.subtitles.{_name}")
for _name in "ascii latin-1 utf-8 utf-16 utf-16-le utf-16-be".split():
    codecs.lookup(_name)

_DEMUXERS: Final = {"mp4": "mov", "webm": "matroska"}
_SHOWN: Final = ("video", "audio")
_MADE: Final = "stripped"


def told_of_clip(data: bytes) -> tuple[dict[str, Any], dict[str, str]]:
    """What is told of a clip, and the texts as they stood."""
    try:
        found, private = read_clip_generation(data), find_private_in_clip(data)
        blocks = dict(found.raw) if found else {f"clip:{tag.name}": tag.text for tag in reversed(read_clip_tags(data))}
    except MalformedFile as fault:
        return {"note": fault.reason}, {}
    findings = [{"kind": each.kind, "place": each.place, "text": each.excerpt} for each in private]
    return {"generation": plain_generation(found) if found else None, "private": findings}, blocks


def remux(data: bytes, kept: dict[str, str]) -> None:
    """Write the clip with its pictures and sound, the tags of `kept` and nothing else, into the folder."""
    kind = clip_format(data[:1024])
    if kind is None:
        raise MalformedFile("cannot_strip", "the file is no clip")
    # Tags by names of their own go into MP4 by keys alone. The index stands first, as players like it.
    flags = "+faststart+use_metadata_tags" if kept else "+faststart"
    options = {"fflags": "+bitexact", **({"movflags": flags} if kind == "mp4" else {})}
    try:
        with (
            av.open(io.BytesIO(data), "r", format=_DEMUXERS[kind]) as source,
            av.open(_MADE, "w", format=kind, options=options) as made,
        ):
            made.metadata.update(kept)
            _copy(source, made)
    except (av.FFmpegError, ValueError) as fault:
        raise MalformedFile("cannot_strip", f"the clip cannot be written anew: {fault}") from fault


def _copy(source: InputContainer, made: OutputContainer) -> None:
    if len(source.streams) > MAX_CLIP_STREAMS:
        raise MalformedFile("cannot_strip", "the clip has too many tracks")
    copies: dict[int, Stream] = {}
    for stream in source.streams:
        if stream.type in _SHOWN and stream.codec_context is not None:
            copy = copies[stream.index] = made.add_stream_from_template(stream, opaque=True)
            copy.metadata.clear()
    for number, packet in enumerate(source.demux([source.streams[index] for index in copies])):
        if number > MAX_CLIP_PACKETS:
            raise MalformedFile("cannot_strip", "the clip has too many parts")
        if packet.dts is not None or packet.size:
            packet.stream = copies[packet.stream.index]
            made.mux(packet)


def _strip(data: bytes, kind: str) -> None:
    remux(data, kept_tags(data) if kind == "clean" else {})
    made = Path(_MADE).read_bytes()
    if find_private_in_clip(made) or (kind == "bare" and read_clip_generation(made) is not None):
        raise MalformedFile("cannot_strip", "something private stays")


def _input() -> bytes:
    with contextlib.closing(mmap.mmap(sys.stdin.fileno(), 0, access=mmap.ACCESS_READ)) as mapped:
        return mapped[:]


def strip_clip_main(kind: str) -> int:
    """Leaves the clip without its metadata in the folder, or why that is not possible. `kind`: clean or bare."""
    told: dict[str, Any] = {}
    try:
        _strip(_input(), kind)
    except MalformedFile as fault:
        told = {"error": fault.reason}
    Path("told.json").write_text(json.dumps(told), "ascii")
    return 0


def clip_main() -> int:
    """Leaves its answer in the folder."""
    told, blocks = told_of_clip(_input())
    Path("raw").write_bytes(zlib.compress(json.dumps(blocks).encode("ascii"), 6) if blocks else b"")
    Path("told.json").write_text(json.dumps(told), "ascii")
    return 0
