"""Hostile and odd files: each is refused, by the name of what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest

from registry.converting.errors import ConversionRefused
from tests.data.pickles.build import all_cases
from tests.data.pickles.containers import Entry
from tests.data.pickles.writing import ORDERED, Made, Ref, Stored, ordered
from tests.registry.converting.build import Parts, converted, singles

NAME = "{0.name}".format
HUGE = 1 << 34


def _utils(name: str) -> Ref:
    return Ref("torch._utils", name)


def _quantized(parts: Parts) -> Made:
    scheme = (Ref("torch", "per_tensor_affine"), 1.0, 0)
    storage = parts.storage(b"1234", "QInt8Storage")
    return Made(_utils("_rebuild_qtensor"), storage, 0, (4,), (1,), scheme, False, Made(ORDERED))


def _negated(parts: Parts) -> Made:
    """To be read with its sign turned."""
    storage = parts.storage(singles(2))
    return Made(_utils("_rebuild_tensor_v2"), storage, 0, (2,), (1,), False, Made(ORDERED), {"neg": True})


def _deep(parts: Parts) -> Any:
    made: Any = {}
    for _level in range(40):
        made = {"x": made}
    return made


def _doubling(parts: Parts) -> Any:
    made: Any = [parts.tensor(singles(1), ())] * 2
    for _level in range(25):
        made = [made, made]
    return made


def _endless(parts: Parts) -> Any:
    made: Any = {"x": parts.tensor(singles(1), ())}
    made["again"] = made
    return made


def _two_types(parts: Parts) -> Any:
    storage = parts.storage(singles(4))
    return [parts.tensor(storage, (4,)), parts.tensor(Stored("HalfStorage", storage.key, 4), (4,))]


def _two_names(parts: Parts) -> Any:
    return ordered([("a", {"b": parts.tensor(singles(1), ())}), ("a.b", parts.tensor(singles(1), ()))])


# What stands in the file beside an honest tensor -> the code of the refusal
THINGS = {
    "a command": (lambda parts: Made(Ref("posix", "system"), "true"), "not_safe"),
    "an unknown class": (lambda parts: Made(Ref("somewhere", "Thing")), "not_safe"),
    "a number too many": (lambda parts: parts.tensor(singles(4), (5,)), "outside"),
    "a row behind the end": (lambda parts: parts.tensor(singles(9), (3, 3), offset=1), "outside"),
    "a stride behind the end": (lambda parts: parts.tensor(singles(9), (2, 2), strides=(8, 2)), "outside"),
    "a tensor without end": (lambda parts: parts.tensor(singles(1), (HUGE,) * 9, strides=(0,) * 9), "outside"),
    "an expanded giant": (lambda parts: parts.tensor(singles(1), (HUGE,), strides=(0,)), "result_too_large"),
    "a tensor without numbers": (lambda parts: Made(_utils("_rebuild_meta_tensor_no_storage"), 1, (2,)), "form"),
    "a quantized tensor": (_quantized, "form"),
    "a negated tensor": (_negated, "form"),
    "a storage by itself": (lambda parts: parts.storage(singles(2)), "form"),
    "numbers of half a byte": (lambda parts: parts.tensor(b"12", (2,), kind="UntypedStorage", dtype="int4"), "dtype"),
    "two types of one storage": (_two_types, "storage_types"),
    "one name twice": (_two_names, "name_twice"),
    "a name that is no text": (lambda parts: {1.5: parts.tensor(singles(1), ())}, "name_odd"),
    "half a letter": (lambda parts: {"\ud800": parts.tensor(singles(1), ())}, "name_odd"),
    "a name too long": (lambda parts: {"n" * 2000: parts.tensor(singles(1), ())}, "name_odd"),
    "a bottomless nest": (_deep, "too_complex"),
    "a doubling without end": (_doubling, "too_many_tensors"),
    "a circle": (_endless, "too_complex"),
}


@pytest.mark.parametrize("name", THINGS)
def test_what_cannot_be_said_is_refused_and_not_left_out(name):
    thing, code = THINGS[name]
    parts = Parts()
    data = parts.zipped({"w": parts.tensor(singles(4), (4,)), "x": thing(parts)})

    with pytest.raises(ConversionRefused) as caught:
        converted(data)

    assert caught.value.code == code


def _one(**options: Any) -> bytes:
    parts = Parts()
    return parts.zipped({"w": parts.tensor(singles(4), (4,))}, **options)


def _sample(name: str) -> bytes:
    return next(case.data for case in all_cases() if case.name == name)


FILES = {
    "a packed storage": (lambda: _one(deflate=True), "storage_packed"),
    "the other byte order": (lambda: _one(order=b"big"), "byte_order"),
    "a program": (lambda: _one(more=[Entry("archive/code/x.py", b"1")]), "not_safe"),
    "a second pickle": (lambda: _one(more=[Entry("other/data.pkl", b"N.")]), "layout"),
    "no tensor": (lambda: Parts().zipped({"a": 1}), "no_tensors"),
    "a plain pickle": (lambda: _sample("plain-2.pkl"), "layout"),
    "a safetensors file": (lambda: _sample("good.safetensors"), "layout"),
    "nothing": (lambda: b"", "not_safe"),
}


@pytest.mark.parametrize("name", FILES)
def test_files_of_other_layouts_are_refused(name):
    make, code = FILES[name]

    with pytest.raises(ConversionRefused) as caught:
        converted(make())

    assert caught.value.code == code


@pytest.mark.parametrize("case", [case for case in all_cases() if "safe" not in case.accept], ids=NAME)
def test_no_sample_that_is_not_safe_is_converted(case):
    with pytest.raises(ConversionRefused) as caught:
        converted(case.data)

    assert caught.value.code == "not_safe"


@pytest.mark.parametrize("where", [0.1, 0.5, 0.99])
def test_a_file_that_was_cut_is_refused(where):
    parts = Parts()
    data = parts.legacy({"w": parts.tensor(singles(400), (400,))})

    with pytest.raises(ConversionRefused):
        converted(data[: int(len(data) * where)])
