"""Generation data of every tool's dialect, and what hostile files do with it."""

from __future__ import annotations

import json
import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.imagemeta.blocks import MAX_BLOCK
from gallery.imagemeta.exif import read_exif
from gallery.imagemeta.generation import Resource
from gallery.imagemeta.read import read_generation
from gallery.imagemeta.stealth import read_stealth
from registry.formats.errors import MalformedFile
from tests.gallery import mutations
from tests.gallery.pictures import picture, png, png_with_chunk, stealth, user_comment

A1111 = (
    "夕凪 (lighthouse:1.2), <lora:reed:0.7> a < b\nNegative prompt: blurry\nSteps: 20, Sampler: DPM++ 2M Karras, "
    "CFG scale: 6.5, Seed: 18446744073709551615, Size: 512x768, Model hash: 6ce0161689, Model: pondMix, Clip skip: 2, "
    'Lora hashes: "reed: abcdef012345", Version: v1.10.1'
)
H1, H2 = "a1" * 6, "b2" * 6


def _checked_a1111(found):
    assert found.tool == "A1111"
    assert found.prompt == "夕凪 (lighthouse:1.2), <lora:reed:0.7> a < b"
    assert (found.negative, found.seed, found.steps, found.clip_skip) == ("blurry", 2**64 - 1, 20, 2)
    assert (found.sampler, found.schedule, found.cfg_scale) == ("DPM++ 2M", "Karras", 6.5)
    assert (found.width, found.height) == (512, 768)
    assert found.resources == (
        Resource("checkpoint", "pondMix", None, "6ce0161689"),
        Resource("lora", "reed", 0.7, "abcdef012345"),
    )


def test_a1111_in_png():
    data = png(parameters=A1111)

    found = read_generation(data)

    _checked_a1111(found)
    assert found.raw == {"png:parameters": A1111}


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF"])
@pytest.mark.parametrize(
    ("order", "code", "encoding"),
    [
        pytest.param("MM", b"UNICODE\0", "utf-16-be", id="as written by A1111"),
        pytest.param("II", b"UNICODE\0", "utf-16-le", id="in the file's order"),
        pytest.param("II", b"UNICODE\0", "utf-16-be", id="always big-endian"),
        pytest.param("MM", b"UNICODE\0", "utf-8", id="UTF-8 under the wrong name"),
        pytest.param("II", b"ASCII\0\0\0", "utf-8", id="UTF-8 as ASCII"),
        pytest.param("MM", b"\0" * 8, "utf-8", id="eight NULs"),
    ],
)
def test_a1111_in_exif(format, order, code, encoding):
    data = picture(format, user_comment(order, code + A1111.encode(encoding)))

    _checked_a1111(read_generation(data))


def test_resources_named_in_three_places_are_told_once():
    text = (
        "gulls <lora:gullA:0.8> <lora:gullB:0.5> <lora:local_c:0.3> <lora:local_d:-0.4>\n"
        "Steps: 20, Sampler: Euler, CFG scale: 5, Seed: 4, Size: 64x64, Hashes: "
        f'{{"model": "0a1b2c3d4e", "lora:gullA": "{H1}", "lora:gullB": "{H2}", "lora:local_c": "cc33dd44ee55", '
        '"lora:local_d": "dd44ee55ff66"}, Civitai resources: [{"type": "lora", "weight": 0.8, "modelVersionId": 7}]'
    )

    found = read_generation(png(parameters=text))

    assert sorted((one.kind, one.name, one.weight, one.hash) for one in found.resources if one.kind == "lora") == [
        ("lora", "gullA", 0.8, H1),
        ("lora", "gullB", 0.5, H2),
        ("lora", "local_c", 0.3, "cc33dd44ee55"),
        ("lora", "local_d", -0.4, "dd44ee55ff66"),
    ]
    assert [one.hash for one in found.resources if one.kind == "checkpoint"] == ["0a1b2c3d4e"]


