"""What can go wrong in a render, in words that a page can translate. Imports neither torch nor Django."""

from __future__ import annotations


class EngineError(Exception):
    """A render that cannot be made.

    `code` is stable and in snake case; `role` names the part at fault ("checkpoint", "lora", "vae", …, or empty for
    none of them); `params` fill the sentence that people read.
    """

    def __init__(self, code: str, role: str = "", **params: object) -> None:
        detail = ", ".join(f"{key}={value}" for key, value in params.items())
        super().__init__(f"{role or 'render'}: {code}" + (f" ({detail})" if detail else ""))
        self.code, self.role, self.params = code, role, params

    def __reduce__(self) -> tuple[object, ...]:
        return (_again, (type(self), self.code, self.role, self.params))


class BadIngredient(EngineError):
    """A file that cannot be used for what it was given as. Another try changes nothing."""


class RenderCancelled(EngineError):
    """The render was asked to stop between two steps. Not a failure."""


class OutOfMemory(EngineError):
    """The device has no room for this. With everything else dropped it may."""


class DeviceFault(EngineError):
    """The device failed, not the request. Another one may do it."""


def _again(kind: type[EngineError], code: str, role: str, params: dict[str, object]) -> EngineError:
    return kind(code, role, **params)
