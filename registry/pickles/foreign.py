"""Files that are no pickle and no archive: what is accepted as it is, what is refused, and how that is said."""

from __future__ import annotations

from collections.abc import Callable

from registry.formats.detect import ARCHIVES_REFUSED, PICTURES, PROGRAMS
from registry.formats.errors import MalformedFile
from registry.formats.numpy_array import NumpyHeader, read_numpy_header
from registry.formats.onnx import external_paths
from registry.formats.safetensors import read_header
from registry.formats.sources import Region
from registry.pickles.inspection import Inspection
from registry.pickles.streams import inspect_pickles

PROGRAM_NAMES = {
    "elf": "for Linux",
    "pe": "for Windows",
    "macho": "for macOS or Java",
    "wasm": "WebAssembly",
    "script": "a script",
    "dex": "for Android",
    "chm": "a Windows help file, which can run programs",
    "lnk": "a Windows shortcut, which can run programs",
}


def inspect_foreign(inspection: Inspection, region: Region, member: str, kind: str) -> str:
    """Judge a file of a kind that is neither pickle nor archive. Returns the format's word."""
    reader = _READERS.get(kind)
    if reader is not None:
        reader(inspection, region, member)
    elif kind in ARCHIVES_REFUSED:
        inspection.say("archive_not_accepted", member=member, kind=kind)
        inspection.skip(member or "the archive's content")
    elif kind in PROGRAMS:
        inspection.say("executable", member=member, kind=PROGRAM_NAMES[kind])
    elif kind not in PICTURES and kind not in ("text", "json"):
        inspection.say("unknown_content", member=member)
        inspection.skip(member or "the whole content")
    return kind


def _empty(inspection: Inspection, region: Region, member: str) -> None:
    if not member:  # an empty member of an archive does nothing
        inspection.say("empty_file")


def _html(inspection: Inspection, region: Region, member: str) -> None:
    inspection.say("html_page", member=member)


def _hdf5(inspection: Inspection, region: Region, member: str) -> None:
    inspection.say("hdf5_not_accepted", member=member)
    inspection.skip(member or "the HDF5 content")


def _safetensors(inspection: Inspection, region: Region, member: str) -> None:
    region.stream.seek(region.start)
    try:
        read_header(region.stream, region.size)
    except MalformedFile as malformed:
        inspection.say("safetensors_broken", member=member, what=malformed.message, reason=malformed.reason)


def _gguf(inspection: Inspection, region: Region, member: str) -> None:
    from registry.formats import gguf  # noqa: PLC0415 - a tenth of the command's time for a checkpoint, which needs none

    region.stream.seek(region.start)
    try:
        header = gguf.read_header(region.stream, region.size)
    except MalformedFile as malformed:
        inspection.say("gguf_broken", member=member, what=malformed.message, reason=malformed.reason)
        return
    for found in header.template_findings:
        inspection.say("gguf_template_code", member=member, key=found.key, what=found.word or found.message)


def _onnx(inspection: Inspection, region: Region, member: str) -> None:
    try:
        for path in external_paths(region):
            inspection.say("onnx_external_path", member=member, path=path)
    except MalformedFile:
        inspection.say("onnx_broken", member=member)


def _npy(inspection: Inspection, region: Region, member: str) -> None:
    try:
        header = read_numpy_header(region)
    except MalformedFile as malformed:
        inspection.say("npy_broken", member=member, what=malformed.message)
        return
    rest = region.part(header.data, region.size)
    if header.holds_objects:
        inspect_pickles(inspection, rest, member)
    else:
        _check_array_length(inspection, rest, header, member)


def _check_array_length(inspection: Inspection, rest: Region, header: NumpyHeader, member: str) -> None:
    if header.nbytes > rest.size:
        inspection.say("npy_truncated", member=member)
    elif header.nbytes < rest.size:
        left = rest.size - header.nbytes
        inspection.say("trailing_bytes", member=member, count=left, position=header.data + header.nbytes)


def _png(inspection: Inspection, region: Region, member: str) -> None:
    """Walk the chunks to IEND: nothing may follow."""
    position = 8
    for _chunk in range(100_000):
        head = region.at(position, 8)
        if len(head) < 8:
            if not member:  # a broken picture inside an archive harms nobody
                inspection.say("picture_broken")
            return
        position += 12 + int.from_bytes(head[:4], "big")
        if head[4:] == b"IEND":
            break
    if position < region.size:
        inspection.say("picture_trailing_bytes", member=member, count=region.size - position, offset=position)


def _webp(inspection: Inspection, region: Region, member: str) -> None:
    end = 8 + int.from_bytes(region.at(4, 4), "little")
    if end + end % 2 < region.size:
        inspection.say("picture_trailing_bytes", member=member, count=region.size - end, offset=end)


_READERS: dict[str, Callable[[Inspection, Region, str], None]] = {
    "empty": _empty,
    "html": _html,
    "hdf5": _hdf5,
    "safetensors": _safetensors,
    "gguf": _gguf,
    "onnx": _onnx,
    "npy": _npy,
    "png": _png,
    "webp": _webp,
}
