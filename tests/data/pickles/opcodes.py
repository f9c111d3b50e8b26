"""Tricks with the opcodes themselves: streams that scanners and interpreters read differently, bombs, broken ends."""

from __future__ import annotations

import struct

from tests.data.pickles.case import BLOCKED, CAUGHT, CHECK, NOT_SAFE, SAFE, STOPPED, UNREADABLE, Case
from tests.data.pickles.containers import framed, torch_zip
from tests.data.pickles.writing import (
    MARKER,
    STOP,
    call,
    import_stack,
    import_text,
    payload,
    proto,
    short_text,
    stream,
    text,
    tuple_of,
)

T = short_text(MARKER)
GETPID = import_stack("posix", "getpid")
BAD = payload(4)
ORDERED = import_stack("collections", "OrderedDict")


def _hash_bomb(levels: int) -> bytes:
    """A tuple of two equal tuples, again and again, used as a key: hashing it visits 2**levels leaves."""
    body = b"]0K\x01\x85\x94"
    for level in range(levels):
        body += b"0h" + bytes([level]) + b"h" + bytes([level]) + b"\x86\x94"
    return b"}" + body[2:] + b"Ns"


CALLS = [
    Case("inst.pkl", "INST", b"(S'" + MARKER.encode() + b"'\niposix\nsystem\n.", BLOCKED),
    Case("obj.pkl", "OBJ", proto(2) + b"(" + import_text("posix", "system") + T + b"o.", BLOCKED),
    Case(
        "obj-dropped.pkl",
        "OBJ whose result is dropped",
        proto(2) + b"(" + import_text("posix", "system") + T + b"o0N.",
        BLOCKED,
    ),
    Case("inst-allowed.pkl", "INST of an allowed class", b"(icollections\nOrderedDict\n.", CHECK, "call_old_style"),
    Case(
        "obj-allowed.pkl",
        "OBJ of an allowed class",
        proto(2) + b"(" + import_text("collections", "OrderedDict") + b"o.",
        CHECK,
    ),
    Case("newobj.pkl", "NEWOBJ", stream(import_stack("subprocess", "Popen") + tuple_of(T) + b"\x81"), BLOCKED),
    Case("newobj-ex.pkl", "NEWOBJ_EX", stream(import_stack("subprocess", "Popen") + tuple_of(T) + b"}\x92"), BLOCKED),
    Case(
        "call-of-result.pkl",
        "a call of what a call returned",
        stream(call(call(ORDERED), T)),
        BLOCKED,
        "call_of_result",
    ),
    Case("call-of-string.pkl", "a call of a string", stream(call(T, T)), BLOCKED, "call_of_value"),
    Case("build-setstate.pkl", "BUILD that calls __setstate__", stream(call(GETPID) + b"}b"), BLOCKED),
    Case(
        "build-on-class.pkl", "BUILD on a class", stream(ORDERED + b"N}" + T + b"Ns\x86b"), BLOCKED, "build_on_import"
    ),
    Case("build-on-value.pkl", "BUILD on a list", stream(b"]}b"), BLOCKED, "build_on_value"),
    Case(
        "build-dunder.pkl",
        "BUILD with a special attribute",
        stream(call(ORDERED) + b"}" + short_text("__class__") + b"Nsb"),
        BLOCKED,
        "build_special_attribute",
    ),
    Case(
        "build-size.pkl",
        "BUILD on what takes no state",
        stream(call(import_stack("torch", "Size")) + b"}b"),
        BLOCKED,
        "state_not_taken",
    ),
    Case("append-on-value.pkl", "APPEND on an import", stream(ORDERED + b"Na"), BLOCKED, "items_on_value"),
    Case(
        "append-on-result.pkl", "APPEND on what a call returned", stream(call(ORDERED) + b"Na"), CHECK, "items_unusual"
    ),
    Case("setitem-on-result.pkl", "SETITEM on what a gadget returned", stream(call(GETPID) + b"NNs"), BLOCKED),
    Case("additems-on-dict.pkl", "ADDITEMS on a dictionary", stream(b"}(N\x90"), CHECK, "items_on_wrong_container"),
]

