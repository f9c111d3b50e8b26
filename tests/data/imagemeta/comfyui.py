"""ComfyUI: the graph that ran (`prompt`) and the one that the editor shows (`workflow`)."""

from __future__ import annotations

import json
from typing import Any

from tests.data.imagemeta import carriers
from tests.data.imagemeta.case import Case, resource

LARGEST = 2**64 - 1
Graph = dict[str, dict[str, Any]]


def _node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"inputs": inputs, "class_type": kind, "_meta": {"title": kind}}


def _graph(positive: str = "tin lighthouse", negative: str = "crowd", seed: int = 881234) -> Graph:
    return {
        "3": _node("KSampler", seed=seed, steps=14, cfg=5.5, sampler_name="dpmpp_2m", scheduler="karras", denoise=1,
                   model=["10", 0], positive=["6", 0], negative=["7", 0], latent_image=["5", 0]),
        "4": _node("CheckpointLoaderSimple", ckpt_name="sd15/pondMix.safetensors"),
        "5": _node("EmptyLatentImage", width=512, height=640, batch_size=1),
        "6": _node("CLIPTextEncode", text=positive, clip=["11", 0]),
        "7": _node("CLIPTextEncode", text=negative, clip=["11", 0]),
        "8": _node("VAEDecode", samples=["3", 0], vae=["13", 0]),
        "9": _node("SaveImage", filename_prefix="ComfyUI", images=["8", 0]),
        "10": _node("LoraLoader", lora_name="sub\\reed.safetensors", strength_model=0.6, strength_clip=1.0,
                    model=["4", 0], clip=["4", 1]),
        "11": _node("CLIPSetLastLayer", stop_at_clip_layer=-2, clip=["10", 1]),
        "13": _node("VAELoader", vae_name="clear.safetensors"),
        "14": _node("VAELoader", vae_name="unused.safetensors"),
    }  # fmt: skip


TOLD: dict[str, Any] = {
    "tool": "ComfyUI", "prompt": "tin lighthouse", "negative": "crowd", "seed": "881234", "steps": 14,
    "sampler": "DPM++ 2M", "schedule": "Karras", "cfg_scale": 5.5, "width": 512, "height": 640, "clip_skip": 2,
    "denoise": 1.0,
    "resources": [
        resource("lora", "reed", 0.6), resource("checkpoint", "pondMix"), resource("vae", "clear"),
    ],
}  # fmt: skip
HOSTILE = 'a "quoted" {sign: [1, 2]}\nSteps: 20, Sampler: Euler\nNegative prompt: \\backslash\\ ["6", 0] NaN'


def _api(name: str, shows: str, graph: Graph, told: dict[str, Any] | None, *, text: str = "") -> Case:
    stored = text or json.dumps(graph)
    return Case(f"comfyapi-{name}.png", shows, carriers.png_texts({"prompt": stored}), {"png:prompt": stored}, told)


def _two_samplers() -> Graph:
    """A first pass, then the latent enlarged and sampled again; the second one made the picture."""
    graph = _graph()
    graph["20"] = _node("LatentUpscaleBy", upscale_method="nearest-exact", scale_by=1.5, samples=["3", 0])
    graph["21"] = _node("KSampler", seed=5, steps=8, cfg=4, sampler_name="euler_ancestral", scheduler="normal",
                        denoise=0.4, model=["22", 0], positive=["6", 0], negative=["7", 0],
                        latent_image=["20", 0])  # fmt: skip
    graph["22"] = _node("CheckpointLoaderSimple", ckpt_name="fineMix.safetensors")
    graph["8"]["inputs"]["samples"] = ["21", 0]
    return graph


