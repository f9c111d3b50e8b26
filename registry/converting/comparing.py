"""The second look: the result is read as a stranger's file and held against the source, number by number.

Shares no code with the writer from the tensor's place on: the header is read by the reader that judges uploads, places
are worked out one number at a time from its index, and casts by whole-number arithmetic.
"""

from __future__ import annotations

from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from registry.converting.checkpoint import read_checkpoint
from registry.converting.errors import ConversionFailed
from registry.converting.halving import expected_halves
from registry.converting.plan import make_plan
from registry.converting.terms import Kind
from registry.converting.views import View
from registry.formats.errors import MalformedFile
from registry.formats.safetensors import read_header
from registry.formats.sources import Region
from registry.formats.tensors import TensorInfo
from registry.pickles.values import clean

_NUMBERS: Final = 1 << 17  # compared at once
_PAGE: Final = 64  # numbers that are read together around each that is wanted


def compare_result(source: BinaryIO, source_size: int, result: BinaryIO, result_size: int, *, kind: Kind) -> int:
    """Hold every tensor of the result against the source; answers with how many there are.

    Raises ConversionFailed, naming the first that differs.
    """
    checkpoint = read_checkpoint(source, source_size)
    dropped = set(make_plan(checkpoint, kind, source_size).dropped)
    views = {view.name: view for view in checkpoint.views if view.name not in dropped}
    result.seek(0)
    try:
        header = read_header(result, result_size)
    except MalformedFile as error:
        raise ConversionFailed(f"the result is malformed: {error.reason}") from error
    if {tensor.name for tensor in header.tensors} != views.keys():
        raise ConversionFailed("the result holds other tensors than the source")
    body = Region(result, header.data_offset, result_size - header.data_offset)
    for tensor in header.tensors:
        view = views[tensor.name]
        if not _is_same(view, checkpoint.storages[view.storage], tensor, body):
            raise ConversionFailed(f"the tensor {clean(tensor.name, 200)} differs")
    return len(views)


def _is_same(view: View, storage: Region, tensor: TensorInfo, body: Region) -> bool:
    if tensor.shape != view.shape or tensor.dtype not in (view.dtype, "F16"):
        return False
    cast = tensor.dtype != view.dtype
    width = 2 if cast else view.width
    for first in range(0, view.elements, _NUMBERS):
        count = min(_NUMBERS, view.elements - first)
        wanted = _numbers(view, storage, first, count)
        if cast:
            wanted = expected_halves(wanted, view.dtype)
        if body.at(tensor.start + first * width, count * width) != wanted:
            return False
    return True


def _numbers(view: View, storage: Region, first: int, count: int) -> bytes:
    """Numbers `first` and following of a tensor, each from the place that its index gives."""
    if view.is_plain:
        return storage.at((view.offset + first) * view.width, count * view.width)
    left = np.arange(first, first + count, dtype=np.int64)
    places = np.full(count, view.offset, dtype=np.int64)
    for length, stride in zip(reversed(view.shape), reversed(view.strides), strict=True):
        left, index = np.divmod(left, length)
        places += index * stride
    return _picked(storage, places, view.width)


def _picked(storage: Region, places: NDArray[np.int64], width: int) -> bytes:
    """The numbers at these places. Only the pages around them are read, neighbors in one go."""
    pages, which = np.unique(places // _PAGE, return_inverse=True)
    breaks = np.flatnonzero(np.diff(pages) != 1) + 1
    held = np.zeros((len(pages), _PAGE * width), np.uint8)
    for run in np.split(np.arange(len(pages)), breaks):
        data = storage.at(int(pages[run[0]]) * _PAGE * width, len(run) * _PAGE * width)
        held[run[0] : run[-1] + 1].reshape(-1)[: len(data)] = np.frombuffer(data, np.uint8)
    wanted: bytes = held.reshape(-1).view(f"<u{width}")[which * _PAGE + places % _PAGE].tobytes()
    return wanted
