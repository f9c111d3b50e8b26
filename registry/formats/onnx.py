"""ONNX models, far enough to find the outside files they name. Source: onnx/onnx.proto, protobuf's wire format."""

from __future__ import annotations

from collections.abc import Iterator

from registry.formats.errors import MalformedFile
from registry.formats.sources import Region
from registry.formats.zip_archive import is_unsafe_path

MAX_FIELDS = 500_000
MAX_SMALL = 4096
GRAPH, INITIALIZER, EXTERNAL_DATA = 7, 5, 13


def external_paths(region: Region) -> list[str]:
    """Locations of tensor data outside the model's folder. Raises MalformedFile when the message is not well formed."""
    found: list[str] = []
    counter = [0]
    for number, start, length in _fields(region, 0, region.size, counter):
        if number != GRAPH:
            continue
        for inner, at, size in _fields(region, start, start + length, counter):
            if inner == INITIALIZER:
                found += _locations(region, at, at + size, counter)
    return [path for path in found if is_unsafe_path(path)][:100]


def _locations(region: Region, start: int, end: int, counter: list[int]) -> Iterator[str]:
    for number, at, size in _fields(region, start, end, counter):
        if number != EXTERNAL_DATA or size > MAX_SMALL:
            continue
        entry = {inner: region.at(place, length) for inner, place, length in _fields(region, at, at + size, counter)}
        if entry.get(1) == b"location":
            yield entry.get(2, b"").decode("utf-8", "replace")


def _fields(region: Region, start: int, end: int, counter: list[int]) -> Iterator[tuple[int, int, int]]:
    """The length-delimited fields of a message as (number, start, length); others are passed over."""
    position = start
    while position < end:
        counter[0] += 1
        if counter[0] > MAX_FIELDS:
            raise MalformedFile("onnx_too_many_fields", "the model holds too many fields")
        head = region.at(position, 20)
        key, used = _varint(head, 0)
        wire = key & 7
        if wire == 0:
            _, used = _varint(head, used)
            position += used
        elif wire in (1, 5):
            position += used + (8 if wire == 1 else 4)
        elif wire == 2:
            length, used = _varint(head, used)
            if position + used + length > end:
                raise MalformedFile("onnx_field_past_end", "a field is longer than what holds it")
            yield key >> 3, position + used, length
            position += used + length
        else:
            raise MalformedFile("onnx_wire_type", "a field is of an unknown kind")
    if position != end:
        raise MalformedFile("onnx_field_past_end", "a field is longer than what holds it")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for count in range(10):
        if at + count >= len(data):
            break
        byte = data[at + count]
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            return value, at + count + 1
    raise MalformedFile("onnx_number", "a number does not end")
