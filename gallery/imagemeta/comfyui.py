"""ComfyUI: the graph is walked from the picture back to what made it, not searched for likely names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from gallery.imagemeta.a1111 import split_sampler
from gallery.imagemeta.comfy_graph import Graph, Node, api_graph, workflow_graph
from gallery.imagemeta.comfy_wiring import Link
from gallery.imagemeta.generation import MAX_PROMPT, Generation, Resource, merged, real, side, stem, text, whole

MAX_WALK: Final = 20_000
_TEXT_INPUTS: Final = ("text", "text_g", "text_l", "clip_l", "t5xxl", "prompt", "string", "value", "positive_prompt")
_JOIN: Final = re.compile(r"(text|string|prompt)(_?[a-z0-9])?\Z|widget\d+\Z")
_EMBEDDING: Final = re.compile(r"embedding:([\w./\\ -]{1,200}?)(?=[\s,:)\]]|\Z)")
_CHECKPOINTS: Final = ("ckpt_name", "unet_name", "model_name", "gguf_name")


def read_comfyui(prompt: dict[str, Any] | None, workflow: dict[str, Any] | None = None) -> Generation | None:
    """Read the API graph, or the editor's where there is no other. None if neither is a graph."""
    graph = (api_graph(prompt) if prompt else None) or (workflow_graph(workflow) if workflow else None)
    return _Walk(graph).generation() if graph else None


