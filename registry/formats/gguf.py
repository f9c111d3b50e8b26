"""Read a GGUF file's metadata and tensor list, trusting no count or length in it.

The format (github.com/ggml-org/ggml, docs/gguf.md): "GGUF", version, counts of tensors and of metadata entries, the
entries, the tensor list, padding, the tensors' bytes. All numbers are little-endian. Versions 2 and 3 are read.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO, Final, NoReturn

from registry.formats.chat_template import TemplateFinding, judge_template
from registry.formats.errors import MalformedFile
from registry.formats.safetensors import shown
from registry.formats.tensors import TensorInfo, byte_shares

MAX_HEADER_BYTES: Final = 256 << 20  # the vocabulary of a large language model takes some 15 MB
MAX_ENTRIES: Final = 10_000
MAX_TENSORS: Final = 100_000
MAX_KEY_BYTES: Final = 65_535  # the format's own limit
MAX_TEXT_BYTES: Final = 4 << 20
MAX_KEPT_TEXT_BYTES: Final = 24 << 20  # all names and texts that are kept
MAX_ARRAY_ITEMS: Final = 1_000_000  # texts and arrays within arrays: the largest vocabularies have some 700,000
MAX_ARRAY_NESTING: Final = 4
MAX_DIMENSIONS: Final = 4  # the format's own limit
MAX_SIZE: Final = (1 << 63) - 1
KEPT_ITEMS: Final = 16
_PIECE: Final = 1 << 20
_MIN_ENTRY_BYTES: Final = 8 + 1 + 4 + 1  # key length, key, type, value
_MIN_TENSOR_BYTES: Final = 8 + 4 + 4 + 8  # name length, dimensions, type, offset

_SCALARS: Final = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    7: struct.Struct("<B"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
_BOOL, _TEXT, _ARRAY = 7, 8, 9

# Type number -> (name, numbers in a block, bytes of a block).
TENSOR_TYPES: Final = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    9: ("Q8_1", 32, 36),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
}


@dataclass(frozen=True, slots=True)
class GgufArray:
    """An array of the metadata. Only its first items are kept: vocabularies are long and nobody shows them."""

    count: int
    first: tuple["GgufValue", ...]


GgufValue = str | int | float | bool | GgufArray


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What a GGUF file says about itself. Shapes stand in the order of other formats, the slowest dimension first."""

    version: int
    metadata: dict[str, GgufValue]
    tensors: tuple[TensorInfo, ...]
    data_offset: int
    parameter_count: int
    dtypes: dict[str, float]
    template_findings: tuple[TemplateFinding, ...]

    @property
    def texts(self) -> dict[str, str]:
        """The metadata's texts alone, as recognition reads them."""
        return {key: value for key, value in self.metadata.items() if isinstance(value, str)}


def read_header(stream: BinaryIO, size: int) -> GgufHeader:
    """Read the header of the `size` bytes that begin where `stream` stands. Tensor bytes are not read.

    Raises MalformedFile with a reason of its own for every lie.
    """
    cursor = _Cursor(stream, size)
    if cursor.take(4) != b"GGUF":
        _refuse("gguf_magic", 'The file does not begin with "GGUF".')
    version = cursor.number(_SCALARS[4])
    if version not in (2, 3):
        _refuse("gguf_version", f"GGUF version {version} is not read (only little-endian 2 and 3 are).")
    tensor_count = cursor.count("tensors", MAX_TENSORS, 0)
    entry_count = cursor.count("metadata entries", MAX_ENTRIES, _MIN_ENTRY_BYTES)
    metadata = _metadata(cursor, entry_count)
    cursor.must_fit("tensors", tensor_count, _MIN_TENSOR_BYTES)
    tensors = _tensors(cursor, tensor_count)
    alignment = _alignment(metadata)
    data_offset = _aligned(cursor.position, alignment)
    _check_coverage(tensors, alignment, size - data_offset)
    return GgufHeader(
        version=version,
        metadata=metadata,
        tensors=tensors,
        data_offset=data_offset,
        parameter_count=sum(tensor.elements for tensor in tensors),
        dtypes=byte_shares(tensors),
        template_findings=tuple(
            finding
            for key, value in metadata.items()
            if key.startswith("tokenizer.chat_template") and isinstance(value, str)
            for finding in judge_template(key, value)
        ),
    )


