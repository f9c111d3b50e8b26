import dataclasses
import io

from hypothesis import given
from hypothesis import strategies as st

from registry.formats.fingerprint import fingerprint, structure_hash
from registry.formats.hashes import hash_stream
from registry.formats.safetensors import read_header
from registry.formats.tensors import TensorInfo
from tests.registry.formats.build import safetensors_file, tensor_list

SPEC = {"a.weight": ("F16", (4, 2)), "a.bias": ("F16", (4,))}


def of_file(data: bytes):
    header = read_header(io.BytesIO(data), len(data))
    hashes = hash_stream(io.BytesIO(data), len(data), data_offset=header.data_offset)
    return fingerprint(header.tensors, hashes.data_sha256)


def test_a_copy_with_other_metadata_is_the_same_model():
    first = of_file(safetensors_file(SPEC, fill=7))
    copy = of_file(safetensors_file(SPEC, {"modelspec.title": "Mine"}, fill=7))

    assert first.is_same_model(copy)


def test_retrained_weights_have_the_same_structure_and_other_data():
    first = of_file(safetensors_file(SPEC, fill=7))
    retrained = of_file(safetensors_file(SPEC, fill=8))

    assert first.structure == retrained.structure
    assert not first.is_same_model(retrained)


def test_without_plain_data_nothing_is_the_same():
    alone = fingerprint(tensor_list(SPEC), None)

    assert not alone.is_same_model(alone)


def test_each_of_name_type_and_shape_counts():
    base = tensor_list(SPEC)
    others = [
        [dataclasses.replace(base[0], name="b.weight"), base[1]],
        [dataclasses.replace(base[0], dtype="BF16"), base[1]],
        [dataclasses.replace(base[0], shape=(2, 4)), base[1]],
        [base[0]],
    ]

    hashes = {structure_hash(tensors) for tensors in [base, *others]}

    assert len(hashes) == 5


def test_names_cannot_imitate_another_structure():
    one = [TensorInfo('a","F16",[1]]\n["b', "F16", (1,), 0, 2)]
    two = [TensorInfo("a", "F16", (1,), 0, 2), TensorInfo("b", "F16", (1,), 2, 4)]

    assert structure_hash(one) != structure_hash(two)


@given(st.permutations(list(tensor_list({**SPEC, "z": ("F32", ()), "é": ("U8", (3,))}))))
def test_the_order_in_the_file_does_not_count(tensors):
    assert structure_hash(tensors) == structure_hash(sorted(tensors, key=lambda tensor: tensor.start))
