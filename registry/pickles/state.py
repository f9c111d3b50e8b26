"""BUILD: handing state to an object, which runs its `__setstate__` or sets its attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry.pickles import evidence as ev
from registry.pickles.values import Global, Items, Result, Tuple, Value

if TYPE_CHECKING:
    from registry.pickles.machine import Machine


def build(machine: Machine, target: Value, state: Value) -> None:
    """Report who is given state, and state that sets what no state should."""
    if isinstance(target, Result) and isinstance(target.callee, Global):
        machine.tell_use(ev.STATE, target.callee, (), state)
        if machine.collect:
            target.state = state
    elif isinstance(target, Global):
        machine.tell("build_on_import", state, subject=target.path)
    else:
        machine.tell("build_on_value", target)
    parts = state.items if isinstance(state, Tuple) and state.length == 2 else (state,)
    for part in parts:
        _check_keys(machine, part)


def _check_keys(machine: Machine, part: Value) -> None:
    if isinstance(part, Items) and part.dunders:
        machine.tell("build_special_attribute", part, attribute=part.dunders[0])
    elif isinstance(part, Result) and isinstance(part.callee, Global) and part.callee.name.endswith("Dict"):
        machine.tell("build_state_computed", part)