NAMES = [
    Case(
        "memo-names.pkl",
        "names from the memo",
        stream(short_text("posix") + b"\x94" + short_text("system") + b"\x9400h\x00h\x01\x93" + T + b"\x85R"),
        BLOCKED,
    ),
    Case(
        "memo-overwritten.pkl",
        "a memo slot overwritten between reads",
        stream(
            short_text("math")
            + b"q\x000"
            + short_text("posix")
            + b"q\x000h\x00"
            + short_text("system")
            + b"\x93"
            + T
            + b"\x85R"
        ),
        BLOCKED,
    ),
    Case(
        "text-memo.pkl",
        "a callee from the text memo",
        import_text("posix", "system") + b"p5\n0g5\n" + text(MARKER) + b"\x85R.",
        BLOCKED,
    ),
    Case("dup-name.pkl", "a name by DUP", stream(short_text("this") + b"2\x93"), BLOCKED),
    Case(
        "computed-name.pkl",
        "a name that a call returned",
        stream(
            call(import_stack("_codecs", "encode"), short_text("cbfvk"), short_text("rot13"))
            + short_text("system")
            + b"\x93"
        ),
        BLOCKED,
        "computed_name",
    ),
    Case("int-name.pkl", "numbers as a name", stream(b"K\x01K\x02\x93"), STOPPED, "computed_name"),
    Case("ext1.pkl", "EXT1", stream(b"\x82\x07"), BLOCKED, "extension_registry"),
    Case("ext2.pkl", "EXT2", stream(b"\x83\x07\x01"), BLOCKED, "extension_registry"),
    Case("ext4.pkl", "EXT4", stream(b"\x84\x07\x01\x01\x00"), BLOCKED, "extension_registry"),
    Case("bad-name.pkl", "a name that is no UTF-8", proto(2) + b"c\xff\nx\n.", UNREADABLE, "bad_name"),
]

REFERENCES = [
    Case("persid.pkl", "PERSID in a plain pickle", b"Pposix system\n.", NOT_SAFE, "persistent_outside_torch"),
    Case(
        "binpersid-computed.pkl", "BINPERSID of an object", stream(call(ORDERED) + b"Q"), BLOCKED, "persistent_computed"
    ),
    Case(
        "binpersid-tag.pt",
        "BINPERSID with another tag",
        torch_zip(stream(tuple_of(text("exec"), text("x"), b"N") + b"Q", 2)),
        CHECK,
        "persistent_odd",
    ),
    Case(
        "binpersid-module.pt",
        "BINPERSID that carries source",
        torch_zip(stream(tuple_of(text("module"), b"N", text("x.py"), text("pass")) + b"Q", 2)),
        CHECK,
        "persistent_module",
    ),
    Case(
        "binpersid-import.pt",
        "BINPERSID whose storage type is a gadget",
        torch_zip(
            stream(
                tuple_of(text("storage"), import_text("posix", "system"), text("0"), text("cpu"), b"K\x01") + b"Q", 2
            )
        ),
        BLOCKED,
    ),
    Case("next-buffer.pkl", "NEXT_BUFFER", stream(b"\x97", 5), CHECK, "out_of_band_buffer"),
    Case(
        "readonly-buffer.pkl",
        "READONLY_BUFFER",
        stream(b"\x96" + struct.pack("<Q", 1) + b"x\x98", 5),
        CHECK,
        "out_of_band_buffer",
    ),
]

