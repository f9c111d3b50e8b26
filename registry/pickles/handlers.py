"""One short function an opcode. Each takes the machine, the buffer and the position behind the opcode byte, and returns
the position behind its argument. Values under the top mark cannot be reached: popping there is an IndexError, which the
machine reports as the underflow that CPython would raise.
"""

from __future__ import annotations

import struct

from registry.pickles import evidence as ev
from registry.pickles.calls import call
from registry.pickles.filling import CONTAINER_HANDLERS
from registry.pickles.machine import HANDLERS, MAX_MARKS, Broken, Handler, Machine, Stopped
from registry.pickles.opcodes import BY_NAME
from registry.pickles.persistent import load_persistent
from registry.pickles.scalars import SCALAR_HANDLERS
from registry.pickles.state import build
from registry.pickles.values import BUFFER, UNKNOWN, Items, Tuple

_UINT4 = struct.Struct("<I").unpack_from

# -- structure of the stream --------------------------------------------------------------------------------------


def proto(m: Machine, buf: bytes, pos: int) -> int:
    if m.base + m.op_pos != m.first:
        m.tell("proto_not_first")
    if buf[pos] > 5:
        raise Broken("protocol_unknown", protocol=buf[pos])
    return pos + 1


def frame(m: Machine, buf: bytes, pos: int) -> int:
    length = int.from_bytes(buf[pos : pos + 8], "little")
    pos += 8
    end = m.base + pos + length
    if 0 <= m.base + m.op_pos < m.frame_end:
        m.tell("frame_inside_frame")
    size = m.source.size
    if size is not None and end > size:
        m.tell("frame_past_end", length=length)
        return pos
    m.frame_end = end
    m.soft = -1
    return pos


def stop(m: Machine, buf: bytes, pos: int) -> int:
    m.value = m.stack[-1]
    raise Stopped(pos)


def mark(m: Machine, buf: bytes, pos: int) -> int:
    below = m.below
    if len(below) >= MAX_MARKS:
        raise Broken("mark_bomb")
    m.buried += len(m.stack)
    below.append(m.stack)
    m.stack = []
    return pos


def pop(m: Machine, buf: bytes, pos: int) -> int:
    if m.stack:
        m.stack.pop()
    else:
        m.pop_mark()
    return pos


def pop_mark(m: Machine, buf: bytes, pos: int) -> int:
    m.pop_mark()
    return pos


def dup(m: Machine, buf: bytes, pos: int) -> int:
    m.stack.append(m.stack[-1])
    return pos


# -- memo ---------------------------------------------------------------------------------------------------------


def binget(m: Machine, buf: bytes, pos: int) -> int:
    memo = m.memo
    m.stack.append(memo[buf[pos]] if buf[pos] < len(memo) else m.recall(buf[pos]))
    return pos + 1


def long_binget(m: Machine, buf: bytes, pos: int) -> int:
    (index,) = _UINT4(buf, pos)
    m.stack.append(m.memo[index] if index < len(m.memo) else m.recall(index))
    return pos + 4


def binput(m: Machine, buf: bytes, pos: int) -> int:
    memo = m.memo
    if buf[pos] == len(memo) and not m.sparse:
        memo.append(m.stack[-1])  # what every writer does; `remember` knows the rest
    else:
        m.remember(buf[pos], m.stack[-1])
    return pos + 1


def long_binput(m: Machine, buf: bytes, pos: int) -> int:
    (index,) = _UINT4(buf, pos)
    memo = m.memo
    if index == len(memo) and not m.sparse:
        memo.append(m.stack[-1])
    else:
        m.remember(index, m.stack[-1])
    return pos + 4


def memoize(m: Machine, buf: bytes, pos: int) -> int:
    m.remember(len(m.memo) + len(m.sparse), m.stack[-1])
    return pos


# -- imports and calls --------------------------------------------------------------------------------------------


