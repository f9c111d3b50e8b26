import io

import pytest

from registry.formats.architecture import recognize
from registry.formats.errors import MalformedFile
from registry.pickles.tensors import read_tensors
from tests.data.pickles.build import all_cases
from tests.data.pickles.containers import legacy_torch, torch_file, torch_zip
from tests.data.pickles.writing import Made, Ref, dump, ordered, proto, tensor

W, HALF = tensor("0", (4, 8)), tensor("1", (3,), "HalfStorage")
STATE = {"model.w": W, "model.b": HALF}
WANTED = [("model.w", "F32", (4, 8)), ("model.b", "F16", (3,))]


def _read(data):
    return [(t.name, t.dtype, t.shape) for t in read_tensors(io.BytesIO(data), len(data))]


def _sample(name):
    return next(case.data for case in all_cases() if case.name == name)


@pytest.mark.parametrize(
    "data",
    [
        torch_file(STATE),
        torch_file(STATE, 4),
        legacy_torch(STATE),
        torch_file(ordered(STATE.items(), _metadata=ordered([]))),
        torch_file({"state_dict": STATE, "callbacks": {"x": tensor("2", (9,))}, "global_step": 3}),
        torch_file({"state_dict": ordered(STATE.items())}),
        torch_file({"model": STATE, "optimizer": {"state": tensor("2", (9,))}}),
        legacy_torch({"state_dict": {"state_dict": STATE}}),
    ],
    ids=["zip", "protocol 4", "legacy", "ordered", "checkpoint", "ordered checkpoint", "model", "wrapped twice"],
)
def test_names_types_and_shapes_are_read(data):
    assert _read(data) == WANTED


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("embedding.pt", [("string_to_param.*", "F32", (2, 768))]),
        ("parameter-dict.pt", [("string_to_param.*", "F32", (4, 8))]),
        ("parameter.pt", [("w", "F32", (4, 8))]),
        ("untyped.pt", [("w", "F8_E4M3", (4,))]),
        ("tensor-attributes.pt", [("w", "F32", (4,))]),
        ("quantized.pt", [("w", "I8", (4,))]),
        ("legacy-embedding.pt", [("string_to_param.*", "F32", (2, 768))]),
        ("module.pt", [("weight", "F32", (4, 8))]),
        ("plain-2.pkl", []),
        ("cycle.pkl", []),
        ("good.safetensors", []),
        ("empty.bin", []),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_form_of_a_tensor_is_known(name, wanted):
    assert _read(_sample(name)) == wanted


def test_a_hypernetwork_is_flattened_by_dots():
    layers = {"linear.0.weight": tensor("0", (2, 4))}

    assert _read(torch_file({768: ({**layers}, {**layers})})) == [
        ("768.0.linear.0.weight", "F32", (2, 4)),
        ("768.1.linear.0.weight", "F32", (2, 4)),
    ]


def test_an_embedding_is_recognized_in_both_layouts():
    for name in ("embedding.pt", "legacy-embedding.pt"):
        data = _sample(name)
        recognition = recognize(read_tensors(io.BytesIO(data), len(data)), {})
        assert (recognition.model_type, recognition.vectors) == ("embedding", 2)


def test_offsets_follow_one_another():
    data = torch_file(STATE)

    first, second = read_tensors(io.BytesIO(data), len(data))

    assert (first.start, first.end, second.start, second.end) == (0, 128, 128, 134)


def test_a_gadget_beside_the_tensors_is_passed_over():
    assert _read(torch_file({"x": Made(Ref("posix", "system"), "true"), "w": HALF})) == [("w", "F16", (3,))]


def test_a_broken_pickle_is_said_to_be_broken():
    with pytest.raises(MalformedFile) as caught:
        _read(torch_zip(dump(STATE)[:40]))

    assert caught.value.reason == "pickle_broken"


def test_dictionaries_that_hold_each_other_end():
    data = torch_zip(proto(2) + b"}q\x00(X\x01\x00\x00\x00ah\x00X\x01\x00\x00\x00bh\x00u.")

    assert _read(data) == []


def test_no_sample_makes_the_reader_raise_anything_else():
    for case in all_cases():
        try:
            _read(case.data)
        except MalformedFile:
            continue


def test_dictionaries_that_share_their_parts_cost_no_more_than_their_number():
    body = b"}q\x000"
    for number in range(1, 8):  # ten names each for the level below: ten million paths
        pairs = b"".join(b"X\x01\x00\x00\x00%ch%c" % (letter, number - 1) for letter in b"abcdefghij")
        body += b"}(" + pairs + b"uq" + bytes([number]) + b"0"
    data = torch_zip(proto(2) + body + b"h\x07.")
    assert _read(data) == []
