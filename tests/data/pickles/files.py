"""Containers that lie, hide or carry something else, and files that are no models."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib

from tests.data.pickles.case import BLOCKED, CAUGHT, CHECK, NOT_SAFE, SAFE, STOPPED, UNREADABLE, Case
from tests.data.pickles.containers import (
    Entry,
    gguf,
    legacy_torch,
    npy,
    png,
    safetensors,
    tar_of,
    torch_file,
    torch_tar,
    torch_zip,
    zip_of,
)
from tests.data.pickles.writing import STOP, dump, payload, proto, tensor

BAD = proto(2) + payload() + STOP
GOOD = dump({"w": 1})
STATE = {"w": tensor("0", (4, 4))}
DECOY = Entry("archive/decoy", b"decoy")


def _bad_zip(**lie: object) -> bytes:
    return zip_of([Entry("archive/data.pkl", BAD, **lie), Entry("archive/version", b"3\n")])  # type: ignore[arg-type]


def _good_zip(**lie: object) -> bytes:
    return zip_of([Entry("archive/data.pkl", GOOD, **lie), Entry("archive/version", b"3\n")])  # type: ignore[arg-type]


def _two_directories() -> bytes:
    """One archive by the offset of the end record, another by the place before it."""
    outer = zip_of([Entry("archive/data.pkl", BAD)])
    inner = zip_of([Entry("archive/data.pkl", GOOD)])
    end = inner.rindex(b"PK\x05\x06")
    start = outer.rindex(b"PK\x01\x02")
    length = end - inner.index(b"PK\x01\x02")
    return (
        outer[: outer.rindex(b"PK\x05\x06")]
        + inner[:end]
        + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, length, start, 0)
    )


def _zip64_lies() -> bytes:
    """64-bit records that point to another directory than the 32-bit ones."""
    bad = zip_of([Entry("archive/data.pkl", BAD)])
    bad = bad[: bad.rindex(b"PK\x05\x06")]
    bad_start = bad.index(b"PK\x01\x02")
    good = zip_of([Entry("archive/data.pkl", GOOD)], before=bad)
    end = good.rindex(b"PK\x05\x06")
    start = len(bad) + good[len(bad) :].index(b"PK\x01\x02")
    fields = (44, 45, 45, 0, 0, 1, 1, len(bad) - bad_start, bad_start)
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", *fields)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    return good[:end] + record + locator + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, end - start, start, 0)


def _overlapping() -> bytes:
    """Two directory entries that share one member's bytes."""
    data = zip_of([Entry("a/x", b"x" * 50), Entry("a/y", b"y" * 50)])
    first = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", first + 4)
    return data[: second + 42] + struct.pack("<L", 10) + data[second + 46 :]


