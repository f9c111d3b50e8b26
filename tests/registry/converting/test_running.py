"""The children: how they are kept, what they may use, and what becomes of a child that fails."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest

from registry.converting import running
from registry.converting.errors import ConversionFailed, ConversionRefused
from registry.converting.running import convert
from registry.imaging.jail import Bounds, jail_kind, run_jailed
from tests.data.pickles.containers import TORCH_MAGIC
from tests.data.pickles.writing import Made, Ref, dump, dump_with_storages, tensor
from tests.registry.converting.build import SOURCE, Parts, singles

ROOT = Path(__file__).resolve().parents[3]
MIB = 1 << 20
MEASURE = """
import resource, sys
from pathlib import Path
from registry.converting.running import convert
with open(sys.argv[1], "rb") as file:
    made = convert(file, Path(sys.argv[2]), kind="full", source_sha256="0" * 64)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024, made.path.stat().st_size)
"""


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "work"
    made.mkdir()
    return made


@pytest.fixture
def run(tmp_path, folder):
    def work(data: bytes):
        path = tmp_path / "source"
        path.write_bytes(data)
        with path.open("rb") as file:
            return convert(file, folder, kind="full", source_sha256=SOURCE)

    return work


def _one(count: int = 8) -> bytes:
    parts = Parts()
    return parts.zipped({"w": parts.tensor(singles(count), (2, count // 2))})


def test_the_work_is_done_in_a_jailed_child_and_leaves_one_file(run, folder):
    made = run(_one())

    assert made.kept == jail_kind()
    assert [path.name for path in folder.iterdir()] == ["result.safetensors"]
    assert made.path.read_bytes().endswith(singles(8))
    assert made.report["tensors"] == 1


def test_with_all_loaded_that_converts_there_is_no_network_and_no_other_folder(folder):
    kept = run_jailed("tests.registry.converting.probe:look", subprocess.DEVNULL, folder)

    assert kept == jail_kind()
    seen = (folder / "seen").read_text()
    # Where the system permits no namespaces the limits hold alone, and `up` says so.
    assert (seen == "interfaces=['lo'] folders=[]") == (kept == "namespace")


def test_a_command_in_a_pickle_is_refused_and_never_run(run, tmp_path):
    marker = tmp_path / "marker"
    command = Made(Ref("posix", "system"), f"touch {marker}")

    with pytest.raises(ConversionRefused) as caught:
        run(Parts().zipped({"w": command}))

    assert caught.value.code == "not_safe"
    assert not marker.exists()


def test_memory_is_bounded_however_large_the_file_is(tmp_path, folder):
    count = 64 << 20  # numbers: 256 MiB
    data, storages = dump_with_storages({"state_dict": {"w": tensor("0", (count >> 10, 1 << 10))}}, 2, legacy=True)
    head = [dump(TORCH_MAGIC), dump(1001), dump({"little_endian": True}), data, dump(list(storages))]
    path = tmp_path / "source"
    with path.open("wb") as file:
        start = file.write(b"".join(head) + struct.pack("<q", count))
        file.truncate(start + 4 * count)

    done = subprocess.run(
        [sys.executable, "-c", MEASURE, path, folder], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )

    peak, size = map(int, done.stdout.split())
    assert size > 4 * count
    assert peak < 150 * MIB


@pytest.mark.parametrize(
    ("bounds", "refused", "code"),
    [
        (Bounds(memory=running.MEMORY, cpu_seconds=60, file_bytes=10_000), ConversionFailed, "no room"),
        (Bounds(memory=running.MEMORY, cpu_seconds=60, wall_seconds=0.01), ConversionRefused, "too_slow"),
    ],
    ids=["no room", "too slow"],
)
def test_a_child_that_overruns_its_bounds_is_ended(run, monkeypatch, bounds, refused, code):
    monkeypatch.setattr(running, "_bounds", lambda size: bounds)

    with pytest.raises(refused, match=code):
        run(_one(8000))


def test_a_child_that_leaves_no_answer_or_a_false_one_has_failed(run, folder, monkeypatch):
    def silent(work, source, into, *words, bounds):
        return "limits"

    def lying(work, source, into, *words, bounds):
        (into / "report.json").write_text("[1]")
        return "limits"

    for child, words in ((silent, "no answer"), (lying, "no object")):
        monkeypatch.setattr(running, "run_jailed", child)
        with pytest.raises(ConversionFailed, match=words):
            run(_one())
