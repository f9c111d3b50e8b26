"""AUTOMATIC1111's web UI, Forge and SD.Next: one text, in many envelopes."""

from __future__ import annotations

from typing import Any

from tests.data.imagemeta import carriers
from tests.data.imagemeta.case import Case, resource

LARGEST = 2**64 - 1
SHA = "5f3c9a1de07b42c86f1e9a30b7d4c852ee61f0937a8b2d4c15e6f7089a1b2c3d"
NOTHING_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

PLAIN = (
    "paper boat on a pond, (reeds:1.2)\nNegative prompt: duck, blurry\nSteps: 20, Sampler: DPM++ 2M, "
    "Schedule type: Karras, CFG scale: 6.5, Seed: 1234567890, Size: 512x768, Model hash: 6ce0161689, "
    "Model: pondMix_v2, VAE hash: 735e4c3a44, VAE: clear.vae.safetensors, Clip skip: 2, RNG: CPU, Version: v1.10.1"
)
PLAIN_TOLD: dict[str, Any] = {
    "tool": "A1111", "prompt": "paper boat on a pond, (reeds:1.2)", "negative": "duck, blurry", "seed": "1234567890",
    "steps": 20, "sampler": "DPM++ 2M", "schedule": "Karras", "cfg_scale": 6.5, "width": 512, "height": 768,
    "clip_skip": 2, "version": "v1.10.1", "extra": {"RNG": "CPU"},
    "resources": [
        resource("checkpoint", "pondMix_v2", None, "6ce0161689"), resource("vae", "clear.vae", None, "735e4c3a44")
    ],
}  # fmt: skip

WORLD = (
    "夕凪の灯台, маяк на скале, 等待, منارة, 🌊<lora:葦:0.7>\nNegative prompt: 低品質, размыто\nSteps: 28, "
    f"Sampler: Euler a, CFG scale: 7, Seed: {LARGEST}, Size: 832x1216, Model hash: 0a1b2c3d4e, "
    "Model: 夕景, Version: v1.9.4"
)
WORLD_TOLD: dict[str, Any] = {
    "tool": "A1111", "prompt": "夕凪の灯台, маяк на скале, 等待, منارة, 🌊<lora:葦:0.7>",
    "negative": "低品質, размыто", "seed": str(LARGEST), "steps": 28, "sampler": "Euler a", "cfg_scale": 7.0,
    "width": 832, "height": 1216, "version": "v1.9.4",
    "resources": [resource("checkpoint", "夕景", None, "0a1b2c3d4e"), resource("lora", "葦", 0.7)],
}  # fmt: skip

HOSTILE = (
    'a sign, "Steps: 99, Sampler: LMS, Seed: 7", on a wall\nNegative prompt: is painted on it too\n'
    "Steps: 3, Sampler: DDIM, CFG scale: 1, Seed: 2 of the stairs, {\"x\": [\n\\\"quoted\\\" <lora:reed:-0.4>\n"
    "Negative prompt: Steps: 5, CFG scale: 9, \"open\nSteps: 12, Sampler: Euler, CFG scale: 4, Seed: 5, Size: 64x96, "
    'Model: "a, b: c", Wildcard prompt: "a sign,\\nof: steps", '
    'Hashes: {"model": "aabbccddee", "lora:reed": "abcdef012345"}'
)  # fmt: skip
HOSTILE_TOLD: dict[str, Any] = {
    "tool": "A1111",
    "prompt": 'a sign, "Steps: 99, Sampler: LMS, Seed: 7", on a wall\nNegative prompt: is painted on it too\n'
    "Steps: 3, Sampler: DDIM, CFG scale: 1, Seed: 2 of the stairs, {\"x\": [\n\\\"quoted\\\" <lora:reed:-0.4>",
    "negative": 'Steps: 5, CFG scale: 9, "open', "seed": "5", "steps": 12, "sampler": "Euler", "cfg_scale": 4.0,
    "width": 64, "height": 96, "extra": {"Wildcard prompt": "a sign,\nof: steps"},
    "resources": [
        resource("checkpoint", "a, b: c", None, "aabbccddee"), resource("lora", "reed", -0.4, "abcdef012345")
    ],
}  # fmt: skip

