"""What a tensor is called, holds and measures: the words every reader of weights shares."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

# Bits of one number of each type, in the spelling of the safetensors format (safetensors 0.8 knows these 22).
DTYPE_BITS: Final[dict[str, int]] = {
    "BOOL": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "C64": 64,
    "F64": 64,
    "I64": 64,
    "U64": 64,
}


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor's place in a file. `start` and `end` are byte offsets from where the tensor data begins."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def size(self) -> int:
        """Bytes that the tensor takes in the file."""
        return self.end - self.start

    @property
    def elements(self) -> int:
        """Numbers in the tensor; a scalar is one."""
        total = 1
        for length in self.shape:
            total *= length
        return total


def byte_shares(tensors: Iterable[TensorInfo]) -> dict[str, float]:
    """Share of the bytes that each type takes, 0 to 1, largest first. Without bytes there are no shares."""
    sizes: Counter[str] = Counter()
    for tensor in tensors:
        sizes[tensor.dtype] += tensor.size
    total = sizes.total()
    return {dtype: size / total for dtype, size in sizes.most_common() if size} if total else {}
