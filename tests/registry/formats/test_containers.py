"""Readers of containers: what they find, what they refuse, and that nothing makes them fall over."""

import bz2
import io
import lzma
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.formats.detect import detect
from registry.formats.errors import MalformedFile
from registry.formats.literal import parse_literal
from registry.formats.numpy_array import read_numpy_header
from registry.formats.onnx import external_paths
from registry.formats.sources import BlockDecoder, Region, Unfolded, Window, ZlibDecoder
from registry.formats.tar_archive import read_tar
from registry.formats.zip_archive import is_unsafe_path, open_member, read_zip
from tests.data.pickles.containers import Entry, npy, safetensors, tar_of, zip_of

PLAIN = [Entry("a/data.pkl", b"one"), Entry("a/data/0", b"two"), Entry("a/version", b"3")]


def _region(data):
    return Region(io.BytesIO(data), 0, len(data))


def _codes(data):
    readings, facts = read_zip(_region(data))
    return [fact.code for fact in facts] + [fact.code for reading in readings for fact in reading.facts]


def test_an_honest_archive_is_read_once_and_gives_no_finding():
    readings, facts = read_zip(_region(zip_of(PLAIN)))

    assert not facts
    assert not readings[0].facts
    assert [[m.name for m in reading.members] for reading in readings] == [["a/data.pkl", "a/data/0", "a/version"]]


@pytest.mark.parametrize("deflate", [False, True], ids=["stored", "packed"])
def test_a_member_is_read_in_pieces(deflate):
    data = zip_of([Entry("x", b"abc" * 100_000, deflate=deflate)])
    region = _region(data)
    member = read_zip(region)[0][0].members[0]

    source = open_member(region, member, 1 << 20)

    assert source.read(4) == b"abca"
    assert source.skip(299_990)
    assert source.read(100) == b"abcabc"
    assert source.read(1) == b""
    assert not source.skip(1)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (zip_of(PLAIN, before=b"x"), "zip_bytes_before"),
        (zip_of(PLAIN, after=b"x"), "zip_bytes_after"),
        (zip_of(PLAIN)[:-1], "zip_broken"),
        (zip_of([Entry("a", b"x", local_name="b")]), "zip_name_differs"),
        (zip_of([Entry("a", b"x", local_crc=1)]), "zip_header_differs"),
        (zip_of([Entry("a", b"x", local_flags=8)]), "zip_header_differs"),
        (zip_of([Entry("a", b"x", size=2)]), "zip_header_differs"),
        (zip_of([Entry("a", b"x", packed=900)]), "zip_member_broken"),
        (zip_of([Entry("a", b"x"), Entry("b", b"y", listed=False)]), "zip_bytes_between"),
        (zip_of([Entry("a", b"x"), Entry("A", b"y")]), "zip_duplicate"),
        (zip_of([Entry("a", b"x", flags=0x40)]), "zip_encrypted"),
        (zip_of([Entry("a", b"x", flags=0x20)]), "zip_patched"),
        (zip_of([Entry("a", b"x", method=12)]), "zip_method_unknown"),
        (zip_of([Entry("a", b"x", mode=0o120777)]), "zip_symlink"),
        (zip_of([Entry("../a", b"x")]), "zip_unsafe_path"),
        (zip_of(PLAIN, comment=zip_of(PLAIN)), "zip_second_archive"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_lie_of_an_archive_is_named(data, code):
    if code == "zip_broken":
        assert read_zip(_region(data)) == ([], [])  # no end record: no archive
    else:
        assert code in _codes(data)


def test_a_member_that_no_directory_names_is_still_handed_over():
    data = zip_of([Entry("a", b"x"), Entry("b", b"hidden", listed=False), Entry("c", b"y")])
    region = _region(data)

    members = read_zip(region)[0][0].members

    hidden = next(member for member in members if member.hidden)
    assert hidden.name == "b"
    assert open_member(region, hidden, 100).read(100) == b"hidden"


@pytest.mark.parametrize(
    ("name", "unsafe"),
    [
        ("a/b", False),
        ("a..b/c", False),
        ("../a", True),
        ("a/../b", True),
        ("/a", True),
        ("C:/a", True),
        ("a\\..\\b", True),
    ],
)
def test_names_that_leave_the_folder_are_known(name, unsafe):
    assert is_unsafe_path(name) is unsafe


@pytest.mark.parametrize(
    ("packed", "decoder"),
    [
        (zlib.compress(bytes(10_000)), lambda: ZlibDecoder(15)),
        (bz2.compress(bytes(10_000)), lambda: BlockDecoder(bz2.BZ2Decompressor(), OSError)),
        (lzma.compress(bytes(10_000)), lambda: BlockDecoder(lzma.LZMADecompressor(), lzma.LZMAError)),
    ],
    ids=["zlib", "bz2", "xz"],
)
def test_unpacking_stops_at_its_limit_and_tells_the_end_from_a_break(packed, decoder):
    whole = Unfolded(Window(io.BytesIO(packed), 0, len(packed)), decoder(), 1 << 20)
    limited = Unfolded(Window(io.BytesIO(packed), 0, len(packed)), decoder(), 5000)
    cut = Unfolded(Window(io.BytesIO(packed), 0, len(packed) - 12), decoder(), 1 << 20)

    lengths = [len(source.read(1 << 20)) for source in (whole, limited, cut)]

    assert lengths[:2] == [10_000, 5000]
    assert (whole.limited, whole.broken) == (False, False)
    assert (limited.limited, limited.broken) == (True, False)
    assert cut.broken


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (b"", "x.pt", "empty"),
        (zip_of(PLAIN), "x.png", "zip"),
        (b"\x80\x02N.", "x.safetensors", "pickle"),
        (b"\x80\x09N.", "x.pkl", "unknown"),
        (safetensors({}), "x.ckpt", "safetensors"),
        (safetensors({}, length=1 << 63), "x", "safetensors"),
        (b"import {x} from 'y'\n", "x.js", "text"),
        (b"  <!-- a --><html>", "x.bin", "html"),
        (b"\xef\xbb\xbf<!DOCTYPE HTML>", "x.bin", "html"),
        (b"[1, 2]", "x", "json"),
        ("söme".encode(), "x", "text"),
        ("söme".encode("latin-1"), "x", "unknown"),
        (b"a\0b", "x", "unknown"),
        (tar_of({"a": b"b"}), "x.bin", "tar"),
        (zlib.compress(b"abc"), "x", "zlib"),
        (b"x\x9c is not zlib", "x", "unknown"),
        (npy("<f4", (1,), bytes(4)), "x.txt", "npy"),
        (b"MZ" + bytes(58) + b"\x80\0\0\0" + bytes(100), "x", "pe"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "x", "webp"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_is_known_by_its_content(data, name, kind):
    assert detect(_region(data), name) == kind


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'a': (1, 2), 'b': [True, None]}", {"a": (1, 2), "b": [True, None]}),
        ("(1)", 1),
        ("(1,)", (1,)),
        ("()", ()),
        ("('<f4', 'x')", ("<f4", "x")),
        ("-5L", -5),
    ],
)
def test_a_literal_is_read_without_being_evaluated(text, value):
    assert parse_literal(text) == value


