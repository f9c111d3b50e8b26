import contextlib
import io
import json
import struct
import time
import tracemalloc

import pytest
import safetensors
from hypothesis import given
from hypothesis import strategies as st

from registry.formats.errors import MalformedFile
from registry.formats.safetensors import MAX_HEADER_BYTES, MAX_TENSORS, read_header
from registry.formats.tensors import DTYPE_BITS
from tests.registry.formats.build import framed, safetensors_file

W = '{"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}'
HALF = '{"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}'
FOUR = bytes(4)


def read(data: bytes):
    return read_header(io.BytesIO(data), len(data))


def tensor(dtype='"F32"', shape="[1]", offsets="[0, 4]", extra=""):
    return f'{{"w": {{"dtype": {dtype}, "shape": {shape}, "data_offsets": {offsets}{extra}}}}}'


LIES = {
    "empty file": (b"", "header_missing"),
    "shorter than its length": (b"\2\0\0\0\0\0\0", "header_missing"),
    "length of 2**63": (struct.pack("<Q", 1 << 63) + b"{}", "header_too_long"),
    "length of 2**64 - 1": (b"\xff" * 8 + b"{}", "header_too_long"),
    "header of 101 MB": (struct.pack("<Q", 101_000_000) + b"{}", "header_too_long"),
    "torch zip under this name": (b"PK\x03\x04\x00\x00\x08\x08" + bytes(64), "header_too_long"),
    "header beyond the file": (struct.pack("<Q", 100) + b"{}", "header_beyond_file"),
    "header of one byte": (framed(b"{"), "header_too_short"),
    "header of nothing": (framed(b""), "header_too_short"),
    "does not begin with a brace": (framed(f" {tensor()}", FOUR), "header_start"),
    "an array": (framed("[]"), "header_start"),
    "byte order mark": (framed(b"\xef\xbb\xbf{}"), "header_start"),
    "UTF-16": (framed('{"w": 1}'.encode("utf-16-le")), "header_not_json"),
    "invalid UTF-8 in a name": (framed(b'{"w\xff": ' + W.encode() + b"}", FOUR), "header_not_utf8"),
    "UTF-8 cut at the end": (framed(b'{"w": "\xe2\x82'), "header_not_utf8"),
    "overlong UTF-8": (framed(b'{"w\xc0\xaf": 1}'), "header_not_utf8"),
    "raw surrogate": (framed(b'{"w\xed\xa0\x80": 1}'), "header_not_utf8"),
    "half a character in a name": (framed(f'{{"\\ud83d": {W}}}', FOUR), "text_not_unicode"),
    "half a character in metadata": (framed('{"__metadata__": {"a": "\\udc00"}}'), "text_not_unicode"),
    "text after the object": (framed(tensor() + "x", FOUR), "header_trailing_text"),
    "second object": (framed("{}{}"), "header_trailing_text"),
    "NUL padding": (framed(b"{}\0\0"), "header_trailing_text"),
    "unclosed object": (framed(tensor()[:-1], FOUR), "header_not_json"),
    "unclosed text": (framed('{"w'), "header_not_json"),
    "unclosed value": (framed('{"w": "'), "header_not_json"),
    "no colon": (framed('{"w" 1}'), "header_not_json"),
    "no value": (framed('{"w":}'), "header_not_json"),
    "comma at the end": (framed(f'{{"w": {W},}}', FOUR), "header_not_json"),
    "no comma between": (framed(f'{{"w": {W} "v": {HALF}}}', bytes(8)), "header_not_json"),
    "brackets that do not pair": (framed('{"w": [}}'), "header_not_json"),
    "single quotes": (framed("{'w': 1}"), "header_not_json"),
    "bare name": (framed("{w: 1}"), "header_not_json"),
    "raw newline in a name": (framed(f'{{"a\nb": {W}}}', FOUR), "header_not_json"),
    "NaN as a length": (framed(tensor(shape="[NaN]"), FOUR), "header_not_json"),
    "number of 5,000 digits": (framed(tensor(shape=f"[{'9' * 5000}]"), FOUR), "header_not_json"),
    "nested 9 deep": (framed('{"w": ' + "[" * 9 + "]" * 9 + "}"), "nested_too_deep"),
    "nested 100,000 deep": (framed('{"w": ' + "[" * 100_000), "nested_too_deep"),
    "metadata nested 100,000 deep": (framed('{"__metadata__": ' + '{"a":' * 100_000), "nested_too_deep"),
    "name twice, other offsets": (framed(f'{{"w": {W}, "w": {HALF}}}', bytes(8)), "duplicate_name"),
    "name twice, same offsets": (framed(f'{{"w": {W}, "w": {W}}}', FOUR), "duplicate_name"),
    "name twice, spelled otherwise": (framed(f'{{"w": {W}, "\\u0077": {W}}}', FOUR), "duplicate_name"),
    "metadata twice": (framed('{"__metadata__": {}, "__metadata__": {}}'), "duplicate_name"),
    "metadata key twice": (framed('{"__metadata__": {"a": "1", "a": "2"}}'), "duplicate_key"),
    "dtype twice": (framed(tensor(extra=', "dtype": "F32"'), FOUR), "duplicate_key"),
    "key twice far down": (framed('{"__metadata__": {"a": {"b": {"c": 1, "c": 1}}}}'), "duplicate_key"),
    "metadata is a list": (framed('{"__metadata__": []}'), "metadata_not_object"),
    "metadata is text": (framed('{"__metadata__": "pt"}'), "metadata_not_object"),
    "metadata number": (framed('{"__metadata__": {"ss_epoch": 3}}'), "metadata_not_text"),
    "metadata null value": (framed('{"__metadata__": {"ss_epoch": null}}'), "metadata_not_text"),
    "metadata object value": (framed('{"__metadata__": {"software": {"name": "kit"}}}'), "metadata_not_text"),
    "metadata of 10,001 entries": (
        framed('{"__metadata__": {' + ",".join(f'"{n}":""' for n in range(10_001)) + "}}"),
        "metadata_too_many",
    ),
    "metadata of 17 MB": (framed('{"__metadata__": {"a": "' + "x" * (17 << 20) + '"}}'), "entry_too_long"),
    "name of 2,000 letters": (framed(f'{{"{"w" * 2000}": {W}}}', FOUR), "name_too_long"),
    "entry of 9,000 bytes": (framed(tensor(shape=f"[{' ' * 9000}1]"), FOUR), "entry_too_long"),
    "tensor is null": (framed('{"w": null}'), "tensor_incomplete"),
    "tensor is a number": (framed('{"w": 1 , "v": 2}'), "tensor_incomplete"),
    "tensor is a text": (framed('{"w": "F32"}'), "tensor_incomplete"),
    "tensor is a list": (framed('{"w": ["F32", [1], [0, 4]]}', FOUR), "tensor_incomplete"),
    "no shape": (framed('{"w": {"dtype": "F32", "data_offsets": [0, 4]}}', FOUR), "tensor_incomplete"),
    "field of its own": (framed(tensor(extra=', "code": "x"'), FOUR), "tensor_extra_field"),
    "unknown dtype": (framed(tensor(dtype='"F33"'), FOUR), "tensor_dtype"),
    "dtype in small letters": (framed(tensor(dtype='"f32"'), FOUR), "tensor_dtype"),
    "dtype is a number": (framed(tensor(dtype="32"), FOUR), "tensor_dtype"),
    "dtype is a list": (framed(tensor(dtype="[]"), FOUR), "tensor_dtype"),
    "shape is a number": (framed(tensor(shape="1"), FOUR), "tensor_shape"),
    "shape holds a text": (framed(tensor(shape='["1"]'), FOUR), "tensor_shape"),
    "shape holds a fraction": (framed(tensor(shape="[1.0]"), FOUR), "tensor_shape"),
    "shape holds true": (framed(tensor(shape="[true]"), FOUR), "tensor_shape"),
    "negative length": (framed(tensor(shape="[-1]"), FOUR), "tensor_shape"),
    "dimension of 2**63": (framed(tensor(shape="[9223372036854775808]"), FOUR), "tensor_shape"),
    "65 dimensions": (framed(tensor(shape=str([1] * 65)), FOUR), "tensor_shape"),
    "offset is a text": (framed(tensor(offsets='["0", 4]'), FOUR), "tensor_data_offsets"),
    "negative offset": (framed(tensor(offsets="[-4, 0]"), FOUR), "tensor_data_offsets"),
    "offsets are null": (framed(tensor(offsets="null"), FOUR), "tensor_data_offsets"),
    "one offset": (framed(tensor(offsets="[4]"), FOUR), "tensor_data_offsets"),
    "three offsets": (framed(tensor(offsets="[0, 4, 4]"), FOUR), "tensor_data_offsets"),
    "offsets reversed": (framed(tensor(offsets="[4, 0]"), FOUR), "offsets_reversed"),
    "fewer bytes than the shape": (framed(tensor(shape="[2]"), FOUR), "tensor_size"),
    "more bytes than the shape": (framed(tensor(offsets="[0, 8]"), bytes(8)), "tensor_size"),
    "empty shape with bytes": (framed(tensor(shape="[0]"), FOUR), "tensor_size"),
    "product wraps to 4 bytes": (framed(tensor(shape="[4611686018427387905, 1]"), FOUR), "tensor_overflow"),
    "product wraps to 0, then nothing": (
        framed(tensor(shape="[4294967296, 4294967296, 0]", offsets="[0, 0]")),
        "tensor_overflow",
    ),
    "three 4-bit numbers": (framed(tensor(dtype='"F4"', shape="[3]", offsets="[0, 2]"), b"\0\0"), "tensor_half_byte"),
    "hole at the start": (framed(tensor(offsets="[4, 8]"), bytes(8)), "data_hole"),
    "hole between": (
        framed(f'{{"w": {W}, "v": {HALF.replace("4, 8", "8, 12")}}}', bytes(12)),
        "data_hole",
    ),
    "overlap": (framed(f'{{"w": {W}, "v": {HALF.replace("4, 8", "2, 6")}}}', bytes(6)), "data_overlap"),
    "two names for the same bytes": (framed(f'{{"w": {W}, "v": {W}}}', FOUR), "data_overlap"),
    "empty tensor inside another": (
        framed(f'{{"w": {W}, "v": {{"dtype": "U8", "shape": [0], "data_offsets": [2, 2]}}}}', FOUR),
        "data_overlap",
    ),
    "data cut": (framed(tensor(), b"\0\0\0"), "data_truncated"),
    "one byte too many": (framed(tensor(), bytes(5)), "data_trailing"),
    "zip after the tensors": (framed(tensor(), FOUR + b"PK\x03\x04"), "data_trailing"),
    "bytes without a tensor": (framed("{}", b"\0"), "data_trailing"),
}