def _refuse(reason: str, message: str) -> NoReturn:
    raise MalformedFile(reason, message)


class _Cursor:
    """Reads the header in order, in large pieces, and never past the file or the header's bound."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._end = min(size, MAX_HEADER_BYTES)
        self._is_cut = size > MAX_HEADER_BYTES
        self._piece = b""
        self._in_piece = 0
        self.position = 0
        self.array_items = 0
        self.kept_text_bytes = 0

    def take(self, length: int) -> bytes:
        self._reserve(length)
        while len(self._piece) - self._in_piece < length:
            wanted = max(length, min(_PIECE, self._end - self.position))
            part = self._stream.read(wanted - (len(self._piece) - self._in_piece))
            if not part:
                _refuse("file_truncated", "The file ends inside its header.")
            self._piece = self._piece[self._in_piece :] + part
            self._in_piece = 0
        start = self._in_piece
        self._in_piece += length
        self.position += length
        return self._piece[start : self._in_piece]

    def skip(self, length: int) -> None:
        self._reserve(length)
        while length:
            length -= len(self.take(min(length, _PIECE)))

    def _reserve(self, length: int) -> None:
        if length > self._end - self.position:
            if self._is_cut:
                _refuse("gguf_header_too_long", f"The header is longer than {MAX_HEADER_BYTES} bytes.")
            _refuse("gguf_beyond_file", "A length in the header points beyond the file.")

    def number(self, kind: struct.Struct) -> int:
        (value,) = kind.unpack(self.take(kind.size))
        return int(value)

    def count(self, what: str, limit: int, least_bytes: int) -> int:
        value = self.number(_SCALARS[10])
        if value > limit:
            _refuse("gguf_count", f"The header claims {value} {what}; at most {limit} are read.")
        self.must_fit(what, value, least_bytes)
        return value

    def must_fit(self, what: str, count: int, least_bytes: int) -> None:
        if count * least_bytes > self._end - self.position:
            _refuse("gguf_count", f"The header claims {count} {what}, more than the file has room for.")

    def text(self, what: str, limit: int) -> str:
        length = self.number(_SCALARS[10])
        if length > limit:
            _refuse("gguf_text_too_long", f"The {what} is {length} bytes long; at most {limit} are read.")
        self.kept_text_bytes += length
        if self.kept_text_bytes > MAX_KEPT_TEXT_BYTES:
            _refuse("gguf_text_too_long", f"The header's names and texts take more than {MAX_KEPT_TEXT_BYTES} bytes.")
        try:
            return self.take(length).decode("utf-8")
        except UnicodeDecodeError as error:
            raise MalformedFile("gguf_not_utf8", f"The {what} is not UTF-8 text.") from error


def _metadata(cursor: _Cursor, count: int) -> dict[str, GgufValue]:
    metadata: dict[str, GgufValue] = {}
    for _ in range(count):
        key = cursor.text("metadata key", MAX_KEY_BYTES)
        if key in metadata:
            _refuse("duplicate_key", f"The metadata has the key {shown(key)} twice.")
        metadata[key] = _value(cursor, key, cursor.number(_SCALARS[4]), 0)
    return metadata


def _value(cursor: _Cursor, key: str, kind: int, depth: int) -> GgufValue:
    if kind == _TEXT:
        return cursor.text(f"metadata value {shown(key)}", MAX_TEXT_BYTES)
    if kind == _ARRAY:
        return _array(cursor, key, depth)
    scalar = _SCALARS.get(kind)
    if scalar is None:
        _refuse("gguf_value_type", f"The metadata value {shown(key)} has the unknown type {kind}.")
    (value,) = scalar.unpack(cursor.take(scalar.size))
    if kind == _BOOL:
        if value > 1:
            _refuse("gguf_value_type", f"The metadata value {shown(key)} is neither true nor false.")
        return bool(value)
    number: int | float = value
    return number


def _array(cursor: _Cursor, key: str, depth: int) -> GgufArray:
    if depth == MAX_ARRAY_NESTING:
        _refuse("nested_too_deep", f"The metadata value {shown(key)} nests deeper than {MAX_ARRAY_NESTING} arrays.")
    kind = cursor.number(_SCALARS[4])
    count = cursor.number(_SCALARS[10])
    if scalar := _SCALARS.get(kind):
        cursor.must_fit(f"items of {shown(key)}", count, scalar.size)
        first = tuple(_value(cursor, key, kind, depth + 1) for _ in range(min(count, KEPT_ITEMS)))
        cursor.skip((count - len(first)) * scalar.size)
        return GgufArray(count, first)
    if kind not in (_TEXT, _ARRAY):
        _refuse("gguf_value_type", f"The metadata value {shown(key)} is an array of the unknown type {kind}.")
    cursor.must_fit(f"items of {shown(key)}", count, 8 if kind == _TEXT else 12)
    cursor.array_items += count
    if cursor.array_items > MAX_ARRAY_ITEMS:
        _refuse("gguf_count", f"The metadata holds more than {MAX_ARRAY_ITEMS} items in arrays.")
    first = tuple(_value(cursor, key, kind, depth + 1) for _ in range(min(count, KEPT_ITEMS)))
    for _ in range(count - len(first)):
        if kind == _TEXT:
            cursor.skip(cursor.number(_SCALARS[10]))
        else:
            _array(cursor, key, depth + 1)
    return GgufArray(count, first)


def _tensors(cursor: _Cursor, count: int) -> tuple[TensorInfo, ...]:
    tensors: dict[str, TensorInfo] = {}
    for _ in range(count):
        tensor = _tensor(cursor)
        if tensor.name in tensors:
            _refuse("duplicate_name", f"The header names {shown(tensor.name)} twice.")
        tensors[tensor.name] = tensor
    return tuple(tensors.values())


def _tensor(cursor: _Cursor) -> TensorInfo:
    name = cursor.text("tensor name", 1_024)
    dimensions = cursor.number(_SCALARS[4])
    if dimensions > MAX_DIMENSIONS:
        _refuse(
            "tensor_shape", f"Tensor {shown(name)} has {dimensions} dimensions; the format allows {MAX_DIMENSIONS}."
        )
    lengths = tuple(cursor.number(_SCALARS[10]) for _ in range(dimensions))
    kind = cursor.number(_SCALARS[4])
    start = cursor.number(_SCALARS[10])
    if kind not in TENSOR_TYPES:
        _refuse("tensor_dtype", f"Tensor {shown(name)} has the unknown type {kind}.")
    dtype, block, block_bytes = TENSOR_TYPES[kind]
    elements = 1
    for length in lengths:
        elements *= length
        if elements * block_bytes > MAX_SIZE:
            _refuse("tensor_overflow", f"Tensor {shown(name)} is larger than 64 bits can count.")
    if (lengths[0] if lengths else 1) % block:
        _refuse("tensor_size", f"Tensor {shown(name)} does not fill its blocks of {block} numbers.")
    if start > MAX_SIZE:
        _refuse("tensor_data_offsets", f"Tensor {shown(name)} begins beyond what 63 bits can count.")
    return TensorInfo(name, dtype, lengths[::-1], start, start + elements // block * block_bytes)


def _alignment(metadata: dict[str, GgufValue]) -> int:
    alignment = metadata.get("general.alignment", 32)
    if type(alignment) is not int or not 8 <= alignment <= 1 << 20 or alignment & (alignment - 1):
        _refuse("gguf_alignment", "general.alignment is not a power of two from 8 bytes to 1 MB.")
    return alignment


def _aligned(position: int, alignment: int) -> int:
    return -(-position // alignment) * alignment


def _check_coverage(tensors: tuple[TensorInfo, ...], alignment: int, data_size: int) -> None:
    """Refuse unless the tensors stand one behind the other, each at the next aligned place."""
    position = 0
    for tensor in sorted(tensors, key=lambda tensor: (tensor.start, tensor.end)):
        wanted = _aligned(position, alignment)
        if tensor.start < position:
            _refuse("data_overlap", f"Tensor {shown(tensor.name)} overlaps the one before it.")
        if tensor.start != wanted:
            _refuse("data_hole", f"Tensor {shown(tensor.name)} does not begin at the next aligned place.")
        position = tensor.end
    if position > max(data_size, 0):
        _refuse("data_truncated", f"The tensors need {position} bytes and the file has {max(data_size, 0)}.")
    if data_size > _aligned(position, alignment):
        _refuse("data_trailing", f"{data_size - position} bytes follow the last tensor.")
