"""Opcodes that push a constant: numbers, strings and bytes, each bounded before it is read."""

from __future__ import annotations

import struct
from collections.abc import Callable

from registry.pickles.machine import MAX_HELD_TEXT, MAX_LINE, Broken, Handler, Machine
from registry.pickles.numbers import CANONICAL_FLOAT, CANONICAL_LONG, read_index, read_int, unescape
from registry.pickles.values import BOOL, BYTEARRAY, BYTES, FLOAT, INT, MAX_TEXT, NONE, TEXT, Opaque, Value

_INT4 = struct.Struct("<i").unpack_from
_UINT4 = struct.Struct("<I").unpack_from
MAX_HELD_INT_BYTES = 16  # the magic number of the legacy torch layout has ten


def none(m: Machine, buf: bytes, pos: int) -> int:
    m.stack.append(NONE)
    return pos


def newbool(m: Machine, buf: bytes, pos: int) -> int:
    m.stack.append(BOOL)
    return pos


def int_(m: Machine, buf: bytes, pos: int) -> int:
    text, pos = m.line(buf, pos)
    if text in (b"00", b"01"):
        m.stack.append(BOOL)
        return pos
    m.stack.append(_number(m, text, read_int(text)))
    return pos


def long_(m: Machine, buf: bytes, pos: int) -> int:
    text, pos = m.line(buf, pos)
    m.stack.append(_number(m, text, read_int(text, CANONICAL_LONG)))
    return pos


def _number(m: Machine, text: bytes, number: int | None) -> Value:
    if number is None:
        m.tell("noncanonical_number", text[:40].decode("latin-1"))
        return INT
    return number if number.bit_length() <= 8 * MAX_HELD_INT_BYTES else INT


def float_(m: Machine, buf: bytes, pos: int) -> int:
    text, pos = m.line(buf, pos)
    if CANONICAL_FLOAT.fullmatch(text) is None:
        m.tell("noncanonical_number", text[:40].decode("latin-1"))
    m.stack.append(FLOAT)
    return pos


def binfloat(m: Machine, buf: bytes, pos: int) -> int:
    m.stack.append(FLOAT)
    return pos + 8


def binint(m: Machine, buf: bytes, pos: int) -> int:
    m.stack.append(_INT4(buf, pos)[0])
    return pos + 4


def binint1(m: Machine, buf: bytes, pos: int) -> int:
    m.stack.append(buf[pos])
    return pos + 1


def binint2(m: Machine, buf: bytes, pos: int) -> int:
    m.stack.append(buf[pos] | buf[pos + 1] << 8)
    return pos + 2


def long1(m: Machine, buf: bytes, pos: int) -> int:
    return _long(m, buf, pos + 1, buf[pos])


def long4(m: Machine, buf: bytes, pos: int) -> int:
    length = int.from_bytes(buf[pos : pos + 4], "little", signed=True)
    if length < 0:
        raise Broken("negative_length", length=length)
    return _long(m, buf, pos + 4, length)


def _long(m: Machine, buf: bytes, pos: int, length: int) -> int:
    if length > MAX_HELD_INT_BYTES:
        pos = m.skip(buf, pos, length)
        m.stack.append(INT)
        return pos
    data, pos = m.take(buf, pos, length)
    m.stack.append(int.from_bytes(data, "little", signed=True))
    return pos


def _text_line_index(m: Machine, buf: bytes, pos: int) -> tuple[int, int]:
    text, pos = m.line(buf, pos)
    index, canonical = read_index(text)
    if not canonical:
        if index is None:
            raise Broken("noncanonical_index", text=text[:40].decode("latin-1"))
        m.tell("noncanonical_number", text[:40].decode("latin-1"))
    if index is None or index < 0:
        raise Broken("memo_missing", index=str(index))
    return index, pos


def get(m: Machine, buf: bytes, pos: int) -> int:
    index, pos = _text_line_index(m, buf, pos)
    m.stack.append(m.recall(index))
    return pos


def put(m: Machine, buf: bytes, pos: int) -> int:
    index, pos = _text_line_index(m, buf, pos)
    m.remember(index, m.stack[-1])
    return pos