def _advanced() -> Graph:
    """SamplerCustomAdvanced as Flux pictures are made, its sigmas cut, its numbers and words from primitive nodes."""
    return {
        "1": _node("SamplerCustomAdvanced", noise=["2", 0], guider=["3", 0], sampler=["4", 0], sigmas=["15", 0],
                   latent_image=["6", 0]),
        "2": _node("RandomNoise", noise_seed=["7", 0]),
        "3": _node("BasicGuider", model=["8", 0], conditioning=["9", 0]),
        "4": _node("KSamplerSelect", sampler_name="euler"),
        "5": _node("BasicScheduler", scheduler="simple", steps=["10", 0], denoise=1.0, model=["8", 0]),
        "6": _node("EmptySD3LatentImage", width=["16", 0], height=768, batch_size=1),
        "7": _node("PrimitiveInt", value=LARGEST),
        "8": _node("LoraLoaderModelOnly", lora_name="ink.safetensors", strength_model=-0.5, model=["11", 0]),
        "9": _node("FluxGuidance", guidance=3.5, conditioning=["12", 0]),
        "10": _node("PrimitiveInt", value=21),
        "11": _node("UNETLoader", unet_name="flux/dev.safetensors", weight_dtype="default"),
        "12": _node("CLIPTextEncode", text=["13", 0], clip=["17", 0]),
        "13": _node("StringConcatenate", string_a=["14", 0], string_b="at dusk", delimiter=", "),
        "14": _node("PrimitiveStringMultiline", value="a kiln,\nembers"),
        "15": _node("SplitSigmas", step=3, sigmas=["5", 0]),
        "16": _node("PrimitiveInt", value=1024),
        "17": _node("DualCLIPLoader", clip_name1="t5.safetensors", clip_name2="clip_l.safetensors", type="flux"),
        "18": _node("VAEDecode", samples=["1", 0], vae=["19", 0]),
        "19": _node("VAELoader", vae_name="ae.safetensors"),
        "20": _node("SaveImage", filename_prefix="flux", images=["18", 0]),
    }  # fmt: skip


ADVANCED_TOLD: dict[str, Any] = {
    "tool": "ComfyUI", "prompt": "a kiln,\nembers, at dusk", "seed": str(LARGEST), "steps": 21, "sampler": "Euler",
    "schedule": "Simple", "width": 1024, "height": 768, "denoise": 1.0,
    "resources": [resource("lora", "ink", -0.5), resource("checkpoint", "dev"), resource("vae", "ae")],
}  # fmt: skip


def _sdxl() -> Graph:
    """SDXL's two encoders, joined conditionings, a control net and an embedding."""
    graph = _graph(negative="crowd, embedding:calm_v2:1.1")
    graph["6"] = _node("CLIPTextEncodeSDXL", width=1024, height=1024, crop_w=0, crop_h=0, target_width=1024,
                       target_height=1024, text_g="tin lighthouse", text_l="tin lighthouse",
                       clip=["11", 0])  # fmt: skip
    graph["30"] = _node("CLIPTextEncode", text="at night", clip=["11", 0])
    graph["31"] = _node("ConditioningCombine", conditioning_1=["6", 0], conditioning_2=["30", 0])
    graph["32"] = _node("ControlNetLoader", control_net_name="lines.safetensors")
    graph["33"] = _node("ControlNetApplyAdvanced", strength=0.8, start_percent=0, end_percent=1, positive=["31", 0],
                        negative=["7", 0], control_net=["32", 0], image=["34", 0])  # fmt: skip
    graph["34"] = _node("LoadImage", image="sketch.png")
    graph["3"]["inputs"] |= {"positive": ["33", 0], "negative": ["33", 1]}
    return graph


