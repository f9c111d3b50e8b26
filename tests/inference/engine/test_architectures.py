"""The shipped configurations against the published numbers, and the shipped tokenizers against the published ids."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import diffusers
import pytest
import torch
import transformers

from inference.engine.architectures.folders import architecture_folder
from inference.engine.architectures.tables import ARCHITECTURES

SD_VAE, SIXTEEN_VAE = 83_653_863, 83_819_683
CLIP_L, CLIP_L_PROJECTED, CLIP_G = 123_060_480, 123_650_304, 694_659_840
T5_XXL = 4_762_310_656
COUNTS: dict[str, dict[str, int]] = {
    "sd1": {"unet": 859_520_964, "vae": SD_VAE, "text_encoder": CLIP_L},
    "sd1_inpaint": {"unet": 859_535_364, "vae": SD_VAE, "text_encoder": CLIP_L},
    "sd2": {"unet": 865_910_724, "vae": SD_VAE, "text_encoder": 340_387_840},
    "sd2_v": {"unet": 865_910_724, "vae": SD_VAE, "text_encoder": 340_387_840},
    "sdxl": {"unet": 2_567_463_684, "vae": SD_VAE, "text_encoder": CLIP_L, "text_encoder_2": CLIP_G},
    "sdxl_refiner": {"unet": 2_259_526_660, "vae": SD_VAE, "text_encoder_2": CLIP_G},
    "sd3_medium": {
        "transformer": 2_028_328_000,
        "vae": SIXTEEN_VAE,
        "text_encoder": CLIP_L_PROJECTED,
        "text_encoder_2": CLIP_G,
        "text_encoder_3": T5_XXL,
    },
    "sd35_medium": {"transformer": 2_243_171_520},
    "sd35_large": {"transformer": 8_056_627_520},
    "flux_dev": {"transformer": 11_901_408_320, "vae": SIXTEEN_VAE, "text_encoder": CLIP_L, "text_encoder_2": T5_XXL},
    "flux_schnell": {"transformer": 11_891_178_560},
}


@pytest.mark.parametrize(
    ("name", "part", "count"), [(name, part, count) for name, parts in COUNTS.items() for part, count in parts.items()]
)
def test_architecture_has_the_published_number_of_parameters(name, part, count):
    config = ARCHITECTURES[name].parts[part]

    assert config is not None
    assert _parameters(json.dumps(config)) == count


@cache
def _parameters(text: str) -> int:
    """How many the network has; it is made without its numbers."""
    config: dict[str, Any] = json.loads(text)
    with torch.device("meta"):
        if "_class_name" in config:
            network = getattr(diffusers, config.pop("_class_name")).from_config(config)
        else:
            made = getattr(transformers, config.pop("architectures")[0])
            network = made(made.config_class(**config))
    return sum(parameter.numel() for parameter in {id(item): item for item in network.parameters()}.values())


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_folder_names_every_part(tmp_path, name):
    folder = architecture_folder(name, tmp_path)

    index = json.loads((folder / "model_index.json").read_text())
    parts = {key for key, place in index.items() if isinstance(place, list) and place[0] is not None}
    assert parts == {path.name for path in folder.iterdir() if path.is_dir()}
    assert architecture_folder(name, tmp_path) == folder


def test_many_workers_make_one_folder(tmp_path):
    with ThreadPoolExecutor(6) as pool:
        folders = set(pool.map(lambda _: architecture_folder("sd1", tmp_path / "root"), range(12)))

    assert len(folders) == 1
    assert [path.name for path in (tmp_path / "root").iterdir()] == [folders.pop().name]


@pytest.fixture(scope="module")
def flux(tmp_path_factory):
    return architecture_folder("flux_dev", tmp_path_factory.mktemp("root"))


def test_clip_tokenizer_reads_as_published(flux):
    tokenizer = transformers.CLIPTokenizer.from_pretrained(flux / "tokenizer", local_files_only=True)

    # ids of the published tokenizer
    assert len(tokenizer) == 49408
    assert tokenizer("a photo of a cat").input_ids == [49406, 320, 1125, 539, 320, 2368, 49407]
    assert tokenizer.convert_tokens_to_ids(",</w>") == 267


def test_t5_tokenizer_reads_as_published(flux):
    tokenizer = transformers.T5Tokenizer.from_pretrained(flux / "tokenizer_2", local_files_only=True)

    assert len(tokenizer) == 32100
    assert tokenizer("translate English to German: That is good.").input_ids == [
        13959, 1566, 12, 2968, 10, 466, 19, 207, 5, 1,
    ]  # fmt: skip
