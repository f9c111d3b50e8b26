"""NovelAI, Draw Things, Easy Diffusion, and this site's own receipts."""

from __future__ import annotations

import json
from typing import Any
from xml.sax.saxutils import escape

from tests.data.imagemeta import carriers
from tests.data.imagemeta.case import Case, resource
from tests.data.imagemeta.series import HOSTILE, LARGEST, WORLD, series, written

SHA = "4b1d0c7f9e2a63850f1e2d3c4b5a69788796a5b4c3d2e1f00112233445566778"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

# -- NovelAI ---------------------------------------------------------------------------------------

NOVEL_TOLD: dict[str, Any] = {
    "tool": "NovelAI", "prompt": "kiln", "negative": "smoke", "seed": "12", "steps": 28, "sampler": "Euler a",
    "schedule": "Karras", "cfg_scale": 6.0, "width": 832, "height": 1216,
    "resources": [resource("checkpoint", "NovelAI Diffusion V4", None, "37442fca")],
}  # fmt: skip


def _novel(prompt: str = "kiln", negative: str = "smoke", seed: int = 12, **more: Any) -> dict[str, str]:
    comment = {
        "prompt": prompt, "uc": negative, "seed": seed, "steps": 28, "scale": 6.0, "sampler": "k_euler_ancestral",
        "noise_schedule": "karras", "width": 832, "height": 1216, "request_type": "PromptGenerateRequest",
    } | more  # fmt: skip
    return {
        "Title": "NovelAI generated image",
        "Description": prompt,
        "Software": "NovelAI",
        "Source": "NovelAI Diffusion V4 37442FCA",
        "Comment": json.dumps(comment),
    }


def _stealth(name: str, shows: str, signature: str, text: str, told: dict[str, Any] | None, *, cut: int = 0) -> Case:
    pixels = carriers.hidden_pixels(text, signature)
    if cut:  # what lies behind this column is overwritten
        rows = [pixels[at : at + cut * 4] + bytes((40, 60, 80, 254)) * (64 - cut) for at in range(0, len(pixels), 256)]
        pixels = b"".join(rows)
    hidden = None if told is None else text
    from_pixels = told and {**told, "from_pixels": True}
    return Case(f"novelai-{name}.png", shows, carriers.png(size=64, pixels=pixels), {}, from_pixels, hidden)


def _novel_cases() -> list[Case]:
    people = {"v4_prompt": {"caption": {"base_caption": "kiln", "char_captions": [{"char_caption": "a potter"},
              {"char_caption": "a cat"}]}}}  # fmt: skip
    plain, world, hostile = _novel(), _novel(*WORLD, LARGEST), _novel(*HOSTILE)
    told_world = NOVEL_TOLD | {"prompt": WORLD[0], "negative": WORLD[1], "seed": str(LARGEST)}
    told_hostile = NOVEL_TOLD | {"prompt": HOSTILE[0], "negative": HOSTILE[1]}
    older = plain | {"Comment": json.dumps({"steps": 28, "sampler": "k_euler_ancestral", "seed": 12, "uc": "smoke"})}
    less = NOVEL_TOLD | {"cfg_scale": None, "width": None, "height": None, "schedule": ""}
    webui = "kiln\nNegative prompt: smoke\nSteps: 9, Sampler: Euler, CFG scale: 4, Seed: 5, Size: 128x96"
    told_webui = {"tool": "A1111", "prompt": "kiln", "negative": "smoke", "seed": "5", "steps": 9, "sampler": "Euler",
                  "cfg_scale": 4.0, "width": 128, "height": 96}  # fmt: skip
    text = json.dumps(plain)
    return [
        written("novelai-plain", "text chunks", plain, NOVEL_TOLD),
        written("novelai-people", "a prompt for each of two people", _novel(**people),
                NOVEL_TOLD | {"extra": {"Character 1": "a potter", "Character 2": "a cat"}}),
        written("novelai-older", "an older comment, the prompt in its own chunk", older, less),
        written("novelai-cut-text", "the comment breaks off", plain | {"Comment": plain["Comment"][:90]}, None),
        written("novelai-world", "other scripts", world, told_world),
        written("novelai-hostile", "prompts that look like the format", hostile, told_hostile),
        _stealth("alpha-packed", "in the alpha channel, packed", "stealth_pngcomp", text, NOVEL_TOLD),
        _stealth("alpha-bare", "in the alpha channel, not packed", "stealth_pnginfo", json.dumps(older), less),
        _stealth("alpha-webui", "A1111's text in the alpha channel", "stealth_pnginfo", webui, told_webui),
        _stealth("alpha-world", "in the alpha channel, other scripts", "stealth_pngcomp", json.dumps(world),
                 told_world),
        _stealth("alpha-hostile", "in the alpha channel, hostile prompts", "stealth_pngcomp", json.dumps(hostile),
                 told_hostile),
        _stealth("alpha-cut", "in the alpha channel, overwritten half way", "stealth_pngcomp", text, None, cut=20),
        _stealth("colors-packed", "in the colors", "stealth_rgbcomp", text, NOVEL_TOLD),
    ]  # fmt: skip