COMFY = {
    "3": {"class_type": "KSampler", "inputs": {"seed": 881234, "steps": 14, "cfg": 5.5, "sampler_name": "dpmpp_2m",
          "scheduler": "karras", "denoise": 1, "model": ["10", 0], "positive": ["6", 0], "negative": ["7", 0],
          "latent_image": ["5", 0]}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "pondMix.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 640, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "tin lighthouse", "clip": ["11", 0]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "crowd", "clip": ["11", 0]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "10": {"class_type": "LoraLoader", "inputs": {"lora_name": "sub/reed.safetensors", "strength_model": 0.6,
           "strength_clip": 1, "model": ["4", 0], "clip": ["4", 1]}},
    "11": {"class_type": "CLIPSetLastLayer", "inputs": {"stop_at_clip_layer": -2, "clip": ["10", 1]}},
    "12": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "x"}},
}  # fmt: skip


def _checked_comfy(found):
    assert found.tool == "ComfyUI"
    assert (found.prompt, found.negative) == ("tin lighthouse", "crowd")
    assert (found.seed, found.steps, found.cfg_scale) == (881234, 14, 5.5)
    assert (found.sampler, found.schedule) == ("DPM++ 2M", "Karras")
    assert (found.width, found.height, found.clip_skip) == (512, 640, 2)
    assert found.resources == (Resource("lora", "reed", 0.6), Resource("checkpoint", "pondMix"))


def test_comfyui_graph_with_bare_nan():
    graph = (
        json.dumps(COMFY)[:-1] + ', "9": {"class_type": "DirList", "inputs": {"bias": Infinity}, "is_changed": [NaN]}}'
    )

    found = read_generation(png(prompt=graph))

    _checked_comfy(found)
    assert found.raw["png:prompt"] == graph


def test_comfyui_in_webp():
    exif = b"Exif\0\0MM\0*" + struct.pack(">IHHHII", 8, 1, 0x0110, 2, len(json.dumps(COMFY)) + 7, 26) + b"\0\0\0\0"
    data = picture("WEBP", exif + b"prompt:" + json.dumps(COMFY).encode())

    _checked_comfy(read_generation(data))


def test_comfyui_custom_sampling_with_linked_values_and_two_passes():
    graph = {
        "1": {"class_type": "RandomNoise", "inputs": {"noise_seed": ["2", 0]}},
        "2": {"class_type": "PrimitiveInt", "inputs": {"value": 2**63 + 1}},
        "3": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
        "4": {
            "class_type": "BasicScheduler",
            "inputs": {"scheduler": "simple", "steps": 8, "denoise": 0.6, "model": ["5", 0]},
        },
        "5": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux.safetensors"}},
        "6": {
            "class_type": "CFGGuider",
            "inputs": {"cfg": 1, "model": ["5", 0], "positive": ["7", 0], "negative": ["8", 0]},
        },
        "7": {
            "class_type": "ControlNetApplyAdvanced",
            "inputs": {"positive": ["9", 0], "negative": ["10", 0], "strength": 1},
        },
        "8": {"class_type": "Reroute", "inputs": {"": ["7", 1]}},
        "9": {"class_type": "CLIPTextEncodeFlux", "inputs": {"clip_l": "a", "t5xxl": ["11", 0], "guidance": 3}},
        "10": {"class_type": "CLIPTextEncode", "inputs": {"text": "bad"}},
        "11": {"class_type": "StringConcatenate", "inputs": {"string_a": "b", "string_b": ["12", 0], "delimiter": " "}},
        "12": {"class_type": "PrimitiveString", "inputs": {"value": "c"}},
        "13": {
            "class_type": "SamplerCustomAdvanced",
            "inputs": {
                "noise": ["1", 0],
                "guider": ["6", 0],
                "sampler": ["3", 0],
                "sigmas": ["4", 0],
                "latent_image": ["14", 0],
            },
        },
        "14": {"class_type": "LatentUpscale", "inputs": {"samples": ["15", 0]}},
        "15": {
            "class_type": "KSampler",
            "inputs": {
                "seed": 1,
                "steps": 30,
                "cfg": 7,
                "positive": ["10", 0],
                "negative": ["10", 0],
                "model": ["5", 0],
                "latent_image": ["16", 0],
            },
        },
        "16": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 96}},
        "17": {"class_type": "VAEDecode", "inputs": {"samples": ["13", 0]}},
        "18": {"class_type": "PreviewImage", "inputs": {"images": ["17", 0]}},
    }

    found = read_generation(png(prompt=json.dumps(graph)))

    assert (found.seed, found.steps, found.sampler, found.schedule) == (2**63 + 1, 8, "Euler", "Simple")
    assert (found.prompt, found.negative, found.denoise) == ("a, b c", "bad", 0.6)
    assert (found.width, found.height) == (64, 96)
    assert found.extra == {"Earlier passes": "1"}


