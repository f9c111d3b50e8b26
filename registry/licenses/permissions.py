"""What an author lets others do: six answers, each given and none assumed."""

from __future__ import annotations

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
