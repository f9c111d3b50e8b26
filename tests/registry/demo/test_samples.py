"""Sample files, pictures and words of the demo, before a site sees them."""

from __future__ import annotations

import hashlib
import io
import json
import pickletools
import struct
import zipfile

import pytest
from PIL import Image
from safetensors import safe_open

from community.ratings import RATING_NAMES
from registry.demo.content import SampleFile, SamplePicture, read_content
from registry.demo.export import export_checkpoint
from registry.demo.ldm_names import text_names, unet_names, vae_names
from registry.demo.samples import DATA, MAKERS, Numbers
from registry.demo.tensorfile import Tensor, read_tensors, write_tensors
from registry.demo.torchfile import write_torch
from registry.formats.architecture import recognize
from registry.formats.catalog import BASE_MODELS, MODEL_TYPES
from registry.formats.safetensors import read_header
from registry.imaging.containers import read_header as read_picture
from registry.licenses.catalog import LICENSES

CONTENT = read_content()
FILES = [
    pytest.param(model, version, file, id=file.name)
    for model in CONTENT.models
    for version in model.versions
    for file in version.files
]
PICTURES = [picture for model in CONTENT.models for version in model.versions for picture in version.pictures]


def test_there_is_a_dozen_of_models_of_many_types():
    types = {model.type for model in CONTENT.models}

    assert len(CONTENT.models) >= 12
    assert len(types) >= 11
    assert {model.owner for model in CONTENT.models} <= {person.name for person in CONTENT.people}


def test_every_word_of_the_catalogs_is_known():
    for model in CONTENT.models:
        assert model.type in MODEL_TYPES
        assert model.license in LICENSES
        assert {version.base_model for version in model.versions} <= BASE_MODELS.keys()
    assert {picture.rating for picture in PICTURES} <= RATING_NAMES.keys()


@pytest.mark.parametrize(("model", "version", "file"), FILES)
def test_a_file_is_recognized_as_what_it_is_declared_to_be(model, version, file: SampleFile):
    if file.name.endswith((".pt", ".ckpt")):
        assert zipfile.is_zipfile(io.BytesIO(file.data(())))
        return
    data = file.data(version.trained_words)

    header = read_header(io.BytesIO(data), len(data))
    found = recognize(header.tensors, header.metadata, file_name=file.name)

    assert found.model_type == model.type
    if found.base_model is not None:
        assert found.base_model == version.base_model


def test_equal_makers_make_equal_bytes():
    made = [SampleFile("a.safetensors", "sd1_locon").data(("x",)) for _ in range(2)]

    assert made[0] == made[1] != SampleFile("b.safetensors", "sd1_locon").data(("x",))


def test_random_numbers_are_small_and_finite():
    numbers = struct.unpack("<1000e", Numbers("x").half(1000).data)

    assert all(0.004 < abs(number) < 0.04 for number in numbers)


def test_what_is_committed_stays_small():
    assert sum(path.stat().st_size for path in DATA.rglob("*")) < 20_000_000


def test_the_checkpoint_is_whole_and_in_the_first_layout():
    tensors, metadata = read_tensors((DATA / "safelight-tiny.safetensors").read_bytes())

    assert metadata["modelspec.prediction_type"] == "v"
    assert tensors["model.diffusion_model.input_blocks.0.0.weight"].shape == (64, 4, 3, 3)
    assert tensors["first_stage_model.encoder.mid.attn_1.q.weight"].shape == (64, 64, 1, 1)
    assert tensors["cond_stage_model.transformer.text_model.embeddings.token_embedding.weight"].shape == (2048, 128)
    assert len(tensors) == 536


def test_another_reader_reads_our_files(tmp_path):
    data = MAKERS["tiny_vae"]("vae", ())
    path = tmp_path / "vae.safetensors"
    path.write_bytes(data)

    with safe_open(path, framework="numpy") as file:
        names = list(file.keys())
        first = file.get_tensor("encoder.conv_in.weight")

    assert sorted(names) == sorted(read_tensors(data)[0])
    assert first.shape == (16, 3, 3, 3)


@pytest.mark.parametrize("name", ["sd1_embedding", "sd1_hypernetwork", "cyanotype"])
def test_a_torch_file_is_a_well_formed_pickle_beside_its_storages(name):
    with zipfile.ZipFile(io.BytesIO(MAKERS[name]("word", ()))) as archive:
        program = archive.read(next(name for name in archive.namelist() if name.endswith("/data.pkl")))
        storages = [info for info in archive.infolist() if "/data/" in info.filename]

    seen = {(code.name, argument) for code, argument, _ in pickletools.genops(program) if code.name == "GLOBAL"}
    assert seen == {
        ("GLOBAL", "torch._utils _rebuild_tensor_v2"),
        ("GLOBAL", "torch HalfStorage"),
        ("GLOBAL", "collections OrderedDict"),
    }
    assert all(info.compress_type == zipfile.ZIP_STORED for info in storages)
    assert program.count(b"_rebuild_tensor_v2") == len(storages)


def test_a_torch_file_holds_texts_numbers_lists_and_nothing():
    data = write_torch({"a": [1, "é", None], "b": Tensor("F32", (2,), struct.pack("<2f", 1, 2))}, "x")

    program = zipfile.ZipFile(io.BytesIO(data)).read("x/data.pkl")

    assert {"a", "é", "b", 1, None} <= {argument for _, argument, _ in pickletools.genops(program)}