@pytest.mark.parametrize(("data", "reason"), LIES.values(), ids=LIES.keys())
def test_every_lie_is_refused_by_its_own_reason(data, reason):
    with pytest.raises(MalformedFile) as refusal:
        read(data)

    assert refusal.value.reason == reason
    assert len(str(refusal.value)) < 300


ODD = {
    "no tensors": framed("{}"),
    "spaces behind the header": framed(tensor() + " " * 4096, FOUR),
    "newlines and tabs between": framed(tensor().replace(" ", " \n\t\r"), FOUR),
    "empty tensor at the end": framed(
        f'{{"w": {W}, "v": {{"dtype": "F32", "shape": [0], "data_offsets": [4, 4]}}}}', FOUR
    ),
    "empty tensor at the start": framed(
        f'{{"v": {{"dtype": "F32", "shape": [3, 0], "data_offsets": [0, 0]}}, "w": {W}}}', FOUR
    ),
    "scalar": framed(tensor(shape="[]"), FOUR),
    "fields in another order": framed('{"w": {"data_offsets": [0, 4], "shape": [1], "dtype": "F32"}}', FOUR),
    "tensors out of order": framed(f'{{"v": {HALF}, "w": {W}}}', bytes(8)),
    "metadata null": framed(f'{{"__metadata__": null, "w": {W}}}', FOUR),
    "metadata last": framed(f'{{"w": {W}, "__metadata__": {{"format": "pt"}}}}', FOUR),
    "braces and quotes in metadata": framed('{"__metadata__": {"a": "{[\\"}],\\\\", "b{": "\\\\\\""}}'),
    "name of another script": framed(f'{{"重み é 🦢": {W}}}', FOUR),
    "escaped pair": framed(f'{{"\\ud83e\\udda2": {W}}}', FOUR),
    "empty name": framed(f'{{"": {W}}}', FOUR),
    "full header length": struct.pack("<Q", MAX_HEADER_BYTES) + b"{}".ljust(MAX_HEADER_BYTES),
}


