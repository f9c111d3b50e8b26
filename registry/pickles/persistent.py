"""Persistent ids: in torch files they name storages kept beside the pickle; anywhere else they are unusual."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry.pickles.values import NONE, UNKNOWN, Global, Opaque, Storage, Tuple, Value

if TYPE_CHECKING:
    from registry.pickles.machine import Machine

STORAGE_MODULES = {"torch", "torch.cuda", "torch.storage"}


def load_persistent(machine: Machine, identity: Value) -> Value:
    """What `persistent_load` would be asked for. Anything but a storage of a torch file is reported."""
    if not machine.torch:
        machine.tell("persistent_outside_torch" if _is_constant(identity, 3) else "persistent_computed", identity)
        return UNKNOWN
    storage = read_storage(identity)
    if storage is None:
        return _load_odd(machine, identity)
    known = machine.storages.setdefault(storage.key, (storage.kind, storage.numel))
    if known != (storage.kind, storage.numel) and storage.kind == known[0]:
        machine.storages[storage.key] = (storage.kind, max(known[1], storage.numel))
    return storage


def _load_odd(machine: Machine, identity: Value) -> Value:
    """The old form for modules hands over the class that it names second; anything else nothing that is known."""
    if isinstance(identity, Tuple) and identity.length > 1 and identity.items[0] == "module":
        machine.tell("persistent_module", identity)
        return identity.items[1]
    machine.tell("persistent_odd", identity)
    return UNKNOWN


def read_storage(identity: Value) -> Storage | None:
    """`("storage", type, key, location, elements[, view])`, or None when it is anything else."""
    if not isinstance(identity, Tuple) or identity.length not in (5, 6):
        return None
    tag, kind, key, location, numel, *view = identity.items
    if tag != "storage" or not isinstance(key, str) or not isinstance(numel, int) or numel < 0:
        return None
    if not isinstance(kind, Global) or kind.module not in STORAGE_MODULES or not kind.name.endswith("Storage"):
        return None
    if not isinstance(location, str) and location is not NONE:
        return None
    if view and view[0] is not NONE and not isinstance(view[0], Tuple):
        return None
    return Storage(kind.name, key, numel, is_view=bool(view) and view[0] is not NONE)


def _is_constant(value: Value, depth: int) -> bool:
    if isinstance(value, Tuple):
        return depth > 0 and value.length <= len(value.items) and all(_is_constant(i, depth - 1) for i in value.items)
    return isinstance(value, str | int) or (isinstance(value, Opaque) and value is not UNKNOWN)
