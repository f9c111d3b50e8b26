"""Why a file is not converted, and what may go wrong with the converting itself."""

from __future__ import annotations

from collections.abc import Mapping


class ConversionRefused(ValueError):
    """This file cannot become a `.safetensors`. `code` is stable, `params` fill the sentence made from it.

    The codes: not_safe {finding}, layout {format}, pickle_broken {reason}, pickle_too_large {limit}, byte_order,
    no_tensors, too_many_tensors {limit}, too_complex, form {tensor, form}, dtype {tensor, dtype}, outside {tensor},
    storage_missing {tensor}, storage_packed {tensor}, storage_types {tensor}, storage_view, name_twice {tensor},
    name_odd {tensor}, result_too_large {limit}, not_a_checkpoint, nothing_to_prune, too_slow, too_much_memory,
    damaged.
    """

    def __init__(self, code: str, **params: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.params: Mapping[str, str | int] = params


class ConversionFailed(RuntimeError):
    """The site could not do its part (no disk, no process, a result that differs): another attempt may succeed."""
