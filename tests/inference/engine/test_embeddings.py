import pytest
import torch
from safetensors.torch import save_file

from inference.engine.embeddings import read_embedding
from inference.engine.errors import BadIngredient
from tests.inference.engine.networks import drawn, written

VECTORS = drawn(3, 24)
A1111 = {"string_to_token": {"*": 265}, "string_to_param": {"*": VECTORS}, "name": "mood", "step": 100}


@pytest.mark.parametrize(
    "content",
    [
        A1111,
        {**A1111, "string_to_param": {"*": VECTORS.requires_grad_(False).half()}},
        {"emb_params": VECTORS},
        {"<mood>": VECTORS},
        VECTORS,
    ],
    ids=["A1111", "half precision", "emb_params", "word", "tensor alone"],
)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_vectors_are_found_in_torchs_own_format(tmp_path, content, zipped):
    path = tmp_path / "mood.pt"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)

    found = read_embedding(path)

    assert (found.count, found.width, found.clip_g, found.width_g) == (3, 24, None, None)
    assert found.clip_l.dtype == torch.float32
    torch.testing.assert_close(found.clip_l, VECTORS, atol=1e-3, rtol=0)


@pytest.mark.parametrize("key", ["emb_params", "<mood>", "*", "mood"])
def test_vectors_are_found_in_a_safetensors_file(tmp_path, key):
    found = read_embedding(written(tmp_path / "mood.safetensors", {key: VECTORS}))

    assert torch.equal(found.clip_l, VECTORS)


def test_one_vector_may_have_one_side(tmp_path):
    found = read_embedding(written(tmp_path / "mood.safetensors", {"<mood>": VECTORS[0]}))

    assert torch.equal(found.clip_l, VECTORS[:1])


@pytest.mark.parametrize("keys", [("clip_l", "clip_g"), ("text_encoders_0", "text_encoders_1")])
def test_both_encoders_of_sdxl_get_theirs(tmp_path, keys):
    other = drawn(3, 40)

    found = read_embedding(written(tmp_path / "mood.safetensors", {keys[0]: VECTORS, keys[1]: other}))

    assert torch.equal(found.clip_l, VECTORS)
    assert torch.equal(found.clip_g, other)
    assert (found.width, found.width_g) == (24, 40)


@pytest.mark.parametrize(
    ("tensors", "code", "key"),
    [
        pytest.param({"a": VECTORS, "b": drawn(3, 24, seed=2)}, "not_an_embedding", None, id="two words"),
        pytest.param({"clip_l": VECTORS}, "missing_pair", "clip_g", id="the first encoder alone"),
        pytest.param({"clip_g": VECTORS}, "missing_pair", "clip_l", id="the second encoder alone"),
        pytest.param({"clip_l": VECTORS, "clip_g": drawn(2, 40)}, "wrong_shape", "clip_g", id="unequal counts"),
        pytest.param({"emb_params": drawn(2, 3, 4)}, "wrong_shape", "emb_params", id="three sides"),
        pytest.param({"emb_params": drawn(2000, 2)}, "wrong_shape", "emb_params", id="too many vectors"),
        pytest.param({"emb_params": torch.ones(0, 24)}, "wrong_shape", "emb_params", id="no vectors"),
        pytest.param({"emb_params": torch.full((2, 24), float("inf"))}, "not_finite", "emb_params", id="no numbers"),
        pytest.param({"emb_params": torch.ones(2, 24, dtype=torch.int8)}, "wrong_dtype", "emb_params", id="int8"),
    ],
)
def test_a_file_that_is_none_is_refused_by_key(tmp_path, tensors, code, key):
    path = tmp_path / "mood.safetensors"
    save_file(tensors, path)

    with pytest.raises(BadIngredient) as caught:
        read_embedding(path, "mood")

    fault = caught.value
    assert (fault.code, fault.role, fault.params["name"], fault.params.get("key")) == (code, "embedding", "mood", key)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ([VECTORS], "not_an_embedding"),
        ({"string_to_param": 5}, "not_an_embedding"),
        ({"step": 100}, "not_an_embedding"),
        ({"*": torch.zeros(1).expand(1000, 8000)}, "false_size"),
    ],
    ids=["a list", "a table that is none", "no tensors", "a tensor that repeats one number"],
)
def test_a_torch_file_that_is_none_is_refused(tmp_path, content, code):
    path = tmp_path / "mood.pt"
    torch.save(content, path)

    with pytest.raises(BadIngredient) as caught:
        read_embedding(path)

    assert caught.value.code == code