# -- Draw Things -----------------------------------------------------------------------------------

DRAW_TOLD: dict[str, Any] = {
    "tool": "Draw Things", "prompt": "kiln", "negative": "smoke", "seed": "12", "steps": 28, "sampler": "Euler a",
    "cfg_scale": 6.0, "width": 832, "height": 1216, "clip_skip": 2, "denoise": 1.0,
    "resources": [
        resource("checkpoint", "pond_f16"), resource("lora", "reed_lora_f16", 0.4), resource("lora", "ink", -0.3),
    ],
}  # fmt: skip


def _draw(prompt: str = "kiln", negative: str = "smoke", seed: int = 12) -> str:
    return json.dumps(
        {
            "c": prompt, "uc": negative, "seed": seed, "steps": 28, "scale": 6.0, "sampler": "Euler a",
            "size": "832x1216", "strength": 1.0, "model": "pond_f16.ckpt", "v2": {"clipSkip": 2},
            "lora": [{"model": "reed_lora_f16.ckpt", "weight": 0.4}, {"model": "ink.safetensors", "weight": -0.3}],
        },
        ensure_ascii=False,
    )  # fmt: skip


def _packet(comment: str, *, attribute: bool = False) -> str:
    quoted = escape(comment, {'"': "&quot;", "\n": "&#xA;"})
    inside = f'<rdf:Description exif:UserComment="{quoted}"/>'
    if not attribute:
        entry = f'<rdf:Alt><rdf:li xml:lang="x-default">{quoted}</rdf:li></rdf:Alt>'
        inside = f"<rdf:Description><exif:UserComment>{entry}</exif:UserComment></rdf:Description>"
    creator = "<xmp:CreatorTool>Draw Things</xmp:CreatorTool>"
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>{creator}{inside}</rdf:RDF></x:xmpmeta>'


def _draw_case(name: str, shows: str, comment: str, told: dict[str, Any], format: str = "PNG", **how: Any) -> Case:
    packet = _packet(comment, **how)
    ending = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "AVIF": "avif"}[format]
    if format == "PNG":
        data = carriers.png(carriers.text_chunk("XML:com.adobe.xmp", packet, "iTXt"))
    else:
        data = carriers.framed(format, xmp=packet.encode())
    return Case(f"drawthings-{name}.{ending}", shows, data, {"xmp": packet, "xmp:UserComment": comment}, told)


def _draw_cases() -> list[Case]:
    world = DRAW_TOLD | {"prompt": WORLD[0], "negative": WORLD[1], "seed": str(LARGEST)}
    hostile = DRAW_TOLD | {"prompt": HOSTILE[0], "negative": HOSTILE[1]}
    packet = _packet(_draw())
    cut = packet[: packet.index("</rdf:li>") - 40]
    data = carriers.png(carriers.text_chunk("XML:com.adobe.xmp", cut, "iTXt"))
    return [
        _draw_case("plain", "XMP in PNG", _draw(), DRAW_TOLD),
        _draw_case("jpeg", "XMP in JPEG", _draw(), DRAW_TOLD, "JPEG"),
        _draw_case("webp", "XMP in WebP", _draw(), DRAW_TOLD, "WEBP"),
        _draw_case("avif", "XMP in AVIF", _draw(), DRAW_TOLD, "AVIF"),
        _draw_case("attribute", "an attribute instead of a list", _draw(), DRAW_TOLD, attribute=True),
        _draw_case("world", "other scripts", _draw(*WORLD, LARGEST), world),
        _draw_case("hostile", "prompts that look like the format", _draw(*HOSTILE), hostile),
        Case("drawthings-cut-text.png", "the packet breaks off", data, {"xmp": cut}, None),
    ]


