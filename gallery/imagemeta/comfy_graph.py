"""ComfyUI's two ways of writing a graph, brought to one: node id to `Node`, inputs being values or links.

The API form is `{id: {class_type, inputs}}` with links as `[id, slot]`. The editor's form lists nodes and links apart,
keeps widget values without names, mutes and bypasses nodes and folds some of them into subgraphs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

MAX_NODES: Final = 5_000
_MUTED, _BYPASSED = 2, 4

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


@dataclass(frozen=True, slots=True)
class Link:
    """The output `slot` of another node."""

    node: str
    slot: int = 0


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
    listed = definitions.get("subgraphs") if isinstance(definitions, dict) else None
    subgraphs = {str(sub["id"]): sub for sub in listed or [] if isinstance(sub, dict) and "id" in sub}
    graph: Graph = {}
    _add_nodes(graph, block, "", subgraphs, 0)
    return graph or None


def _add_nodes(graph: Graph, block: dict[str, Any], prefix: str, subgraphs: dict[str, Any], depth: int) -> None:
    links = _links(block.get("links"), prefix)
    nodes = block.get("nodes")
    for raw in nodes[:MAX_NODES] if isinstance(nodes, list) else []:
        if not isinstance(raw, dict) or len(graph) >= MAX_NODES or raw.get("mode") == _MUTED:
            continue
        key, kind = f"{prefix}{raw.get('id')}", str(raw.get("type", ""))
        inputs = _inputs(raw, links)
        if raw.get("mode") == _BYPASSED:
            graph[key] = Node("Bypass", {name: value for name, value in inputs.items() if isinstance(value, Link)})
        elif kind in subgraphs and depth < 8:
            graph[key] = _subgraph(graph, raw, inputs, key, subgraphs, depth)
        else:
            graph[key] = Node(kind, _widgets(raw, kind) | inputs)


def _links(raw: object, prefix: str) -> dict[Any, Link]:
    """Link id to its source. A link is a list in the graph and an object in a subgraph."""
    found: dict[Any, Link] = {}
    for entry in raw[: MAX_NODES * 4] if isinstance(raw, list) else []:
        if isinstance(entry, list) and len(entry) >= 3 and isinstance(entry[0], int):
            found[entry[0]] = Link(f"{prefix}{entry[1]}", entry[2] if isinstance(entry[2], int) else 0)
        elif isinstance(entry, dict) and isinstance(entry.get("id"), int):
            slot = entry.get("origin_slot")
            found[entry["id"]] = Link(f"{prefix}{entry.get('origin_id')}", slot if isinstance(slot, int) else 0)
    return found


def _inputs(raw: dict[str, Any], links: dict[Any, Link]) -> dict[str, Any]:
    inputs = raw.get("inputs")
    found: dict[str, Any] = {}
    for entry in inputs[:500] if isinstance(inputs, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("link"), int) and entry["link"] in links:
            found[str(entry.get("name", ""))] = links[entry["link"]]
    return found


def _widgets(raw: dict[str, Any], kind: str) -> dict[str, Any]:
    values = raw.get("widgets_values")
    if isinstance(values, dict):
        return {str(name): value for name, value in values.items() if isinstance(value, str | int | float)}
    if not isinstance(values, list):
        return {}
    names = _WIDGETS.get(kind)
    if names is None:  # an unknown node: its texts may still be asked for, in their order
        return {f"widget{index}": value for index, value in enumerate(values[:50])}
    return {name: value for name, value in zip(names, values, strict=False) if name}


def _subgraph(
    graph: Graph, raw: dict[str, Any], inputs: dict[str, Any], key: str, subgraphs: dict[str, Any], depth: int
) -> Node:
    """Put a subgraph's nodes beside the others. Its inside sees what goes in as the outputs of node -10, and what
    comes out are the inputs of node -20."""
    definition, inside = subgraphs[str(raw["type"])], f"{key}/"
    _add_nodes(graph, definition, inside, subgraphs, depth + 1)
    names = [str(entry.get("name", "")) for entry in definition.get("inputs") or [] if isinstance(entry, dict)]
    graph[f"{inside}-10"] = Node("Door", {str(slot): inputs[name] for slot, name in enumerate(names) if name in inputs})
    out: dict[str, Any] = {}
    links = definition.get("links")
    for entry in links[: MAX_NODES * 4] if isinstance(links, list) else []:
        if isinstance(entry, dict) and entry.get("target_id") == -20 and isinstance(entry.get("origin_slot"), int):
            out[str(entry.get("target_slot"))] = Link(f"{inside}{entry.get('origin_id')}", entry["origin_slot"])
    return Node("Door", out)
