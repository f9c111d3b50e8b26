"""Read the header of a safetensors file and refuse every way in which it can lie.

The format: an 8-byte little-endian length N, N bytes of JSON that begin with "{", then the tensors' bytes, gapless.
The JSON maps each name to `{dtype, shape, data_offsets}`, and `__metadata__` to an object of texts
(github.com/safetensors/safetensors, README "Format"; behaviour compared with version 0.8.0 of its library).
"""

import codecs
import json
import re
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, NoReturn

from registry.formats.errors import MalformedFile
from registry.formats.tensors import DTYPE_BITS, TensorInfo, byte_shares

MAX_HEADER_BYTES: Final = 100_000_000  # the format's own limit
MAX_METADATA_BYTES: Final = 16 << 20  # a thumbnail and every training tag fit in a tenth of this
MAX_METADATA_ENTRIES: Final = 10_000
MAX_TENSORS: Final = 100_000  # the largest full checkpoints have some four thousand
MAX_NAME_BYTES: Final = 1_024
MAX_TENSOR_ENTRY_BYTES: Final = 8_192
MAX_DIMENSIONS: Final = 64
MAX_NESTING: Final = 8  # a right header nests three deep; more is allowed for, only to name the fault
MAX_COUNT: Final = (1 << 63) - 1  # sizes are unsigned 64-bit in the format; above this readers overflow

_SPACE: Final = re.compile(rb"[ \t\r\n]*+")
# A text, or one sign of structure. Possessive, so that an unclosed text costs one pass and no more.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[][{},"]', re.DOTALL)
_FIELDS: Final = frozenset({"dtype", "shape", "data_offsets"})


@dataclass(frozen=True, slots=True)
class Header:
    """What a safetensors file says about itself. Every text in it is the uploader's: hostile until escaped."""

    metadata: dict[str, str]
    tensors: tuple[TensorInfo, ...]
    header_bytes: int
    data_offset: int
    parameter_count: int
    dtypes: dict[str, float]


def read_header(stream: BinaryIO, size: int) -> Header:
    """Read the header of the `size` bytes that begin where `stream` stands, without touching the tensors.

    Reads at most 100 MB, in time linear in the header. Raises MalformedFile with a reason of its own for every lie.
    """
    raw = _header_text(stream, size)
    data_offset = 8 + len(raw)
    _refuse_broken_text(raw)
    metadata, tensors = _parse(raw)
    _check_coverage(tensors, size - data_offset)
    return Header(
        metadata=metadata,
        tensors=tuple(tensors),
        header_bytes=len(raw),
        data_offset=data_offset,
        parameter_count=sum(tensor.elements for tensor in tensors),
        dtypes=byte_shares(tensors),
    )


def _refuse(reason: str, message: str) -> NoReturn:
    raise MalformedFile(reason, message)


def _header_text(stream: BinaryIO, size: int) -> bytes:
    if size < 8:
        _refuse("header_missing", f"The file has {size} bytes; a safetensors file begins with 8 bytes of length.")
    (length,) = struct.unpack("<Q", _read_exactly(stream, 8))
    if length > MAX_HEADER_BYTES:
        _refuse("header_too_long", f"The header claims {length} bytes; the format allows {MAX_HEADER_BYTES}.")
    if length > size - 8:
        _refuse("header_beyond_file", f"The header claims {length} bytes, but only {size - 8} follow its length.")
    if length < 2:
        _refuse("header_too_short", f"The header claims {length} bytes; the shortest has 2.")
    return _read_exactly(stream, length)


def _read_exactly(stream: BinaryIO, length: int) -> bytes:
    # One read is the common case; a raw or remote stream may answer with less than was asked for.
    first = stream.read(length)
    if len(first) == length:
        return first
    parts, missing = [first], length - len(first)
    while missing:
        part = stream.read(missing)
        if not part:
            _refuse("file_truncated", f"The file ends {missing} bytes before its header does.")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _refuse_broken_text(raw: bytes) -> None:
    if raw[:1] != b"{":
        _refuse("header_start", 'The header does not begin with "{".')
    # In pieces: decoding all of it at once would hold four bytes for each of the header's.
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(raw), 1 << 20):
            decoder.decode(raw[start : start + (1 << 20)], start + (1 << 20) >= len(raw))
    except UnicodeDecodeError as error:
        raise MalformedFile("header_not_utf8", "The header is not UTF-8 text.") from error