# -- Easy Diffusion --------------------------------------------------------------------------------

EASY_TOLD: dict[str, Any] = {
    "tool": "Easy Diffusion", "prompt": "kiln", "negative": "smoke", "seed": "12", "steps": 28, "sampler": "Euler a",
    "cfg_scale": 6.0, "width": 512, "height": 768, "clip_skip": 2, "denoise": 0.8,
    "resources": [
        resource("checkpoint", "pond"), resource("vae", "clear"), resource("lora", "reed", 0.4),
        resource("lora", "ink", -0.3),
    ],
}  # fmt: skip


def _easy(prompt: str = "kiln", negative: str = "smoke", seed: int = 12) -> dict[str, str]:
    return {
        "prompt": prompt, "seed": str(seed), "negative_prompt": negative, "num_inference_steps": "28",
        "guidance_scale": "6.0", "sampler_name": "euler_a", "width": "512", "height": "768", "clip_skip": "True",
        "prompt_strength": "0.8", "use_stable_diffusion_model": "sub/pond", "use_vae_model": "clear",
        "use_lora_model": "['reed', 'ink']", "lora_alpha": "[0.4, -0.3]", "use_hypernetwork_model": "None",
    }  # fmt: skip


def _easy_cases() -> list[Case]:
    one = _easy() | {"use_lora_model": "reed", "lora_alpha": "0.4"}
    cut = {name: text for name, text in _easy().items() if name in ("prompt", "seed", "negative_prompt")}
    missing = {
        "steps": None, "sampler": "", "cfg_scale": None, "width": None, "height": None, "clip_skip": None,
        "denoise": None, "resources": [],
    }  # fmt: skip
    plain = written("", "", _easy(), None).data
    block = {
        "prompt": "kiln", "seed": 12, "negative_prompt": "smoke", "num_inference_steps": 28, "guidance_scale": 6.0,
        "sampler_name": "euler_a", "width": 512, "height": 768, "clip_skip": True, "prompt_strength": 0.8,
        "use_stable_diffusion_model": "sub/pond", "use_vae_model": "clear", "use_lora_model": ["reed", "ink"],
        "lora_alpha": [0.4, -0.3], "use_hypernetwork_model": None,
    }  # fmt: skip
    text = json.dumps(block)
    webp = carriers.framed("WEBP", carriers.user_comment("MM", b"UNICODE\0" + text.encode("utf-16-be")))
    blocks = {f"png:{key}": value for key, value in _easy().items()}
    return [
        written("easy-plain", "one chunk a field", _easy(), EASY_TOLD),
        written("easy-one-lora", "one LoRA is no list", one, EASY_TOLD | {"resources": EASY_TOLD["resources"][:3]}),
        written("easy-few", "few fields", cut, EASY_TOLD | missing),
        Case("easy-cut-file.png", "the file breaks off behind the texts", plain[:-60], blocks, EASY_TOLD),
        written("easy-world", "other scripts", _easy(*WORLD, LARGEST),
                EASY_TOLD | {"prompt": WORLD[0], "negative": WORLD[1], "seed": str(LARGEST)}),
        written("easy-hostile", "prompts that look like others' formats", _easy(*HOSTILE),
                EASY_TOLD | {"prompt": HOSTILE[0], "negative": HOSTILE[1]}),
        Case("easy-exif.webp", "UserComment", webp, {"exif:UserComment": text}, EASY_TOLD),
    ]  # fmt: skip


# -- receipts --------------------------------------------------------------------------------------