@pytest.mark.parametrize("data", ODD.values(), ids=ODD.keys())
def test_odd_but_right_files_are_read_as_their_library_reads_them(data):
    header = read(data)

    known = {name: tuple(entry["shape"]) for name, entry in safetensors.deserialize(data)}
    assert {tensor.name: tensor.shape for tensor in header.tensors} == known


@pytest.mark.parametrize("dtype", DTYPE_BITS)
def test_every_dtype_of_the_format_is_known(dtype):
    data = safetensors_file({"w": (dtype, (4, 2))})

    header = read(data)

    assert header.tensors[0].size == DTYPE_BITS[dtype]
    assert [name for name, _ in safetensors.deserialize(data)] == ["w"]


def test_the_header_counts_what_it_holds():
    spec = {"a.weight": ("F16", (320, 4)), "a.bias": ("F32", (320,)), "steps": ("I64", ())}
    data = safetensors_file(spec, {"ss_network_dim": "4", "modelspec.title": "灯台"})

    header = read(data)

    assert header.metadata == {"ss_network_dim": "4", "modelspec.title": "灯台"}
    assert [(t.name, t.dtype, t.shape, t.start, t.end) for t in header.tensors] == [
        ("a.weight", "F16", (320, 4), 0, 2560),
        ("a.bias", "F32", (320,), 2560, 3840),
        ("steps", "I64", (), 3840, 3848),
    ]
    assert header.data_offset == 8 + header.header_bytes == len(data) - 3848
    assert header.parameter_count == 320 * 4 + 320 + 1
    assert header.dtypes == {"F16": 2560 / 3848, "F32": 1280 / 3848, "I64": 8 / 3848}
    assert list(header.dtypes) == ["F16", "F32", "I64"]