PASSES = (
    "kiln <lora:reed:0.8> <lyco:ash:0.5:0.25> <hypernet:smoke:0.3>\nSteps: 30, Sampler: DPM++ SDE Karras, "
    "CFG scale: 5, Seed: 9, Size: 512x512, Model hash: abcd1234, Model: kiln, Denoising strength: 0.35, "
    "Hires upscale: 2, "
    'Hires steps: 12, Hires upscaler: 4x-Clear, Refiner: fine_xl [1122334455], Refiner switch at: 0.8, '
    'ControlNet 0: "Module: canny, Model: lines_sd15 [d14c016b], Weight: 0.6, Resize Mode: Crop and Resize", '
    f'Lora hashes: "reed: abcdef012345, ash: {NOTHING_HASH[:12]}", TI hashes: "calm: 99aabbccdd", '
    f'Hashes: {{"model": "{SHA}", "embed:calm": "99aabbccddee"}}, '
    'Civitai resources: [{"type": "lora", "weight": 0.8, "modelVersionId": 7}], Version: v1.6.0'
)  # fmt: skip
PASSES_TOLD: dict[str, Any] = {
    "tool": "A1111", "prompt": "kiln <lora:reed:0.8> <lyco:ash:0.5:0.25> <hypernet:smoke:0.3>", "seed": "9",
    "steps": 30, "sampler": "DPM++ SDE", "schedule": "Karras", "cfg_scale": 5.0, "width": 512, "height": 512,
    "denoise": 0.35, "version": "v1.6.0",
    "extra": {
        "Hires upscale": "2", "Hires steps": "12", "Hires upscaler": "4x-Clear", "Refiner": "fine_xl [1122334455]",
        "Refiner switch at": "0.8",
        "ControlNet 0": "Module: canny, Model: lines_sd15 [d14c016b], Weight: 0.6, Resize Mode: Crop and Resize",
    },
    "resources": [
        resource("checkpoint", "kiln", None, SHA), resource("lora", "reed", 0.8, "abcdef012345"),
        resource("lora", "ash", 0.25), resource("hypernetwork", "smoke", 0.3),
        resource("embedding", "calm", None, "99aabbccddee"), resource("controlnet", "lines_sd15", 0.6, "d14c016b"),
        resource("checkpoint", "fine_xl", None, "1122334455"), resource("upscaler", "4x-Clear"),
    ],
}  # fmt: skip


def _png(name: str, shows: str, text: str, told: dict[str, Any] | None, kind: str = "") -> Case:
    return Case(f"{name}.png", shows, carriers.png_texts({"parameters": text}, kind), {"png:parameters": text}, told)


def _exif(name: str, shows: str, format: str, stored: tuple[str, bytes, str], text: str, told: dict[str, Any]) -> Case:
    order, code, encoding = stored
    data = carriers.framed(format, carriers.user_comment(order, code + text.encode(encoding)))
    ending = {"JPEG": "jpg", "WEBP": "webp", "AVIF": "avif"}[format]
    return Case(f"{name}.{ending}", shows, data, {"exif:UserComment": text}, told)


_UNICODE = b"UNICODE\0"
ENVELOPES = {
    "unicode-be": ("MM", _UNICODE, "utf-16-be"),
    "unicode-le": ("II", _UNICODE, "utf-16-le"),
    "unicode-be-in-ii": ("II", _UNICODE, "utf-16-be"),
    "unicode-bom": ("II", _UNICODE, "utf-16"),
    "unicode-utf8": ("MM", _UNICODE, "utf-8"),
    "ascii-utf8": ("II", b"ASCII\0\0\0", "utf-8"),
    "nuls": ("MM", bytes(8), "utf-8"),
    "bare": ("II", b"", "utf-8"),
}
_JAPANESE = (
    "夕凪の灯台\nNegative prompt: 低品質\nSteps: 28, "
    "Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 64x64, Version: v1.9.4"
)
_JAPANESE_TOLD = {
    "tool": "A1111", "prompt": "夕凪の灯台", "negative": "低品質", "seed": "42", "steps": 28, "sampler": "Euler a",
    "cfg_scale": 7.0, "width": 64, "height": 64, "version": "v1.9.4",
}  # fmt: skip


def _envelopes() -> list[Case]:
    cases = []
    for number, (name, stored) in enumerate(ENVELOPES.items()):
        format = ("JPEG", "WEBP", "AVIF")[number % 3]
        shows = f"UserComment in {format}: {name}"
        cases.append(_exif(f"a1111-{name}", shows, format, stored, PLAIN, PLAIN_TOLD))
        cases.append(_exif(f"a1111-{name}-world", f"{shows}, other scripts", format, stored, WORLD, WORLD_TOLD))
    jis = ("MM", b"JIS\0\0\0\0\0", "iso2022_jp")
    return [*cases, _exif("a1111-jis", "UserComment in JIS", "JPEG", jis, _JAPANESE, _JAPANESE_TOLD)]


