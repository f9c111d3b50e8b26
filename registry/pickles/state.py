"""BUILD: handing state to an object, which runs its `__setstate__` or sets its attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry.pickles import evidence as ev
from registry.pickles.calls import check_state
from registry.pickles.values import Global, Result, Value

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
    check_state(machine, state)