def test_only_the_header_is_read():
    class Counting(io.BytesIO):
        taken = 0

        def read(self, size=-1):
            part = super().read(size)
            self.taken += len(part)
            return part

    data = safetensors_file({"w": ("F32", (1000, 1000))})
    stream = Counting(data)

    header = read_header(stream, len(data))

    assert stream.taken == header.data_offset


def test_a_stream_may_answer_with_less_than_asked_for():
    class Dripping(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 3))

    data = safetensors_file({"w": ("F32", (2, 2))})

    assert read_header(Dripping(data), len(data)) == read(data)


def test_a_stream_that_ends_early_is_named():
    data = safetensors_file({"w": ("F32", (2, 2))})

    with pytest.raises(MalformedFile) as refusal:
        read_header(io.BytesIO(data[:30]), len(data))

    assert refusal.value.reason == "file_truncated"


def test_a_message_neither_repeats_control_characters_nor_long_names():
    data = framed('{"' + "\\u001b[31m\\n" * 60 + '": 1}')

    with pytest.raises(MalformedFile) as refusal:
        read(data)

    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 200


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).filter(lambda name: name != "__metadata__")
shapes = st.lists(st.integers(0, 5), max_size=3).map(tuple)
specs = st.dictionaries(names, st.tuples(st.sampled_from(["F32", "F16", "U8", "F8_E4M3"]), shapes), max_size=6)


@given(specs, st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), st.text(max_size=9)))
def test_what_a_writer_wrote_is_what_is_read(spec, metadata):
    header = read(safetensors_file(spec, metadata))

    assert {t.name: (t.dtype, t.shape) for t in header.tensors} == {n: (d, tuple(s)) for n, (d, s) in spec.items()}
    assert header.metadata == metadata


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_by_name_and_never_crash(data):
    with pytest.raises(MalformedFile):
        read(data)


pieces = st.sampled_from(
    ['"', "{", "}", "[", "]", ",", ":", "\\", "w", "__metadata__", "dtype", "shape", "data_offsets", '"F32"', "0", "4",
     "1e9", "-", "null", "true", " ", "\n", "\\u00", "é", W]
)  # fmt: skip


@given(st.lists(pieces, max_size=40).map("".join), st.integers(0, 8))
def test_broken_headers_are_refused_by_name_and_what_passes_the_library_reads_too(text, length):
    data = framed("{" + text, bytes(length))

    try:
        header = read(data)
    except MalformedFile:
        return
    assert {t.name for t in header.tensors} == {name for name, _ in safetensors.deserialize(data)}


def many(count: int) -> bytes:
    entry = '"layer.{0}.weight":{{"dtype":"U8","shape":[1],"data_offsets":[{0},{1}]}}'
    return framed("{" + ",".join(entry.format(n, n + 1) for n in range(count)) + "}", bytes(count))


def test_more_tensors_than_any_model_has_are_refused():
    with pytest.raises(MalformedFile) as refusal:
        read(many(MAX_TENSORS + 1))

    assert refusal.value.reason == "too_many_tensors"


def best_seconds(data: bytes) -> float:
    def once() -> float:
        start = time.process_time()
        with contextlib.suppress(MalformedFile):
            read(data)
        return time.process_time() - start

    return min(once() for _ in range(3))


SLOW = {
    "many tensors": lambda n: many(n // 8),
    "open brackets in a text": lambda n: framed('{"__metadata__": {"a": "' + "[{" * n + '"}}'),
    "unclosed quotes": lambda n: framed('{"' + '\\"' * n),
    "spaces": lambda n: framed("{" + " " * n + "x"),
    "bare digits": lambda n: framed('{"w": ' + "9" * n),
    "empty lists": lambda n: framed('{"__metadata__": [' + "[]," * n),
}


@pytest.mark.parametrize("build", SLOW.values(), ids=SLOW.keys())
def test_time_grows_as_the_header_does(build):
    small, large = build(40_000), build(400_000)

    assert best_seconds(large) < 30 * best_seconds(small) + 0.05


def test_memory_stays_bounded_whatever_the_header_holds():
    data = framed('{"__metadata__": {"a": "' + "🦢" + "x" * (15 << 20) + '"}}')
    stream = io.BytesIO(data)
    tracemalloc.start()

    read_header(stream, len(data))

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 << 20


def test_real_looking_json_is_not_confused_by_its_own_metadata():
    tags = json.dumps({"10_cat": {'a "quoted" {tag}': 3}})
    data = safetensors_file({"w": ("F16", (2,))}, {"ss_tag_frequency": tags})

    assert read(data).metadata["ss_tag_frequency"] == tags