def _a1111() -> list[Case]:
    cut = PLAIN[: PLAIN.index(", Size")]
    cut_told = {name: PLAIN_TOLD[name] for name in PLAIN_TOLD if name not in {"width", "height", "clip_skip", "extra"}}
    cut_told |= {"resources": [], "version": ""}
    whole = carriers.png_texts({"parameters": PLAIN})
    return [
        _png("a1111-plain", "all the usual fields", PLAIN, PLAIN_TOLD),
        _png("a1111-passes", "hires pass, refiner, control net, networks named in three places", PASSES, PASSES_TOLD),
        _png("a1111-cut-text", "the text breaks off", cut, cut_told),
        Case("a1111-cut-file.png", "the file breaks off behind the text", whole[:-60], {"png:parameters": PLAIN},
             PLAIN_TOLD),
        _png("a1111-world", "other scripts, the largest seed", WORLD, WORLD_TOLD),
        _png("a1111-world-text", "UTF-8 in a tEXt chunk", WORLD, WORLD_TOLD, "tEXt"),
        _png("a1111-world-packed", "a packed iTXt chunk", WORLD, WORLD_TOLD, "iTXz"),
        _png("a1111-packed", "a zTXt chunk", PLAIN, PLAIN_TOLD, "zTXt"),
        _png("a1111-hostile", "a prompt that looks like parameters", HOSTILE, HOSTILE_TOLD),
        Case("a1111-comment.gif", "a comment", carriers.gif(PLAIN), {"gif:comment": PLAIN}, PLAIN_TOLD),
        Case("a1111-comment.jpg", "a comment", carriers.jpeg_comment(PLAIN), {"jpeg:comment": PLAIN}, PLAIN_TOLD),
        _png("a1111-no-data", "a text that is no generation data", "a holiday by the sea", None),
    ]  # fmt: skip


def _variant(name: str, tool: str, old: str, new: str, told: dict[str, Any]) -> list[Case]:
    """The same facts as another tool would have written them: another end of the text."""

    def ending(text: str) -> str:
        return text.replace(old, new) if old in text else f"{text}, {new}"

    def by(facts: dict[str, Any]) -> dict[str, Any]:
        return facts | {"tool": tool} | told

    plain = ending(PLAIN)
    stored = ("MM", _UNICODE, "utf-16-be")
    cut = plain[: plain.index(", Clip skip")] + plain[plain.index(", RNG") :]
    return [
        _png(f"{name}-plain", "all the usual fields", plain, by(PLAIN_TOLD)),
        _png(f"{name}-passes", "two passes, networks", ending(PASSES.replace("v1.6.0", "v1.10.1")), by(PASSES_TOLD)),
        _png(f"{name}-short", "a field less", cut, by({**PLAIN_TOLD, "clip_skip": None})),
        _png(f"{name}-world", "other scripts", ending(WORLD.replace("v1.9.4", "v1.10.1")), by(WORLD_TOLD)),
        _png(f"{name}-hostile", "a prompt that looks like parameters", ending(HOSTILE), by(HOSTILE_TOLD)),
        _exif(f"{name}-jpeg", "UserComment", "JPEG", stored, plain, by(PLAIN_TOLD)),
        _exif(f"{name}-webp", "UserComment", "WEBP", stored, plain, by(PLAIN_TOLD)),
        _exif(f"{name}-avif", "UserComment", "AVIF", stored, plain, by(PLAIN_TOLD)),
    ]


def _cut_variants() -> list[Case]:
    forge = PLAIN.replace("v1.10.1", "f2.0.1v1.10.1-previous-659-gc055f2d4")
    next_ = (
        "heron\nNegative prompt: net\nSteps: 18, Size: 640x512, Sampler: UniPC, Seed: 77, CFG scale: 6, "
        "CFG rescale: 0.7, Model: pondMix_v2, Model hash: 6ce0161689, App: SD.Next, Version: 7a2c9d1, "
        "Backend: Diffusers, Operations: txt2i"
    )
    told = {
        "tool": "SD.Next", "prompt": "heron", "negative": "net", "seed": "77", "steps": 18, "sampler": "UniPC",
        "cfg_scale": 6.0, "width": 640, "height": 512, "version": "7a2c9d1",
        "extra": {"CFG rescale": "0.7", "Backend": "Diffusers", "Operations": "txt2i"},
        "resources": [resource("checkpoint", "pondMix_v2", None, "6ce0161689")],
    }  # fmt: skip
    forge_told = PLAIN_TOLD | {"tool": "Forge", "version": "f2.0.1v1.10.1-previous-659-gc055f2d4"}
    files = [("forge", forge, forge_told), ("sdnext", next_, told)]
    return [
        Case(
            f"{name}-cut-file.png",
            "the file breaks off behind the text; the tool's own order of fields",
            carriers.png_texts({"parameters": text})[:-60],
            {"png:parameters": text},
            facts,
        )
        for name, text, facts in files
    ]


FORGE = "f2.0.1v1.10.1-previous-659-gc055f2d4"
CASES = [
    *_a1111(),
    *_envelopes(),
    *_variant("forge", "Forge", "Version: v1.10.1", f"Version: {FORGE}", {"version": FORGE}),
    *_variant("sdnext", "SD.Next", "Version: v1.10.1", "App: SD.Next, Version: 7a2c9d1", {"version": "7a2c9d1"}),
    *_cut_variants(),
]