def _api_cases() -> list[Case]:
    plain = json.dumps(_graph())
    two = TOLD | {
        "seed": "5", "steps": 8, "sampler": "Euler a", "schedule": "Normal", "cfg_scale": 4.0, "denoise": 0.4,
        "extra": {"Earlier passes": "1"},
        "resources": [
            resource("checkpoint", "fineMix"), resource("lora", "reed", 0.6), resource("checkpoint", "pondMix"),
            resource("vae", "clear"),
        ],
    }  # fmt: skip
    sdxl = TOLD | {
        "prompt": "tin lighthouse, at night", "negative": "crowd, embedding:calm_v2:1.1",
        "resources": [
            resource("lora", "reed", 0.6), resource("checkpoint", "pondMix"), resource("vae", "clear"),
            resource("controlnet", "lines"), resource("embedding", "calm_v2"),
        ],
    }  # fmt: skip
    bare = plain[:-1] + ', "40": {"class_type": "DirList", "inputs": {"bias": Infinity}, "is_changed": [NaN]}}'
    nan = plain.replace('"cfg": 5.5', '"cfg": NaN')
    webp = carriers.framed("WEBP", carriers.ascii_fields({0x0110: f"prompt:{plain}", 0x010F: "workflow:{}"}))
    world = _graph("маяк, 灯台, 等待", "размыто")
    return [
        _api("plain", "the usual graph", _graph(), TOLD),
        _api("two-samplers", "a second pass", _two_samplers(), two),
        _api("advanced", "SamplerCustomAdvanced, linked values", _advanced(), ADVANCED_TOLD),
        _api("sdxl", "two encoders, joined texts, a control net", _sdxl(), sdxl),
        _api("nan", "bare NaN and Infinity beside the graph", {}, TOLD, text=bare),
        _api("nan-inside", "bare NaN where a number should be", {}, TOLD | {"cfg_scale": None}, text=nan),
        _api("world", "other scripts", world, TOLD | {"prompt": "маяк, 灯台, 等待", "negative": "размыто"}),
        _api("hostile", "a prompt of signs", _graph(HOSTILE), TOLD | {"prompt": HOSTILE}),
        _api("largest-seed", "the largest seed", _graph(seed=LARGEST), TOLD | {"seed": str(LARGEST)}),
        _api("no-such-seed", "a seed too large by one", _graph(seed=LARGEST + 1), TOLD | {"seed": None}),
        _api("cut-text", "the graph breaks off", {}, None, text=plain[:700]),
        Case("comfyapi-exif.webp", "Exif fields of a WebP", webp,
             {"exif:Make": "workflow:{}", "exif:Model": f"prompt:{plain}"}, TOLD),
    ]  # fmt: skip


# -- the editor's form -------------------------------------------------------------------------------------------------


def _box(
    number: int,
    kind: str,
    inputs: list[tuple[str, str, int | None]] | None = None,
    outputs: list[str] | None = None,
    widgets: list[Any] | None = None,
    mode: int = 0,
) -> dict[str, Any]:
    """A node as the editor writes it. Inputs are name, type and link."""
    return {
        "id": number,
        "type": kind,
        "pos": [0, 0],
        "mode": mode,
        "inputs": [{"name": name, "type": type_, "link": link} for name, type_, link in inputs or []],
        "outputs": [{"name": type_, "type": type_, "links": []} for type_ in outputs or []],
        "properties": {"Node name for S&R": kind},
        "widgets_values": widgets or [],
    }


def _editor(positive: str = "tin lighthouse", negative: str = "crowd", seed: int = 881234) -> dict[str, Any]:
    conditioning, model, clip = "CONDITIONING", "MODEL", "CLIP"
    return {
        "last_node_id": 13, "version": 0.4,
        "nodes": [
            _box(3, "KSampler", [("model", model, 1), ("positive", conditioning, 2), ("negative", conditioning, 3),
                                 ("latent_image", "LATENT", 4)], ["LATENT"],
                 [seed, "randomize", 14, 5.5, "dpmpp_2m", "karras", 1]),
            _box(4, "CheckpointLoaderSimple", [], [model, clip, "VAE"], ["pondMix.safetensors"]),
            _box(5, "EmptyLatentImage", [], ["LATENT"], [512, 640, 1]),
            _box(6, "CLIPTextEncode", [("clip", clip, 5)], [conditioning], [positive]),
            _box(7, "CLIPTextEncode", [("clip", clip, 6)], [conditioning], [negative]),
            _box(8, "VAEDecode", [("samples", "LATENT", 7), ("vae", "VAE", 8)], ["IMAGE"]),
            _box(9, "SaveImage", [("images", "IMAGE", 9)], [], ["ComfyUI"]),
            _box(10, "LoraLoader", [("model", model, 10), ("clip", clip, 11)], [model, clip],
                 ["reed.safetensors", 0.6, 1]),
            _box(11, "CLIPSetLastLayer", [("clip", clip, 12)], [clip], [-2]),
        ],
        "links": [
            [1, 10, 0, 3, 0, model], [2, 6, 0, 3, 1, conditioning], [3, 7, 0, 3, 2, conditioning],
            [4, 5, 0, 3, 3, "LATENT"], [5, 11, 0, 6, 0, clip], [6, 11, 0, 7, 0, clip], [7, 3, 0, 8, 0, "LATENT"],
            [8, 4, 2, 8, 1, "VAE"], [9, 8, 0, 9, 0, "IMAGE"], [10, 4, 0, 10, 0, model], [11, 4, 1, 10, 1, clip],
            [12, 10, 1, 11, 0, clip],
        ],
    }  # fmt: skip