NUMBERS = [
    Case(
        f"number-{label}.pkl", f"a number spelled {shown}", spelled + b"0" + BAD + STOP, BLOCKED, "noncanonical_number"
    )
    for label, shown, spelled in [
        ("space", "with a space", b"I 12\n"),
        ("sign", "with a plus", b"I+12\n"),
        ("octal", "in octal", b"I017\n"),
        ("hex", "in hexadecimal", b"I0x1f\n"),
        ("nul", "with a NUL", b"I1\x00junk\n"),
        ("underscore", "with an underscore", b"L1_0L\n"),
        ("float", "as a float with a blank", b"F 1.5\n"),
        ("two", "as 02", b"I02\n"),
    ]
] + [
    Case("get-space.pkl", "a memo index with a space", b"Np 1\n0g1\n0" + BAD + STOP, BLOCKED, "noncanonical_number"),
    Case("odd-string.pkl", "a string that is not ASCII", b"S'\xe4'\n.", CHECK, "string_not_ascii"),
    Case("odd-binstring.pkl", "a binary string that is not ASCII", b"U\x02\xc3\xa4.", CHECK, "string_not_ascii"),
    Case("string-escapes.pkl", "a quoted string with escapes", b"S'a\\x41\\101\\n\\'\\q'\n.", SAFE),
    Case("string-unquoted.pkl", "a string without quotes", b"\x80\x02Sabc\n.", UNREADABLE, "bad_string"),
]

FRAMES = [
    Case(
        "frame-nested.pkl",
        "a frame inside a frame",
        framed(b"\x95" + struct.pack("<Q", len(BAD) + 1) + BAD + STOP),
        BLOCKED,
        "frame_inside_frame",
    ),
    Case(
        "frame-straddled.pkl",
        "an opcode across a frame's end",
        framed(BAD + STOP, len(BAD) - 20),
        BLOCKED,
        "opcode_straddles_frame",
    ),
    Case("frame-stop.pkl", "STOP inside a frame", framed(b"N." + BAD + STOP), BLOCKED, "stop_inside_frame"),
    Case(
        "frame-clean-straddle.pkl",
        "a benign opcode across a frame's end",
        framed(short_text("abcdefgh") + STOP, 5),
        BLOCKED,
        "opcode_straddles_frame",
    ),
    Case("frame-too-long.pkl", "a frame past the end", framed(b"N.", 1 << 40), UNREADABLE, "frame_past_end"),
    Case("proto-late.pkl", "PROTO in the middle", b"N0" + proto(4) + b"N.", CHECK, "proto_not_first"),
    Case("proto-twice.pkl", "two PROTOs before the payload", proto(2) + proto(4) + BAD + STOP, BLOCKED),
    Case("proto-lies.pkl", "a protocol lower than its opcodes", proto(0) + BAD + STOP, BLOCKED),
    Case("proto-future.pkl", "a protocol that does not exist", b"\x80\x05N0\x80\x09N.", NOT_SAFE),
    Case(
        "bytearray.pkl",
        "BYTEARRAY8 before the payload",
        stream(b"\x96" + struct.pack("<Q", 3) + b"abc0" + BAD, 5),
        BLOCKED,
    ),
]

BROKEN = [
    Case("cut-payload.pkl", "the payload, then nothing", proto(4) + BAD, BLOCKED, "pickle_truncated"),
    Case("cut-mid.pkl", "cut in the middle of a string", proto(4) + b"\x8c\x20abc", UNREADABLE, "length_past_end"),
    Case("payload-junk.pkl", "the payload, then no opcode", proto(4) + BAD + b"\xff\xff", BLOCKED, "unknown_opcode"),
    Case("payload-memo.pkl", "the payload, then a missing memo", proto(4) + BAD + b"h\x63.", BLOCKED, "memo_missing"),
    Case("payload-utf8.pkl", "the payload, then bad UTF-8", proto(4) + BAD + b"\x8c\x01\xff.", BLOCKED, "bad_utf8"),
    Case(
        "payload-underflow.pkl",
        "the payload, then an empty stack",
        proto(4) + BAD + b"0R.",
        BLOCKED,
        "pickle_underflow",
    ),
    Case("payload-mark.pkl", "the payload, then a missing mark", proto(4) + BAD + b"t.", BLOCKED, "no_mark"),
    Case("junk-then-payload.pkl", "a dropped value, then the payload", b"N0" + payload() + STOP, BLOCKED),
    Case("second-pickle.pkl", "the payload in a second pickle", b"N." + proto(4) + BAD + STOP, BLOCKED),
    Case("trailing-bytes.pkl", "bytes after the end", proto(2) + b"N.\x00\x01\x02\x03", UNREADABLE, "trailing_bytes"),
    Case("text-name.txt", "a pickle called .txt", b"cposix\nsystem\n(S'" + MARKER.encode() + b"'\ntR.", BLOCKED),
    Case("below-mark.pkl", "a value below the mark", proto(2) + b"N(0R.", NOT_SAFE, "pickle_underflow"),
    Case("odd-dict.pkl", "a dictionary with a key alone", proto(2) + b"(NNNd.", UNREADABLE, "odd_dict"),
    Case("negative-long.pkl", "a negative length", proto(2) + b"\x8b\xff\xff\xff\xff.", UNREADABLE, "negative_length"),
]

