"""Questions about a list of tensor names, each answered in one pass over them at the speed of a text search."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

from registry.formats.tensors import TensorInfo

MAX_NAME: Final = 1_024  # letters; a longer name belongs to no known architecture and is not looked at


class NameIndex:
    """Tensors by name, with searches for prefixes, suffixes and parts of names."""

    def __init__(self, tensors: Sequence[TensorInfo]) -> None:
        self.tensors = [t for t in tensors if len(t.name) <= MAX_NAME and "\n" not in t.name]
        self.by_name = {t.name: t for t in self.tensors}
        # A newline on both sides of each name makes prefix and suffix plain substrings.
        self._text = "\n" + "".join(f"{t.name}\n" for t in self.tensors)

    def __len__(self) -> int:
        return len(self.tensors)

    def has(self, *parts: str) -> bool:
        """Whether any name contains one of the parts."""
        return any(part in self._text for part in parts)

    def starts(self, *prefixes: str) -> bool:
        """Whether any name begins with one of the prefixes."""
        return any(f"\n{prefix}" in self._text for prefix in prefixes)

    def ends(self, *suffixes: str) -> bool:
        """Whether any name ends with one of the suffixes."""
        return any(f"{suffix}\n" in self._text for suffix in suffixes)

    def count_prefix(self, prefix: str) -> int:
        """How many names begin so."""
        return self._text.count(f"\n{prefix}")

    def shape_ending(self, *suffixes: str) -> tuple[int, ...] | None:
        """The shape of the first tensor whose name is one of the suffixes, or ends with it behind a dot."""
        for suffix in suffixes:
            for mark in (f"\n{suffix}\n", f".{suffix}\n"):
                position = self._text.find(mark)
                if position >= 0:
                    start = self._text.rfind("\n", 0, position + 1) + 1
                    return self.by_name[self._text[start : position + len(mark) - 1]].shape
        return None

    def containing(self, *parts: str) -> Iterator[TensorInfo]:
        """The tensors whose names contain all of the parts."""
        return (t for t in self.tensors if all(part in t.name for part in parts))

    @cached_property
    def cross_widths(self) -> frozenset[int]:
        """Widths of the text states that the cross-attention layers read: the last dimension of their key weights."""
        return frozenset(
            t.shape[-1] for t in self.containing("attn2") if len(t.shape) == 2 and t.name.endswith("to_k.weight")
        )
