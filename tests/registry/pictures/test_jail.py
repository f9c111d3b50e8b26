"""The child process and what it may not do."""

import json
import socket
import subprocess
import time

import pytest

from registry.imaging import cell, reading
from registry.imaging.errors import PictureRefused, ReadingFailed
from registry.imaging.jail import Bounds, jail_kind, run_jailed
from tests.registry.pictures.hostile import PNG, WEBP

GREEDY = "tests.registry.pictures.greedy"
SMALL = Bounds(memory=400_000_000, cpu_seconds=2, file_bytes=4_000_000, wall_seconds=20)


def run(work: str, folder, *arguments: str, bounds: Bounds = SMALL) -> str:
    return run_jailed(f"{GREEDY}:{work}", subprocess.DEVNULL, folder, *arguments, bounds=bounds)


@pytest.mark.parametrize(
    ("work", "code"), [("eat_memory", "too_much_memory"), ("eat_time", "too_slow"), ("crash", "damaged")]
)
def test_a_child_that_overruns_is_ended_and_its_end_has_a_name(tmp_path, work, code):
    began = time.monotonic()

    with pytest.raises(PictureRefused) as refusal:
        run(work, tmp_path)

    assert refusal.value.code == code
    assert time.monotonic() - began < 20


def test_a_child_that_waits_is_ended_at_its_deadline(tmp_path):
    began = time.monotonic()

    with pytest.raises(PictureRefused) as refusal:
        run("sleep", tmp_path, bounds=Bounds(wall_seconds=1))

    assert refusal.value.code == "too_slow"
    assert time.monotonic() - began < 10


def test_a_child_cannot_fill_the_disk(tmp_path):
    with pytest.raises(ReadingFailed, match="no room"):
        run("fill_the_disk", tmp_path)

    assert (tmp_path / "large").stat().st_size == SMALL.file_bytes


def test_a_child_may_open_few_files(tmp_path):
    with pytest.raises(ReadingFailed, match=r"ended with [3-6]\d:"):
        run("open_everything", tmp_path)


def test_a_child_sees_no_secrets_no_network_and_no_other_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "very secret")
    folder = tmp_path / "work"
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        kind = run("look_around", folder, str(server.getsockname()[1]))

    environment, root, network = (folder / "seen").read_text().splitlines()
    assert environment == "environment=['LC_ALL', 'OMP_NUM_THREADS']"
    assert kind == jail_kind()
    if kind == "namespace":
        assert root == "root=[]"
        assert network == "OSError"
    else:
        assert network == "network"


def test_without_namespaces_the_limits_hold_alone(tmp_path, monkeypatch):
    """A system that forbids them answers -1; the child says so and works on."""

    class Forbidding:
        def unshare(self, flags: int) -> int:
            return -1

    assert cell._leave_the_network(Forbidding()) == "limits"


def test_a_child_that_cannot_be_started_is_our_failure(tmp_path):
    with pytest.raises(ReadingFailed):
        run("look_around", tmp_path / "missing", "1")


def test_a_child_whose_program_is_broken_is_our_failure(tmp_path):
    with pytest.raises(ReadingFailed, match="nothing_of_the_sort"):
        run("nothing_of_the_sort", tmp_path)


GOOD_ANSWER = {
    "format": "png",
    "width": 96,
    "height": 64,
    "frames": 1,
    "color": "#102030",
    "dhash": -5,
    "renditions": [{"file": "96.webp", "format": "webp", "width": 96, "height": 64}],
}


@pytest.fixture
def answered(tmp_path, monkeypatch):
    """What is made of a child's answer, true or not."""

    def examine(answer: object, copy: bytes = WEBP):
        folder = tmp_path / "copies"
        folder.mkdir(exist_ok=True)
        (folder / "96.webp").write_bytes(copy)

        def child(*arguments: object, **options: object) -> str:
            text = answer if isinstance(answer, str) else json.dumps(answer)
            (folder / "facts.json").write_text(text)
            return "namespace"

        monkeypatch.setattr(reading, "run_jailed", child)
        source = tmp_path / "original"
        source.write_bytes(PNG)
        with source.open("rb") as stream:
            return reading.examine_picture(stream, folder)

    return examine


def test_a_true_answer_is_taken(answered):
    assert answered(GOOD_ANSWER).renditions[0].size == len(WEBP)


@pytest.mark.parametrize(
    "lie",
    [
        {"width": 0},
        {"width": "96"},
        {"height": 10**9},
        {"frames": -1},
        {"color": "#12345"},
        {"color": "red<svg"},
        {"dhash": 2**63},
        {"format": "svg"},
        {"renditions": []},
        {"renditions": [{"file": "/etc/passwd", "format": "webp", "width": 97, "height": 64}]},
        {"renditions": [{"file": "96.webp", "format": "webp", "width": 96, "height": 65}]},
        {"renditions": [{}]},
        {"renditions": "96.webp"},
    ],
    ids=str,
)
def test_a_child_that_was_taken_over_is_not_believed(answered, lie):
    with pytest.raises(PictureRefused) as refusal:
        answered({**GOOD_ANSWER, **lie})

    assert refusal.value.code == "damaged"


def test_a_copy_that_is_no_picture_is_not_believed(answered):
    with pytest.raises(PictureRefused):
        answered(GOOD_ANSWER, b"<html><script>alert(1)</script>")


@pytest.mark.parametrize("answer", ["", "[]", "{", "null", "x" * 20_000], ids=["empty", "list", "cut", "null", "long"])
def test_a_child_that_answers_nothing_sensible_is_our_failure(answered, answer):
    with pytest.raises(ReadingFailed):
        answered(answer)
