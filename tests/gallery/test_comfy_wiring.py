"""Links of ComfyUI's editor that are drawn nowhere: bounded, whatever a graph says."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.imagemeta.comfyui import read_comfyui
from tests.data.imagemeta.comfyui import CASES, LARGEST, _box, _editor, _link, _without_links


def chain(length: int) -> dict:
    """The model goes through so many names."""
    workflow = _without_links(_editor(), 1)
    _link(workflow, 3, "model", 50)
    source = 10
    for number in range(length):
        setter, getter, link = 1_000 + 2 * number, 1_001 + 2 * number, 1_000 + number
        workflow["nodes"].append(_box(setter, "SetNode", [("*", "*", link)], ["*"], [f"name {number}"]))
        workflow["nodes"].append(_box(getter, "GetNode", [], ["*"], [f"name {number}"]))
        workflow["links"].append([link, source, 0, setter, 0, "MODEL"])
        source = getter
    workflow["links"].append([50, source, 0, 3, 0, "MODEL"])
    return workflow


def senders(count: int) -> dict:
    """So many nodes that send models everywhere, and as many inputs that wait for one."""
    workflow = _without_links(_editor(), 1)
    for number in range(count):
        workflow["nodes"].append(_box(2_000 + number, "Anything Everywhere?", [("x", "MODEL", 10)], [], ["", "m", ""]))
        workflow["nodes"].append(_box(9_000 + number, "KSampler", [("model", "MODEL", None)] * 20, ["LATENT"]))
    return workflow


def nested(count: int) -> dict:
    """A subgraph of many senders, met at every level of eight, many times at each."""
    inner = senders(count) | {"id": "again", "extra": {"ue_links": [{"downstream": 3, "downstream_slot": 0}] * 5_000}}
    inner["nodes"] += [_box(50_000 + number, "again", [], ["LATENT"]) for number in range(50)]
    workflow = _editor() | {"definitions": {"subgraphs": [inner]}}
    workflow["nodes"] += [_box(90_000 + number, "again", [], ["LATENT"]) for number in range(50)]
    return workflow


SLOW = {
    "a long chain of names": lambda: chain(2_400),
    "senders and inputs": lambda: senders(2_400),
    "subgraphs of senders": lambda: nested(500),
    "names that are patterns": lambda: _patterned(),
}


def _patterned() -> dict:
    workflow = senders(0)
    evil = [".*", "(m+)+$" * 10, ".*"]
    workflow["nodes"] += [_box(2_000 + n, "Anything Everywhere?", [("x", "MODEL", 10)], [], evil) for n in range(500)]
    workflow["nodes"].append(_box(9, "KSampler", [("m" * 5_000 + "!", "MODEL", None)], ["LATENT"]))
    return workflow


@pytest.mark.parametrize("name", SLOW)
def test_a_graph_takes_no_more_than_its_share_of_time(name):
    workflow = SLOW[name]()
    began = time.perf_counter()

    found = read_comfyui(None, workflow)

    assert time.perf_counter() - began < 2
    assert found.prompt == "tin lighthouse"


def test_names_are_followed_through_a_hundred_others():
    found = read_comfyui(None, chain(60))

    assert [each.name for each in found.resources] == ["reed", "pondMix"]


SLEEPING = {"muted": (2, []), "bypassed": (4, ["reed", "pondMix"])}


@pytest.mark.parametrize("name", SLEEPING)
def test_a_name_that_sleeps_keeps_nothing_and_one_that_is_bypassed_passes_on(name):
    mode, resources = SLEEPING[name]
    workflow = chain(1)
    next(node for node in workflow["nodes"] if node["type"] == "SetNode")["mode"] = mode

    assert [each.name for each in read_comfyui(None, workflow).resources] == resources


RESTRICTED = {
    "a group": {"group_restricted": True},
    "a color": {"ue_properties": {"color_restricted": 1}},
    "nothing": {"ue_properties": {"group_restricted": 0}},
}


@pytest.mark.parametrize("name", RESTRICTED)
def test_what_is_sent_to_some_nodes_alone_is_not_taken_for_sent_to_all(name):
    workflow = _without_links(_editor(), 1)
    workflow["nodes"].append(_box(70, "Anything Everywhere", [("anything", "MODEL", 70)]) | {
        "properties": RESTRICTED[name]
    })  # fmt: skip
    workflow["links"].append([70, 10, 0, 70, 0, "MODEL"])

    assert bool(read_comfyui(None, workflow).resources) is (name == "nothing")


def test_an_input_that_has_a_value_of_its_own_keeps_it():
    """A number that is sent everywhere does not reach widgets, which newer editors list among the inputs."""
    workflow = _editor()
    workflow["nodes"][0]["inputs"].append({"name": "seed", "type": "INT", "link": None, "widget": {"name": "seed"}})
    workflow["nodes"].append(_box(70, "Anything Everywhere", [("anything", "INT", 70)]))
    workflow["nodes"].append(_box(71, "PrimitiveInt", [], ["INT"], [LARGEST]))
    workflow["links"].append([70, 71, 0, 70, 0, "INT"])

    assert read_comfyui(None, workflow).seed == 881234


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 80) | st.sampled_from(["SetNode", "GetNode", "*", "MODEL", "x", ""]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(
        ["id", "type", "inputs", "link", "widgets_values", "mode", "name", "properties", "ue_properties"]), inner
    ),
    max_leaves=12,
)  # fmt: skip
GRAPHS = [
    json.loads(case.blocks["png:workflow"]) for case in CASES if case.file.startswith(("comfyui-set", "comfyui-ev"))
]


@given(graph=st.sampled_from(GRAPHS), node=st.integers(0, 20), key=st.sampled_from(
    ["id", "type", "inputs", "widgets_values", "mode", "properties"]), value=VALUES, written=VALUES)  # fmt: skip
def test_graphs_of_any_shape_are_read_or_are_none(graph, node, key, value, written):
    workflow = json.loads(json.dumps(graph))
    workflow["nodes"][node % len(workflow["nodes"])][key] = value
    workflow["extra"] = {"ue_links": written}

    found = read_comfyui(None, workflow)

    assert found is None or found.tool == "ComfyUI"
