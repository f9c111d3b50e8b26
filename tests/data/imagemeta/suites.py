"""InvokeAI, SwarmUI, Fooocus and RuinedFooocus."""

from __future__ import annotations

import json
from typing import Any

from tests.data.imagemeta import carriers
from tests.data.imagemeta.case import Case, resource
from tests.data.imagemeta.series import LARGEST, WORLD, series, written

SHA = "4b1d0c7f9e2a63850f1e2d3c4b5a69788796a5b4c3d2e1f00112233445566778"

# -- InvokeAI --------------------------------------------------------------------------------------


def _invoke(prompt: str, negative: str, seed: int) -> dict[str, Any]:
    return {
        "app_version": "5.6.0", "generation_mode": "txt2img", "positive_prompt": prompt, "negative_prompt": negative,
        "seed": seed, "steps": 25, "cfg_scale": 5, "scheduler": "dpmpp_2m_k", "width": 768, "height": 512,
        "clip_skip": 1, "rand_device": "cpu",
        "model": {"key": "1f0a", "hash": f"blake3:{SHA}", "name": "pond", "base": "sdxl", "type": "main"},
        "vae": {"key": "1f0b", "hash": "", "name": "clear", "base": "sdxl", "type": "vae"},
        "loras": [{"model": {"key": "1f0c", "hash": "", "name": "reed", "type": "lora"}, "weight": 0.75}],
        "controlnets": [{"control_model": {"name": "lines"}, "control_weight": 0.5}],
    }  # fmt: skip


INVOKE_TOLD: dict[str, Any] = {
    "tool": "InvokeAI", "prompt": "kiln", "negative": "smoke", "seed": "12", "steps": 25, "sampler": "DPM++ 2M",
    "schedule": "Karras", "cfg_scale": 5.0, "width": 768, "height": 512, "clip_skip": 2, "version": "5.6.0",
    "resources": [
        resource("checkpoint", "pond", None, SHA), resource("vae", "clear"), resource("lora", "reed", 0.75),
        resource("controlnet", "lines", 0.5),
    ],
}  # fmt: skip


def _invoke_refined() -> Case:
    block = _invoke("kiln", "smoke", 12) | {
        "strength": 0.6, "refiner_model": {"name": "fine", "hash": ""}, "refiner_steps": 10, "loras": None,
        "controlnets": {"not": "a list"}, "scheduler": "unknown_sampler_k",
    }  # fmt: skip
    told = INVOKE_TOLD | {
        "denoise": 0.6, "sampler": "unknown_sampler", "schedule": "Karras",
        "resources": [
            resource("checkpoint", "pond", None, SHA), resource("vae", "clear"), resource("checkpoint", "fine"),
        ],
    }  # fmt: skip
    return written(
        "invokeai-refined", "a refiner, fields of other kinds", {"invokeai_metadata": json.dumps(block)}, told
    )


OLD_TOLD: dict[str, Any] = {
    "tool": "InvokeAI", "prompt": "kiln", "negative": "smoke", "seed": "12", "steps": 25, "sampler": "Euler a",
    "cfg_scale": 5.0, "width": 768, "height": 512,
}  # fmt: skip
OLD_MODEL = {"version": "2.3.5", "resources": [resource("checkpoint", "stable-diffusion-1.5", None, SHA)]}


def _old_invoke(prompt: str, negative: str, seed: int) -> dict[str, Any]:
    """InvokeAI 2 wrote what it did not want in square brackets into the prompt."""
    image = {"prompt": [{"prompt": f"{prompt} [{negative}]", "weight": 1}], "steps": 25, "seed": seed, "width": 768,
             "height": 512, "cfg_scale": 5, "sampler": "k_euler_a"}  # fmt: skip
    return {"model": "stable diffusion", "model_weights": "stable-diffusion-1.5", "model_hash": SHA,
            "app_version": "2.3.5", "image": image}  # fmt: skip


def _old_cases() -> list[Case]:
    dream = '"kiln [smoke]" -s 25 -S 12 -W 768 -H 512 -C 5.0 -A k_euler_a'
    quoted = r'"a \"kiln\" -s 3 [Steps: 9, \"x\"]" -s 25 -S 12 -W 768 -H 512 -C 5.0 -A k_euler_a -f 0.4'
    plain = json.dumps(_old_invoke("kiln", "smoke", 12))
    world = json.dumps(_old_invoke(*WORLD, LARGEST))
    hostile = ('"Steps: 9, Seed: 3"\nNegative prompt: no', 'Steps: 1, "quoted"')
    told = OLD_TOLD | OLD_MODEL
    key = "sd-metadata"
    return [
        written("oldinvoke-plain", "sd-metadata", {key: plain, "Dream": dream}, told),
        written("oldinvoke-dream", "a command line alone", {"Dream": dream}, OLD_TOLD),
        written("oldinvoke-dream-hostile", "a command line with quotes and options in its prompt", {"Dream": quoted},
                OLD_TOLD | {"prompt": 'a "kiln" -s 3', "negative": 'Steps: 9, "x"', "denoise": 0.4}),
        written("oldinvoke-cut-text", "sd-metadata breaks off, the command line is whole",
                {key: plain[:150], "Dream": dream}, OLD_TOLD),
        written("oldinvoke-cut-dream", "a command line without an end", {"Dream": dream[:10]}, None),
        written("oldinvoke-world", "other scripts", {key: world},
                told | {"prompt": WORLD[0], "negative": WORLD[1], "seed": str(LARGEST)}),
        written("oldinvoke-hostile", "prompts that look like others' formats",
                {key: json.dumps(_old_invoke(*hostile, 12))}, told | {"prompt": hostile[0], "negative": hostile[1]}),
    ]  # fmt: skip


