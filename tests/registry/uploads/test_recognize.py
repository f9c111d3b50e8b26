"""What a file is, before it is sent."""

from __future__ import annotations

import json

import pytest

from tests.registry.inspecting.bytes import safetensors


def ask(sender, data: bytes, **change: object):
    length = int.from_bytes(data[:8], "little")
    body = {"name": "lights.safetensors", "size": len(data), "header": data[8 : 8 + length].decode(), **change}
    return sender.client.post("/api/safelight/v1/recognize", body, content_type="application/json")


def test_a_header_tells_what_the_file_is(sender):
    answer = ask(sender, safetensors(metadata={"modelspec.title": "Lights", "modelspec.trigger_phrase": "lamp, red"}))

    found = answer.json()
    assert answer.status_code == 200
    assert (found["model_type"], found["title"], found["precision"]) == ("lora", "Lights", "fp16")
    assert found["trigger_words"] == ["lamp", "red"]


@pytest.mark.parametrize(
    "change",
    [{"header": "{"}, {"header": "[]"}, {"header": json.dumps({"x": 1})}, {"size": 10}, {"header": "{" * 5000}],
    ids=["cut", "no object", "no tensor", "another size", "nested"],
)
def test_a_broken_header_is_refused_before_a_byte_is_sent(sender, change):
    answer = ask(sender, safetensors(), **change)

    assert (answer.status_code, answer.json()["field"]) == (400, "header")
    assert "lights.safetensors" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("change", "field"),
    [({"header": ""}, "header"), ({"header": 5}, "header"), ({"size": -1}, "size"), ({"name": ""}, "name")],
)
def test_a_question_of_another_shape_is_refused(sender, change, field):
    answer = ask(sender, safetensors(), **change)

    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_nobody_asks_without_signing_in(client, db):
    assert client.post("/api/safelight/v1/recognize", {}, content_type="application/json").status_code == 401
