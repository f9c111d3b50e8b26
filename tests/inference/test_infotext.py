"""Parameters texts: written, read back, and read as other tools wrote them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.prompts.infotext import MAX_TEXT, Infotext, read_infotext, write_infotext
from inference.prompts.samplers import SAMPLERS, SCHEDULES, find_sampler, resolved_schedule

PLAIN = """a photo of (cat:1.2), <lora:foo:0.8>
Negative prompt: blurry,
dark
Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 18446744073709551615, Size: 512x768, \
Lora hashes: "foo: abcdef012345, bar: 0123", Hashes: {"model": "6ce0161689", "lora:foo": "ab"}, Version: v1.10.1"""


def test_every_part_is_read():
    read = read_infotext(PLAIN)

    assert read.prompt == "a photo of (cat:1.2), <lora:foo:0.8>"
    assert read.negative == "blurry,\ndark"
    assert read.fields["Seed"] == "18446744073709551615"
    assert read.fields["Lora hashes"] == "foo: abcdef012345, bar: 0123"
    assert json.loads(read.fields["Hashes"]) == {"model": "6ce0161689", "lora:foo": "ab"}
    assert read.fields["Version"] == "v1.10.1"


@pytest.mark.parametrize("inside", ["\n", "\\n"], ids=["a real line break", "an escaped one"])
def test_a_line_break_inside_quotes_does_not_end_the_parameters(inside):
    text = (
        "clay teapot on oak\nNegative prompt: chips\nSteps: 18, Sampler: Euler, CFG scale: 5, Seed: 9, "
        f'Size: 512x512, Wildcard prompt: "clay teapot,{inside}glazed: blue", Version: v1.6.0'
    )

    read = read_infotext(text)

    assert read.negative == "chips"
    assert (read.fields["Steps"], read.fields["Seed"], read.fields["Version"]) == ("18", "9", "v1.6.0")
    assert read.fields["Wildcard prompt"] == "clay teapot,\nglazed: blue"


@pytest.mark.parametrize(
    ("text", "prompt", "negative", "fields"),
    [
        pytest.param("", "", "", {}, id="nothing"),
        pytest.param("just words", "just words", "", {}, id="prompt alone"),
        pytest.param("Negative prompt: bad", "", "bad", {}, id="negative alone"),
        pytest.param("a\nSteps: 3, b", "a\nSteps: 3, b", "", {}, id="too few pairs are prompt"),
        pytest.param(
            "Steps: 1, Sampler: x, Seed: 2\nis my prompt\nSteps: 9, Sampler: Euler, Seed: 4",
            "Steps: 1, Sampler: x, Seed: 2\nis my prompt",
            "",
            {"Steps": "9", "Sampler": "Euler", "Seed": "4"},
            id="a prompt that looks like parameters",
        ),
        pytest.param(
            "fog\nSteps: 30, Seed: 73, Lora hashes: , Lora weights: , Version: Fooocus v2.2.1",
            "fog",
            "",
            {"Steps": "30", "Seed": "73", "Lora hashes": "", "Lora weights": "", "Version": "Fooocus v2.2.1"},
            id="empty values",
        ),
        pytest.param(
            'x\nSteps: 1, A: "open, B: 2, C: {"d": 1',
            "x",
            "",
            {"Steps": "1", "A": '"open', "B": "2", "C": '{"d": 1'},
            id="quotes and braces that never close",
        ),
        pytest.param(
            "a\nNegative prompt: b\nNegative prompt: c\nSteps: 1, Seed: 2, Size: 8x8",
            "a\nNegative prompt: b",
            "c",
            {"Steps": "1", "Seed": "2", "Size": "8x8"},
            id="two negatives: the last is meant",
        ),
    ],
)
def test_odd_texts(text, prompt, negative, fields):
    assert read_infotext(text) == Infotext(prompt, negative, fields)


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60).map(str.strip)
VALUES = st.text(st.sampled_from('ab ,:\n"\\{}[]1é'), max_size=40)


@given(WORDS, WORDS, st.dictionaries(st.sampled_from(["Sampler", "Seed", "Model", "My field"]), VALUES, min_size=2))
def test_what_is_written_reads_back_equal(prompt, negative, fields):
    prompt = prompt.replace("Negative prompt:", "")
    infotext = Infotext(prompt, negative, {"Steps": "20", **fields})

    assert read_infotext(write_infotext(infotext)) == infotext


@pytest.mark.parametrize("unit", ["a", "\n", 'Steps: "', "Steps: 1, ", "\nSteps: [", ": ", "a:b,", '"', "\\", "[{"])
def test_hostile_text_is_read_in_one_pass(unit):
    text = (unit * 400_000)[:400_000]

    assert read_infotext(text).prompt is not None


def test_a_text_past_the_limit_is_refused():
    with pytest.raises(ValueError, match="characters"):
        read_infotext("a" * (MAX_TEXT + 1))


@pytest.mark.parametrize(
    ("name", "schedule", "expected"),
    [
        pytest.param("DPM++ 2M Karras", "", ("DPM++ 2M", "Karras"), id="schedule as an ending"),
        pytest.param("DPM++ 2M", "", ("DPM++ 2M", "Automatic"), id="none named"),
        pytest.param("dpmpp_2m_sde_gpu", "karras", ("DPM++ 2M SDE", "Karras"), id="ComfyUI"),
        pytest.param("euler_ancestral", "sgm_uniform", ("Euler a", "SGM Uniform"), id="ComfyUI schedule"),
        pytest.param("k_euler_a", "", ("Euler a", "Automatic"), id="InvokeAI"),
        pytest.param("  euler   A ", "beta", ("Euler a", "Beta"), id="blanks and case"),
        pytest.param("DDIM", "", ("DDIM", "Automatic"), id="a sampler named like a schedule"),
    ],
)
def test_samplers_are_found_by_every_spelling(name, schedule, expected):
    sampler, found = find_sampler(name, schedule)

    assert (sampler.name, found.name) == expected


@pytest.mark.parametrize("name", [*SAMPLERS, *(sampler.comfy for sampler in SAMPLERS.values())])
@pytest.mark.parametrize("schedule", list(SCHEDULES))
def test_names_lead_there_and_back(name, schedule):
    sampler, found = find_sampler(name, schedule)

    assert find_sampler(sampler.name, found.name) == (sampler, found)
    assert find_sampler(sampler.comfy, found.comfy or found.name) == (sampler, found)


@pytest.mark.parametrize(("name", "schedule", "unknown"), [("Magic", "", "Magic"), ("Euler", "Odd", "Odd")])
def test_an_unknown_name_is_said(name, schedule, unknown):
    with pytest.raises(KeyError, match=unknown):
        find_sampler(name, schedule)


def test_automatic_means_the_samplers_own_schedule():
    sampler, schedule = find_sampler("DPM++ 2M SDE")

    assert resolved_schedule(sampler, schedule).name == "Exponential"
