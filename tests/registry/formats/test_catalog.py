import dataclasses

import pytest

from registry.formats import catalog
from registry.formats.catalog import BASE_MODELS, MODEL_TYPES, find_base_model

TYPES = (
    "checkpoint lora locon dora embedding hypernetwork vae controlnet upscaler motion_module text_encoder unet other"
)


def test_the_model_types_are_those_of_the_api():
    assert list(MODEL_TYPES) == TYPES.split()
    assert catalog.model_type("lora").label == "LoRA"


def test_an_unknown_id_is_a_key_error():
    with pytest.raises(KeyError):
        catalog.model_type("LoRA")
    with pytest.raises(KeyError):
        catalog.base_model("SD 9")


@pytest.mark.parametrize(
    ("type_id", "text"),
    [
        ("lora", "<lora:crane_v2:0.8>"),
        ("embedding", "crane_v2"),
        ("hypernetwork", "<hypernet:crane_v2:1>"),
        ("vae", ""),
    ],
)
def test_how_a_file_is_written_into_a_prompt(type_id, text):
    assert catalog.model_type(type_id).prompt_text("crane_v2") == text


def test_a_file_name_with_braces_is_not_a_template():
    assert catalog.model_type("lora").prompt_text("{x}{name}") == "<lora:{x}{name}:0.8>"


@pytest.mark.parametrize("row", MODEL_TYPES.values(), ids=MODEL_TYPES.keys())
def test_folders_belong_to_known_tools(row):
    assert row.folders.keys() <= catalog.TOOLS.keys()
    assert row.folders or row.id == "other"
    assert not any(folder.startswith("/") for folder in row.folders.values())


@pytest.mark.parametrize("row", BASE_MODELS.values(), ids=BASE_MODELS.keys())
def test_every_base_model_is_found_by_every_name_it_has(row):
    for name in (row.id, row.id.upper(), row.id.replace(" ", "-"), row.label):
        assert find_base_model(name) is row
    for alias in row.aliases:
        assert find_base_model(alias) is row


def test_a_name_that_nobody_has_is_not_found():
    assert find_base_model("") is None
    assert find_base_model("x" * 100_000) is None


def test_each_family_has_one_leader_and_each_width_one_row():
    leaders = [row.family for row in BASE_MODELS.values() if row.leads]
    widths = [row.cross_width for row in BASE_MODELS.values() if row.cross_width is not None]

    assert len(leaders) == len(set(leaders))
    assert sorted(widths) == [128, 768, 1024, 2048]


def test_ids_fit_their_columns():
    assert all(len(key) <= 40 for key in BASE_MODELS)
    assert all(len(key) <= 24 for key in MODEL_TYPES)


@pytest.mark.parametrize(
    "name",
    "SD 1.4|SD 1.5|SD 1.5 LCM|SD 2.0|SD 2.0 768|SD 2.1|SD 2.1 768|SDXL 0.9|SDXL 1.0|SDXL Turbo|"
    "SDXL Lightning|SDXL Hyper|Pony|Illustrious|NoobAI|SD 3|SD 3.5|SD 3.5 Large|SD 3.5 Large Turbo|"
    "SD 3.5 Medium|Flux.1 D|Flux.1 S|Flux.1 Kontext|Flux.1 Krea|Flux.2 D|Chroma|AuraFlow|PixArt a|"
    "PixArt E|Stable Cascade|Lumina|HiDream|Hunyuan 1|Hunyuan Video|Kolors|Qwen|ZImageTurbo|"
    "ZImageBase|Safelight Tiny|Other".split("|"),
)
def test_the_known_base_models_carry_the_names_that_clients_send(name):
    assert catalog.base_model(name).id == name


@pytest.mark.parametrize(
    ("architecture", "version", "expected"),
    [
        ("stable-diffusion-xl-v1-base/lora", None, "SDXL 1.0"),
        ("stable-diffusion-v2-768-v", None, "SD 2.1 768"),
        ("Flux-1-Schnell", None, "Flux.1 S"),
        (None, "sdxl_base_v1-0", "SDXL 1.0"),
        ("unknown", "sd_v1", "SD 1.5"),
    ],
)
def test_declared_architectures_are_understood(architecture, version, expected):
    row = catalog.declared_base_model(architecture, version)

    assert row is not None
    assert row.id == expected


def test_rows_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        BASE_MODELS["Pony"].label = "Horse"
