"""ComfyUI's two ways of writing a graph, brought to one: node id to `Node`, inputs being values or links.

The API form is `{id: {class_type, inputs}}` with links as `[id, slot]`. The editor's form lists nodes and links apart,
keeps widget values without names, mutes and bypasses nodes and folds some of them into subgraphs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from gallery.imagemeta.comfy_wiring import GETTERS, SETTERS, Drawn, Link, Wiring

MAX_NODES: Final = 5_000
MAX_DEPTH: Final = 8
MAX_STEPS: Final = 100_000
_MUTED, _BYPASSED = 2, 4
_DOOR_IN, _DOOR_OUT = -10, -20
_AFTERWARDS: Final = ("fixed", "increment", "decrement", "randomize")

# The editor keeps widget values without their names; this is the order of the nodes that matter.
_WIDGETS: Final = {
    "KSampler": ("seed", "", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "KSamplerAdvanced": ("add_noise", "noise_seed", "", "steps", "cfg", "sampler_name", "scheduler", "start_at_step"),
    "SamplerCustom": ("add_noise", "noise_seed", "", "cfg"),
    "RandomNoise": ("noise_seed",),
    "KSamplerSelect": ("sampler_name",),
    "BasicScheduler": ("scheduler", "steps", "denoise"),
    "CFGGuider": ("cfg",),
    "FluxGuidance": ("guidance",),
    "CLIPTextEncode": ("text",),
    "CLIPTextEncodeFlux": ("clip_l", "t5xxl", "guidance"),
    "CLIPTextEncodeSDXL": ("width", "height", "crop_w", "crop_h", "target_width", "target_height", "text_g", "text_l"),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "UNETLoader": ("unet_name",),
    "VAELoader": ("vae_name",),
    "LoraLoader": ("lora_name", "strength_model", "strength_clip"),
    "LoraLoaderModelOnly": ("lora_name", "strength_model"),
    "HypernetworkLoader": ("hypernetwork_name", "strength"),
    "ControlNetLoader": ("control_net_name",),
    "ControlNetApply": ("strength",),
    "ControlNetApplyAdvanced": ("strength", "start_percent", "end_percent"),
    "UpscaleModelLoader": ("model_name",),
    "CLIPSetLastLayer": ("stop_at_clip_layer",),
    "EmptyLatentImage": ("width", "height", "batch_size"),
    "EmptySD3LatentImage": ("width", "height", "batch_size"),
    "PrimitiveNode": ("value",),
    "PrimitiveString": ("value",),
    "PrimitiveStringMultiline": ("value",),
    "PrimitiveInt": ("value",),
}


@dataclass(slots=True)
class Node:
    """One node: what it is, and its inputs by name."""

    kind: str
    inputs: dict[str, Any] = field(default_factory=dict)

    def links(self) -> Iterable[tuple[str, Link]]:
        """Inputs that come from other nodes."""
        return ((name, value) for name, value in self.inputs.items() if isinstance(value, Link))


Graph = dict[str, Node]


def api_graph(block: dict[str, Any]) -> Graph | None:
    """Read the API form; None if the object is none."""
    graph: Graph = {}
    for key, value in list(block.items())[:MAX_NODES]:
        if isinstance(value, dict) and isinstance(value.get("class_type"), str):
            inputs = value.get("inputs")
            graph[str(key)] = Node(
                value["class_type"],
                {str(k): _value(v) for k, v in (inputs if isinstance(inputs, dict) else {}).items()},
            )
    return graph or None


def _value(value: object) -> object:
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int) and type(value[1]) is int:
        return Link(str(value[0]), value[1])
    return value


def workflow_graph(block: dict[str, Any]) -> Graph | None:
    """Read the editor's form, subgraphs expanded, muted nodes left out, bypassed ones passed through."""
    if not isinstance(block.get("nodes"), list):
        return None
    definitions = block.get("definitions")
    subgraphs = _entries(definitions, "subgraphs") if isinstance(definitions, dict) else []
    reading = _Editor({str(sub["id"]): sub for sub in subgraphs if "id" in sub})
    reading.add_nodes(_Level(block))
    return reading.graph or None


@dataclass(frozen=True, slots=True)
class _Level:
    """One graph of nodes: the whole one, or the inside of a subgraph. `given` are the values at its door by slot."""

    block: dict[str, Any]
    prefix: str = ""
    depth: int = 0
    given: dict[int, Any] = field(default_factory=dict)
    outer: Wiring | None = None