def _workflow_node(number, kind, inputs=(), widgets=(), mode=0):
    return {
        "id": number,
        "type": kind,
        "mode": mode,
        "inputs": [{"name": name, "link": link} for name, link in inputs],
        "widgets_values": list(widgets),
    }


def test_comfyui_editor_workflow_with_a_subgraph_and_a_bypassed_node():
    sampler = _workflow_node(
        3,
        "KSampler",
        [("model", 1), ("positive", 2), ("negative", 3), ("latent_image", 4)],
        [7, "randomize", 9, 4.5, "euler", "normal", 1.0],
    )
    inner = {
        "id": "sub-1",
        "inputs": [{"name": "clip"}],
        "nodes": [_workflow_node(1, "CLIPTextEncode", [("clip", 1)], ["paper boat"])],
        "links": [
            {"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 1, "target_slot": 0},
            {"id": 2, "origin_id": 1, "origin_slot": 0, "target_id": -20, "target_slot": 0},
        ],
    }
    workflow = {
        "nodes": [
            sampler,
            _workflow_node(4, "CheckpointLoaderSimple", (), ["pond.ckpt"]),
            _workflow_node(5, "EmptyLatentImage", (), [32, 48, 1]),
            _workflow_node(6, "sub-1", [("clip", 5)]),
            _workflow_node(7, "CLIPTextEncode", (), ["duck"]),
            _workflow_node(8, "LoraLoaderModelOnly", [("model", 6)], ["unused.safetensors", 1], mode=4),
            _workflow_node(9, "VAEDecode", [("samples", 7)]),
            _workflow_node(10, "SaveImage", [("images", 8)], ["x"]),
        ],
        "links": [
            [1, 8, 0, 3, 0, "MODEL"],
            [2, 6, 0, 3, 1, "CONDITIONING"],
            [3, 7, 0, 3, 2, "CONDITIONING"],
            [4, 5, 0, 3, 3, "LATENT"],
            [5, 4, 1, 6, 0, "CLIP"],
            [6, 4, 0, 8, 0, "MODEL"],
            [7, 3, 0, 9, 0, "LATENT"],
            [8, 9, 0, 10, 0, "IMAGE"],
        ],
        "definitions": {"subgraphs": [inner]},
    }

    found = read_generation(png(workflow=json.dumps(workflow)))

    assert (found.prompt, found.negative, found.seed, found.steps) == ("paper boat", "duck", 7, 9)
    assert (found.width, found.height, found.resources) == (32, 48, (Resource("checkpoint", "pond"),))


def test_comfyui_cycle_ends():
    graph = {
        "1": {
            "class_type": "KSampler",
            "inputs": {"positive": ["2", 0], "steps": ["3", 0], "cfg": 1, "model": ["2", 0]},
        },
        "2": {"class_type": "ConditioningCombine", "inputs": {"conditioning_1": ["2", 0], "conditioning_2": ["1", 0]}},
        "3": {"class_type": "Reroute", "inputs": {"": ["3", 0]}},
    }

    found = read_generation(png(prompt=json.dumps(graph)))

    assert (found.prompt, found.steps) == ("", None)


SWARM = {
    "sui_image_params": {
        "prompt": "moss gate<lora:fern/leaf_a:0.35>", "negativeprompt": "plastic", "model": "xl/pondMix", "seed": 77,
        "steps": 24, "cfgscale": 6.5, "width": 832, "height": 1216, "sampler": "euler_ancestral", "scheduler": "karras",
        "loras": ["fern/leaf_a", "fern/leaf b_V2.7"], "loraweights": ["0.35", "0.45"],
    },
    "sui_models": [{"name": "xl/pondMix.safetensors", "param": "model", "hash": "0x" + "ab" * 32}],
}  # fmt: skip


def _swarm_text(kind):
    block = json.loads(json.dumps(SWARM))
    if kind == "lists as texts":
        block["sui_image_params"]["loras"] = "fern/leaf_a,fern/leaf b_V2.7"
        block["sui_image_params"]["loraweights"] = "0.35,0.45"
    text = json.dumps(block)
    return text[:-1] + ",}" if kind == "trailing comma" else text


@pytest.mark.parametrize("kind", ["plain", "lists as texts", "trailing comma", "beside a ComfyUI graph", "in JPEG"])
def test_swarmui(kind):
    text = _swarm_text(kind)
    if kind == "in JPEG":
        data = picture("JPEG", user_comment("MM", b"UNICODE\0" + text.encode("utf-16-be")))
    else:
        more = {"prompt": json.dumps(COMFY)} if kind == "beside a ComfyUI graph" else {}
        data = png(parameters=text, **more)

    found = read_generation(data)

    assert (found.tool, found.negative, found.seed) == ("SwarmUI", "plastic", 77)
    assert (found.width, found.height, found.sampler, found.schedule) == (832, 1216, "Euler a", "Karras")
    assert found.resources == (
        Resource("checkpoint", "pondMix", None, "ab" * 32),
        Resource("lora", "leaf_a", 0.35),
        Resource("lora", "leaf b_V2.7", 0.45),
    )


SEED = 7310486651297043915
FOOOCUS = {
    "prompt": "fog bank", "negative_prompt": "people", "seed": str(SEED), "resolution": "(896, 1152)", "steps": 30,
    "styles": "['Fooocus V2', 'Ink']", "base_model": "pondMix", "base_model_hash": "aa11bb22cc", "guidance_scale": 4,
    "loras": [["leaf.safetensors", 0.5, "aa11bb22dd"]], "sampler": "dpmpp_2m_sde_gpu", "scheduler": "karras",
}  # fmt: skip


@pytest.mark.parametrize("place", ["PNG", "JPEG"])
def test_fooocus_scheme(place):
    text = json.dumps(FOOOCUS)
    data = (
        png(parameters=text, fooocus_scheme="fooocus")
        if place == "PNG"
        else picture("JPEG", user_comment("MM", b"UNICODE\0" + text.encode("utf-16-be")))
    )

    found = read_generation(data)

    assert (found.tool, found.seed, found.width, found.height) == ("Fooocus", SEED, 896, 1152)
    assert found.resources[1] == Resource("lora", "leaf", 0.5, "aa11bb22dd")
    assert found.extra == {"Styles": "Fooocus V2, Ink"}


def test_fooocus_in_the_a1111_scheme_with_empty_lists():
    text = (
        f"fog bank\nNegative prompt: people\nSteps: 30, Sampler: DPM++ 2M SDE Karras, Seed: {SEED}, Size: 896x1152, "
        "CFG scale: 4, Base model: pondMix, Lora hashes: , Lora weights: , Version: Fooocus v2.2.1"
    )

    found = read_generation(png(parameters=text, fooocus_scheme="a1111"))

    assert (found.tool, found.seed, found.width) == ("Fooocus", SEED, 896)
    assert found.resources == (Resource("checkpoint", "pondMix"),)


def test_invokeai():
    block = {
        "app_version": "5.1.0", "positive_prompt": "kiln", "negative_prompt": "smoke", "seed": 12, "steps": 25,
        "cfg_scale": 5, "scheduler": "dpmpp_2m_k", "width": 768, "height": 512, "clip_skip": 1,
        "model": {"name": "pond", "hash": "blake3:" + "cd" * 32},
        "loras": [{"model": {"name": "reed", "hash": ""}, "weight": 0.75}],
    }  # fmt: skip

    found = read_generation(png(invokeai_metadata=json.dumps(block)))

    assert (found.tool, found.prompt, found.sampler, found.schedule) == ("InvokeAI", "kiln", "DPM++ 2M", "Karras")
    assert found.clip_skip == 2
    assert found.resources == (Resource("checkpoint", "pond", None, "cd" * 32), Resource("lora", "reed", 0.75))


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param({"Dream": '"kiln [smoke]" -s 25 -S 12 -W 768 -H 512 -C 5 -A k_euler_a'}, id="Dream"),
        pytest.param(
            {"sd__metadata": json.dumps({"image": {"prompt": [{"prompt": "kiln [smoke]", "weight": 1}], "steps": 25,
             "seed": 12, "width": 768, "height": 512, "cfg_scale": 5, "sampler": "k_euler_a"}})},
            id="sd-metadata",
        ),
    ],
)  # fmt: skip
def test_old_invokeai(texts):
    found = read_generation(png(**texts))

    assert (found.prompt, found.negative, found.seed, found.steps) == ("kiln", "smoke", 12, 25)
    assert (found.width, found.height, found.sampler, found.cfg_scale) == (768, 512, "Euler a", 5)