ZIPS = [
    Case("zip-crc.pt", "a wrong checksum on the pickle", _bad_zip(crc=1), BLOCKED, "zip_crc_wrong"),
    Case("zip-crc-good.pt", "a wrong checksum on a harmless pickle", _good_zip(crc=1), CHECK, "zip_crc_wrong"),
    Case("zip-crc-fields.pt", "two different checksums", _good_zip(local_crc=7), CHECK, "zip_header_differs"),
    Case(
        "zip-encrypted-decoy.pt",
        "an encrypted member beside the pickle",
        zip_of([Entry("archive/x", b"x", flags=1), Entry("archive/data.pkl", BAD)]),
        BLOCKED,
        "zip_encrypted",
    ),
    Case("zip-encrypted.pt", "an encrypted pickle", _good_zip(flags=1), NOT_SAFE, "zip_encrypted"),
    Case(
        "zip-patched-decoy.pt",
        "a patch flag beside the pickle",
        zip_of([Entry("archive/x", b"x", flags=0x20), Entry("archive/data.pkl", BAD)]),
        BLOCKED,
        "zip_patched",
    ),
    Case(
        "zip-local-name.pt",
        "a local name that differs",
        _bad_zip(local_name="archive/data.txt"),
        BLOCKED,
        "zip_name_differs",
    ),
    Case("zip-local-flags.pt", "local flags that differ", _good_zip(local_flags=1), CHECK, "zip_header_differs"),
    Case(
        "zip-duplicate.pt",
        "two data.pkl, the last bad",
        zip_of([Entry("a/data.pkl", GOOD), Entry("a/data.pkl", BAD)]),
        BLOCKED,
        "zip_duplicate",
    ),
    Case(
        "zip-duplicate-first.pt",
        "two data.pkl, the first bad",
        zip_of([Entry("a/data.pkl", BAD), Entry("a/data.pkl", GOOD)]),
        BLOCKED,
    ),
    Case(
        "zip-case.pt",
        "names that differ in case",
        zip_of([Entry("a/data.pkl", GOOD), Entry("a/DATA.pkl", GOOD)]),
        CHECK,
        "zip_duplicate",
    ),
    Case(
        "zip-before.zip",
        "bytes before the archive",
        zip_of([Entry("a/data.pkl", BAD)], before=b"#" * 100),
        BLOCKED,
        "zip_bytes_before",
    ),
    Case(
        "zip-pickle-before.zip", "a pickle before the archive", zip_of([Entry("a/data.pkl", GOOD)], before=BAD), BLOCKED
    ),
    Case(
        "zip-after.pt",
        "bytes after the archive",
        zip_of([Entry("a/data.pkl", GOOD)], after=b"\0" * 50),
        CHECK,
        "zip_bytes_after",
    ),
    Case(
        "zip-in-comment.pt",
        "an archive in the comment of another",
        zip_of([Entry("a/data.pkl", GOOD)], comment=zip_of([Entry("a/data.pkl", BAD)])),
        BLOCKED,
    ),
    Case(
        "zip-hidden.pt",
        "a member that no directory names",
        zip_of([Entry("a/data.pkl", GOOD), Entry("a/data.pkl", BAD, listed=False), Entry("a/version", b"3")]),
        BLOCKED,
        "zip_bytes_between",
    ),
    Case("zip-two-directories.pt", "two directories", _two_directories(), BLOCKED, "zip_two_directories"),
    Case("zip64-lies.pt", "64-bit records that differ", _zip64_lies(), BLOCKED, "zip_sizes_differ"),
    Case("zip-overlap.zip", "members over each other", _overlapping(), BLOCKED, "zip_overlap"),
    Case(
        "zip-traversal.zip",
        "a name that leaves the folder",
        zip_of([Entry("../../x.txt", b"x")]),
        NOT_SAFE,
        "zip_unsafe_path",
    ),
    Case("zip-absolute.zip", "an absolute name", zip_of([Entry("/etc/x.txt", b"x")]), NOT_SAFE, "zip_unsafe_path"),
    Case("zip-drive.zip", "a name with a drive", zip_of([Entry("C:\\x.txt", b"x")]), NOT_SAFE, "zip_unsafe_path"),
    Case("zip-symlink.zip", "a link", zip_of([Entry("a/x", b"/etc/passwd", mode=0o120777)]), NOT_SAFE, "zip_symlink"),
    Case("zip-method.pt", "an unknown method", _good_zip(method=99), NOT_SAFE, "zip_method_unknown"),
    Case("zip-deflated.pt", "a packed pickle", _bad_zip(deflate=True), BLOCKED),
    Case("zip-deflated-good.pt", "a packed harmless pickle", _good_zip(deflate=True), SAFE, "", "torch-zip"),
    Case("zip-descriptor.pt", "sizes behind the data", _good_zip(descriptor=True), SAFE),
    Case("zip-size-lies.pt", "a size that lies", _good_zip(size=1), CHECK, "zip_header_differs"),
    Case(
        "zip-bomb.zip",
        "a member of zeros",
        zip_of([Entry("a/zeros.txt", bytes(4 << 20), deflate=True)]),
        NOT_SAFE,
        "decompression_bomb",
    ),
    Case(
        "zip-claims-10tb.zip",
        "ten terabytes claimed",
        zip_of([Entry(f"a/{n}", b"x", size=(1 << 32) - 2) for n in range(2500)]),
        NOT_SAFE,
        "zip_bomb",
    ),
    Case(
        "zip-in-zip.zip",
        "a pickle in an archive in an archive",
        zip_of([Entry("x.zip", zip_of([Entry("y.zip", zip_of([Entry("z.pkl", BAD)]))]))]),
        BLOCKED,
    ),
    Case(
        "zip-other-pickle.pt",
        "a second pickle beside data.pkl",
        torch_zip(GOOD, more=[Entry("archive/extra.pkl", BAD)]),
        BLOCKED,
    ),
    Case(
        "zip-unnamed-pickle.pt",
        "a pickle under another name",
        torch_zip(GOOD, more=[Entry("archive/readme.txt", BAD)]),
        BLOCKED,
    ),
    Case("zip-trailing-pickle.pt", "a second pickle in data.pkl", torch_zip(GOOD + BAD), BLOCKED, "trailing_pickle"),
    Case("zip-named.png", "a torch zip called .png", torch_zip(BAD), BLOCKED, "", "torch-zip"),
    Case(
        "torchscript.pt",
        "a TorchScript program",
        zip_of(
            [
                Entry("m/code/__torch__.py", b"def f():\n  pass\n"),
                Entry("m/constants.pkl", dump(())),
                Entry("m/data.pkl", GOOD),
            ]
        ),
        CHECK,
        "torchscript",
        "torchscript",
    ),
    Case(
        "torchscript-bad.pt",
        "a TorchScript program with a payload",
        zip_of(
            [
                Entry("m/code/__torch__.py", b"def f():\n  pass\n"),
                Entry("m/constants.pkl", BAD),
                Entry("m/data.pkl", GOOD),
            ]
        ),
        BLOCKED,
    ),
    Case(
        "lambda.keras",
        "a Keras Lambda layer",
        zip_of([Entry("metadata.json", b"{}"), Entry("config.json", b'{"class_name": "Lambda"}')]),
        CAUGHT,
        "keras_lambda",
        "keras",
    ),
]

