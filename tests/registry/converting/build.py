"""Torch files with numbers in them, written without torch."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from registry.converting.comparing import compare_result
from registry.converting.terms import Kind
from registry.converting.writing import Report, write_result
from registry.formats.safetensors import read_header
from tests.data.pickles.containers import TORCH_MAGIC, Entry, zip_of
from tests.data.pickles.writing import ORDERED, Made, Ref, Stored, dump, dump_with_storages
from tests.registry.formats.layouts import SD_PLACES

SOURCE = "ab" * 32
WIDTHS = {"FloatStorage": 4, "HalfStorage": 2, "BFloat16Storage": 2, "LongStorage": 8, "BoolStorage": 1}
WIDTHS |= {"UntypedStorage": 1, "DoubleStorage": 8, "ComplexFloatStorage": 8, "QInt8Storage": 1}


@dataclass
class Parts:
    """The storages of one file, by key."""

    data: dict[str, bytes] = field(default_factory=dict)

    def storage(self, data: bytes, kind: str = "FloatStorage", *, numel: int | None = None) -> Stored:
        key = str(len(self.data))
        self.data[key] = data
        return Stored(kind, key, len(data) // WIDTHS[kind] if numel is None else numel)

    def tensor(
        self,
        data: bytes | Stored,
        shape: tuple[int, ...],
        *,
        kind: str = "FloatStorage",
        strides: tuple[int, ...] | None = None,
        offset: int = 0,
        dtype: str = "",
    ) -> Made:
        """A tensor as torch writes it; `dtype` for those that have no storage class of their own."""
        storage = data if isinstance(data, Stored) else self.storage(data, kind)
        rebuild = Ref("torch._utils", "_rebuild_tensor_v3" if dtype else "_rebuild_tensor_v2")
        more = (Ref("torch", dtype),) if dtype else ()
        return Made(rebuild, storage, offset, shape, strides or rows(shape), False, Made(ORDERED), *more)

    def zipped(
        self, thing: Any, *, deflate: bool = False, order: bytes = b"little", more: Iterable[Entry] = ()
    ) -> bytes:
        entries = [Entry("archive/data.pkl", dump_with_storages(thing)[0]), Entry("archive/byteorder", order)]
        entries += [Entry(f"archive/data/{key}", data, deflate=deflate) for key, data in self.data.items()]
        return zip_of([*entries, *more, Entry("archive/version", b"3\n")])

    def legacy(self, thing: Any) -> bytes:
        data, storages = dump_with_storages(thing, 2, legacy=True)
        out = [dump(TORCH_MAGIC), dump(1001), dump({"protocol_version": 1001, "little_endian": True}), data]
        out.append(dump(list(storages)))
        out += [struct.pack("<q", storages[key].numel) + self.data[key] for key in storages]
        return b"".join(out)


def rows(shape: tuple[int, ...]) -> tuple[int, ...]:
    strides, step = [], 1
    for length in reversed(shape):
        strides.insert(0, step)
        step *= length
    return tuple(strides)


def singles(count: int, seed: int = 1) -> bytes:
    return np.random.default_rng(seed).standard_normal(count, np.float32).tobytes()


def checkpoint(parts: Parts, kind: str = "FloatStorage", *, ema: bool = True) -> dict[str, Made]:
    """The names of a Stable Diffusion 1 checkpoint, over few numbers each."""
    unet = {f"model.diffusion_model.{place}.transformer_blocks.0.attn2.to_k.weight": (8, 768) for place in SD_PLACES}
    unet["model.diffusion_model.input_blocks.0.0.weight"] = (320, 4, 3, 3)
    unet["model.diffusion_model.time_embed.0.weight"] = (16, 320)
    rest = {
        "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight": (16, 768),
        "first_stage_model.decoder.conv_in.weight": (8, 4, 3, 3),
        "first_stage_model.encoder.conv_in.weight": (8, 3, 3, 3),
    }
    made = {
        name: parts.tensor(singles(prod(shape), 7)[: prod(shape) * WIDTHS[kind]], shape, kind=kind)
        for name, shape in {**unet, **rest}.items()
    }
    positions = np.arange(77, dtype="<i8").tobytes()
    made["cond_stage_model.transformer.text_model.embeddings.position_ids"] = parts.tensor(
        positions, (1, 77), kind="LongStorage"
    )
    if ema:
        for name, shape in unet.items():
            short = "model_ema." + name.removeprefix("model.").replace(".", "")
            made[short] = parts.tensor(singles(prod(shape), 9), shape)
        made["model_ema.decay"] = parts.tensor(singles(1), ())
    return made


def converted(data: bytes, kind: Kind = "full") -> tuple[dict[str, tuple[str, tuple[int, ...], bytes]], Report, bytes]:
    """Written and compared, in this process: name -> (type, shape, bytes), the report, and the file."""
    out = io.BytesIO()
    report = write_result(io.BytesIO(data), len(data), out, kind=kind, source_sha256=SOURCE)
    result = out.getvalue()
    assert compare_result(io.BytesIO(data), len(data), out, len(result), kind=kind) == report.tensors
    header = read_header(io.BytesIO(result), len(result))
    body = result[header.data_offset :]
    found = {tensor.name: (tensor.dtype, tensor.shape, body[tensor.start : tensor.end]) for tensor in header.tensors}
    return found, report, result


def metadata_of(result: bytes) -> dict[str, str]:
    return read_header(io.BytesIO(result), len(result)).metadata