def test_novelai():
    comment = {"uc": "dark", "seed": 9, "steps": 28, "scale": 6, "sampler": "k_euler", "width": 832, "height": 1216}

    found = read_generation(
        png(Software="NovelAI", Description="a fen", Comment=json.dumps(comment), Source="Anime V3 C1E1DE52")
    )

    assert (found.tool, found.prompt, found.negative, found.seed) == ("NovelAI", "a fen", "dark", 9)
    assert found.resources == (Resource("checkpoint", "Anime V3", None, "c1e1de52"),)


def test_drawthings():
    block = {"c": "a fen & reeds", "uc": "dark", "seed": 9, "steps": 28, "scale": 6, "sampler": "Euler a",
             "size": "832x1216", "model": "pond_f16.ckpt", "lora": [{"model": "reed.ckpt", "weight": 0.4}]}  # fmt: skip
    words = json.dumps(block).replace("&", "&amp;").replace('"', "&quot;")
    comment = f"<exif:UserComment><rdf:Alt><rdf:li xml:lang='x-default'>{words}</rdf:li></rdf:Alt></exif:UserComment>"
    xmp = f"<x:xmpmeta>{comment}</x:xmpmeta>"
    body = b"http://ns.adobe.com/xap/1.0/\0" + xmp.encode()
    plain = picture("JPEG", b"")
    data = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + plain[2:]

    found = read_generation(data)

    assert (found.tool, found.prompt, found.seed, found.width) == ("Draw Things", "a fen & reeds", 9, 832)
    assert found.resources == (Resource("checkpoint", "pond_f16"), Resource("lora", "reed", 0.4))