LEGACY = [
    Case("legacy-magic.pt", "the payload in the magic number", legacy_torch(STATE, magic=BAD), BLOCKED),
    Case("legacy-system.pt", "the payload in the system info", legacy_torch(STATE, system=BAD), BLOCKED),
    Case("legacy-object.pt", "the payload in the object", legacy_torch(STATE, object_pickle=BAD), BLOCKED),
    Case("legacy-keys.pt", "the payload in the storage keys", legacy_torch(STATE, keys=BAD), BLOCKED),
    Case("legacy-after.pt", "the payload after the end", legacy_torch(STATE, after=BAD), CAUGHT, "trailing_pickle"),
    Case(
        "legacy-bytes-after.pt",
        "bytes after the end",
        legacy_torch(STATE, after=b"\xff" * 9),
        UNREADABLE,
        "trailing_bytes",
        "torch-legacy",
    ),
    Case(
        "legacy-cut.pt",
        "cut in the tensors",
        legacy_torch(STATE)[:-10],
        UNREADABLE,
        "legacy_incomplete",
        "torch-legacy",
    ),
    Case("tar-pickle.pt", "the payload in a tar's pickle", torch_tar(BAD), BLOCKED, "", "torch-tar"),
    Case("tar-storages.pt", "the payload in a tar's storages", torch_tar(GOOD, storages=BAD), BLOCKED),
    Case("tar-tensors.pt", "the payload behind a tar's tensor count", torch_tar(GOOD, tensors=dump(1) + BAD), BLOCKED),
    Case("tar-system.pt", "the payload in a tar's system info", torch_tar(GOOD, system=BAD), BLOCKED),
    Case("tar-plain.tar", "a pickle in a plain tar", tar_of({"a/b.bin": BAD}), BLOCKED, "", "tar"),
    Case("tar-link.tar", "a link in a tar", tar_of({"a": b"x"}, {"b": "/etc/passwd"}), NOT_SAFE, "tar_link"),
    Case(
        "tar-traversal.tar",
        "a tar member that leaves the folder",
        tar_of({"../a.txt": b"x"}),
        NOT_SAFE,
        "tar_unsafe_path",
    ),
]

