"""What becomes of honest torch files, in this process."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

from registry.converting import gathering
from registry.converting.checkpoint import FORMATS
from registry.converting.comparing import compare_result
from registry.converting.errors import ConversionFailed, ConversionRefused
from tests.data.pickles.build import all_cases
from tests.data.pickles.writing import ORDERED, Made, Ref, ordered
from tests.registry.converting.build import SOURCE, Parts, converted, metadata_of, singles

NAME = "{0.name}".format
CALLBACK = Ref("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint")


# -- honest files -------------------------------------------------------------------------------------------------

TYPES = {
    "F32": ("FloatStorage", "", 4),
    "F16": ("HalfStorage", "", 2),
    "BF16": ("BFloat16Storage", "", 2),
    "F64": ("DoubleStorage", "", 8),
    "I64": ("LongStorage", "", 8),
    "BOOL": ("BoolStorage", "", 1),
    "C64": ("ComplexFloatStorage", "", 8),
    "F8_E4M3": ("UntypedStorage", "float8_e4m3fn", 1),
    "F8_E5M2": ("UntypedStorage", "float8_e5m2", 1),
    "U16": ("UntypedStorage", "uint16", 2),
}


@pytest.mark.parametrize("layout", ["zipped", "legacy"])
@pytest.mark.parametrize("dtype", TYPES)
def test_every_type_keeps_its_bits(dtype, layout):
    kind, named, width = TYPES[dtype]
    data, parts = bytes(range(1, 12 * width + 1)), Parts()
    made = {"w": parts.tensor(data, (3, 4), kind=kind, dtype=named)}

    found, report, _result = converted(getattr(parts, layout)(made))

    assert found == {"w": (dtype, (3, 4), data)}
    assert report.tensors == 1


def test_scalars_and_empty_tensors_are_kept():
    parts = Parts()
    made = {"scalar": parts.tensor(singles(1), ()), "empty": parts.tensor(b"", (0, 4))}

    found, _report, _result = converted(parts.zipped(made))

    assert found["scalar"] == ("F32", (), singles(1))
    assert found["empty"] == ("F32", (0, 4), b"")


@pytest.mark.parametrize("span", [gathering._SPAN, 512], ids=["whole", "in boxes"])
@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [
        ((7, 30), (1, 7), 0),
        ((4, 6, 3, 3), (54, 1, 18, 6), 0),
        ((5, 40), (0, 1), 3),
        ((40, 5), (1, 0), 3),
        ((9, 10), (21, 2), 1),
        ((6, 5, 4, 3), (1, 6, 30, 120), 5),
        ((1, 200), (999, 1), 7),
    ],
    ids=["transposed", "channels last", "expanded", "expanded within", "steps", "reversed", "one row"],
)
def test_what_lies_out_of_order_is_put_in_order(shape, strides, offset, span, monkeypatch):
    monkeypatch.setattr(gathering, "_SPAN", span)
    data, parts = singles(400), Parts()
    flat = np.frombuffer(data, "<f4")[offset:]
    wanted = np.lib.stride_tricks.as_strided(flat, shape, [stride * 4 for stride in strides]).tobytes()

    found, _report, _result = converted(parts.zipped({"w": parts.tensor(data, shape, strides=strides, offset=offset)}))

    assert found["w"] == ("F32", shape, wanted)


def test_a_storage_under_many_names_is_written_under_each_and_said():
    parts = Parts()
    storage = parts.storage(singles(20))
    made = {
        "embed": parts.tensor(storage, (4, 5)),
        "head": parts.tensor(storage, (4, 5)),
        "part": parts.tensor(storage, (5,), offset=5),
        "other": parts.tensor(singles(3, 2), (3,)),
    }

    found, report, result = converted(parts.zipped(made))

    assert found["embed"] == found["head"] == ("F32", (4, 5), singles(20))
    assert found["part"][2] == singles(20)[20:40]
    assert report.shared == [["embed", "head", "part"]]
    assert json.loads(metadata_of(result)["shared_tensors"]) == [["embed", "head", "part"]]


def test_slices_of_one_storage_that_do_not_overlap_are_not_called_shared():
    parts = Parts()
    storage = parts.storage(singles(20))
    made = {"q": parts.tensor(storage, (10,)), "k": parts.tensor(storage, (10,), offset=10)}

    found, report, _result = converted(parts.zipped(made))

    assert found["q"][2] + found["k"][2] == singles(20)
    assert report.shared == []


def test_a_training_checkpoint_gives_its_state_and_names_the_rest():
    parts = Parts()
    state = ordered([("model.w", parts.tensor(singles(6), (2, 3))), ("note", "text"), ("betas", [1.0, {"x": 2}])])
    made = {
        "epoch": 3,
        "state_dict": state,
        "callbacks": {CALLBACK: {"best": 1.5}},
        "optimizer_states": [{"state": {0: parts.tensor(singles(6, 2), (6,))}}],
    }

    found, report, result = converted(parts.zipped(made))

    assert list(found) == ["model.w"]
    assert report.left_out == ["epoch", "callbacks", "optimizer_states", "note", "betas"]
    assert metadata_of(result)["converted_from_sha256"] == SOURCE


def test_averaged_weights_stay_in_a_full_conversion():
    parts = Parts()
    made = {"model.a.b": parts.tensor(singles(4), (4,)), "model_ema.ab": parts.tensor(singles(4, 2), (4,))}

    found, _report, _result = converted(parts.zipped({"state_dict": made}))

    assert found["model_ema.ab"] == ("F32", (4,), singles(4, 2))


def test_parameters_and_modules_are_tensors_too():
    parts = Parts()
    parameter = Made(Ref("torch._utils", "_rebuild_parameter"), parts.tensor(singles(2), (2,)), True, Made(ORDERED))
    inner = (parts.tensor(singles(3), (3,)), True, Made(ORDERED))
    rebuild, cls = Ref("torch._utils", "_rebuild_parameter"), Ref("torch.nn.parameter", "Parameter")
    plain = Made(Ref("torch._tensor", "_rebuild_from_type_v2"), rebuild, cls, inner, {})
    holder = Made(Ref("torch.nn.modules.container", "ParameterDict"), state={"_parameters": {"*": parameter}})

    found, _report, _result = converted(parts.zipped({"string_to_param": holder, "p": plain}))

    assert {name: row[2] for name, row in found.items()} == {"string_to_param.*": singles(2), "p": singles(3)}


def test_python_2_wrote_dictionaries_as_lists_of_pairs():
    parts = Parts()
    made = Made(ORDERED, [["a", parts.tensor(singles(2), (2,))], ["b", parts.tensor(singles(2, 3), (2,))]])

    found, _report, _result = converted(parts.legacy(made))

    assert [row[2] for row in found.values()] == [singles(2), singles(2, 3)]


def test_a_key_written_twice_has_its_last_value():
    parts = Parts()
    pairs = [("w", parts.tensor(singles(2), (2,))), ("w", parts.tensor(singles(2, 5), (2,)))]

    found, _report, _result = converted(parts.zipped(ordered(pairs)))

    assert found == {"w": ("F32", (2,), singles(2, 5))}


@pytest.mark.parametrize("case", [case for case in all_cases() if case.is_benign and case.format in FORMATS], ids=NAME)
def test_every_honest_sample_is_converted_or_its_tensor_is_named(case):
    refusal = None
    try:
        found, _report, _result = converted(case.data)
    except ConversionRefused as refused:
        refusal = refused

    assert refusal.code in {"no_tensors", "form", "dtype", "storage_packed", "storage_types"} if refusal else found


# -- the second look ----------------------------------------------------------------------------------------------


def test_one_bit_that_differs_is_found():
    parts = Parts()
    data = parts.zipped({"a": parts.tensor(singles(40), (40,)), "b": parts.tensor(singles(6), (2, 3), strides=(1, 2))})
    _found, _report, result = converted(data)
    for place in (len(result) - 1, len(result) - 100):
        broken = bytearray(result)
        broken[place] ^= 1
        with pytest.raises(ConversionFailed, match="differs"):
            compare_result(io.BytesIO(data), len(data), io.BytesIO(broken), len(broken), kind="full")