def test_easy_diffusion_is_not_taken_for_comfyui():
    found = read_generation(
        png(prompt="a fen", seed="9", negative_prompt="dark", num_inference_steps="28", guidance_scale="6",
            sampler_name="euler_a", use_stable_diffusion_model="pond", use_lora_model="reed", lora_alpha="0.4")
    )  # fmt: skip

    assert (found.tool, found.prompt, found.steps, found.sampler) == ("Easy Diffusion", "a fen", 28, "Euler a")
    assert found.resources == (Resource("checkpoint", "pond"), Resource("lora", "reed", 0.4))


HIDDEN = "paper boat on a pond\nNegative prompt: duck\nSteps: 9, Sampler: Euler, CFG scale: 4, Seed: 5, Size: 128x96"


def _hidden_in(image, channels):
    rows = image.getchannel("A").tobytes() if channels == 1 else image.convert("RGB").tobytes()
    return read_stealth(rows, *image.size, channels)


@pytest.mark.parametrize(
    ("signature", "channels"),
    [("stealth_pngcomp", 1), ("stealth_pnginfo", 1), ("stealth_rgbcomp", 3), ("stealth_rgbinfo", 3)],
)
def test_data_hidden_in_pixels(signature, channels):
    hidden = _hidden_in(stealth(HIDDEN, signature), channels)

    found = read_generation(png(), hidden)

    assert hidden == HIDDEN
    assert (found.tool, found.seed, found.from_pixels) == ("A1111", 5, True)


@pytest.mark.parametrize("length", [0, 7, 2**32 - 8, 2**31])
def test_a_lying_length_in_pixels_is_nothing(length):
    assert _hidden_in(stealth(HIDDEN, "stealth_pngcomp", length=length), 1) is None


