"""In which precision a model's numbers are stored: the type that takes the most bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from registry.formats.names import NameIndex
from registry.formats.tensors import TensorInfo, byte_shares

_WORDS: Final = {
    "F64": "fp64",
    "F32": "fp32",
    "F16": "fp16",
    "BF16": "bf16",
    "F8_E4M3": "fp8_e4m3",
    "F8_E5M2": "fp8_e5m2",
    "I8": "int8",
}
# Spellings of the scale that belongs to an fp8 weight: without it an up-cast renders white.
_SCALES: Final = (".scale_weight", ".weight_scale")


@dataclass(frozen=True, slots=True)
class Precision:
    """`name` is fp16, bf16, fp32, fp8_e4m3 … or the format's own word in small letters; None for a file of no bytes."""

    name: str | None
    share: float
    is_scaled: bool


def read_precision(tensors: Sequence[TensorInfo], index: NameIndex) -> Precision:
    """The majority type by bytes, its share of them (0 to 1), and whether fp8 weights come with scales."""
    shares = byte_shares(tensors)
    if not shares:
        return Precision(None, 0.0, False)
    dtype, share = next(iter(shares.items()))
    name = _WORDS.get(dtype, dtype.lower())
    if dtype == "U8" and index.has(".quant_state.bitsandbytes__nf4"):
        name = "nf4"
    elif dtype == "U8" and index.has(".quant_state.bitsandbytes__fp4"):
        name = "fp4"
    return Precision(name, share, name.startswith("fp8") and _has_scales(index))


def _has_scales(index: NameIndex) -> bool:
    # A scale of shape [0] scales nothing; such files are plain casts.
    return any(t.elements > 0 for suffix in _SCALES for t in index.containing(suffix) if t.name.endswith(suffix))