def _receipt(prompt: str, negative: str, seed: int) -> dict[str, Any]:
    return {
        "safelight_receipt": 1,
        "request": {
            "version": 4, "prompt": prompt, "negative": negative, "seed": "", "width": 832, "height": 1216, "steps": 24,
            "sampler": "DPM++ 2M", "schedule_type": "Karras", "cfg_scale": 5.5, "clip_skip": 2, "denoise": 0.7,
            "loras": [{"version": 9, "weight": 0.6, "clip_weight": 0.4}], "hypernets": [], "embeddings": [],
            "vae": None, "batch_count": 1,
        },
        "ingredients": [
            {"role": "checkpoint", "name": "pondMix.safetensors", "sha256": SHA},
            {"role": "lora", "name": "reed.safetensors", "sha256": "ab" * 32, "weight": 0.6},
            {"role": "vae", "name": "clear.safetensors", "sha256": "cd" * 32},
            {"role": "embedding", "name": "calm.safetensors", "sha256": EMPTY},
            {"role": "hypernet", "name": "smoke.pt", "sha256": "ef" * 32, "weight": -0.25},
            {"role": "controlnet", "name": "lines.safetensors", "sha256": "12" * 32, "weight": 0.5},
            {"role": "unknown", "name": "x"}, "junk", {"role": "lora"},
        ],
        "seed": str(seed),
        "environment": {"engine": "diffusers", "torch": "2.13.0", "diffusers": "0.42.0", "device": "cpu",
                        "dtype": "float32", "attention": "sdpa"},
        "image_hash": "0123456789abcdef" * 4,
    }  # fmt: skip


RECEIPT_TOLD: dict[str, Any] = {
    "tool": "Safelight", "prompt": "kiln", "negative": "smoke", "seed": "12", "steps": 24, "sampler": "DPM++ 2M",
    "schedule": "Karras", "cfg_scale": 5.5, "width": 832, "height": 1216, "clip_skip": 2, "denoise": 0.7,
    "version": "1",
    "extra": {"Engine": "diffusers", "Torch": "2.13.0", "Diffusers": "0.42.0", "Device": "cpu", "Dtype": "float32",
              "Attention": "sdpa", "Image hash": "0123456789abcdef" * 4},
    "resources": [
        resource("checkpoint", "pondMix", None, SHA), resource("lora", "reed", 0.6, "ab" * 32),
        resource("vae", "clear", None, "cd" * 32), resource("embedding", "calm"),
        resource("hypernetwork", "smoke", -0.25, "ef" * 32), resource("controlnet", "lines", 0.5, "12" * 32),
    ],
}  # fmt: skip
BESIDE = "another prompt\nSteps: 9, Sampler: Euler, CFG scale: 4, Seed: 5, Size: 128x96"
BESIDE_TOLD = {
    "tool": "A1111", "prompt": "another prompt", "seed": "5", "steps": 9, "sampler": "Euler", "cfg_scale": 4.0,
    "width": 128, "height": 96,
}  # fmt: skip


def _receipt_cases() -> list[Case]:
    beside = {"parameters": BESIDE}
    whole = json.dumps(_receipt("kiln", "smoke", 12))
    batch = _receipt("kiln", "smoke", 12) | {"seed": None, "ingredients": {"not": "a list"}, "environment": []}
    batch["request"] |= {"seed": "12", "steps": "24", "cfg_scale": "5.5"}
    newer = _receipt("kiln", "smoke", 12) | {"safelight_receipt": 2, "new": {"field": [1]}}
    foreign = {"safelight_receipt": True, "request": {"prompt": "kiln"}}
    return [
        *series("receipt", "safelight", _receipt, RECEIPT_TOLD),
        written("receipt-beside", "a receipt wins over A1111's text", beside | {"safelight": whole}, RECEIPT_TOLD),
        written("receipt-cut-beside", "a receipt that breaks off leaves A1111's text",
                {"safelight": whole[:300]} | beside, BESIDE_TOLD),
        written("receipt-loose", "numbers as texts, the seed of the request, lists that are none",
                {"safelight": json.dumps(batch)}, RECEIPT_TOLD | {"resources": [],
                "extra": {"Image hash": "0123456789abcdef" * 4}}),
        written("receipt-newer", "a later kind of receipt", {"safelight": json.dumps(newer)},
                RECEIPT_TOLD | {"version": "2"}),
        written("receipt-foreign", "no receipt at all", {"safelight": json.dumps(foreign)} | beside, BESIDE_TOLD),
    ]  # fmt: skip


CASES = [*_novel_cases(), *_draw_cases(), *_easy_cases(), *_receipt_cases()]