def test_a_bomb_hidden_in_pixels_is_nothing_or_cut():
    image = stealth("\0" * 20_000_000, "stealth_pngcomp", (400, 400))

    assert len(_hidden_in(image, 1) or "") <= 4 << 20


def test_an_ordinary_picture_hides_nothing():
    assert read_stealth(b"\xff" * 4000 * 600, 4000, 600, 1) is None
    assert read_stealth(b"", 0, 0, 1) is None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x89PNG\r\n\x1a\n", id="PNG signature alone"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + b"\xff" * 40, id="PNG chunk past the end"),
        pytest.param(b"\xff\xd8" + b"\xff" * 5000, id="JPEG of fill bytes"),
        pytest.param(b"\xff\xd8\xff\xe1\x00\x02" * 2000, id="JPEG of empty segments"),
        pytest.param(b"RIFF\0\0\0\0WEBPEXIF\xff\xff\xff\xff", id="WebP chunk past the end"),
        pytest.param(b"GIF89a" + b"\x21\xfe\xff" * 3000, id="GIF of comments"),
        pytest.param(b"\0\0\0\x20ftypavif" + b"II*\0\xff\xff\xff\xff" * 100, id="AVIF with a lying directory"),
    ],
)
def test_broken_files_hold_nothing(data):
    assert read_generation(data) is None


LARGE = MAX_BLOCK + 1


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(png_with_chunk(b"tEXt", b"parameters\0" + b"a" * 10_000_000), id="10 MB of text in PNG"),
        pytest.param(png_with_chunk(b"zTXt", b"parameters\0\0" + zlib.compress(b"a" * LARGE, 9)), id="zTXt bomb"),
        pytest.param(png_with_chunk(b"iTXt", b"parameters\0\1\0\0\0" + zlib.compress(b"a" * LARGE, 9)), id="iTXt bomb"),
        pytest.param(png_with_chunk(b"eXIf", b"MM\0*" + b"a" * LARGE), id="Exif in PNG"),
        pytest.param(b"RIFF\xff\xff\xff\x7fWEBPEXIF" + struct.pack("<I", LARGE) + b"a" * LARGE, id="Exif in WebP"),
        pytest.param(b"GIF89a" + bytes(7) + (b"\x21\xfe" + (b"\xff" + b"a" * 255) * 40_000 + b"\0"), id="GIF comment"),
    ],
)
def test_metadata_of_ten_megabytes_is_refused_by_name(data):
    with pytest.raises(MalformedFile, match="8 MiB are allowed") as refused:
        read_generation(data)

    assert refused.value.reason == "metadata_too_large"


def test_more_blocks_than_any_tool_writes_are_refused():
    chunk = b"\0\0\0\x03tEXta\0b" + struct.pack(">I", zlib.crc32(b"tEXta\0b"))
    plain = png()

    with pytest.raises(MalformedFile) as refused:
        read_generation(plain[:33] + chunk * 300 + plain[33:])

    assert refused.value.reason == "too_many_blocks"


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, '{"1": {"class_type": "KSampler"}}', "{}", "[]", '{"nodes": {}}']
)
def test_hostile_json_is_no_graph_or_an_empty_one(text):
    found = read_generation(png(prompt=text))

    assert found is None or found.prompt == ""


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_an_error(data):
    for head in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"RIFF\xff\xff\0\0WEBP", b"GIF89a", b"\0\0\0\x20ftypavif"):
        with suppress(MalformedFile):
            read_generation(head + data)
    read_exif(b"II*\0" + data)


NAMES = (
    "inputs class_type nodes links id type positive steps cfg model text sui_image_params loras image prompt c sampler "
    "base_model positive_prompt definitions subgraphs"
).split()
LEAVES = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=30,
)


@given(TREES)
def test_any_json_is_read_without_an_error(value):
    text = json.dumps(value)
    for place in ("parameters", "prompt", "workflow", "invokeai_metadata", "sd__metadata"):
        read_generation(png(**{place: text}))


def test_changed_pictures_of_the_corpus_are_read_searched_and_stripped_without_an_error():
    for data in mutations.inputs(seed=3, count=1_500):
        mutations.check(data)
