"""What a call in a pickle amounts to: who is called, from where the callee came, and with what."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from registry.pickles import evidence as ev
from registry.pickles.values import UNKNOWN, Global, Items, Result, Tuple, Value, clean, weight_of

if TYPE_CHECKING:
    from registry.pickles.machine import Machine

MAX_HASH_WEIGHT = 1_000_000  # leaves visited; hashing so many takes some 50 ms, ten times as many a noticeable while
MAX_HASH_DEPTH = 500  # the interpreter's C stack ends somewhere above
MAX_ELEMENTS = 1 << 33
MAX_RANGE = 1 << 24

HASHING = {"set", "frozenset", "dict", "OrderedDict", "Counter"}
ALLOCATING = {"bytearray", "bytes", "ndarray", "_reconstruct"}
SETTING_STATE = {"_rebuild_from_type_v2", "_rebuild_parameter_with_state"}  # set attributes from their last argument
COMPUTED = "computed:"


def call(machine: Machine, use: str, callee: Value, arguments: Value) -> Value:
    """Report the call and return the symbolic result."""
    if callee.__class__ is Global:
        items = arguments.items if arguments.__class__ is Tuple else None
        machine.tell_use(use, callee, describe(items), arguments)
        if callee.name in HASHING:
            check_hash(machine, arguments)
        elif callee.name in ALLOCATING or callee.name in ("range", "xrange"):
            _check_allocation(machine, callee, arguments)
        elif callee.name in SETTING_STATE and items:
            check_state(machine, items[-1])
        elif callee.module in RESOLVERS:
            found = resolve(callee, items or ())
            if found is not None:
                machine.tell_use(ev.IMPORT, found)
                return found
    elif callee.__class__ is Result:
        root = callee.callee  # what a chain of such calls began with
        subject = root.path if isinstance(root, Global) else "a computed value"
        machine.tell("call_of_result", callee, subject=subject)
        callee = root
    else:
        machine.tell("call_of_value", callee)
    return machine.make_result(callee, arguments)


def describe(items: tuple[Value, ...] | None) -> tuple[str, ...]:
    """The first two arguments as far as rules ask for them; `computed:` where they cannot be known."""
    if items is None:
        return (COMPUTED, COMPUTED)
    first = _describe_first(items[0]) if items else ""
    second = _describe_second(items[1]) if len(items) > 1 else ""
    if second:
        return (first, second)
    return (first,) if first else ()


def _describe_first(value: Value) -> str:
    if value.__class__ is Global:
        return "name:" + clean(value.path)
    return COMPUTED if value.__class__ is Result or value is UNKNOWN else ""


def _describe_second(value: Value) -> str:
    if value.__class__ is Global:
        return "name:" + clean(value.path)
    if value.__class__ is str:
        return "text:" + clean(value, 24)
    return COMPUTED if value.__class__ is Result or value is UNKNOWN else ""


def check_hash(machine: Machine, value: Value) -> None:
    """A structure that shares its parts so that hashing visits more leaves than the file has bytes."""
    weight = weight_of(value)
    depth = value.depth if isinstance(value, Tuple) else 1
    if (weight > MAX_HASH_WEIGHT and weight > machine.base + machine.op_pos) or depth > MAX_HASH_DEPTH:
        machine.tell("hash_bomb", weight=weight, depth=depth)


def check_keys(machine: Machine, keys: list[Value]) -> None:
    for key in keys:
        if key.__class__ is Tuple or key.__class__ is Items or key.__class__ is Result:
            check_hash(machine, key)


def check_state(machine: Machine, state: Value) -> None:
    """State that sets what no state should: special attributes, or attributes whose names are computed."""
    parts = state.items if isinstance(state, Tuple) and state.length == 2 else (state,)
    for part in parts:
        if isinstance(part, Items) and part.dunders:
            machine.tell("build_special_attribute", part, attribute=part.dunders[0])
        elif isinstance(part, Result) and isinstance(part.callee, Global) and part.callee.name.endswith("Dict"):
            machine.tell("build_state_computed", part)


def _check_allocation(machine: Machine, callee: Global, arguments: Value) -> None:
    numbers = list(_numbers(arguments, 2))
    if callee.name in ("range", "xrange"):
        if any(number > MAX_RANGE for number in numbers):
            machine.tell("huge_allocation", arguments, subject=callee.path)
    elif prod(number for number in numbers if number > 1) > MAX_ELEMENTS:
        machine.tell("huge_allocation", arguments, subject=callee.path)


def _numbers(value: Value, depth: int) -> list[int]:
    if isinstance(value, int):
        return [abs(value)]
    if isinstance(value, Tuple) and depth:
        return [number for item in value.items[:8] for number in _numbers(item, depth - 1)]
    return []


# -- names that are looked up by a call ---------------------------------------------------------------------------

RESOLVERS = {"builtins", "__builtin__", "importlib", "pkgutil", "pydoc", "imp"}


def resolve(callee: Global, items: tuple[Value, ...]) -> Global | None:
    """The import that `getattr(module, name)`, `import_module(name)` and their like would give, if it can be told."""
    first = items[0] if items else UNKNOWN
    if callee.name == "getattr" and len(items) > 1:
        return _attribute(first, items[1])
    if callee.name in ("__import__", "import_module") and isinstance(first, str):
        return Global(first, "")
    if callee.name in ("resolve_name", "locate") and isinstance(first, str):
        module, _, name = first.partition(":") if ":" in first else first.rpartition(".")
        return Global(module, name)
    return None


def _attribute(owner: Value, name: Value) -> Global | None:
    if not isinstance(owner, Global) or not isinstance(name, str):
        return None
    return Global(owner.module, f"{owner.name}.{name}" if owner.name else name)
