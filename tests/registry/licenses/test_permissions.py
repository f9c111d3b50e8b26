import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.licenses.permissions import Permissions, PermissionsError

NAMES = ["no_credit", "commercial_images", "commercial_service", "sell", "merges", "relicense"]
ALL = dict.fromkeys(NAMES, True)


@given(st.integers(0, 63))
def test_bits_and_answers_say_the_same(bits):
    assert Permissions.from_bits(bits).to_bits() == bits


def test_the_first_answer_is_the_lowest_bit():
    assert Permissions(True, False, False, False, False, False).to_bits() == 1
    assert [field.name for field in dataclasses.fields(Permissions)] == NAMES


@pytest.mark.parametrize("bits", [-1, 64, 1 << 40])
def test_other_numbers_are_no_permissions(bits):
    with pytest.raises(ValueError, match="not six permission bits"):
        Permissions.from_bits(bits)


def test_six_answers_of_a_program_are_read():
    assert Permissions.from_mapping({**ALL, "sell": False}) == Permissions(True, True, True, False, True, True)


WRONG = {
    "none given": ({}, dict.fromkeys(NAMES, "missing")),
    "one missing": ({key: True for key in NAMES if key != "sell"}, {"sell": "missing"}),
    "one too many": ({**ALL, "resell": True}, {"resell": "unknown"}),
    "a text": ({**ALL, "sell": "false"}, {"sell": "not_boolean"}),
    "a number": ({**ALL, "sell": 1}, {"sell": "not_boolean"}),
    "null": ({**ALL, "sell": None}, {"sell": "not_boolean"}),
    "several at once": ({**ALL, "sell": 0, "x": 1}, {"x": "unknown", "sell": "not_boolean"}),
}


@pytest.mark.parametrize(("answers", "faults"), WRONG.values(), ids=WRONG.keys())
def test_every_wrong_answer_is_named(answers, faults):
    with pytest.raises(PermissionsError) as refusal:
        Permissions.from_mapping(answers)

    assert refusal.value.faults == faults
