"""Links that ComfyUI's editor shows nowhere: nodes that keep a value under a name, and nodes that send one everywhere.

Such nodes exist in the editor alone, which makes links of them when a graph is run; its own form of the graph holds
only the nodes. Set and Get are KJNodes' and Easy Use's. Everywhere is cg-use-everywhere's: an input without a link gets
the value that is sent for its type, unless two nodes send one. Where that pack wrote down which links it made
(`extra.ue_links`), they are taken as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

SETTERS: Final = frozenset({"SetNode", "easy setNode"})
GETTERS: Final = frozenset({"GetNode", "easy getNode"})
_EVERYWHERE: Final = frozenset({"Anything Everywhere", "Anything Everywhere3", "Anything Everywhere?"})
_PROMPTS: Final = "Prompts Everywhere"
_SENDERS: Final = _EVERYWHERE | {_PROMPTS, "Seed Everywhere"}
_SLEEPING: Final = (2, 4)  # muted, bypassed
_MOST: Final = 8  # senders of one type that are told apart; a graph that people draw has one
_POSITIVE: Final = re.compile(r"(?:^|[_ ])pos(?:itive)?(?:$|[_ ])|^prompt|^\+", re.IGNORECASE)
_NEGATIVE: Final = re.compile(r"(?:^|[_ ])neg(?:ative)?(?:$|[_ ])|^-", re.IGNORECASE)
# A pattern of the graph's own is never run. One of plain letters says what it means without that.
_PLAIN: Final = re.compile(r"[\w +-]{1,80}")
_ANY: Final = ("", ".*")


@dataclass(frozen=True, slots=True)
class Link:
    """The output `slot` of another node."""

    node: str
    slot: int = 0


@dataclass(frozen=True, slots=True)
class _Sender:
    """What is sent, and to which inputs: those whose name fits, or every one. One that asks for more goes first."""

    link: Link
    fits: re.Pattern[str] | None = None

    def reaches(self, name: str) -> bool:
        return self.fits is None or self.fits.search(name) is not None


@dataclass(frozen=True, slots=True)
class Drawn:
    """What one level of the editor's graph shows: its nodes, its links by their number with the types that they carry,
    and the links that cg-use-everywhere wrote down."""

    nodes: Sequence[Any]
    links: Mapping[int, Any]
    types: Mapping[int, str]
    written: Sequence[Any]


class Wiring:
    """The links that one level of a graph implies. Looks at each of its nodes once; a look-up costs the same however
    large the graph is."""

    def __init__(self, drawn: Drawn, prefix: str, outer: Wiring | None) -> None:
        self.prefix, self.outer = prefix, outer
        self.setters: dict[str, Link] = {}
        self.senders: dict[str, list[_Sender]] = {}
        self.answers: dict[tuple[str, str], Link | None] = {}
        for raw in drawn.nodes:
            if isinstance(raw, dict):
                self._note(raw, drawn)
        self.written = self._written(drawn.written) if drawn.written else None

    def _note(self, raw: dict[str, Any], drawn: Drawn) -> None:
        kind = raw.get("type")
        if not isinstance(kind, str) or raw.get("mode") == _SLEEPING[0]:
            return
        if kind in SETTERS and (name := _name_of(raw)):
            self.setters.setdefault(name, Link(f"{self.prefix}{raw.get('id')}"))
        elif kind in _SENDERS and raw.get("mode") not in _SLEEPING and not _is_restricted(raw):
            self._send(raw, kind, drawn)

    def _send(self, raw: dict[str, Any], kind: str, drawn: Drawn) -> None:
        only = _input_pattern(raw) if kind == "Anything Everywhere?" else None
        if kind == "Anything Everywhere?" and only is None:
            return
        for place, entry in enumerate(_inputs_of(raw)):
            number, type_ = _number(entry.get("link")), str(entry.get("type"))
            link, type_ = drawn.links.get(number), drawn.types.get(number, "*") if type_ == "*" else type_
            if not isinstance(link, Link) or type_ == "*":
                continue
            fits = (_POSITIVE, _NEGATIVE)[place % 2] if kind == _PROMPTS else only
            known = self.senders.setdefault(type_, [])
            if len(known) < _MOST:
                known.append(_Sender(link, fits))

    def _written(self, entries: Sequence[Any]) -> dict[tuple[str, int], Link]:
        """Of each node and input the link that the pack itself made."""
        found: dict[tuple[str, int], Link] = {}
        for entry in entries:
            if isinstance(entry, dict):
                slot = entry.get("upstream_slot")
                link = Link(f"{self.prefix}{entry.get('upstream')}", slot if isinstance(slot, int) else 0)
                found[str(entry.get("downstream")), _number(entry.get("downstream_slot"))] = link
        return found

    def fetched(self, raw: dict[str, Any]) -> Link | None:
        """What a Get node fetches: the value of that name on its level, or on one around it."""
        name = _name_of(raw)
        level: Wiring | None = self
        while level is not None:
            if name in level.setters:
                return level.setters[name]
            level = level.outer
        return None

    def implied(self, raw: dict[str, Any]) -> dict[str, Link]:
        """The inputs of a node that nobody drew a link to, and what reaches them."""
        if (self.written is None and not self.senders) or str(raw.get("type")) in _SENDERS:
            return {}
        found: dict[str, Link] = {}
        for place, entry in enumerate(_inputs_of(raw)):
            if entry.get("link") is not None:
                continue
            name = str(entry.get("name", ""))
            if self.written is not None:
                link = self.written.get((str(raw.get("id")), place))
            else:
                link = None if "widget" in entry else self._sent(str(entry.get("type")), name)
            if link is not None:
                found[name] = link
        return found

    def _sent(self, type_: str, name: str) -> Link | None:
        """The one value that is sent for a type, those to inputs of certain names before those to all."""
        if type_ not in self.senders:
            return None
        key = (type_, name[:100])
        if key not in self.answers:
            self.answers[key] = self._answer(*key)
        return self.answers[key]

    def _answer(self, type_: str, name: str) -> Link | None:
        known = self.senders[type_]
        for is_narrow in (True, False):
            reaching = {each.link for each in known if (each.fits is not None) is is_narrow and each.reaches(name)}
            if reaching:
                return reaching.pop() if len(reaching) == 1 else None
        return None


def _inputs_of(raw: dict[str, Any]) -> Iterable[dict[str, Any]]:
    entries = raw.get("inputs")
    return [entry for entry in entries[:500] if isinstance(entry, dict)] if isinstance(entries, list) else []


def _number(value: object) -> int:
    return value if type(value) is int else -1


def _name_of(raw: dict[str, Any]) -> str:
    """The name under which a Set or Get node keeps its value: its only widget."""
    values = raw.get("widgets_values")
    if isinstance(values, dict):
        values = list(values.values())
    name = values[0] if isinstance(values, list) and values else ""
    return name[:200] if isinstance(name, str) else ""


def _is_restricted(raw: dict[str, Any]) -> bool:
    """Whether a node sends to its own group or color alone: who is in there, the form of the graph does not say."""
    properties = raw.get("properties")
    own = properties.get("ue_properties", properties) if isinstance(properties, dict) else None
    return isinstance(own, dict) and any(own.get(f"{name}_restricted") for name in ("group", "color"))


def _input_pattern(raw: dict[str, Any]) -> re.Pattern[str] | None:
    """To which inputs a node with patterns sends; None where that cannot be told without running them.

    Its widgets are patterns for the title, the input and the group.
    """
    values = raw.get("widgets_values")
    if not isinstance(values, list) or len(values) < 2:
        return None
    title, name, group = (*values, ".*")[:3]
    if title not in _ANY or group not in _ANY or not isinstance(name, str):
        return None
    if name in _ANY:
        return re.compile("")
    return re.compile(re.escape(name), re.IGNORECASE) if _PLAIN.fullmatch(name) else None
