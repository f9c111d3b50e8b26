import io
import struct
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.formats.chat_template import judge_template
from registry.formats.errors import MalformedFile
from registry.formats.gguf import MAX_ARRAY_ITEMS, TENSOR_TYPES, GgufArray, read_header

U8, U32, F32, BOOL, TEXT, ARRAY, U64 = 0, 4, 6, 7, 8, 9, 10


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def entry(key: str | bytes, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def array(kind: int, count: int, items: bytes) -> bytes:
    return struct.pack("<IQ", kind, count) + items


def tensor(name: str = "w", lengths: tuple[int, ...] = (4,), kind: int = 0, start: int = 0) -> bytes:
    numbers = struct.pack(f"<{len(lengths)}Q", *lengths)
    return text(name) + struct.pack("<I", len(lengths)) + numbers + struct.pack("<IQ", kind, start)


def gguf(
    entries: tuple[bytes, ...] = (),
    tensors: tuple[bytes, ...] = (),
    data: bytes = b"",
    counts: tuple[int, int] | None = None,
    version: int = 3,
    alignment: int = 32,
) -> bytes:
    tensor_count, entry_count = counts or (len(tensors), len(entries))
    head = b"GGUF" + struct.pack("<IQQ", version, tensor_count, entry_count) + b"".join(entries) + b"".join(tensors)
    return head + bytes(-len(head) % alignment) + data if data or tensors else head


def read(data: bytes):
    return read_header(io.BytesIO(data), len(data))


def test_metadata_and_tensors_are_read():
    data = gguf(
        (
            entry("general.architecture", TEXT, text("sdxl")),
            entry("general.quantization_version", U32, struct.pack("<I", 2)),
            entry("big", U64, struct.pack("<Q", 1 << 40)),
            entry("rate", F32, struct.pack("<f", 0.5)),
            entry("yes", BOOL, b"\1"),
            entry("tokens", ARRAY, array(TEXT, 40, b"".join(text(f"t{n}") for n in range(40)))),
            entry("nested", ARRAY, array(ARRAY, 1, array(U8, 2, b"\5\6"))),
        ),
        (tensor("a", (64, 3), 8), tensor("b", (2,), 1, 224)),
        bytes(224 + 4),
    )

    header = read(data)

    assert header.version == 3
    assert header.texts == {"general.architecture": "sdxl"}
    assert header.metadata["general.quantization_version"] == 2
    assert header.metadata["big"] == 1 << 40
    assert header.metadata["rate"] == 0.5
    assert header.metadata["yes"] is True
    assert header.metadata["tokens"] == GgufArray(40, tuple(f"t{n}" for n in range(16)))
    assert header.metadata["nested"] == GgufArray(1, (GgufArray(2, (5, 6)),))
    assert [(t.name, t.dtype, t.shape, t.start, t.end) for t in header.tensors] == [
        ("a", "Q8_0", (3, 64), 0, 204),
        ("b", "F16", (2,), 224, 228),
    ]
    assert header.parameter_count == 194
    assert len(data) - header.data_offset == 228


@pytest.mark.parametrize("kind", TENSOR_TYPES, ids=[name for name, _, _ in TENSOR_TYPES.values()])
def test_every_tensor_type_has_its_block_size(kind):
    name, block, block_bytes = TENSOR_TYPES[kind]

    header = read(gguf(tensors=(tensor(lengths=(block * 2,), kind=kind),), data=bytes(block_bytes * 2)))

    assert header.tensors[0].dtype == name
    assert header.tensors[0].size == block_bytes * 2


HUGE = (1 << 64) - 1
WRAPPED = gguf(tensors=(tensor(lengths=(1 << 33, 1 << 33)),), data=bytes(32))

LIES = {
    "empty": (b"", "gguf_beyond_file"),
    "another magic": (b"GGML" + bytes(40), "gguf_magic"),
    "version 1": (gguf(version=1), "gguf_version"),
    "big-endian": (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "gguf_version"),
    "cut in the counts": (b"GGUF\3\0\0\0\1", "gguf_beyond_file"),
    "2**64 tensors": (gguf(counts=(HUGE, 0)), "gguf_count"),
    "2**64 entries": (gguf(counts=(0, HUGE)), "gguf_count"),
    "more tensors than room": (gguf(counts=(1000, 0)), "gguf_count"),
    "more entries than room": (gguf(counts=(0, 1000)), "gguf_count"),
    "key of 2**63 bytes": (gguf((struct.pack("<QIB", 1 << 63, 0, 0) + bytes(9),)), "gguf_text_too_long"),
    "key beyond the file": (gguf((struct.pack("<Q", 60_000) + bytes(9),)), "gguf_beyond_file"),
    "key not UTF-8": (gguf((entry(b"\xff", U8, b"\0"),)), "gguf_not_utf8"),
    "value not UTF-8": (gguf((entry("a", TEXT, text(b"\xc3")),)), "gguf_not_utf8"),
    "value of 5 MB": (gguf((entry("a", TEXT, text(b"x" * (5 << 20))),)), "gguf_text_too_long"),
    "values of 28 MB together": (
        gguf(tuple(entry(f"k{n}", TEXT, text(b"x" * (4 << 20))) for n in range(7))),
        "gguf_text_too_long",
    ),
    "unknown value type": (gguf((entry("a", 13, bytes(8)),)), "gguf_value_type"),
    "neither true nor false": (gguf((entry("a", BOOL, b"\2"),)), "gguf_value_type"),
    "key twice": (gguf((entry("a", U8, b"\0"), entry("a", U8, b"\1"))), "duplicate_key"),
    "array of 2**60 numbers": (gguf((entry("a", ARRAY, array(U64, 1 << 60, b"")),)), "gguf_count"),
    "array of 2**60 texts": (gguf((entry("a", ARRAY, array(TEXT, 1 << 60, b"")),)), "gguf_count"),
    "array of an unknown type": (gguf((entry("a", ARRAY, array(99, 1, bytes(8))),)), "gguf_value_type"),
    "arrays nested 1,000 deep": (gguf((entry("a", ARRAY, array(ARRAY, 1, b"") * 1000),)), "nested_too_deep"),
    "too many texts": (
        gguf((entry("a", ARRAY, array(TEXT, MAX_ARRAY_ITEMS + 1, bytes(8 * (MAX_ARRAY_ITEMS + 1)))),)),
        "gguf_count",
    ),
    "text in an array beyond the file": (
        gguf((entry("a", ARRAY, array(TEXT, 17, text("x") * 16 + struct.pack("<Q", HUGE))),)),
        "gguf_beyond_file",
    ),
    "five dimensions": (gguf(tensors=(tensor(lengths=(1,) * 5),), data=bytes(4)), "tensor_shape"),
    "unknown tensor type": (gguf(tensors=(tensor(kind=4),), data=bytes(16)), "tensor_dtype"),
    "size wraps": (WRAPPED, "tensor_overflow"),
    "part of a block": (gguf(tensors=(tensor(lengths=(33,), kind=8),), data=bytes(68)), "tensor_size"),
    "offset of 2**64": (gguf(tensors=(tensor(start=HUGE),), data=bytes(16)), "tensor_data_offsets"),
    "offset between the places": (gguf(tensors=(tensor(start=8),), data=bytes(24)), "data_hole"),
    "hole": (gguf(tensors=(tensor(start=32),), data=bytes(48)), "data_hole"),
    "overlap": (gguf(tensors=(tensor("a"), tensor("b")), data=bytes(16)), "data_overlap"),
    "name twice": (gguf(tensors=(tensor(), tensor(start=32)), data=bytes(48)), "duplicate_name"),
    "data cut": (gguf(tensors=(tensor(),), data=bytes(15)), "data_truncated"),
    "no data": (gguf(tensors=(tensor(),)), "data_truncated"),
    "trailing": (gguf(tensors=(tensor(),), data=bytes(33)), "data_trailing"),
    "alignment of 7": (gguf((entry("general.alignment", U32, struct.pack("<I", 7)),)), "gguf_alignment"),
    "alignment of 0": (gguf((entry("general.alignment", U32, struct.pack("<I", 0)),)), "gguf_alignment"),
    "alignment of text": (gguf((entry("general.alignment", TEXT, text("32")),)), "gguf_alignment"),
}


@pytest.mark.parametrize(("data", "reason"), LIES.values(), ids=LIES.keys())
def test_every_lie_is_refused_by_its_own_reason(data, reason):
    with pytest.raises(MalformedFile) as refusal:
        read(data)

    assert refusal.value.reason == reason


def test_padding_behind_the_last_tensor_is_allowed():
    assert read(gguf(tensors=(tensor(),), data=bytes(32))).tensors[0].size == 16


def test_a_declared_alignment_is_kept():
    entries = (entry("general.alignment", U32, struct.pack("<I", 64)),)
    data = gguf(entries, (tensor("a"), tensor("b", start=64)), bytes(80), alignment=64)

    header = read(data)

    assert len(data) - header.data_offset == 80
    assert header.data_offset % 64 == 0


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_by_name(data):
    with pytest.raises(MalformedFile):
        read(b"GGUF\3\0\0\0" + b"\1" + data)


@given(st.integers(0, 250), st.integers(0, 255))
def test_one_changed_byte_never_crashes(place, value):
    data = bytearray(
        gguf(
            (entry("general.name", TEXT, text("x")), entry("l", ARRAY, array(TEXT, 1, text("y")))),
            (tensor(),),
            bytes(16),
        )
    )
    data[place % len(data)] = value

    try:
        header = read(bytes(data))
    except MalformedFile:
        return
    assert len(header.tensors) <= 1


def test_a_stream_that_ends_early_is_named():
    data = gguf((entry("a", TEXT, text("hello")),))

    with pytest.raises(MalformedFile) as refusal:
        read_header(io.BytesIO(data[:-3]), len(data))

    assert refusal.value.reason == "file_truncated"


def test_a_claimed_size_allocates_nothing():
    data = gguf((entry("a", TEXT, struct.pack("<Q", 4 << 20)),))
    tracemalloc.start()

    with pytest.raises(MalformedFile):
        read_header(io.BytesIO(data), 1 << 40)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


def test_time_grows_as_the_header_does():
    def seconds(count: int) -> float:
        data = gguf((entry("tokens", ARRAY, array(TEXT, count, text("token") * count)),))
        start = time.process_time()
        read(data)
        return time.process_time() - start

    small = min(seconds(20_000) for _ in range(3))

    assert min(seconds(200_000) for _ in range(3)) < 30 * small + 0.05


CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message.content | trim }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant' }}{% endif %}{{ raise_exception('no') }}"
)
TEMPLATES = {
    "harmless": (CHATML, set()),
    "namespace and loops": ("{% set ns = namespace(a=false) %}{{ loop.index0 }}{{ tools | tojson(indent=4) }}", set()),
    "empty": ("", set()),
    "class walk": ("{{ ''.__class__.__mro__[1].__subclasses__() }}", {"dunder_name"}),
    "hidden underscores": ("{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}", {"escaped_underscore"}),
    "attr filter": ("{{ x |attr('a' ~ 'b') }}", {"attr_filter"}),
    "private attribute by map": ("{{ [x] | map(attribute='_y') }}", {"map_attribute"}),
    "cycler": ("{{ cycler.reset }}", {"jinja_globals"}),
    "runner": ("{{ x.popen('id').read() }}", {"runner"}),
    "internals": ("{{ f.func_globals }}", {"internals"}),
    "endless": ("x" * 300_000, {"template_too_long"}),
    "behind the limit": (" " * 255_000 + "__init__", {"dunder_name"}),
}


@pytest.mark.parametrize(("template", "reasons"), TEMPLATES.values(), ids=TEMPLATES.keys())
def test_templates_that_reach_for_pythons_internals_are_named(template, reasons):
    assert {finding.reason for finding in judge_template("tokenizer.chat_template", template)} == reasons


def test_every_chat_template_of_a_file_is_judged():
    bad = "{{ ''.__class__ }}"
    data = gguf(
        (
            entry("tokenizer.chat_template", TEXT, text(CHATML)),
            entry("tokenizer.chat_template.tool_use", TEXT, text(bad)),
            entry("general.description", TEXT, text(bad)),
        )
    )

    findings = read(data).template_findings

    assert [(f.key, f.word) for f in findings] == [("tokenizer.chat_template.tool_use", "__class__")]