def _push_text(m: Machine, buf: bytes, pos: int, length: int) -> int:
    """A UTF-8 string; lone surrogates pass, as CPython lets them."""
    m.held_text += length
    if length > MAX_TEXT or m.held_text > MAX_HELD_TEXT:
        pos = m.skip(buf, pos, length)
        m.stack.append(TEXT)
        return pos
    end = pos + length
    if end <= len(buf):
        data = buf[pos:end]
    else:
        data, end = m.take(buf, pos, length)
    try:
        m.stack.append(data.decode("utf-8", "surrogatepass"))
    except UnicodeDecodeError:
        raise Broken("bad_utf8") from None
    return end


def short_binunicode(m: Machine, buf: bytes, pos: int) -> int:
    return _push_text(m, buf, pos + 1, buf[pos])


def binunicode(m: Machine, buf: bytes, pos: int) -> int:
    return _push_text(m, buf, pos + 4, _UINT4(buf, pos)[0])


def binunicode8(m: Machine, buf: bytes, pos: int) -> int:
    return _push_text(m, buf, pos + 8, int.from_bytes(buf[pos : pos + 8], "little"))


def unicode_(m: Machine, buf: bytes, pos: int) -> int:
    text, pos = m.line(buf, pos)
    try:
        decoded = text.decode("raw-unicode-escape")
    except UnicodeDecodeError:
        raise Broken("bad_utf8") from None
    m.held_text += len(decoded)
    m.stack.append(decoded if len(decoded) <= MAX_TEXT and m.held_text <= MAX_HELD_TEXT else TEXT)
    return pos


def _push_old_string(m: Machine, data: bytes) -> None:
    """A Python 2 string. What it decodes to depends on the reader's `encoding` once it leaves ASCII."""
    if not data.isascii():
        m.tell("string_not_ascii")
    if len(data) > MAX_TEXT or m.held_text > MAX_HELD_TEXT:
        m.stack.append(TEXT)
        return
    m.held_text += len(data)
    try:
        m.stack.append(data.decode("utf-8"))
    except UnicodeDecodeError:
        m.stack.append(TEXT)


def string(m: Machine, buf: bytes, pos: int) -> int:
    text, pos = m.line(buf, pos)
    data = unescape(text)
    if data is None:
        raise Broken("bad_string")
    _push_old_string(m, data)
    return pos


def _binstring(m: Machine, buf: bytes, pos: int, length: int) -> int:
    if length > MAX_LINE:
        m.tell("string_not_ascii")  # too long to look at; the same doubt about its decoding
        pos = m.skip(buf, pos, length)
        m.stack.append(TEXT)
        return pos
    data, pos = m.take(buf, pos, length)
    _push_old_string(m, data)
    return pos


def binstring(m: Machine, buf: bytes, pos: int) -> int:
    length = int.from_bytes(buf[pos : pos + 4], "little", signed=True)
    if length < 0:
        raise Broken("negative_length", length=length)
    return _binstring(m, buf, pos + 4, length)


def short_binstring(m: Machine, buf: bytes, pos: int) -> int:
    return _binstring(m, buf, pos + 1, buf[pos])


def _counted(size: int, value: Opaque) -> Handler:
    """A handler for bytes, which are passed over."""

    def handler(m: Machine, buf: bytes, pos: int) -> int:
        length = int.from_bytes(buf[pos : pos + size], "little")
        pos = m.skip(buf, pos + size, length)
        m.stack.append(value)
        return pos

    return handler


SCALAR_HANDLERS: dict[str, Callable[[Machine, bytes, int], int]] = {
    "NONE": none,
    "NEWTRUE": newbool,
    "NEWFALSE": newbool,
    "INT": int_,
    "LONG": long_,
    "FLOAT": float_,
    "BINFLOAT": binfloat,
    "BININT": binint,
    "BININT1": binint1,
    "BININT2": binint2,
    "LONG1": long1,
    "LONG4": long4,
    "GET": get,
    "PUT": put,
    "SHORT_BINUNICODE": short_binunicode,
    "BINUNICODE": binunicode,
    "BINUNICODE8": binunicode8,
    "UNICODE": unicode_,
    "STRING": string,
    "BINSTRING": binstring,
    "SHORT_BINSTRING": short_binstring,
    "BINBYTES": _counted(4, BYTES),
    "SHORT_BINBYTES": _counted(1, BYTES),
    "BINBYTES8": _counted(8, BYTES),
    "BYTEARRAY8": _counted(8, BYTEARRAY),
}