def _parse(raw: bytes) -> tuple[dict[str, str], list[TensorInfo]]:
    metadata: dict[str, str] = {}
    tensors: list[TensorInfo] = []
    seen: set[str] = set()
    for name, value in _entries(raw):
        if name in seen:
            _refuse("duplicate_name", f"The header names {shown(name)} twice.")
        seen.add(name)
        if name == "__metadata__":
            metadata = _metadata(value)
            continue
        if len(tensors) == MAX_TENSORS:
            _refuse("too_many_tensors", f"The header lists more than {MAX_TENSORS} tensors.")
        tensors.append(_tensor(name, value))
    return metadata, tensors


def _entries(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Each name of the outer object with the bytes of its value. Refuses anything that is not one JSON object."""
    position = _after_space(raw, 1)
    if raw[position : position + 1] != b"}":
        while True:
            name, position = _name(raw, position)
            end = _value_end(raw, position, MAX_METADATA_BYTES if name == "__metadata__" else MAX_TENSOR_ENTRY_BYTES)
            yield name, raw[position:end]
            position = _after_space(raw, end)
            sign = raw[position : position + 1]
            if sign == b"}":
                break
            if sign != b",":
                _not_json(position)
            position = _after_space(raw, position + 1)
    if _after_space(raw, position + 1) != len(raw):
        _refuse("header_trailing_text", "Something other than spaces follows the header's closing brace.")


def _after_space(raw: bytes, position: int) -> int:
    match = _SPACE.match(raw, position)
    return match.end() if match else position


def _not_json(position: int) -> NoReturn:
    _refuse("header_not_json", f"The header is not JSON: it breaks at byte {position}.")


def _name(raw: bytes, position: int) -> tuple[str, int]:
    match = _TOKEN.match(raw, position)
    if match is None or match.end() - position < 2:
        _not_json(position)
    if match.end() - position > MAX_NAME_BYTES:
        _refuse("name_too_long", f"A tensor's name is longer than {MAX_NAME_BYTES} bytes.")
    name = _load(match.group(), position)
    if not isinstance(name, str):
        _not_json(position)
    colon = _after_space(raw, match.end())
    if raw[colon : colon + 1] != b":":
        _not_json(colon)
    return name, _after_space(raw, colon + 1)


def _value_end(raw: bytes, start: int, limit: int) -> int:
    """Where the value that begins at `start` ends. Depth and length are bounded before any JSON reader sees it."""
    depth, position = 0, start
    while match := _TOKEN.search(raw, position):
        sign, position = match.group()[:1], match.end()
        if position - start > limit:
            _refuse("entry_too_long", f"An entry of the header is longer than {limit} bytes.")
        if sign == b'"' and position - match.start() == 1:
            _not_json(match.start())
        if sign in b"{[":
            depth += 1
            if depth > MAX_NESTING:
                _refuse("nested_too_deep", f"The header nests deeper than {MAX_NESTING} levels.")
        elif sign in b"}]":
            depth -= 1
        if depth < 0 or (depth == 0 and sign == b","):
            return match.start()  # a bare number or word, ended by what follows it
        if depth == 0:
            return position
    _not_json(len(raw))


class _DuplicateKeyError(ValueError):
    """An object has one key twice; the text is the key."""


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        ((key, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise _DuplicateKeyError(key)
    return result


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def _load(value: bytes, position: int) -> object:
    try:
        loaded: object = _DECODER.decode(value.decode("utf-8"))
    except _DuplicateKeyError as error:
        raise MalformedFile(
            "duplicate_key", f"The header has the key {shown(str(error))} twice in one object."
        ) from error
    except ValueError as error:
        raise MalformedFile("header_not_json", f"The header is not JSON: it breaks near byte {position}.") from error
    if b"\\u" in value:
        _refuse_lone_surrogates(value, loaded)
    return loaded


def _refuse_lone_surrogates(value: bytes, loaded: object) -> None:
    # JSON can spell half a character; such a text can be neither stored nor shown.
    try:
        json.dumps(loaded, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise MalformedFile(
            "text_not_unicode", f"The header holds half a character near {shown(repr(value[:40]))}."
        ) from error


def _metadata(value: bytes) -> dict[str, str]:
    if value.count(b":") > MAX_METADATA_ENTRIES and _count_entries(value) > MAX_METADATA_ENTRIES:
        _refuse("metadata_too_many", f"The metadata has more than {MAX_METADATA_ENTRIES} entries.")
    loaded = _load(value, 0)
    if loaded is None:  # the format's library reads null as "no metadata"
        return {}
    if not isinstance(loaded, dict):
        _refuse("metadata_not_object", "The metadata is not an object of texts.")
    for key, text in loaded.items():
        if not isinstance(text, str):
            _refuse("metadata_not_text", f"The metadata value {shown(key)} is not text.")
    return loaded


def _count_entries(value: bytes) -> int:
    return sum(1 for match in _TOKEN.finditer(value) if match.group() in b"[{,")


def _tensor(name: str, value: bytes) -> TensorInfo:
    entry = _load(value, 0)
    if not isinstance(entry, dict) or not entry.keys() >= _FIELDS:
        _refuse("tensor_incomplete", f"Tensor {shown(name)} does not state dtype, shape and data_offsets.")
    if entry.keys() != _FIELDS:
        _refuse("tensor_extra_field", f"Tensor {shown(name)} has a field that the format does not know.")
    dtype = entry["dtype"]
    if not isinstance(dtype, str) or dtype not in DTYPE_BITS:
        _refuse("tensor_dtype", f"Tensor {shown(name)} has the unknown dtype {shown(str(dtype))}.")
    shape = _counts(name, "shape", entry["shape"])
    offsets = _counts(name, "data_offsets", entry["data_offsets"])
    if len(offsets) != 2:
        _refuse("tensor_data_offsets", f"Tensor {shown(name)} needs two data_offsets and has {len(offsets)}.")
    start, end = offsets
    if start > end:
        _refuse("offsets_reversed", f"Tensor {shown(name)} ends at {end}, before its start at {start}.")
    if end - start != _byte_size(name, dtype, shape):
        _refuse(
            "tensor_size", f"Tensor {shown(name)} has {end - start} bytes; its shape and dtype need another number."
        )
    return TensorInfo(name, dtype, shape, start, end)


def _counts(name: str, field: str, value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) > MAX_DIMENSIONS:
        _refuse(f"tensor_{field}", f"Tensor {shown(name)}: {field} is not a list of at most {MAX_DIMENSIONS} numbers.")
    for number in value:
        if type(number) is not int or not 0 <= number <= MAX_COUNT:  # bool is an int to Python, not to the format
            _refuse(f"tensor_{field}", f"Tensor {shown(name)}: {field} holds something other than a count.")
    return tuple(value)


def _byte_size(name: str, dtype: str, shape: tuple[int, ...]) -> int:
    bits = DTYPE_BITS[dtype]
    for length in shape:
        bits *= length
        if bits > MAX_COUNT:
            _refuse("tensor_overflow", f"Tensor {shown(name)} is larger than 64 bits can count.")
    if bits % 8:
        _refuse("tensor_half_byte", f"Tensor {shown(name)} ends inside a byte.")
    return bits // 8


def _check_coverage(tensors: list[TensorInfo], data_size: int) -> None:
    """Refuse unless the tensors cover the data exactly. Empty tensors may stand on any border."""
    position = 0
    for tensor in sorted(tensors, key=lambda tensor: (tensor.start, tensor.end)):
        if tensor.start > position:
            _refuse(
                "data_hole", f"{tensor.start - position} bytes before tensor {shown(tensor.name)} belong to no tensor."
            )
        if tensor.start < position:
            _refuse("data_overlap", f"Tensor {shown(tensor.name)} overlaps the one before it.")
        position = tensor.end
    if position > data_size:
        _refuse("data_truncated", f"The tensors need {position} bytes and the file has {data_size}.")
    if position < data_size:
        _refuse("data_trailing", f"{data_size - position} bytes follow the last tensor.")


def shown(text: str) -> str:
    """A hostile text cut and quoted for a message of one line."""
    cut = text if len(text) <= 80 else text[:79] + "…"
    return '"' + "".join(sign if sign.isprintable() else "�" for sign in cut) + '"'