def test_a_tensor_has_as_many_bytes_as_its_shape_says():
    with pytest.raises(ValueError, match="F16"):
        Tensor("F16", (3,), bytes(4))


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.file)
def test_a_picture_is_drawn_with_many_colors_and_described(picture: SamplePicture):
    data = picture.data()

    header = read_picture(data)

    assert max(header.width, header.height) >= 600
    assert header.format == {"jpg": "jpeg"}.get(picture.file[-3:], picture.file.rpartition(".")[2])
    assert picture.alt.endswith(".")
    assert len(data) < 4_000_000
    with Image.open(io.BytesIO(data)) as image:
        assert len(image.convert("RGB").resize((32, 32)).getcolors(1024) or []) > 60
    if picture.draw == "facets":
        assert hashlib.sha256(picture.data()).digest() == hashlib.sha256(data).digest()


# The layout of a small pipeline: names as diffusers writes them, and where the first single-file layout has them.
UNET_NAMES = {
    "conv_in.weight": "input_blocks.0.0.weight",
    "time_embedding.linear_2.bias": "time_embed.2.bias",
    "down_blocks.0.resnets.0.norm1.weight": "input_blocks.1.0.in_layers.0.weight",
    "down_blocks.0.resnets.1.conv_shortcut.bias": "input_blocks.2.0.skip_connection.bias",
    "down_blocks.0.downsamplers.0.conv.weight": "input_blocks.3.0.op.weight",
    "down_blocks.1.attentions.1.proj_in.weight": "input_blocks.5.1.proj_in.weight",
    "mid_block.resnets.1.time_emb_proj.weight": "middle_block.2.emb_layers.1.weight",
    "mid_block.attentions.0.norm.bias": "middle_block.1.norm.bias",
    "up_blocks.0.resnets.2.conv2.weight": "output_blocks.2.0.out_layers.3.weight",
    "up_blocks.0.upsamplers.0.conv.bias": "output_blocks.2.1.conv.bias",
    "up_blocks.1.attentions.0.norm.weight": "output_blocks.3.1.norm.weight",
    "up_blocks.1.upsamplers.0.conv.bias": "output_blocks.5.2.conv.bias",
    "conv_norm_out.weight": "out.0.weight",
}
VAE_NAMES = {
    "encoder.conv_in.weight": "encoder.conv_in.weight",
    "encoder.down_blocks.1.resnets.0.conv_shortcut.weight": "encoder.down.1.block.0.nin_shortcut.weight",
    "encoder.down_blocks.0.downsamplers.0.conv.weight": "encoder.down.0.downsample.conv.weight",
    "encoder.mid_block.attentions.0.to_out.0.bias": "encoder.mid.attn_1.proj_out.bias",
    "encoder.mid_block.attentions.0.group_norm.bias": "encoder.mid.attn_1.norm.bias",
    "decoder.mid_block.resnets.1.norm2.weight": "decoder.mid.block_2.norm2.weight",
    "decoder.up_blocks.0.resnets.2.conv1.weight": "decoder.up.3.block.2.conv1.weight",
    "decoder.up_blocks.2.upsamplers.0.conv.weight": "decoder.up.1.upsample.conv.weight",
    "decoder.conv_norm_out.bias": "decoder.norm_out.bias",
    "post_quant_conv.bias": "post_quant_conv.bias",
}


def test_names_of_the_folder_layout_become_those_of_the_single_file():
    assert unet_names(UNET_NAMES, 2) == {old: f"model.diffusion_model.{new}" for old, new in UNET_NAMES.items()}
    assert vae_names(VAE_NAMES, 4) == {old: f"first_stage_model.{new}" for old, new in VAE_NAMES.items()}
    assert text_names(["text_model.final_layer_norm.bias", "final_layer_norm.weight"]) == {
        "text_model.final_layer_norm.bias": "cond_stage_model.transformer.text_model.final_layer_norm.bias",
        "final_layer_norm.weight": "cond_stage_model.transformer.text_model.final_layer_norm.weight",
    }


def test_a_folder_is_written_as_one_file_without_touching_a_number(tmp_path):
    numbers = Numbers("export")
    parts = {
        "unet": {"conv_in.weight": numbers.half(4, 4, 3, 3)},
        "vae": {"encoder.mid_block.attentions.0.to_q.weight": numbers.half(4, 4)},
        "text_encoder": {"text_model.final_layer_norm.bias": numbers.half(8)},
    }
    for name, tensors in parts.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(write_tensors(tensors, {}))
    write_json(tmp_path / "unet", "config", layers_per_block=1)
    write_json(tmp_path / "vae", "config", block_out_channels=[16, 32, 64])
    write_json(tmp_path / "text_encoder", "config", max_position_embeddings=77)
    schedule = {"beta_schedule": "scaled_linear", "prediction_type": "v_prediction", "num_train_timesteps": 1000}
    write_json(tmp_path / "scheduler", "scheduler_config", beta_start=0.00085, beta_end=0.012, **schedule)

    tensors, _ = read_tensors(export_checkpoint(tmp_path))

    query = tensors["first_stage_model.encoder.mid.attn_1.q.weight"]
    assert (query.shape, query.data) == ((4, 4, 1, 1), parts["vae"]["encoder.mid_block.attentions.0.to_q.weight"].data)
    kept = struct.unpack("<1000f", tensors["alphas_cumprod"].data)
    assert (round(kept[0], 5), round(kept[-1], 5)) == (0.99915, 0.00466)
    assert "v_pred" in tensors


def write_json(folder, name: str, **content: object) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(content))