EDITOR_TOLD = TOLD | {"resources": [resource("lora", "reed", 0.6), resource("checkpoint", "pondMix")]}


def _changed(workflow: dict[str, Any], number: int, **changes: Any) -> dict[str, Any]:
    node = next(node for node in workflow["nodes"] if node["id"] == number)
    node.update(changes)
    return workflow


def _primitives() -> dict[str, Any]:
    """The seed and the prompt come from primitive nodes; the sampler keeps old values of its own."""
    workflow = _editor(seed=1)
    sampler = next(node for node in workflow["nodes"] if node["id"] == 3)
    sampler["inputs"].append({"name": "seed", "type": "INT", "link": 20, "widget": {"name": "seed"}})
    words = next(node for node in workflow["nodes"] if node["id"] == 6)
    words["inputs"].append({"name": "text", "type": "STRING", "link": 21, "widget": {"name": "text"}})
    workflow["nodes"] += [
        _box(20, "PrimitiveNode", [], ["INT"], [LARGEST, "fixed"]),
        _box(21, "PrimitiveNode", [], ["STRING"], ["stone arch"]),
        _box(22, "Reroute", [("", "*", 22)], ["STRING"]),
    ]
    workflow["links"] += [[20, 20, 0, 3, 4, "INT"], [22, 21, 0, 22, 0, "STRING"], [21, 22, 0, 6, 1, "STRING"]]
    return workflow


def _bypassed_control() -> dict[str, Any]:
    """A control net between the texts and the sampler is bypassed: each text goes on through its own output."""
    workflow = _editor()
    conditioning = "CONDITIONING"
    workflow["nodes"].append(
        _box(30, "ControlNetApplyAdvanced",
             [("positive", conditioning, 30), ("negative", conditioning, 31), ("control_net", "CONTROL_NET", None)],
             [conditioning, conditioning], [1, 0, 1], mode=4)
    )  # fmt: skip
    workflow["links"] = [link for link in workflow["links"] if link[0] not in (2, 3)] + [
        [30, 6, 0, 30, 0, conditioning], [31, 7, 0, 30, 1, conditioning],
        [2, 30, 0, 3, 1, conditioning], [3, 30, 1, 3, 2, conditioning],
    ]  # fmt: skip
    return workflow


