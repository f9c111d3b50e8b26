"""Writers of the containers that models come in, each able to lie."""

from __future__ import annotations

import io
import json
import struct
import tarfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.data.pickles.writing import WIDTHS, Stored, dump, dump_with_storages, proto

TORCH_MAGIC = 0x1950A86A20F9469CFC6C


@dataclass
class Entry:
    """A zip member. What is not None overrides the truth in the place named."""

    name: str
    data: bytes
    deflate: bool = False
    flags: int = 0
    local_flags: int | None = None
    local_name: str | None = None
    crc: int | None = None
    local_crc: int | None = None
    size: int | None = None
    packed: int | None = None
    method: int | None = None
    mode: int = 0
    extra: bytes = b""
    descriptor: bool = False
    listed: bool = True


def zip_of(entries: Iterable[Entry], *, before: bytes = b"", comment: bytes = b"", after: bytes = b"") -> bytes:
    """A zip archive, member by member, then its directory and its end record."""
    out = io.BytesIO()
    out.write(before)
    central = io.BytesIO()
    count = 0
    for entry in entries:
        header = out.tell()
        values = _write_local(out, entry)
        if entry.listed:
            count += 1
            _write_central(central, entry, values, header)
    start = out.tell()
    directory = central.getvalue()
    out.write(directory)
    out.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(directory), start, len(comment)))
    out.write(comment + after)
    return out.getvalue()


def _write_local(out: io.BytesIO, entry: Entry) -> tuple[int, int, int, int, int]:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(entry.data) + packer.flush() if entry.deflate else entry.data
    method = entry.method if entry.method is not None else (8 if entry.deflate else 0)
    flags = entry.flags | (8 if entry.descriptor else 0)
    crc = zlib.crc32(entry.data) if entry.crc is None else entry.crc
    packed_size = len(packed) if entry.packed is None else entry.packed
    size = len(entry.data) if entry.size is None else entry.size
    name = (entry.local_name or entry.name).encode()
    local_flags = flags if entry.local_flags is None else entry.local_flags
    local = (0, 0, 0) if entry.descriptor else (crc if entry.local_crc is None else entry.local_crc, packed_size, size)
    fields = (20, local_flags, method, 0, 0x21, *local, len(name), len(entry.extra))
    out.write(struct.pack("<4s5H3L2H", b"PK\x03\x04", *fields) + name + entry.extra + packed)
    if entry.descriptor:
        out.write(struct.pack("<4s3L", b"PK\x07\x08", crc, packed_size, size))
    return flags, method, crc, packed_size, size


def _write_central(out: io.BytesIO, entry: Entry, values: tuple[int, int, int, int, int], header: int) -> None:
    flags, method, crc, packed, size = values
    name = entry.name.encode()
    fields = (0x314, 20, flags, method, 0, 0x21, crc, packed, size, len(name), 0, 0, 0, 0, entry.mode << 16, header)
    out.write(struct.pack("<4s6H3L5H2L", b"PK\x01\x02", *fields) + name)


def torch_zip(
    data: bytes, storages: dict[str, Stored] | None = None, *, folder: str = "archive", more: Iterable[Entry] = ()
) -> bytes:
    """What torch.save writes: the pickle, the byte order, the storages, the version."""
    entries = [Entry(f"{folder}/data.pkl", data), Entry(f"{folder}/byteorder", b"little")]
    entries += [
        Entry(f"{folder}/data/{s.key}", bytes(s.numel * WIDTHS[s.kind.name])) for s in (storages or {}).values()
    ]
    entries += [*more, Entry(f"{folder}/version", b"3\n")]
    return zip_of(entries)


def torch_file(thing: Any, protocol: int = 2, **options: Any) -> bytes:
    return torch_zip(*dump_with_storages(thing, protocol), **options)


def legacy_torch(
    thing: Any,
    *,
    magic: bytes | None = None,
    system: bytes | None = None,
    object_pickle: bytes | None = None,
    keys: bytes | None = None,
    after: bytes = b"",
) -> bytes:
    """The layout before the zip: five pickles, then a count and the raw bytes of each storage."""
    data, storages = dump_with_storages(thing, 2, legacy=True)
    out = [magic if magic is not None else dump(TORCH_MAGIC), dump(1001)]
    out.append(system if system is not None else dump({"protocol_version": 1001, "little_endian": True}))
    out.append(object_pickle if object_pickle is not None else data)
    out.append(keys if keys is not None else dump(sorted(storages)))
    for key in sorted(storages):
        stored = storages[key]
        out.append(struct.pack("<q", stored.numel) + bytes(stored.numel * WIDTHS[stored.kind.name]))
    return b"".join(out) + after


def torch_tar(
    pickle: bytes, *, system: bytes | None = None, storages: bytes | None = None, tensors: bytes | None = None
) -> bytes:
    """torch's oldest layout, with empty lists of storages and tensors unless given."""
    members = {
        "sys_info": system if system is not None else dump({"little_endian": True}),
        "pickle": pickle,
        "storages": storages if storages is not None else dump(0),
        "tensors": tensors if tensors is not None else dump(0),
    }
    return tar_of({f"./{name}": data for name, data in members.items()})


def tar_of(members: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type = tarfile.SYMTYPE
            info.linkname = target
            tar.addfile(info)
    return out.getvalue()


def npy(descr: Any, shape: tuple[int, ...], data: bytes, *, version: int = 1) -> bytes:
    header = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode()
    header += b" " * (63 - (10 + len(header)) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(header)) + header + data


def safetensors(header: dict[str, Any] | bytes, data: bytes = b"", *, length: int | None = None) -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + data


def gguf(pairs: dict[str, str], *, count: int | None = None, tensors: int = 0) -> bytes:
    out = b"GGUF" + struct.pack("<IQQ", 3, tensors, len(pairs) if count is None else count)
    for key, value in pairs.items():
        raw = value.encode()
        out += struct.pack("<Q", len(key)) + key.encode() + struct.pack("<IQ", 8, len(raw)) + raw
    return out


def png(*, after: bytes = b"") -> bytes:
    """A picture of one dark pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">2I5B", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"") + after


def framed(body: bytes, length: int | None = None) -> bytes:
    """Protocol 4 with a frame of the given length around the body."""
    return proto(4) + b"\x95" + struct.pack("<Q", len(body) if length is None else length) + body