BOMBS = [
    Case("hash-bomb.pkl", "a key that hashes for ever", proto(2) + _hash_bomb(60) + STOP, NOT_SAFE, "hash_bomb"),
    Case(
        "frozenset-bomb.pkl",
        "a set of such keys",
        proto(4) + b"(" + _hash_bomb(60)[1:-2] + b"\x91.",
        NOT_SAFE,
        "hash_bomb",
    ),
    Case("memo-index.pkl", "an absurd memo index", proto(2) + b"Nr\xff\xff\xff\xff.", BLOCKED, "memo_index_absurd"),
    Case(
        "length-huge.pkl",
        "a string of a terabyte",
        proto(4) + b"\x8d" + struct.pack("<Q", 1 << 40) + b"abc.",
        NOT_SAFE,
        "length_past_end",
    ),
    Case(
        "bytes-huge.pkl",
        "bytes of 2**63",
        proto(4) + b"\x8e" + struct.pack("<Q", 1 << 63) + b"abc.",
        NOT_SAFE,
        "length_past_end",
    ),
    Case(
        "bytearray-huge.pkl",
        "a call that fills the memory",
        stream(call(import_stack("builtins", "bytearray"), b"\x8a\x06" + (1 << 42).to_bytes(6, "little"))),
        CHECK,
        "huge_allocation",
    ),
    Case(
        "range-huge.pkl",
        "a list of a huge range",
        stream(
            call(
                import_stack("builtins", "list"),
                call(import_stack("builtins", "range"), b"\x8a\x06" + (1 << 42).to_bytes(6, "little")),
            )
        ),
        CAUGHT,
        "huge_allocation",
    ),
    Case(
        "deep-tuples.pkl",
        "a key nested 2,000 deep",
        proto(2) + b"}" + b"N" + b"\x85" * 2000 + b"Ns.",
        CHECK,
        "hash_bomb",
    ),
]

_LONG_FORMS = (
    b"]"
    + b"(B"
    + struct.pack("<I", 2)
    + b"ab\x8e"
    + struct.pack("<Q", 2)
    + b"ab\x8d"
    + struct.pack("<Q", 2)
    + b"abT"
    + struct.pack("<I", 2)
    + b"ab\x8b"
    + struct.pack("<I", 2)
    + b"\x01\x02r"
    + struct.pack("<I", 300)
    + b"j"
    + struct.pack("<I", 300)
    + b"(NN1e"
)
PLAIN = [
    Case("long-forms.pkl", "the long forms of opcodes", stream(_LONG_FORMS), SAFE),
    Case(
        "python2-text.pkl",
        "a long text as Python 2 wrote it",
        b"T" + struct.pack("<I", 9000) + b"y" * 9000 + STOP,
        SAFE,
    ),
]

CASES = PLAIN + CALLS + NAMES + REFERENCES + NUMBERS + FRAMES + BROKEN + BOMBS