def _subgraph(outer: list[Any], *, with_value: bool) -> dict[str, Any]:
    """The encoder of the prompt lies in a subgraph in a subgraph, the text asked for at the outer one."""
    workflow = _editor()
    inner = {
        "id": "inner-1", "name": "Words",
        "inputs": [{"name": "clip", "type": "CLIP"}, {"name": "text", "type": "STRING"}],
        "nodes": [_box(1, "CLIPTextEncode", [("clip", "CLIP", 1), ("text", "STRING", 2)], ["CONDITIONING"],
                       ["left inside"])],
        "links": [
            {"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 1, "target_slot": 0},
            {"id": 2, "origin_id": -10, "origin_slot": 1, "target_id": 1, "target_slot": 1},
            {"id": 3, "origin_id": 1, "origin_slot": 0, "target_id": -20, "target_slot": 0},
        ],
    }  # fmt: skip
    middle = {
        "id": "middle-1", "name": "More words", "inputs": inner["inputs"],
        "nodes": [_box(7, "inner-1", [("clip", "CLIP", 1), ("text", "STRING", 2)], ["CONDITIONING"])],
        "links": [
            {"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 7, "target_slot": 0},
            {"id": 2, "origin_id": -10, "origin_slot": 1, "target_id": 7, "target_slot": 1},
            {"id": 3, "origin_id": 7, "origin_slot": 0, "target_id": -20, "target_slot": 0},
        ],
    }  # fmt: skip
    box = _box(6, "middle-1", [("clip", "CLIP", 5)], ["CONDITIONING"], outer)
    if with_value:
        box["inputs"].append({"name": "text", "type": "STRING", "link": None, "widget": {"name": "text"}})
    workflow["nodes"] = [box if node["id"] == 6 else node for node in workflow["nodes"]]
    return workflow | {"definitions": {"subgraphs": [middle, inner]}}


def _without_links(workflow: dict[str, Any], *numbers: int) -> dict[str, Any]:
    """The same graph with these links taken away at both ends."""
    workflow["links"] = [link for link in workflow["links"] if link[0] not in numbers]
    for node in workflow["nodes"]:
        for entry in node["inputs"]:
            if entry["link"] in numbers:
                entry["link"] = None
    return workflow


def _fetched(kind: str = "") -> dict[str, Any]:
    """The model goes to the sampler under a name, through a Set whose own name is fetched by another Set, and so does
    the prompt; the chain of names that ends nowhere says nothing."""
    workflow = _without_links(_editor(), 1, 2)
    _link(workflow, 3, "model", 50)
    _link(workflow, 3, "positive", 51)
    setter, getter = f"{kind}SetNode" if not kind else "easy setNode", "GetNode" if not kind else "easy getNode"
    workflow["nodes"] += [
        _box(60, setter, [("MODEL", "MODEL", 52)], ["*"], ["the model"]),
        _box(61, getter, [], ["MODEL"], ["the model"]),
        _box(62, setter, [("MODEL", "MODEL", 53)], ["*"], ["model again"]),
        _box(63, getter, [], ["MODEL"], ["model again"]),
        _box(64, setter, [("CONDITIONING", "CONDITIONING", 54)], ["*"], ["words"]),
        _box(65, getter, [], ["CONDITIONING"], ["words"]),
        _box(66, getter, [], ["MODEL"], ["no such name"]),
        _box(67, "Reroute (rgthree)", [("", "*", 55)], ["*"]),
    ]
    workflow["links"] += [
        [52, 10, 0, 60, 0, "MODEL"], [53, 61, 0, 62, 0, "MODEL"], [55, 63, 0, 67, 0, "MODEL"],
        [50, 67, 0, 3, 0, "MODEL"], [54, 6, 0, 64, 0, "CONDITIONING"], [51, 65, 0, 3, 1, "CONDITIONING"],
    ]  # fmt: skip
    return workflow


def _link(workflow: dict[str, Any], number: int, name: str, link: int) -> None:
    node = next(node for node in workflow["nodes"] if node["id"] == number)
    next(entry for entry in node["inputs"] if entry["name"] == name)["link"] = link


def _names_in_a_circle() -> dict[str, Any]:
    """Two names that fetch each other: nobody knows the model, and the rest is read."""
    workflow = _without_links(_editor(), 1)
    _link(workflow, 3, "model", 50)
    workflow["nodes"] += [
        _box(60, "SetNode", [("*", "*", 51)], ["*"], ["one"]), _box(61, "GetNode", [], ["*"], ["one"]),
        _box(62, "SetNode", [("*", "*", 52)], ["*"], ["two"]), _box(63, "GetNode", [], ["*"], ["two"]),
    ]  # fmt: skip
    workflow["links"] += [[51, 63, 0, 60, 0, "*"], [52, 61, 0, 62, 0, "*"], [50, 61, 0, 3, 0, "MODEL"]]
    return workflow


def _fetched_inside() -> dict[str, Any]:
    """A subgraph fetches what is kept under a name outside of it."""
    workflow = _without_links(_subgraph([], with_value=False), 5)
    workflow["nodes"].append(_box(60, "SetNode", [("STRING", "STRING", 61)], ["*"], ["words"]))
    workflow["nodes"].append(_box(61, "PrimitiveStringMultiline", [], ["STRING"], ["kept outside"]))
    workflow["links"].append([61, 61, 0, 60, 0, "STRING"])
    inner = workflow["definitions"]["subgraphs"][1]
    inner["nodes"].append(_box(2, "GetNode", [], ["STRING"], ["words"]))
    inner["links"] = [link for link in inner["links"] if link["id"] != 2]
    inner["links"].append({"id": 2, "origin_id": 2, "origin_slot": 0, "target_id": 1, "target_slot": 1})
    return workflow


def _everywhere(*, typed: bool = True) -> dict[str, Any]:
    """Model, VAE and both texts are sent everywhere. Older versions of the pack write no type beside the input."""
    workflow = _without_links(_editor(), 1, 2, 3, 8, 11)
    sent = "MODEL" if typed else "*"
    workflow["nodes"] += [
        _box(70, "Anything Everywhere", [("anything", sent, 70)]),
        _box(71, "Anything Everywhere3",
             [("anything", "CLIP", 71), ("anything2", "VAE", 72), ("anything3", "*", None)]),
        _box(72, "Prompts Everywhere", [("+ve", "CONDITIONING", 73), ("-ve", "CONDITIONING", 74)]),
        _box(73, "Anything Everywhere", [("anything", "MODEL", 75)], mode=4),
    ]  # fmt: skip
    workflow["links"] += [
        [70, 10, 0, 70, 0, "MODEL"], [71, 4, 1, 71, 0, "CLIP"], [72, 4, 2, 71, 1, "VAE"],
        [73, 6, 0, 72, 0, "CONDITIONING"], [74, 7, 0, 72, 1, "CONDITIONING"], [75, 4, 0, 73, 0, "MODEL"],
    ]  # fmt: skip
    return workflow


def _everywhere_written() -> dict[str, Any]:
    """The pack wrote down which links it made: two models are sent, and only it knows where each goes."""
    workflow = _without_links(_editor(), 1)
    workflow["nodes"] += [
        _box(70, "Anything Everywhere", [("anything", "MODEL", 70)]),
        _box(71, "Anything Everywhere", [("anything", "MODEL", 71)]),
        _box(72, "CheckpointLoaderSimple", [], ["MODEL", "CLIP", "VAE"], ["other.safetensors"]),
    ]
    workflow["links"] += [[70, 10, 0, 70, 0, "MODEL"], [71, 72, 0, 71, 0, "MODEL"]]
    made = {"downstream": 3, "downstream_slot": 0, "upstream": "10", "upstream_slot": 0, "controller": 70}
    return workflow | {"extra": {"ue_links": [made]}}


def _everywhere_unclear() -> dict[str, Any]:
    """Two models are sent and nothing says which one is meant, or the pattern would have to be run: neither counts."""
    workflow = _everywhere_written() | {"extra": {}}
    patterns = [".*", "(m|mo)+del$", ".*"]
    workflow["nodes"].append(_box(73, "Anything Everywhere?", [("anything", "MODEL", 70)], [], patterns))
    return workflow


def _everywhere_by_name() -> dict[str, Any]:
    """A node that names the input goes before one that sends to all."""
    workflow = _everywhere_written() | {"extra": {}}
    workflow["nodes"] = [node for node in workflow["nodes"] if node["id"] != 70]
    workflow["nodes"].append(_box(73, "Anything Everywhere?", [("anything", "MODEL", 70)], [], [".*", "model", ".*"]))
    return workflow


def _two_passes() -> dict[str, Any]:
    workflow = _editor()
    sampler = _box(40, "KSamplerAdvanced",
                   [("model", "MODEL", 40), ("positive", "CONDITIONING", 41), ("negative", "CONDITIONING", 42),
                    ("latent_image", "LATENT", 43)], ["LATENT"],
                   ["enable", 99, "fixed", 30, 3.5, "uni_pc", "simple", 20, 10000, "disable"])  # fmt: skip
    workflow["nodes"].append(sampler)
    workflow["links"] = [link for link in workflow["links"] if link[0] != 7] + [
        [40, 4, 0, 40, 0, "MODEL"], [41, 6, 0, 40, 1, "CONDITIONING"], [42, 7, 0, 40, 2, "CONDITIONING"],
        [43, 3, 0, 40, 3, "LATENT"], [7, 40, 0, 8, 0, "LATENT"],
    ]  # fmt: skip
    return workflow


def _ui(name: str, shows: str, workflow: dict[str, Any], told: dict[str, Any] | None, *, text: str = "") -> Case:
    stored = text or json.dumps(workflow)
    data = carriers.png_texts({"workflow": stored})
    return Case(f"comfyui-{name}.png", shows, data, {"png:workflow": stored}, told)


def _ui_cases() -> list[Case]:
    plain = json.dumps(_editor())
    two = EDITOR_TOLD | {
        "seed": "99", "steps": 30, "sampler": "UniPC", "schedule": "Simple", "cfg_scale": 3.5, "denoise": None,
        "extra": {"Earlier passes": "1"},
        "resources": [resource("checkpoint", "pondMix"), resource("lora", "reed", 0.6)],
    }  # fmt: skip
    without = {"resources": [resource("checkpoint", "pondMix")]}
    cut = {"prompt": json.dumps(_graph())[:500], "workflow": plain}
    newer = _editor()
    newer["nodes"][0] |= {"type": "Sampler of a pack"}
    for widget in ("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise"):
        newer["nodes"][0]["inputs"].append({"name": widget, "type": "*", "link": None, "widget": {"name": widget}})
    return [
        _ui("plain", "the editor's graph alone", _editor(), EDITOR_TOLD),
        _ui("two-samplers", "a second pass", _two_passes(), two),
        _ui("primitives", "values from primitive nodes, through a reroute", _primitives(),
            EDITOR_TOLD | {"seed": str(LARGEST), "prompt": "stone arch"}),
        _ui("bypassed-lora", "a bypassed LoRA was not used", _changed(_editor(), 10, mode=4), EDITOR_TOLD | without),
        _ui("bypassed-control", "a bypassed control net keeps the two texts apart", _bypassed_control(), EDITOR_TOLD),
        _ui("muted", "a muted text is none", _changed(_editor(), 7, mode=2), EDITOR_TOLD | {"negative": ""}),
        _ui("subgraph", "a text given to a subgraph in a subgraph", _subgraph(["given outside"], with_value=True),
            EDITOR_TOLD | {"prompt": "given outside"}),
        _ui("subgraph-inside", "a text kept inside a subgraph", _subgraph([], with_value=False),
            EDITOR_TOLD | {"prompt": "left inside"}),
        _ui("set-get", "values kept under names, in a chain, through a pack's reroute", _fetched(), EDITOR_TOLD),
        _ui("set-get-easy", "the same by another pack", _fetched("easy"), EDITOR_TOLD),
        _ui("set-get-circle", "names that fetch each other", _names_in_a_circle(), EDITOR_TOLD | {"resources": []}),
        _ui("set-get-inside", "a subgraph fetches a name of outside", _fetched_inside(),
            EDITOR_TOLD | {"prompt": "kept outside", "clip_skip": None}),
        _ui("everywhere", "values sent everywhere", _everywhere(), EDITOR_TOLD),
        _ui("everywhere-untyped", "the same by an older version", _everywhere(typed=False), EDITOR_TOLD),
        _ui("everywhere-written", "the links that were made of it", _everywhere_written(), EDITOR_TOLD),
        _ui("everywhere-unclear", "two of one kind", _everywhere_unclear(), EDITOR_TOLD | {"resources": []}),
        _ui("everywhere-by-name", "one that names the input", _everywhere_by_name(), EDITOR_TOLD),
        _ui("declared", "an unknown sampler that names its values", newer, EDITOR_TOLD),
        _ui("nan", "bare NaN", {}, EDITOR_TOLD | {"denoise": None},
            text=plain.replace('"karras", 1]', '"karras", NaN]')),
        _ui("world", "other scripts", _editor("маяк, 灯台, منارة", "размыто"),
            EDITOR_TOLD | {"prompt": "маяк, 灯台, منارة", "negative": "размыто"}),
        _ui("hostile", "a prompt of signs", _editor(HOSTILE), EDITOR_TOLD | {"prompt": HOSTILE}),
        _ui("cut-text", "the graph breaks off", {}, None, text=plain[:900]),
        Case("comfyui-cut-prompt.png", "the graph that ran breaks off, the editor's is whole", carriers.png_texts(cut),
             {f"png:{key}": text for key, text in cut.items()}, EDITOR_TOLD),
    ]  # fmt: skip


CASES = [*_api_cases(), *_ui_cases()]
