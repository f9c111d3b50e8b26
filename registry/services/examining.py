"""What an upload's bytes are: one pass for every digest, seeks to headers and pickles only. Knows no rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, Final

from registry.formats import gguf
from registry.formats.architecture import recognize
from registry.formats.errors import MalformedFile
from registry.formats.hashes import Hashes, hash_stream
from registry.formats.safetensors import MAX_HEADER_BYTES, Header, read_header
from registry.formats.tensors import TensorInfo, byte_shares
from registry.pickles.scan import Report, scan
from registry.pickles.tensors import read_tensors

# Training metadata can be megabytes of tags; a page shows the start of each value.
_MAX_METADATA_VALUE: Final = 2_000
_MAX_METADATA_BYTES: Final = 128 << 10
_MAX_METADATA_KEYS: Final = 300
# The scanner's words for files whose tensors are named by a pickle.
_PICKLED: Final = frozenset({"torch-zip", "torch-legacy"})

Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the scanner and the readers made of the bytes, as it is stored."""

    verdict: str
    format: str
    rules_version: str
    findings: list[dict[str, Any]]
    evidence: list[dict[str, Any]]
    evidence_cut: bool
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Examination:
    """All that one inspection learned. Without a judgement, the same bytes had been judged by the same rules."""

    hashes: Hashes
    fingerprint: str
    judgement: Judgement | None


def examine(
    stream: BinaryIO, size: int, *, name: str, is_judged: Callable[[str], bool], progress: Progress
) -> Examination:
    """Read `size` bytes once, judge them, and say what they are. Malformed bytes are a finding, never an exception.

    `is_judged(sha256)` tells whether a judgement by the present rules is stored. `progress(step, bytes_read)` hears
    where the work stands and may raise to stop it.
    """
    progress("header", 0)
    header = _safetensors_header(stream, size)
    stream.seek(0)
    hashes = hash_stream(
        stream,
        size,
        on_progress=lambda done: progress("hashing", done),
        data_offset=header.data_offset if header else None,
    )
    judgement = None
    if not is_judged(hashes.sha256):
        progress("scanning", size)
        judgement = _judge(stream, size, name, header, progress)
    return Examination(hashes, hashes.data_sha256 or "", judgement)


def _safetensors_header(stream: BinaryIO, size: int) -> Header | None:
    """The header, or None where there is none that is right; why it is wrong, the scanner says."""
    stream.seek(0)
    start = stream.read(9)
    if len(start) < 9 or start[8:] != b"{" or int.from_bytes(start[:8], "little") > MAX_HEADER_BYTES:
        return None
    stream.seek(0)
    try:
        return read_header(stream, size)
    except MalformedFile:
        return None


def _judge(stream: BinaryIO, size: int, name: str, header: Header | None, progress: Progress) -> Judgement:
    stream.seek(0)
    report = scan(stream, size, name=name, on_progress=lambda _offset: progress("scanning", size))
    progress("recognizing", size)
    return Judgement(
        verdict=str(report.verdict),
        format=report.format,
        rules_version=report.rules_version,
        findings=storable([finding.as_dict() for finding in report.findings]),
        evidence=storable([piece.as_dict() for piece in report.evidence]),
        evidence_cut=report.evidence_cut,
        facts=storable(_facts(stream, size, name, header, report)),
    )


def _facts(stream: BinaryIO, size: int, name: str, header: Header | None, report: Report) -> dict[str, Any]:
    """The header in short, and what the tensors' names and shapes say the model is."""
    facts: dict[str, Any] = {
        "format": report.format,
        "skipped": list(report.skipped),
        "more_findings": report.more_findings,
    }
    tensors, declared = (header.tensors, header.metadata) if header else _other_tensors(stream, size, report)
    if not tensors:
        return facts
    metadata, cut = _bounded(declared)
    return {
        **facts,
        "tensors": len(tensors),
        "parameters": sum(tensor.elements for tensor in tensors),
        "dtypes": byte_shares(tensors),
        "metadata": metadata,
        "metadata_cut": cut,
        "recognition": asdict(recognize(tensors, declared, file_name=name)),
    }


def _other_tensors(stream: BinaryIO, size: int, report: Report) -> tuple[tuple[TensorInfo, ...], Mapping[str, str]]:
    """Tensors and declared texts of formats other than safetensors; the scanner has said what is wrong with them."""
    stream.seek(0)
    try:
        if report.format == "gguf":
            found = gguf.read_header(stream, size)
            return found.tensors, found.texts
        return (read_tensors(stream, size) if report.format in _PICKLED else ()), {}
    except MalformedFile:
        return (), {}


def _bounded(metadata: Mapping[str, str]) -> tuple[dict[str, str], bool]:
    """The metadata as far as a row should hold it, and whether something was left out."""
    kept: dict[str, str] = {}
    room = _MAX_METADATA_BYTES
    for key, value in metadata.items():
        short = value[:_MAX_METADATA_VALUE]
        room -= len(key.encode()) + len(short.encode())
        if room < 0 or len(kept) == _MAX_METADATA_KEYS:
            break
        kept[key] = short
    return kept, kept != dict(metadata)


def storable(value: Any) -> Any:
    """The same with signs that no column can hold replaced: NUL, and halves of characters."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {storable(str(key)): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    return value
