import io
import json
import os
import subprocess
import sys

import pytest

from registry.pickles.command import LARGE, main
from tests.data.pickles.containers import torch_zip
from tests.data.pickles.writing import STOP, call, dump, import_stack, payload, proto, stream

SAFE = torch_zip(dump({"w": 1}))
CHECK = stream(call(import_stack("evilpkg", "X")))
BLOCKED = torch_zip(proto(2) + payload() + STOP)
UNREADABLE = b""
KINDS = {"safe": SAFE, "check": CHECK, "blocked": BLOCKED, "unreadable": UNREADABLE}


@pytest.fixture
def files(tmp_path):
    for name, data in KINDS.items():
        (tmp_path / f"{name}.pt").write_bytes(data)
    return tmp_path


def _run(*arguments):
    out = io.StringIO()
    code = main([str(argument) for argument in arguments], out, io.StringIO())
    return code, [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["safe"], 0),
        (["check"], 1),
        (["blocked"], 2),
        (["unreadable"], 3),
        (["safe", "unreadable"], 3),
        (["unreadable", "check", "safe"], 1),
        (["check", "blocked", "unreadable"], 2),
        (["missing"], 3),
        (["missing", "blocked"], 2),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else str(value),
)
def test_exit_code_is_the_gravest_verdict(files, names, code):
    assert _run(*(files / f"{name}.pt" for name in names))[0] == code


def test_each_file_gives_one_line_in_the_order_asked(files):
    code, lines = _run(files / "blocked.pt", files / "unreadable.pt", files / "safe.pt")

    assert code == 2
    assert [line["verdict"] for line in lines] == ["blocked", "unreadable", "safe"]
    assert {"file", "verdict", "findings", "format", "bytes", "seconds"} <= lines[0].keys()
    assert lines[0]["bytes"] == len(BLOCKED)
    assert lines[0]["findings"][0]["subject"] == "posix.system"
    assert lines[0]["format"] == "torch-zip"


def test_a_folder_is_searched_and_links_to_folders_are_not_followed(files):
    (files / "inner").mkdir()
    (files / "inner" / "deep.pt").write_bytes(SAFE)
    (files / "inner" / "loop").symlink_to(files)

    _code, lines = _run(files)

    assert len(lines) == 5


def test_an_odd_file_does_not_stop_the_others(files):
    os.mkfifo(files / "pipe.pt")

    _code, lines = _run(files / "pipe.pt", files / "nowhere.pt", files / "safe.pt")

    assert [line["verdict"] for line in lines] == ["unreadable", "unreadable", "safe"]
    assert lines[1]["findings"][0]["rule"] == "read_failed"


@pytest.mark.parametrize("verdict", KINDS)
def test_the_standard_input_may_be_a_pipe(verdict):
    done = subprocess.run(
        [sys.executable, "-m", "registry.pickles", "-"], input=KINDS[verdict], capture_output=True, check=False
    )

    assert json.loads(done.stdout)["verdict"] == verdict
    assert done.returncode == {"safe": 0, "check": 1, "blocked": 2, "unreadable": 3}[verdict]
    assert not done.stderr


def test_sentences_for_people_name_the_call_and_its_place(files):
    out = io.StringIO()

    main(["--human", str(files / "blocked.pt")], out, io.StringIO())

    text = out.getvalue()
    assert "BLOCKED (torch-zip)" in text
    assert "Loading calls posix.system" in text
    assert "archive/data.pkl" in text


def test_hostile_names_cannot_reach_the_terminal(tmp_path):
    data = stream(call(import_stack("evil\x1b[31m\u202e", "X\n")))
    (tmp_path / "x\x1b[2J.pkl").write_bytes(data)
    out = io.StringIO()

    main(["--human", str(tmp_path / "x\x1b[2J.pkl")], out, io.StringIO())

    assert "\x1b" not in out.getvalue()
    assert "\u202e" not in out.getvalue()


def test_a_bar_is_drawn_for_a_large_file_when_a_terminal_watches(tmp_path):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    with (tmp_path / "large.bin").open("wb") as file:
        file.write(torch_zip(dump({"w": 1})))
        file.truncate(LARGE + 1)
    quiet, watched = io.StringIO(), Terminal()

    main([str(tmp_path / "large.bin")], io.StringIO(), quiet)
    main([str(tmp_path / "large.bin")], io.StringIO(), watched)

    assert not quiet.getvalue()
    assert watched.getvalue().endswith("\x1b[K")