@pytest.mark.parametrize(
    "text", ["", "x", "(", "[1 2]", "{1: 2}", "1 2", "f()", "(" * 1000, "9" * 30, "__import__('os')"]
)
def test_what_is_no_literal_is_refused(text):
    with pytest.raises(MalformedFile):
        parse_literal(text)


@pytest.mark.parametrize(
    ("descr", "nbytes", "objects"),
    [
        ("<f4", 24, False),
        ("|b1", 6, False),
        ("<U3", 72, False),
        ("|O", 48, True),
        ("object", 48, True),
        ([("a", "<f4"), ("b", "|S5", (2,))], 84, False),
        ([("a", [("b", "|O8")])], 48, True),
        (("<f4", (3,)), 72, False),
        ("<M8[ns]", 48, False),
    ],
    ids=str,
)
def test_an_array_header_tells_its_length_and_whether_a_pickle_follows(descr, nbytes, objects):
    header = read_numpy_header(_region(npy(descr, (2, 3), b"")))

    assert (header.nbytes, header.holds_objects) == (nbytes, objects)


@pytest.mark.parametrize(
    "data",
    [
        npy("<f4", (-1,), b""),
        npy("<f4", (1 << 40, 1 << 40), b""),
        npy("<f4", "no shape", b""),
        npy("<what", (1,), b""),
        npy({"a": 1}, (1,), b""),
        b"\x93NUMPY\x09\x00" + bytes(10),
        npy("<f4", (1,), b"")[:30],
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + bytes(10),
    ],
    ids=["negative", "absurd", "no tuple", "unknown type", "no type", "version", "cut", "long"],
)
def test_a_wrong_array_header_is_refused(data):
    with pytest.raises(MalformedFile):
        read_numpy_header(_region(data))


def test_tar_members_links_and_long_names_are_read():
    name = "deep/" * 40 + "file"
    members, facts = read_tar(_region(tar_of({name: b"abc"}, {"link": "/etc"})), 10)

    assert [(m.name, m.size, m.is_file) for m in members] == [(name, 3, True), ("link", 0, False)]
    assert [fact.code for fact in facts] == ["tar_link"]


def test_a_damaged_tar_is_read_to_the_damage():
    data = bytearray(tar_of({"a": b"x", "b": b"y"}))
    data[1024 + 148 : 1024 + 156] = b"99999999"

    members, facts = read_tar(_region(bytes(data)), 10)

    assert [m.name for m in members] == ["a"]
    assert [fact.code for fact in facts] == ["tar_broken"]


def test_an_onnx_model_names_only_outside_files_that_leave_its_folder():
    def field(number, data):
        return bytes([number << 3 | 2, len(data)]) + data

    def model(path):
        entry = field(1, b"location") + field(2, path)
        return b"\x08\x07" + field(7, field(5, field(13, entry)))

    assert external_paths(_region(model(b"../x"))) == ["../x"]
    assert external_paths(_region(model(b"weights.bin"))) == []
    with pytest.raises(MalformedFile):
        external_paths(_region(model(b"x")[:-1]))


ZIP = zip_of(PLAIN)
TAR = tar_of({"a": b"b"})


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(ZIP) - 1), st.binary(min_size=1, max_size=8), st.integers(0, len(ZIP)))
def test_no_bytes_make_a_reader_fall_over(place, patch, cut):
    for whole in (ZIP, TAR):
        data = (whole[:place] + patch + whole[place + len(patch) :])[: max(cut, 1)]
        region = _region(data)
        readings, _facts = read_zip(region)
        for reading in readings:
            for member in reading.members:
                source = open_member(region, member, 1000)
                assert source is None or len(source.read(2000)) <= 2000
        read_tar(region, 100)
        detect(region)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_readers_of_headers_refuse_rubbish_by_their_own_error(data):
    for reader in (
        lambda: read_numpy_header(_region(b"\x93NUMPY" + data)),
        lambda: external_paths(_region(data)),
        lambda: parse_literal(data.decode("latin-1")),
    ):
        try:
            reader()
        except MalformedFile:
            continue