# -- SwarmUI ---------------------------------------------------------------------------------------


def _swarm(prompt: str, negative: str, seed: int) -> dict[str, Any]:
    return {
        "sui_image_params": {
            "prompt": prompt, "negativeprompt": negative, "model": "xl/pondMix", "seed": seed, "steps": 24,
            "cfgscale": 6.5, "width": 832, "height": 1216, "sampler": "euler_ancestral", "scheduler": "karras",
            "clipstopatlayer": -2, "vae": "clear", "swarm_version": "0.9.5.0", "loras": ["fern/leaf_a", "fern/leaf b"],
            "loraweights": ["0.35", "-0.45"],
        },
        "sui_extra_data": {"date": "2025-01-02"},
        "sui_models": [
            {"name": "xl/pondMix.safetensors", "param": "model", "hash": f"0x{SHA}"},
            {"name": "fern/leaf_a.safetensors", "param": "loras", "hash": "0x" + "ab" * 32},
        ],
    }  # fmt: skip


SWARM_TOLD: dict[str, Any] = {
    "tool": "SwarmUI", "prompt": "kiln", "negative": "smoke", "seed": "12", "steps": 24, "sampler": "Euler a",
    "schedule": "Karras", "cfg_scale": 6.5, "width": 832, "height": 1216, "clip_skip": 2, "version": "0.9.5.0",
    "resources": [
        resource("checkpoint", "pondMix", None, SHA), resource("vae", "clear"),
        resource("lora", "leaf_a", 0.35, "ab" * 32), resource("lora", "leaf b", -0.45),
    ],
}  # fmt: skip


def _swarm_cases() -> list[Case]:
    block = _swarm("kiln", "smoke", 12)
    plain = json.dumps(block)
    texts = json.loads(plain)
    texts["sui_image_params"] |= {"loras": "fern/leaf_a,fern/leaf b", "loraweights": "0.35,-0.45"}
    comma = plain[:-1] + ",}"
    graph = json.dumps({"1": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 2, "cfg": 3, "positive": 4}}})
    jpeg = carriers.framed("JPEG", carriers.user_comment("MM", b"UNICODE\0" + plain.encode("utf-16-be")))
    return [
        *series("swarm", "parameters", _swarm, SWARM_TOLD),
        written("swarm-lists", "lists as texts", {"parameters": json.dumps(texts)}, SWARM_TOLD),
        written("swarm-comma", "a comma before the last brace, as its documentation has it", {"parameters": comma},
                SWARM_TOLD),
        written("swarm-graph", "a ComfyUI graph beside it", {"parameters": plain, "prompt": graph}, SWARM_TOLD),
        Case("swarm-jpeg.jpg", "UserComment", jpeg, {"exif:UserComment": plain}, SWARM_TOLD),
    ]  # fmt: skip


# -- Fooocus ---------------------------------------------------------------------------------------

SEED = 7310486651297043915


def _fooocus(prompt: str, negative: str, seed: int) -> dict[str, Any]:
    return {
        "prompt": prompt, "negative_prompt": negative, "prompt_expansion": "", "seed": str(seed), "steps": 30,
        "styles": "['Fooocus V2', \"Painter's Ink\"]", "performance": "Speed", "resolution": "(896, 1152)",
        "guidance_scale": 4.0, "sharpness": 2.0, "base_model": "pondMix", "base_model_hash": "aa11bb22cc",
        "refiner_model": "None", "refiner_switch": 0.5, "sampler": "dpmpp_2m_sde_gpu", "scheduler": "karras",
        "vae": "Default (model)", "clip_skip": 2, "version": "Fooocus v2.5.5", "metadata_scheme": "fooocus",
        "loras": [["leaf.safetensors", 0.5, "aa11bb22dd"], ["sub/ink.safetensors", -0.2, "aa11bb22ee"]],
    }  # fmt: skip