class _Editor:
    """The graph as it grows. Nodes and links together are looked at `MAX_STEPS` times, however subgraphs nest."""

    def __init__(self, subgraphs: dict[str, dict[str, Any]]) -> None:
        self.subgraphs = subgraphs
        self.graph: Graph = {}
        self.left = MAX_STEPS

    def add_nodes(self, level: _Level) -> None:
        """Put the nodes of one level into the graph."""
        drawn = self._drawn(level)
        links, wiring = drawn.links, Wiring(drawn, level.prefix, level.outer)
        for raw in drawn.nodes:
            if not isinstance(raw, dict) or len(self.graph) >= MAX_NODES or raw.get("mode") == _MUTED:
                continue
            key, kind = f"{level.prefix}{raw.get('id')}", str(raw.get("type", ""))
            inputs = _inputs(raw, links) | wiring.implied(raw)
            if kind in SETTERS:
                self.graph[key] = Node("Reroute", inputs)
            elif kind in GETTERS:
                fetched = wiring.fetched(raw)
                self.graph[key] = Node("Reroute", {"value": fetched} if fetched else {})
            elif raw.get("mode") == _BYPASSED:
                self.graph[key] = _bypassed(raw, inputs)
            elif kind in self.subgraphs and level.depth < MAX_DEPTH:
                inside = _Level(self.subgraphs[kind], f"{key}/", level.depth + 1, outer=wiring)
                self.graph[key] = self._subgraph(inside, _widgets(raw, kind) | inputs)
            else:
                self.graph[key] = Node(kind, _widgets(raw, kind) | inputs)

    def _within(self, entries: object) -> list[Any]:
        """As many of a list's entries as may still be looked at."""
        allowed = entries[: max(0, self.left)] if isinstance(entries, list) else []
        self.left -= len(allowed)
        return allowed

    def _drawn(self, level: _Level) -> Drawn:
        """A level's nodes and links. A link leads to its source, or to the value that stands at a subgraph's door; it
        is a list in the graph and an object in a subgraph."""
        found: dict[int, Any] = {}
        types: dict[int, str] = {}
        for entry in self._within(level.block.get("links")):
            if isinstance(entry, list) and len(entry) >= 3:
                number, origin, slot, type_ = entry[0], entry[1], entry[2], entry[5] if len(entry) > 5 else "*"
            elif isinstance(entry, dict):
                number, origin, slot = entry.get("id"), entry.get("origin_id"), entry.get("origin_slot")
                type_ = entry.get("type", "*")
            else:
                continue
            slot = slot if isinstance(slot, int) else 0
            if not isinstance(number, int):
                continue
            types[number] = str(type_)[:100]
            if origin != _DOOR_IN:
                found[number] = Link(f"{level.prefix}{origin}", slot)
            elif slot in level.given:
                found[number] = level.given[slot]
        extra = level.block.get("extra")
        written = self._within(extra.get("ue_links")) if isinstance(extra, dict) else []
        return Drawn(self._within(level.block.get("nodes")), found, types, written)

    def _subgraph(self, level: _Level, inputs: dict[str, Any]) -> Node:
        """Put a subgraph's nodes beside the others. Its inside sees what goes in as the outputs of node -10, and what
        comes out are the inputs of node -20. An input that is given nothing leaves the inside its own value."""
        definition, inside = level.block, level.prefix
        names = [str(entry.get("name", "")) for entry in _entries(definition, "inputs")]
        given = {slot: inputs[name] for slot, name in enumerate(names) if name in inputs}
        self.add_nodes(replace(level, given=given))
        out: dict[str, Any] = {}
        for entry in self._within(definition.get("links")):
            if isinstance(entry, dict) and entry.get("target_id") == _DOOR_OUT:
                slot = entry.get("origin_slot")
                slot = slot if isinstance(slot, int) else 0
                through = given.get(slot) if entry.get("origin_id") == _DOOR_IN else None
                out[str(entry.get("target_slot"))] = through or Link(f"{inside}{entry.get('origin_id')}", slot)
        return Node("Door", out)


def _inputs(raw: dict[str, Any], links: Mapping[int, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in _entries(raw, "inputs"):
        if isinstance(entry.get("link"), int) and entry["link"] in links:
            found[str(entry.get("name", ""))] = links[entry["link"]]
    return found


def _entries(raw: dict[str, Any], name: str) -> list[dict[str, Any]]:
    entries = raw.get(name)
    return [entry for entry in entries[:500] if isinstance(entry, dict)] if isinstance(entries, list) else []


def _bypassed(raw: dict[str, Any], inputs: dict[str, Any]) -> Node:
    """A node that passes each output on from the input of its type: the one with the output's name or place among
    them. Without types all outputs come from the first input."""
    linked = {name: value for name, value in inputs.items() if isinstance(value, Link)}
    passed: dict[str, Any] = {}
    met: dict[str, int] = {}
    for slot, output in enumerate(_entries(raw, "outputs")):
        kind = str(output.get("type"))
        met[kind] = place = met.get(kind, -1) + 1
        names = [str(entry.get("name", "")) for entry in _entries(raw, "inputs") if str(entry.get("type")) == kind]
        name = output.get("name")
        chosen = name if name in names else names[min(place, len(names) - 1)] if names else ""
        if chosen in linked:
            passed[str(slot)] = linked[chosen]
    return Node("Door", passed) if met else Node("Bypass", linked)


def _widgets(raw: dict[str, Any], kind: str) -> dict[str, Any]:
    values = raw.get("widgets_values")
    if isinstance(values, dict):
        return {str(name): value for name, value in values.items() if isinstance(value, str | int | float)}
    if not isinstance(values, list):
        return {}
    names = _WIDGETS.get(kind) or _declared(raw, values)
    if not names:  # an unknown node: its texts may still be asked for, in their order
        return {f"widget{index}": value for index, value in enumerate(values[:50])}
    return {name: value for name, value in zip(names, values, strict=False) if name}


def _declared(raw: dict[str, Any], values: list[Any]) -> list[str]:
    """The names that newer editors write beside a node's inputs. What to do with a seed afterwards has no name."""
    names: list[str] = []
    for entry in _entries(raw, "inputs"):
        widget = entry.get("widget")
        if isinstance(widget, dict):
            names.append(str(widget.get("name", "")))
            if len(names) < len(values) and values[len(names)] in _AFTERWARDS and "seed" in names[-1]:
                names.append("")
    return names
