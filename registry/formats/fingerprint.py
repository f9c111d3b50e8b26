"""What stays the same when a file's header is rewritten: the tensors' names, types and shapes, and their bytes.

A copy whose metadata was edited has another SHA-256 and the same fingerprint; a retrained or converted model has the
same structure and other data.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from registry.formats.tensors import TensorInfo


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`structure` tells what the tensors are, `data` what they hold (None where a file has no plain data part)."""

    structure: str
    data: str | None

    def is_same_model(self, other: "Fingerprint") -> bool:
        """Whether both hold the same tensors with the same bytes, whatever their headers say beside."""
        return self.data is not None and self == other


def structure_hash(tensors: Iterable[TensorInfo]) -> str:
    """SHA-256 (hex) over the sorted names with types and shapes. The order in the file does not count."""
    digest = hashlib.sha256()
    for tensor in sorted(tensors, key=lambda tensor: tensor.name):
        # JSON keeps the fields apart whatever a name holds; one line a tensor.
        line = json.dumps([tensor.name, tensor.dtype, list(tensor.shape)], separators=(",", ":"))
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def fingerprint(tensors: Iterable[TensorInfo], data_sha256: str | None) -> Fingerprint:
    """The fingerprint of a file; `data_sha256` is Hashes.data_sha256, the digest of all behind the header."""
    return Fingerprint(structure_hash(tensors), data_sha256)