FOOOCUS_TOLD: dict[str, Any] = {
    "tool": "Fooocus", "prompt": "kiln", "negative": "smoke", "seed": "12", "steps": 30, "sampler": "DPM++ 2M SDE",
    "schedule": "Karras", "cfg_scale": 4.0, "width": 896, "height": 1152, "clip_skip": 2, "version": "Fooocus v2.5.5",
    "extra": {"Styles": "Fooocus V2, Painter's Ink"},
    "resources": [
        resource("checkpoint", "pondMix", None, "aa11bb22cc"), resource("lora", "leaf", 0.5, "aa11bb22dd"),
        resource("lora", "ink", -0.2, "aa11bb22ee"),
    ],
}  # fmt: skip
BY_WEBUI: dict[str, Any] = {
    "tool": "Fooocus", "prompt": "fog bank", "negative": "people", "seed": str(SEED), "steps": 30,
    "sampler": "DPM++ 2M SDE", "schedule": "Karras", "cfg_scale": 4.0, "width": 896, "height": 1152,
    "version": "Fooocus v2.2.1",
    "resources": [resource("checkpoint", "pondMix", None, "aa11bb22cc")],
}  # fmt: skip


def _by_webui(prompt: str = "fog bank", loras: str = "Lora hashes: , Lora weights: ") -> str:
    return (
        f"{prompt}\nNegative prompt: people\nSteps: 30, Sampler: DPM++ 2M SDE Karras, Seed: {SEED}, Size: 896x1152, "
        f"CFG scale: 4, Base model: pondMix, Model hash: aa11bb22cc, {loras}, Version: Fooocus v2.2.1"
    )


def _fooocus_cases() -> list[Case]:
    plain = json.dumps(_fooocus("kiln", "smoke", 12))
    fields = {0x0131: "Fooocus v2.5.5", 0x9286: plain}
    weighted = _by_webui(loras='Lora hashes: "leaf: aa11bb22dd, ink: aa11bb22ee", Lora weights: "leaf: 0.5, ink: -0.2"')
    loras = [resource("lora", "leaf", 0.5, "aa11bb22dd"), resource("lora", "ink", -0.2, "aa11bb22ee")]
    cut = _by_webui()
    cut = cut[: cut.index(", CFG scale")]
    missing = {"cfg_scale": None, "resources": [], "version": "", "tool": "A1111"}
    scheme = {"fooocus_scheme": "a1111"}
    signs = 'Steps: 2, "Seed: 1"\nNegative prompt: no'
    return [
        *series("fooocus", "parameters", _fooocus, FOOOCUS_TOLD, more={"fooocus_scheme": "fooocus"}),
        Case("fooocus-exif.jpg", "Exif as Pillow writes it, the comment in the first directory",
             carriers.framed("JPEG", carriers.ascii_fields(fields)),
             {"exif:Software": "Fooocus v2.5.5", "exif:UserComment": plain}, FOOOCUS_TOLD),
        written("fooocuswebui-plain", "A1111's scheme, empty lists", {"parameters": _by_webui()} | scheme, BY_WEBUI),
        written("fooocuswebui-loras", "A1111's scheme, two LoRAs", {"parameters": weighted} | scheme,
                BY_WEBUI | {"resources": [*BY_WEBUI["resources"], *loras]}),
        written("fooocuswebui-cut-text", "A1111's scheme breaks off", {"parameters": cut} | scheme, BY_WEBUI | missing),
        written("fooocuswebui-world", "A1111's scheme, other scripts", {"parameters": _by_webui(WORLD[0])} | scheme,
                BY_WEBUI | {"prompt": WORLD[0]}),
        written("fooocuswebui-hostile", "A1111's scheme, a prompt like it", {"parameters": _by_webui(signs)} | scheme,
                BY_WEBUI | {"prompt": signs}),
    ]  # fmt: skip


def _ruined(prompt: str, negative: str, seed: int) -> dict[str, Any]:
    return {
        "Prompt": prompt, "Negative": negative, "steps": 20, "cfg": 5, "width": 896, "height": 1152, "seed": seed,
        "sampler_name": "dpmpp_2m", "scheduler": "karras", "base_model_name": "pondMix.safetensors",
        "base_model_hash": "aa11bb22cc", "clip_skip": 1, "denoise": 1.0, "software": "RuinedFooocus",
        "loras": [{"name": "leaf.safetensors", "weight": 0.5, "hash": "aa11bb22dd"}, ["ink", -0.2], "junk", None],
    }  # fmt: skip


RUINED_TOLD: dict[str, Any] = {
    "tool": "RuinedFooocus", "prompt": "kiln", "negative": "smoke", "seed": "12", "steps": 20, "sampler": "DPM++ 2M",
    "schedule": "Karras", "cfg_scale": 5.0, "width": 896, "height": 1152, "clip_skip": 1, "denoise": 1.0,
    "resources": [
        resource("checkpoint", "pondMix", None, "aa11bb22cc"), resource("lora", "leaf", 0.5, "aa11bb22dd"),
        resource("lora", "ink", -0.2),
    ],
}  # fmt: skip

CASES = [
    *series("invokeai", "invokeai_metadata", _invoke, INVOKE_TOLD),
    _invoke_refined(),
    *_old_cases(),
    *_swarm_cases(),
    *_fooocus_cases(),
    *series("ruined", "parameters", _ruined, RUINED_TOLD),
]