class _Walk:
    """One graph. Every search visits a node once, and all of them together at most `MAX_WALK` nodes and
    eight prompts' worth of text."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.left = MAX_WALK
        self.signs = 8 * MAX_PROMPT

    def generation(self) -> Generation:
        samplers = list(self._samplers())
        if not samplers:
            return Generation(tool="ComfyUI", prompt=self._any_text())
        node = self.graph[samplers[0]]
        guider = self._node(node.inputs.get("guider"))
        sigmas = self._sigmas(node)
        source = guider if guider is not None else node
        seed, denoise = self._seed(node), self._number(sigmas or node, "denoise")
        sampler, schedule = split_sampler(
            self._word(self._node(node.inputs.get("sampler")) or node, "sampler_name"),
            self._word(sigmas if sigmas is not None else node, "scheduler"),
        )
        positive = self._text(source.inputs.get("positive", source.inputs.get("conditioning")), 0)
        negative = self._text(source.inputs.get("negative"), 1)
        width, height = self._size(node)
        return Generation(
            tool="ComfyUI",
            prompt=positive,
            negative=negative,
            seed=seed,
            steps=whole(self._number(sigmas if sigmas is not None else node, "steps"), high=100_000),
            sampler=sampler,
            schedule=schedule,
            cfg_scale=real(self._number(source, "cfg")),
            width=width,
            height=height,
            clip_skip=self._clip_skip(source),
            denoise=real(denoise),
            resources=merged(self._resources(samplers, source, positive, negative)),
            extra={"Earlier passes": str(len(samplers) - 1)} if len(samplers) > 1 else {},
        )

    # -- walking ---------------------------------------------------------------------------------------------------

    def _upstream(self, start: str) -> Iterator[tuple[str, Node]]:
        """`start` and everything it depends on, nearest first."""
        waiting, seen = [start], {start}
        for key in waiting:
            node = self.graph.get(key)
            self.left -= 1
            if node is None or self.left < 0:
                continue
            yield key, node
            for link in self._followed(node):
                if link.node not in seen:
                    seen.add(link.node)
                    waiting.append(link.node)

    def _followed(self, node: Node) -> list[Link]:
        """What a node depends on, the picture's own line first."""
        links = sorted(node.links(), key=lambda pair: pair[0] not in ("samples", "images", "image", "latent_image"))
        return [link for _name, link in links]

    def _through(self, link: object) -> tuple[str, Node] | None:
        """The node a link leads to, past doors, bypassed nodes and reroutes."""
        for _step in range(200):
            if not isinstance(link, Link):
                return None
            node = self.graph.get(link.node)
            if node is None or not (node.kind in ("Door", "Bypass") or node.kind.startswith("Reroute")):
                return (link.node, node) if node is not None else None
            links = dict(node.links())
            link = links.get(str(link.slot)) if node.kind == "Door" else next(iter(links.values()), None)
        return None

    def _node(self, link: object) -> Node | None:
        found = self._through(link)
        return found[1] if found else None

    # -- what made the picture -------------------------------------------------------------------------------------

    def _samplers(self) -> Iterator[str]:
        """Samplers, the one nearest to an output first."""
        outputs = [key for key, node in self.graph.items() if _is_output(node)] or list(self.graph)
        seen: set[str] = set()
        for output in outputs[:50]:
            for key, node in self._upstream(output):
                if key not in seen and _is_sampler(node):
                    seen.add(key)
                    yield key

    def _seed(self, node: Node) -> int | None:
        noise = self._node(node.inputs.get("noise"))
        for holder in (noise, node):
            for name in ("seed", "noise_seed"):
                if holder is not None and name in holder.inputs:
                    return whole(self._number(holder, name))
        return None

    def _number(self, node: Node, name: str) -> object:
        """A value of a node, followed to the node it comes from where it is linked."""
        value = node.inputs.get(name)
        for _step in range(20):
            if not isinstance(value, Link):
                return value
            source = self._node(value)
            if source is None:
                return None
            names = (name, "value", "seed", "noise_seed", "int", "number", "float", "widget0")
            value = next((source.inputs[key] for key in names if key in source.inputs), None)
        return None

    def _sigmas(self, node: Node) -> Node | None:
        """The node that knows steps and schedule, also behind others that cut or join its sigmas."""
        found = self._through(node.inputs.get("sigmas"))
        for _key, source in self._upstream(found[0]) if found else ():
            if {"steps", "scheduler"} & source.inputs.keys():
                return source
        return found[1] if found else None

    def _word(self, node: Node, name: str) -> str:
        return text(self._number(node, name), 200)

    def _size(self, node: Node) -> tuple[int | None, int | None]:
        found = self._through(node.inputs.get("latent_image", node.inputs.get("samples")))
        if found:
            for _key, source in self._upstream(found[0]):
                if {"width", "height"} <= source.inputs.keys() and not _is_sampler(source):
                    return side(self._number(source, "width")), side(self._number(source, "height"))
        return None, None

    def _clip_skip(self, source: Node) -> int | None:
        found = self._through(source.inputs.get("positive", source.inputs.get("conditioning")))
        for _key, node in self._upstream(found[0]) if found else ():
            if "stop_at_clip_layer" in node.inputs:
                layer = whole(self._number(node, "stop_at_clip_layer"), low=-100, high=-1)
                return -layer if layer is not None else None
        return None

    # -- texts -----------------------------------------------------------------------------------------------------

    def _text(self, link: object, slot: int) -> str:
        """Every text that flows into a conditioning. Nodes with both kinds (ControlNet) are left by the slot asked."""
        pieces: dict[str, None] = {}
        waiting: list[object] = [link]
        seen: set[tuple[str, int]] = set()
        while waiting and self.left > 0:
            current = waiting.pop(0)
            found = self._through(current)
            if found is None or not isinstance(current, Link) or (found[0], current.slot) in seen:
                continue
            self.left -= 1
            seen.add((found[0], current.slot))
            node = found[1]
            words = self._words(node)
            if words is not None:
                pieces |= dict.fromkeys(words)
                continue
            side_name = "negative" if (slot == 1 or current.slot == 1) and "negative" in node.inputs else "positive"
            names = [name for name in node.inputs if name.startswith("conditioning")] or [side_name]
            waiting += [node.inputs.get(name) for name in names]
        return _joined(", ", pieces)

    def _words(self, node: Node) -> list[str] | None:
        """The texts of an encoding node; None if the node encodes none."""
        names = [name for name in _TEXT_INPUTS if name in node.inputs]
        if not names or any(name.startswith("conditioning") for name in node.inputs):
            return None
        words = [self._string(node.inputs[name], 0) for name in names]
        return list(dict.fromkeys(word for word in words if word.strip()))

    def _string(self, value: object, depth: int) -> str:
        """A text, or what the nodes it is linked to would make of their own texts."""
        if not isinstance(value, Link):
            words = text(value, min(MAX_PROMPT, max(0, self.signs))) if isinstance(value, str) else ""
            self.signs -= len(words)
            return words
        node = self._node(value)
        self.left -= 1
        if node is None or depth > 20 or self.left < 0:
            return ""
        delimiter = node.inputs.get("delimiter", "")
        items = [item for name, item in node.inputs.items() if name == "value" or _JOIN.match(name)]
        return _joined(text(delimiter, 100), (self._string(item, depth + 1) for item in items))

    def _any_text(self) -> str:
        for node in self.graph.values():
            if node.kind.startswith("CLIPTextEncode") and (words := self._words(node)):
                return _joined(", ", words)
        return ""

    # -- models ----------------------------------------------------------------------------------------------------

    def _resources(self, samplers: list[str], source: Node, positive: str, negative: str) -> list[Resource]:
        used = [self._node(other.inputs.get("vae")) for other in self.graph.values() if "Decode" in other.kind]
        vaes = {id(node) for node in used if node is not None}  # a loader that nothing asks is no resource
        found = self._models(source.inputs.get("model"))
        for key in samplers[1:]:
            found += self._models(self.graph[key].inputs.get("model"))
        for node in self.graph.values():
            if name := stem(node.inputs.get("control_net_name")):
                found.append(Resource("controlnet", name))
            if (name := stem(node.inputs.get("vae_name"))) and id(node) in vaes:
                found.append(Resource("vae", name))
            if node.kind == "UpscaleModelLoader" and (name := stem(node.inputs.get("model_name"))):
                found.append(Resource("upscaler", name))
        for prompt in (positive, negative):
            found += [Resource("embedding", stem(name)) for name in _EMBEDDING.findall(prompt)[:50]]
        return found

    def _models(self, link: object) -> list[Resource]:
        """Adapters on the way, in their order, down to the checkpoint."""
        found: list[Resource] = []
        start = self._through(link)
        for _key, node in self._upstream(start[0]) if start else ():
            if _is_sampler(node) or "upscale" in node.kind.lower():
                continue
            if name := stem(node.inputs.get("lora_name")):
                found.append(Resource("lora", name, real(self._number(node, "strength_model"))))
            elif name := stem(node.inputs.get("hypernetwork_name")):
                found.append(Resource("hypernetwork", name, real(self._number(node, "strength"))))
            found += _stacked(node)
            for key in _CHECKPOINTS:
                if name := stem(node.inputs.get(key)):
                    found.append(Resource("checkpoint", name))
        return found


def _joined(delimiter: str, parts: Iterable[str]) -> str:
    """Texts put together, as far as a prompt may be long: nodes that double each other's texts end there."""
    kept: list[str] = []
    room = MAX_PROMPT
    for part in parts:
        if part:
            kept.append(part)
            room -= len(part) + len(delimiter)
        if room <= 0:
            break
    return text(delimiter.join(kept))


def _stacked(node: Node) -> list[Resource]:
    """LoRA stacks of common node packs: `lora_1` objects with `on`, `lora` and `strength`."""
    found = []
    for name, value in node.inputs.items():
        is_on = name.lower().startswith("lora_") and isinstance(value, dict) and value.get("on", True)
        if is_on and (lora := stem(value.get("lora"))):
            found.append(Resource("lora", lora, real(value.get("strength"))))
    return found


def _is_sampler(node: Node) -> bool:
    if node.kind in ("SamplerCustom", "SamplerCustomAdvanced"):
        return True
    return {"positive", "steps", "cfg"} <= node.inputs.keys() or (
        "sampler_name" in node.inputs and "model" in node.inputs
    )


def _is_output(node: Node) -> bool:
    return "images" in node.inputs and ("Save" in node.kind or "Preview" in node.kind or "Output" in node.kind)
