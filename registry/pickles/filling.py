"""Opcodes that make and fill tuples, lists, dictionaries and sets.

A plain container is filled; anything else has one of its methods called, which is reported.
"""

from __future__ import annotations

from registry.pickles import evidence as ev
from registry.pickles.calls import check_hash, check_keys
from registry.pickles.machine import Broken, Handler, Machine
from registry.pickles.values import (
    EMPTY,
    MAX_HELD_STRINGS,
    WEIGHT_CEILING,
    Global,
    Items,
    Opaque,
    Result,
    Tuple,
    Value,
    weight_of,
)


def empty_tuple(m: Machine, buf: bytes, pos: int) -> int:
    m.stack.append(EMPTY)
    return pos


def _take_tuple(m: Machine, count: int) -> None:
    stack = m.stack
    if len(stack) < count:
        raise IndexError
    stack[-count:] = [Tuple(stack[-count:])]


def tuple1(m: Machine, buf: bytes, pos: int) -> int:
    m.stack[-1] = Tuple((m.stack[-1],))
    return pos


def tuple2(m: Machine, buf: bytes, pos: int) -> int:
    _take_tuple(m, 2)
    return pos


def tuple3(m: Machine, buf: bytes, pos: int) -> int:
    _take_tuple(m, 3)
    return pos


def tuple_(m: Machine, buf: bytes, pos: int) -> int:
    items = m.pop_mark()
    m.stack.append(Tuple(items))
    return pos


def empty_list(m: Machine, buf: bytes, pos: int) -> int:
    m.stack.append(m.new_items("list"))
    return pos


def empty_dict(m: Machine, buf: bytes, pos: int) -> int:
    m.stack.append(m.new_items("dict"))
    return pos


def empty_set(m: Machine, buf: bytes, pos: int) -> int:
    m.stack.append(m.new_items("set"))
    return pos


def list_(m: Machine, buf: bytes, pos: int) -> int:
    items = m.pop_mark()
    made = m.new_items("list")
    _add_items(m, made, items)
    m.stack.append(made)
    return pos


def dict_(m: Machine, buf: bytes, pos: int) -> int:
    items = m.pop_mark()
    if len(items) % 2:
        raise Broken("odd_dict")
    made = m.new_items("dict")
    _add_pairs(m, made, items)
    m.stack.append(made)
    return pos


def frozenset_(m: Machine, buf: bytes, pos: int) -> int:
    items = m.pop_mark()
    check_keys(m, items)
    made = m.new_items("frozenset")
    _add_items(m, made, items)
    m.stack.append(made)
    return pos


def append(m: Machine, buf: bytes, pos: int) -> int:
    item = m.stack.pop()
    _put_into(m, "list", [item])
    return pos


def appends(m: Machine, buf: bytes, pos: int) -> int:
    items = m.pop_mark()
    _put_into(m, "list", items)
    return pos


def additems(m: Machine, buf: bytes, pos: int) -> int:
    items = m.pop_mark()
    check_keys(m, items)
    _put_into(m, "set", items)
    return pos


def setitem(m: Machine, buf: bytes, pos: int) -> int:
    value = m.stack.pop()
    key = m.stack.pop()
    _put_into(m, "dict", [key, value])
    return pos


def setitems(m: Machine, buf: bytes, pos: int) -> int:
    items = m.pop_mark()
    if len(items) % 2:
        m.tell("odd_dict")
    _put_into(m, "dict", items)
    return pos


def _put_into(m: Machine, kind: str, items: list[Value]) -> None:
    """What APPEND(S), SETITEM(S) and ADDITEMS do: fill a plain container, or call a method of something else."""
    target = m.stack[-1]
    if isinstance(target, Items):
        if target.kind != kind:
            m.tell("items_on_wrong_container", have=target.kind, want=kind)
        elif kind == "dict":
            _add_pairs(m, target, items)
        else:
            _add_items(m, target, items)
    elif isinstance(target, Result) and isinstance(target.callee, Global):
        m.tell_use(ev.ITEMS, target.callee, (kind,), target)
        if kind == "dict":
            check_keys(m, items[::2])
        if m.collect:
            _collect_into_result(m, target, kind, items)
    else:
        m.tell("items_on_value", target)


def _add_items(m: Machine, target: Items, items: list[Value]) -> None:
    weight = target.weight
    for item in items:
        cls = item.__class__
        weight += 1 if cls is str or cls is int or cls is Opaque else weight_of(item)
    target.weight = min(weight, WEIGHT_CEILING)
    if target.entries is not None:
        target.entries.extend(items)
    if m.torch and target.kind == "list":
        _hold_strings(target, items)


def _hold_strings(target: Items, items: list[Value]) -> None:
    """The legacy torch layout ends with a list of storage keys, whose order is needed."""
    if target.strings is None:
        target.strings = []
    if len(target.strings) < MAX_HELD_STRINGS:
        target.strings.extend(item for item in items if isinstance(item, str))


def _add_pairs(m: Machine, target: Items, items: list[Value]) -> None:
    weight = target.weight
    for key in items[::2]:
        if key.__class__ is str:
            if key.startswith("__") and key.endswith("__") and len(key) > 4:
                target.dunders = [*(target.dunders or [])[:10], key]
        elif key.__class__ is not int and key.__class__ is not Opaque:
            check_hash(m, key)
            if key.__class__ is Result:
                target.dunders = [*(target.dunders or [])[:10], "<computed>"]
    for value in items[1::2]:
        weight += 1 + weight_of(value)
    target.weight = min(weight, WEIGHT_CEILING)
    if target.entries is not None:
        target.entries.extend(items)


def _collect_into_result(m: Machine, target: Result, kind: str, items: list[Value]) -> None:
    if target.items is None:
        target.items = m.new_items(kind)
    if target.items.entries is not None:
        target.items.entries.extend(items)


CONTAINER_HANDLERS: dict[str, Handler] = {
    "EMPTY_TUPLE": empty_tuple,
    "TUPLE1": tuple1,
    "TUPLE2": tuple2,
    "TUPLE3": tuple3,
    "TUPLE": tuple_,
    "EMPTY_LIST": empty_list,
    "EMPTY_DICT": empty_dict,
    "EMPTY_SET": empty_set,
    "LIST": list_,
    "DICT": dict_,
    "FROZENSET": frozenset_,
    "APPEND": append,
    "APPENDS": appends,
    "ADDITEMS": additems,
    "SETITEM": setitem,
    "SETITEMS": setitems,
}
