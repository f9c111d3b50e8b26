"""What was seen in a file, before any judgement: the record that is stored and judged again under new rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from registry.pickles.values import clean

# Uses. "fact" is something about the file's form, named by its rule; all others are about an imported name.
IMPORT = "import"
CALL = "call"
OLD_CALL = "old_call"  # INST and OBJ
STATE = "state"  # BUILD on what a call returned
ITEMS = "items"  # APPEND, SETITEM and their kind on what a call returned
FACT = "fact"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One distinct thing seen. Two of the same `key` say the same; the first place is kept.

    `module` and `name` are as written in the stream (for a fact `module` is empty and `name` the rule).
    `arguments` describes the first two arguments of a call where they matter: `name:` and an import, `text:` and a
    short string, or nothing. `params` fill the sentence of a fact.
    """

    use: str
    module: str
    name: str
    arguments: tuple[str, ...] = ()
    params: tuple[tuple[str, str], ...] = ()
    member: str = ""
    offset: int | None = None
    opcode: str = ""
    preview: str = ""

    @property
    def key(self) -> tuple[Any, ...]:
        return (self.use, self.module, self.name, self.arguments, self.params if self.use == FACT else ())

    def inside(self, member: str) -> Evidence:
        """The same, seen in a member of an archive."""
        return replace(self, member=f"{member}/{self.member}" if self.member else member)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON. `from_dict` reads them back."""
        return {
            "use": self.use,
            "module": self.module,
            "name": self.name,
            "arguments": list(self.arguments),
            "params": dict(self.params),
            "member": self.member,
            "offset": self.offset,
            "opcode": self.opcode,
            "preview": self.preview,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Evidence:
        return cls(
            use=stored["use"],
            module=stored["module"],
            name=stored["name"],
            arguments=tuple(stored["arguments"]),
            params=tuple(stored["params"].items()),
            member=stored["member"],
            offset=stored["offset"],
            opcode=stored["opcode"],
            preview=stored["preview"],
        )


def fact(
    code: str,
    params: Mapping[str, object] | None = None,
    *,
    offset: int | None = None,
    opcode: str = "",
    preview: str = "",
) -> Evidence:
    """Evidence about the form of a file. Its words are cleaned here, so that hostile text cannot travel on."""
    cleaned = tuple(sorted((key, clean(str(value), 120)) for key, value in (params or {}).items()))
    return Evidence(FACT, "", code, params=cleaned, offset=offset, opcode=opcode, preview=clean(preview))


@dataclass(slots=True)
class Collector:
    """Gathers distinct evidence of one file, up to a limit; says when more was seen than it keeps."""

    limit: int = 10_000
    kept: dict[tuple[Any, ...], Evidence] = field(default_factory=dict)
    cut: bool = False

    def add(self, evidence: Evidence) -> bool:
        """Whether this was new and kept."""
        if evidence.key in self.kept:
            return False
        if len(self.kept) >= self.limit:
            self.cut = True
            return False
        self.kept[evidence.key] = evidence
        return True