OTHERS = [
    Case("array.npy", "an array of numbers", npy("<f4", (2,), bytes(8)), SAFE, "", "npy"),
    Case("object.npy", "an array of objects", npy("|O", (1,), BAD), BLOCKED, "", "npy"),
    Case("object-field.npy", "objects in a structured type", npy([("a", "<f4"), ("b", "|O")], (1,), BAD), BLOCKED),
    Case("object-named.pt", "an array of objects called .pt", npy("|O", (1,), BAD, version=2), BLOCKED),
    Case("array-cut.npy", "an array cut short", npy("<f4", (20,), bytes(8)), UNREADABLE, "npy_truncated"),
    Case("arrays.npz", "an archive of arrays", zip_of([Entry("a.npy", npy("<f4", (2,), bytes(8)))]), SAFE, "", "npz"),
    Case("objects.npz", "an archive with objects", zip_of([Entry("a.npy", npy("|O", (1,), BAD))]), BLOCKED),
    Case("pickle.pkl.gz", "gzip of a pickle", gzip.compress(BAD, mtime=0), STOPPED, "call_blocked", "gzip"),
    Case("pickle.pkl.bz2", "bzip2 of a pickle", bz2.compress(BAD), STOPPED, "call_blocked"),
    Case("pickle.joblib", "zlib of a pickle", zlib.compress(BAD), STOPPED, "call_blocked", "zlib"),
    Case("torch.pt.xz", "xz of a torch file", lzma.compress(torch_zip(BAD)), STOPPED, "call_blocked"),
    Case("pickle.lzma", "old lzma of a pickle", lzma.compress(BAD, format=lzma.FORMAT_ALONE), STOPPED, "call_blocked"),
    Case("tar.tar.gz", "gzip of a tar", gzip.compress(tar_of({"a.pkl": BAD}), mtime=0), STOPPED, "call_blocked"),
    Case(
        "gzip-cut.gz",
        "gzip cut short",
        gzip.compress(bytes(range(256)) * 8, mtime=0)[:-20],
        UNREADABLE,
        "compressed_broken",
    ),
    Case("seven.bin", "a 7z archive", b"7z\xbc\xaf\x27\x1c\0\4" + bytes(60), STOPPED, "archive_not_accepted", "7z"),
    Case("zstd.bin", "a zstd file", b"\x28\xb5\x2f\xfd" + bytes(60), STOPPED, "archive_not_accepted"),
    Case("rar.bin", "a rar archive", b"Rar!\x1a\x07\x01\0" + bytes(60), STOPPED, "archive_not_accepted"),
    Case(
        "good.safetensors",
        "safetensors",
        safetensors({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, bytes(8)),
        SAFE,
        "",
        "safetensors",
    ),
    Case(
        "long.safetensors",
        "a header longer than the file",
        safetensors({}, length=1 << 40),
        NOT_SAFE,
        "safetensors_header_too_long",
    ),
    Case(
        "duplicate.safetensors",
        "a name twice",
        safetensors(
            b'{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
            b"x",
        ),
        NOT_SAFE,
        "safetensors_duplicate_name",
    ),
    Case(
        "polyglot.safetensors",
        "safetensors with a torch zip behind",
        safetensors({"w": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}, b"x" + torch_zip(BAD)),
        NOT_SAFE,
        "call_blocked",
    ),
    Case("renamed.safetensors", "a torch zip called .safetensors", torch_file(STATE), SAFE, "", "torch-zip"),
    Case("plain.gguf", "GGUF", gguf({"general.architecture": "sd"}), SAFE, "", "gguf"),
    Case(
        "template.gguf",
        "a chat template that reaches inside",
        gguf({"tokenizer.chat_template": "{{ ''.__class__.__mro__ }}"}),
        CAUGHT,
        "gguf_template_code",
    ),
    Case("count.gguf", "an absurd count", gguf({}, count=1 << 60), NOT_SAFE, "gguf_count"),
    Case(
        "external.onnx",
        "ONNX with data outside its folder",
        b"\x08\x07\x3a\x20\x2a\x1e\x6a\x1c\x0a\x08location\x12\x10../../etc/passwd",
        NOT_SAFE,
        "onnx_external_path",
        "onnx",
    ),
    Case("program.safetensors", "an executable", b"\x7fELF\x02\x01\x01" + bytes(80), NOT_SAFE, "executable", "elf"),
    Case("script.bin", "a script", b"#!/bin/sh\ntrue\n", NOT_SAFE, "executable", "script"),
    Case(
        "page.pth", "a web page", b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", UNREADABLE, "html_page", "html"
    ),
    Case("empty.bin", "an empty file", b"", UNREADABLE, "empty_file", "empty"),
    Case(
        "weights.bin",
        "raw numbers",
        struct.pack("<4096f", *(0.37 * n for n in range(4096))),
        UNREADABLE,
        "unknown_content",
        "unknown",
    ),
    Case("model.h5", "HDF5", b"\x89HDF\r\n\x1a\n" + bytes(40), UNREADABLE, "hdf5_not_accepted", "hdf5"),
    Case("notes.pt", "a picture", png(), SAFE, "", "png"),
    Case("picture.png", "a picture with bytes behind", png(after=b"x" * 20), CHECK, "picture_trailing_bytes"),
    Case("polyglot.png", "a picture with a torch zip behind", png(after=torch_zip(BAD)), BLOCKED),
    Case("pt.txt", "a note", b"put embeddings here\n", SAFE, "", "text"),
    Case("words.txt", "a list of words", b"cast\niron\ncat\ndog\n", SAFE, "", "text"),
    Case("names.yaml", "settings", b"name: fox\nconfig: 1\n", SAFE, "", "text"),
    Case("settings.json", "settings", b'{"a": 1}\n', SAFE, "", "json"),
    Case(
        "texts.zip",
        "texts and a picture",
        zip_of([Entry("readme.md", b"# hi\n"), Entry("p.png", png())]),
        SAFE,
        "",
        "zip",
    ),
]

CASES = ZIPS + LEGACY + OTHERS
