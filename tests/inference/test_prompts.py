"""What prompts say: emphasis, schedules, networks. Every reader is linear and refuses nothing that is plain text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.prompts.emphasis import MAX_PROMPT, Part, parse_emphasis, write_emphasis
from inference.prompts.networks import Network, extract_networks
from inference.prompts.schedule import Stage, Strand, parse_schedule, split_strands

BREAK = Part("", is_break=True)
SIGNS = st.text(st.sampled_from("ab ()[]:|\\.<>,0123456789BREAKND\n\U0001f9a2é"), max_size=200)


def test_emphasis_multiplies_by_steps_of_a_tenth():
    assert [(part.text, round(part.weight, 6)) for part in parse_emphasis("a ((b)) [c] (d:1.3) e")] == [
        ("a ", 1),
        ("b", 1.21),
        (" ", 1),
        ("c", 0.909091),
        (" ", 1),
        ("d", 1.3),
        (" e", 1),
    ]


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        pytest.param("", (Part(""),), id="nothing"),
        pytest.param(r"\(a\) \[b\] \\", (Part("(a) [b] \\"),), id="escapes are literal"),
        pytest.param("a (b", (Part("a "), Part("b", 1.1)), id="unclosed reaches to the end"),
        pytest.param("a) b] c", (Part("a) b] c"),), id="a closing one alone is text"),
        pytest.param("a:1.3) b", (Part("a:1.3) b"),), id="a weight without a bracket is text"),
        pytest.param("[x:1.3]", (Part("x:1.3", 1 / 1.1),), id="square brackets take no weight"),
        pytest.param("(a:-0.5)", (Part("a", -0.5),), id="negative weight"),
        pytest.param("(a [b) c]", (Part("a ", 1.1), Part("b", 1.1 * 1.1**-1), Part(" c", 1.1**-1)), id="crossing"),
        pytest.param(
            "teapot, BREAK (white wall:1.4), linocut, BREAK stamp",
            (Part("teapot,"), BREAK, Part("white wall", 1.4), Part(", linocut,"), BREAK, Part("stamp")),
            id="BREAK between chunks",
        ),
        pytest.param("outBREAK, BREAKfast break", (Part("outBREAK, BREAKfast break"),), id="BREAK inside a word"),
        pytest.param("(a BREAK b:1.2)", (Part("a", 1.2), BREAK, Part("b", 1.2)), id="BREAK inside a bracket"),
        pytest.param("BREAK BREAK", (BREAK, BREAK), id="BREAK alone"),
    ],
)
def test_emphasis_is_read(prompt, parts):
    assert parse_emphasis(prompt) == parts


@given(SIGNS)
def test_emphasis_round_trips(prompt):
    parts = parse_emphasis(prompt)

    again = parse_emphasis(write_emphasis(parts))

    assert [part.is_break for part in again] == [part.is_break for part in parts] or "BREAK" in prompt
    assert "".join(part.text for part in again).split() == "".join(part.text for part in parts).split()


@pytest.mark.parametrize(
    ("prompt", "stages"),
    [
        pytest.param("a kite, [red:teal:0.25]", [(5, "a kite, red"), (20, "a kite, teal")], id="share of the steps"),
        pytest.param("[:teal:0.25]", [(5, ""), (20, "teal")], id="empty first"),
        pytest.param("[teal:0.25]", [(5, ""), (20, "teal")], id="only second"),
        pytest.param("[red::0.25]", [(5, "red"), (20, "")], id="empty second"),
        pytest.param(
            "[fog:[rain:snow:0.75]:0.25] street",
            [(5, "fog street"), (15, "rain street"), (20, "snow street")],
            id="nested",
        ),
        pytest.param("a [b : c : 5 ] d", [(5, "a b  d"), (20, "a  c  d")], id="blanks and a step number"),
        pytest.param("[lake:1]", [(1, ""), (20, "lake")], id="step one"),
        pytest.param("[lake:1.0]", [(20, "")], id="the whole run"),
        pytest.param("[one:two", [(20, "[one:two")], id="unclosed is text"),
        pytest.param("clock 12:30 [a:b]", [(20, "clock 12:30 [a:b]")], id="no number is text"),
        pytest.param("(a:[b:c:5]:1.2)", [(5, "(a:b:1.2)"), (20, "(a:c:1.2)")], id="inside emphasis"),
        pytest.param("[a (b:c:5]", [(5, "a (b"), (20, "c")], id="round bracket unclosed inside is text"),
        pytest.param("[" * 200, [(20, "[" * 200)], id="deep nesting is text"),
    ],
)
def test_prompt_editing(prompt, stages):
    assert parse_schedule(prompt, 20) == tuple(Stage(*stage) for stage in stages)


def test_alternation_takes_turns_and_keeps_its_text_whole():
    stages = parse_schedule("[owl|(fox:1.3)|] mask", 4)

    assert [stage.text for stage in stages] == ["owl mask", "(fox:1.3) mask", " mask", "owl mask"]


@given(SIGNS, st.integers(1, 150))
def test_schedule_covers_every_step_in_order(prompt, steps):
    stages = parse_schedule(prompt, steps)

    lasts = [stage.last for stage in stages]
    assert lasts == sorted(set(lasts))
    assert lasts[-1] == steps


@given(st.text(st.sampled_from("ab ,.\n\U0001f9a2é<>"), max_size=100))
def test_text_without_signs_is_left_alone(prompt):
    assert parse_schedule(prompt, 20) == (Stage(20, prompt),)
    assert "".join(part.text for part in parse_emphasis(prompt)) == prompt


def test_strands_carry_their_weight():
    assert split_strands("a cat AND a dog :1.2 AND at 12:30 noon AND BAND") == (
        Strand("a cat"),
        Strand("a dog", 1.2),
        Strand("at 12:30 noon"),
        Strand("BAND"),
    )


@pytest.mark.parametrize(
    ("tag", "network"),
    [
        pytest.param("<lora:ink:0.8>", Network("lora", "ink", 0.8, 0.8), id="one number sets both"),
        pytest.param("<lora:ink>", Network("lora", "ink"), id="no number"),
        pytest.param("<lora:ink:0.5:1>", Network("lora", "ink", 0.5, 1.0), id="two numbers"),
        pytest.param("<lora:ink:te=0.5:unet=-1>", Network("lora", "ink", 0.5, -1.0), id="named"),
        pytest.param("<hypernet:old velvet:1.5>", Network("hypernet", "old velvet", 1.5, 1.5), id="hypernetwork"),
    ],
)
def test_network_tags_are_taken_out(tag, network):
    text, networks = extract_networks(f"a {tag}b")

    assert (text, networks) == ("a b", (network,))
    assert extract_networks(network.written()) == ("", (network,))


@pytest.mark.parametrize("text", ["a < b", "<b>", "<lora:>", "<lora:a:heavy>", "<lora:a:1e400>", "<lora:a"])
def test_what_is_no_tag_stays_in_the_text(text):
    assert extract_networks(text) == (text, ())


@pytest.mark.parametrize(
    "unit", ["(", "[", "<a:", "[a:", ":", " ", "BREAK ", "[a|", "\\", "[a:b:1]", "(a:", "1", ":1", "\U0001f9a2"]
)
def test_hostile_text_is_read_in_one_pass(unit):
    """The longest prompt there may be is read, or refused for its length; nested brackets cost no recursion."""
    prompt = (unit * MAX_PROMPT)[:MAX_PROMPT]

    assert parse_emphasis(prompt)
    assert extract_networks(prompt)
    assert parse_schedule(prompt, 20)[-1].last == 20


def test_a_prompt_that_changes_too_often_over_its_length_is_refused():
    with pytest.raises(ValueError, match="too much text"):
        parse_schedule("[a|b]" + "c" * 50_000, 150)


def test_prompts_past_the_limit_are_refused():
    with pytest.raises(ValueError, match="100001"):
        parse_emphasis("a" * (MAX_PROMPT + 1))
    with pytest.raises(ValueError, match="at most"):
        parse_schedule("a" * (MAX_PROMPT + 1), 20)
