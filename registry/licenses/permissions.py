"""What an author lets others do: six answers, each given and none assumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Permissions:
    """Yes or no to each of six uses. Stored as bits, the first of them bit 0."""

    no_credit: bool  # use without naming the author
    commercial_images: bool  # sell images made with it
    commercial_service: bool  # offer it on a paid generation service
    sell: bool  # sell the model or merges of it
    merges: bool  # share merges of it
    relicense: bool  # give merges other permissions

    def to_bits(self) -> int:
        """The six answers as a number from 0 to 63."""
        return sum(getattr(self, item.name) << place for place, item in enumerate(fields(self)))

    @classmethod
    def from_bits(cls, bits: int) -> Permissions:
        """What `to_bits` made. ValueError for a number that it never makes."""
        if not 0 <= bits < 64:
            raise ValueError(f"not six permission bits: {bits}")
        return cls(*(bool(bits >> place & 1) for place in range(6)))

    @classmethod
    def from_mapping(cls, answers: Mapping[str, object]) -> Permissions:
        """The six answers of a program. PermissionsError names every one that is missing, unknown or not a boolean."""
        names = [item.name for item in fields(cls)]
        faults = {name: "missing" for name in names if name not in answers}
        faults |= {str(name): "unknown" for name in answers if name not in names}
        faults |= {name: "not_boolean" for name in names if name in answers and type(answers[name]) is not bool}
        if faults:
            raise PermissionsError(faults)
        return cls(**{name: answers[name] is True for name in names})


class PermissionsError(ValueError):
    """Not six yes-or-no answers. `faults` maps a field's name to `missing`, `unknown` or `not_boolean`."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__(", ".join(f"{name}: {fault}" for name, fault in faults.items()))
        self.faults = dict(faults)
