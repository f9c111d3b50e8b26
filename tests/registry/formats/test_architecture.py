"""Every row of the recognition table has a file here, made from the published layout of its family."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.formats.architecture import Recognition, recognize
from registry.formats.catalog import BASE_MODELS, MODEL_TYPES
from registry.formats.finding import NOTES
from registry.formats.tensors import TensorInfo
from tests.registry.formats import layouts as net
from tests.registry.formats.adapter_rows import ADAPTERS
from tests.registry.formats.build import tensor_list
from tests.registry.formats.model_rows import MODELS

SD, SDXL = net.SD_PLACES, net.SDXL_PLACES
ROWS = {**ADAPTERS, **MODELS}


def seen(spec: net.Spec, metadata: dict[str, str] | None = None, file_name: str = "") -> Recognition:
    return recognize(tensor_list(spec), metadata or {}, file_name=file_name)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_every_kind_of_file_is_recognised_from_its_tensors(row):
    found = seen(row.spec)

    assert (found.model_type, found.base_model) == (row.model_type, row.base)
    for fact, value in row.also.items():
        if fact == "note":
            assert value in [note.code for note in found.notes]
        else:
            assert getattr(found, fact) == value


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_every_answer_is_made_of_ids_that_exist(row):
    found = seen(row.spec)

    assert found.model_type in MODEL_TYPES
    assert {found.base_model, *found.base_candidates} - {None} <= BASE_MODELS.keys()
    assert all(note.message == NOTES[note.code] for note in found.notes)


def test_no_answer_is_given_without_a_reason():
    for row in ROWS.values():
        found = seen(row.spec)
        if found.base_model is None and found.model_type in ("checkpoint", "unet", "lora", "locon", "embedding"):
            assert {"base_not_told", "member_not_told", "unknown_width"} & {note.code for note in found.notes}
            assert found.confidence == "medium"


def test_every_family_that_renders_here_has_a_file_in_the_table():
    found = {seen(row.spec).family for row in ROWS.values()}

    assert found >= {row.family for row in BASE_MODELS.values() if row.leads}


# Precision


@pytest.mark.parametrize(
    ("dtype", "name"),
    [("F16", "fp16"), ("BF16", "bf16"), ("F32", "fp32"), ("F8_E4M3", "fp8_e4m3"), ("F8_E5M2", "fp8_e5m2")],
)
def test_precision_is_the_majority_of_the_bytes(dtype, name):
    spec = net.checkpoint(SD, 768, dtype=dtype) | {"first_stage_model.extra": ("F64", (10,))}

    found = seen(spec)

    assert found.precision == name
    assert 0.99 < found.precision_share < 1


def fp8(*scales: str, shape: tuple[int, ...] = ()) -> net.Spec:
    layer = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k"
    return net.checkpoint(SD, 768, dtype="F8_E4M3") | {f"{layer}{scale}": ("F32", shape) for scale in scales}


@pytest.mark.parametrize(
    ("spec", "scaled"),
    [
        (fp8(".scale_weight"), True),
        (fp8(".weight_scale"), True),
        (fp8(), False),
        (fp8(".scale_weight", shape=(0,)), False),
    ],
    ids=["scale_weight (case 21a)", "weight_scale (21b)", "plain cast (21c)", "empty scale (21d)"],
)
def test_scaled_fp8_is_told_from_a_plain_cast(spec, scaled):
    found = seen(spec)

    assert found.precision == "fp8_e4m3"
    assert ("fp8_scaled" in found.variants) is scaled
    assert ("fp8_scaled" in [note.code for note in found.notes]) is scaled


# Metadata

SDXL_LORA = net.kohya(net.attention(SDXL, 2048))


@pytest.mark.parametrize(
    ("metadata", "file_name", "hint", "source"),
    [
        ({"ss_sd_model_name": "ponyDiffusionV6XL.safetensors"}, "", "Pony", "ss_sd_model_name"),
        ({"modelspec.title": "Illustrious portrait"}, "", "Illustrious", "modelspec.title"),
        ({"ss_output_name": "style_noob_v2"}, "", "NoobAI", "ss_output_name"),
        ({}, "my_PONY_style.safetensors", "Pony", "file name"),
    ],
    ids=["base's name", "title", "output name", "file name"],
)
def test_a_name_is_a_hint_and_the_tensors_stay_the_answer(metadata, file_name, hint, source):
    found = seen(SDXL_LORA, metadata, file_name)

    assert found.base_model == "SDXL 1.0"
    assert [(h.base_model, h.source) for h in found.hints] == [(hint, source)]
    assert found.base_candidates[0] == hint


def test_a_name_says_nothing_about_another_family():
    assert seen(net.kohya(net.attention(net.SD_DIFFUSERS, 768)), file_name="pony.safetensors").hints == ()


def test_tensors_decide_and_the_contradiction_is_shown():
    found = seen(SDXL_LORA, {"modelspec.architecture": "stable-diffusion-v1/lora"})

    assert found.base_model == "SDXL 1.0"
    assert found.confidence == "medium"
    assert "metadata_contradicts" in [note.code for note in found.notes]


def test_metadata_picks_the_member_that_tensors_leave_open():
    found = seen(net.kohya(net.flux_layers()), {"modelspec.architecture": "flux-1-schnell/lora"})

    assert found.base_model == "Flux.1 S"
    assert found.base_candidates[0] == "Flux.1 S"


@pytest.mark.parametrize(
    "metadata",
    [{"modelspec.prediction_type": "v"}, {"modelspec.architecture": "stable-diffusion-v2-768-v"}],
    ids=["prediction type", "architecture"],
)
def test_a_declared_velocity_tells_the_larger_sd_2(metadata):
    assert seen(net.checkpoint(SD, 1024), metadata).base_model == "SD 2.1 768"


def test_where_tensors_cannot_tell_metadata_is_offered_and_not_believed():
    spec = net.kohya(net.text_layers(768), prefix="lora_te1_")

    found = seen(spec, {"ss_base_model_version": "sdxl_base_v1-0"})

    assert found.base_model is None
    assert [hint.base_model for hint in found.hints] == ["SDXL 1.0"]
    assert found.base_candidates[0] == "SDXL 1.0"


def test_trigger_words_come_from_the_phrase_the_folders_and_the_tags():
    metadata = {
        "modelspec.trigger_phrase": "Paper Crane, folded",
        "ss_tag_frequency": '{"10_papercrane": {"1girl": 3, "paper crane": 40, "sky": 12}, "img": {"sky": 1}}',
    }

    assert seen(SDXL_LORA, metadata).trigger_words == ("Paper Crane", "folded", "papercrane", "sky", "1girl")


# Hostile input

words = st.sampled_from(
    [
        "model.diffusion_model.",
        "lora_unet_",
        "attn2",
        "to_k",
        "to_k.weight",
        "conv_in.weight",
        "img_in.weight",
        ".lora_down.weight",
        ".lora_A.",
        "x.weight",
        "double_blocks.0.img_attn.",
        "double_blocks_",
        "joint_blocks.0.",
        "pos_embed",
        "control_model.",
        "768.0.linear",
        "decoder.conv_in.weight",
        "encoder.",
        "adapter.body.",
        "patch_embedding.weight",
        "head.modulation",
        "blocks.0.cross_attn.",
        "clip_g",
        "cap_embedder.1.weight",
        "layers.0.",
        "single_stream_modulation.lin",
        "ip_adapter.",
        "image_proj.",
        "to_k_ip",
        ".lokr_w1",
        ".lokr_w2",
        "input_hint_block.",
        ".down",
        ".",
        "_",
        "\n",
        "é",
        ".lora_magnitude_vector",
        ".dora_scale",
        ".diff",
        "proj_in",
    ]
)
hostile_names = st.lists(words, min_size=1, max_size=5).map("".join)
hostile_shapes = st.lists(st.sampled_from([0, 1, 4, 38, 768, 2048, 1 << 62]), max_size=5).map(tuple)


@given(st.dictionaries(hostile_names, hostile_shapes, max_size=8), st.dictionaries(st.text(), st.text(), max_size=3))
def test_any_mixture_of_names_and_shapes_gets_an_answer(spec, metadata):
    tensors = [TensorInfo(name, "F16", shape, 0, 0) for name, shape in spec.items()]

    found = recognize(tensors, metadata)

    assert found.model_type in MODEL_TYPES
    assert found.base_model is None or found.base_model in BASE_MODELS


BOMBS = {
    "tags nested deep": {"ss_tag_frequency": '{"a":' * 200_000},
    "tags that are a list": {"ss_tag_frequency": "[1, 2]"},
    "counts that are no counts": {
        "ss_tag_frequency": '{"1_a": {"b": -1, "c": true, "d": 1e9, "e": "x", "f": 99999999999999}}'
    },
    "half a character": {"ss_tag_frequency": '{"1_\\ud800": {"\\udfff": 1}}'},
    "digits without end": {"ss_tag_frequency": '{"1_a": {"b": ' + "9" * 10_000 + "}}"},
    "too long to read": {"ss_tag_frequency": '{"1_a": "' + "x" * (5 << 20) + '"}'},
}


@pytest.mark.parametrize("metadata", BOMBS.values(), ids=BOMBS.keys())
def test_metadata_that_is_wrong_is_left_out(metadata):
    found = seen(SDXL_LORA, metadata)

    assert found.model_type == "lora"
    assert set(found.trigger_words) <= {"a"}


def test_declared_texts_lose_control_and_direction_signs_and_length():
    found = seen(SDXL_LORA, {"modelspec.title": "a\x00b\u202ec\n" + "x" * 10_000, "modelspec.author": "\x1b[31m"})

    assert found.training.title == "a b c " + "x" * 393 + "…"
    assert found.training.author == "[31m"


def test_time_grows_as_the_number_of_tensors_does():
    def seconds(count: int) -> float:
        tensors = [TensorInfo(f"model.layer.{n}.attn2.lora_x.{'y' * 60}", "F16", (1,), n, n + 1) for n in range(count)]
        start = time.process_time()
        recognize(tensors, {})
        return time.process_time() - start

    small = min(seconds(3_000) for _ in range(3))

    assert min(seconds(30_000) for _ in range(3)) < 25 * small + 0.05