def _decode_name(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        raise Broken("bad_name") from None


def global_(m: Machine, buf: bytes, pos: int) -> int:
    module, pos = m.line(buf, pos)
    name, pos = m.line(m.buf, pos)
    m.stack.append(m.import_name(_decode_name(module, "utf-8"), _decode_name(name, "utf-8")))
    return pos


def stack_global(m: Machine, buf: bytes, pos: int) -> int:
    name = m.stack.pop()
    module = m.stack[-1]
    if module.__class__ is str and name.__class__ is str:
        m.stack[-1] = m.import_name(module, name)
    else:
        m.tell("computed_name", Tuple((module, name)))
        m.stack[-1] = UNKNOWN
    return pos


def extension(m: Machine, buf: bytes, pos: int) -> int:
    size = {"EXT1": 1, "EXT2": 2, "EXT4": 4}[m.opcode]
    m.tell("extension_registry", number=int.from_bytes(buf[pos : pos + size], "little"))
    m.stack.append(UNKNOWN)
    return pos + size


def reduce(m: Machine, buf: bytes, pos: int) -> int:
    arguments = m.stack.pop()
    m.stack[-1] = call(m, ev.CALL, m.stack[-1], arguments)
    return pos


def newobj(m: Machine, buf: bytes, pos: int) -> int:
    return reduce(m, buf, pos)


def newobj_ex(m: Machine, buf: bytes, pos: int) -> int:
    keywords = m.stack.pop()
    arguments = m.stack.pop()
    plain = isinstance(keywords, Items) and keywords.weight == 1
    m.stack[-1] = call(m, ev.CALL, m.stack[-1], arguments if plain else UNKNOWN)
    return pos


def inst(m: Machine, buf: bytes, pos: int) -> int:
    module, pos = m.line(buf, pos)
    name, pos = m.line(m.buf, pos)
    # the C reader looks for the mark first, pickle.py imports first
    callee = m.import_name(_decode_name(module, "utf-8"), _decode_name(name, "utf-8"))
    items = m.pop_mark()
    m.stack.append(call(m, ev.OLD_CALL, callee, Tuple(items)))
    return pos


def obj(m: Machine, buf: bytes, pos: int) -> int:
    items = m.pop_mark()
    if not items:
        raise IndexError
    m.stack.append(call(m, ev.OLD_CALL, items[0], Tuple(items[1:])))
    return pos


def build_(m: Machine, buf: bytes, pos: int) -> int:
    state = m.stack.pop()
    build(m, m.stack[-1], state)
    return pos


def persid(m: Machine, buf: bytes, pos: int) -> int:
    text, pos = m.line(buf, pos)
    try:
        name = text.decode("ascii")
    except UnicodeDecodeError:
        raise Broken("bad_name") from None
    m.stack.append(load_persistent(m, name))
    return pos


def binpersid(m: Machine, buf: bytes, pos: int) -> int:
    m.stack[-1] = load_persistent(m, m.stack[-1])
    return pos


def next_buffer(m: Machine, buf: bytes, pos: int) -> int:
    m.tell("out_of_band_buffer")
    m.stack.append(BUFFER)
    return pos


def readonly_buffer(m: Machine, buf: bytes, pos: int) -> int:
    m.tell("out_of_band_buffer")
    m.stack[-1] = BUFFER
    return pos


def unknown_opcode(m: Machine, buf: bytes, pos: int) -> int:
    raise Broken("unknown_opcode", byte=f"0x{buf[pos - 1]:02x}")


_STRUCTURAL: dict[str, Handler] = {
    "PROTO": proto,
    "FRAME": frame,
    "STOP": stop,
    "MARK": mark,
    "POP": pop,
    "POP_MARK": pop_mark,
    "DUP": dup,
    "BINGET": binget,
    "LONG_BINGET": long_binget,
    "BINPUT": binput,
    "LONG_BINPUT": long_binput,
    "MEMOIZE": memoize,
    "GLOBAL": global_,
    "STACK_GLOBAL": stack_global,
    "EXT1": extension,
    "EXT2": extension,
    "EXT4": extension,
    "REDUCE": reduce,
    "NEWOBJ": newobj,
    "NEWOBJ_EX": newobj_ex,
    "INST": inst,
    "OBJ": obj,
    "BUILD": build_,
    "PERSID": persid,
    "BINPERSID": binpersid,
    "NEXT_BUFFER": next_buffer,
    "READONLY_BUFFER": readonly_buffer,
}


def _assemble() -> list[Handler]:
    table: list[Handler] = [unknown_opcode] * 256
    for name, handler in {**SCALAR_HANDLERS, **CONTAINER_HANDLERS, **_STRUCTURAL}.items():
        table[BY_NAME[name]] = handler
    return table


HANDLERS[:] = _assemble()
