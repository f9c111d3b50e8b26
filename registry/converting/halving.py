"""Numbers of 32 bits, or of bfloat16, as numbers of 16: the cast, and the same cast once more in another way.

Rounding is to the nearest, ties to even. What is larger than the largest half (65,504) becomes that; infinities stay,
and every "not a number" becomes the same one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

HALVED: Final = frozenset({"F32", "BF16"})
LARGEST: Final = 65_504.0
_NAN: Final = 0x7E00
_INFINITE: Final = 0x7F800000  # of a single; above it lie those that are no number
_LARGEST_BITS: Final = 0x477FE000  # 65,504 as a single
_LEAST_NORMAL: Final = 0x38800000  # 2 to the -14: below it halves lose digits

Bits: TypeAlias = "NDArray[Any]"  # of unsigned numbers


@dataclass(slots=True)
class Odd:
    """How many numbers could not be kept as they were, or were none."""

    saturated: int = 0
    infinite: int = 0
    not_numbers: int = 0

    @property
    def any(self) -> bool:
        return bool(self.saturated or self.infinite or self.not_numbers)


def halve(data: bytes, dtype: str, odd: Odd) -> bytes:
    """The cast as it is written; `odd` is added to."""
    numbers = _singles(data, dtype)
    magnitude = np.abs(numbers)
    with np.errstate(invalid="ignore"):
        beyond = magnitude > LARGEST
    halves = np.clip(numbers, -LARGEST, LARGEST).astype(np.float16).view(np.uint16)
    if beyond.any():
        infinite = np.isinf(numbers)
        halves[infinite] = np.where(numbers[infinite] > 0, 0x7C00, 0xFC00)
        odd.infinite += int(infinite.sum())
        # Those just above round down to the largest, as they would without us.
        odd.saturated += int((magnitude >= LARGEST + 16).sum()) - int(infinite.sum())
    unknown = np.isnan(numbers)
    if unknown.any():
        halves[unknown] = _NAN
        odd.not_numbers += int(unknown.sum())
    return halves.tobytes()


def _singles(data: bytes, dtype: str) -> NDArray[np.float32]:
    if dtype == "F32":
        return np.frombuffer(data, "<f4")
    return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)


def expected_halves(data: bytes, dtype: str) -> bytes:
    """What `halve` must give, worked out on the bits with whole numbers alone."""
    bits = _singles(data, dtype).view(np.uint32)
    sign: Bits = (bits >> 16) & 0x8000
    magnitude: Bits = bits & 0x7FFFFFFF
    rounded: Bits = (magnitude - 0x38000000 + 0xFFF + ((magnitude >> 13) & 1)) >> 13
    small = magnitude < _LEAST_NORMAL
    if small.any():
        rounded[small] = _subnormal(magnitude[small])
    rounded[magnitude > _LARGEST_BITS] = 0x7BFF
    rounded[magnitude == _INFINITE] = 0x7C00
    halves = (rounded | sign).astype(np.uint16)
    halves[magnitude > _INFINITE] = _NAN
    return halves.tobytes()


def _subnormal(magnitude: Bits) -> Bits:
    """Multiples of 2 to the -24. The single's digits are shifted right, by more than all of them at the least."""
    exponent = (magnitude >> 23).astype(np.int64)
    digits = ((magnitude & 0x7FFFFF) | np.where(exponent > 0, 0x800000, 0)).astype(np.int64)
    shift = np.minimum(126 - np.maximum(exponent, 1), 40)
    half = np.int64(1) << (shift - 1)
    odd = (digits >> shift) & 1
    rounded: Bits = ((digits + half - 1 + odd) >> shift).astype(np.uint32)
    return rounded
