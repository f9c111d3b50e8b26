"""Compare our conversion with `torch.load(weights_only=True, mmap=True)` and `save_file` on one large checkpoint.

    python bench/convert.py [--gib 1.0] [--folder FOLDER] [--kind full|pruned_fp16]

Makes the checkpoint (torch is needed for that, and for the peer), converts it with each in a process of its own, and
prints seconds, seconds of processor, peak resident memory and their ratios. Ours compares its result with the source
as well, and is shown with and without that. Both results are read back and held against each other.
"""

import sys

sys.path.insert(0, sys.path.pop(0).removesuffix("/bench"))  # the repository, not the folder of this file

import argparse
import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path

WIDTH = 1280
MIB = 1 << 20

# Each prints the largest resident memory of the processes that did the work.
OURS = """
import resource, sys
from pathlib import Path
from registry.converting import running
source, folder, kind, parts = sys.argv[1:]
if parts == "write":
    running._run = lambda work, *rest, run=running._run: run(work, *rest) if work == "write" else (told, "")
    told = {}
    whole = running._answer
    def answer(path):
        found = whole(path)
        told["compared"] = found.get("tensors")
        return found
    running._answer = answer
with open(source, "rb") as file:
    running.convert(file, Path(folder), kind=kind, source_sha256="0" * 64)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""
THEIRS = """
import resource, sys
import torch
from safetensors.torch import save_file
source, folder, kind, parts = sys.argv[1:]
state = torch.load(source, weights_only=True, mmap=True, map_location="cpu")["state_dict"]
if kind == "pruned_fp16":
    state = {n: t.half() if t.is_floating_point() else t for n, t in state.items() if not n.startswith("model_ema.")}
save_file(state, folder + "/result.safetensors", metadata={"format": "pt"})
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def make_checkpoint(path: Path, size: int) -> None:
    """A file with the names of a Stable Diffusion 1 checkpoint in single precision, of about this many bytes."""
    import torch

    from tests.registry.formats.layouts import SD_PLACES

    torch.manual_seed(1)
    state = {
        "model.diffusion_model.input_blocks.0.0.weight": torch.randn(320, 4, 3, 3),
        "first_stage_model.decoder.conv_in.weight": torch.randn(512, 4, 3, 3),
        "cond_stage_model.transformer.text_model.embeddings.position_ids": torch.arange(77)[None],
    }
    for place, (channels, _blocks) in SD_PLACES.items():
        state[f"model.diffusion_model.{place}.transformer_blocks.0.attn2.to_k.weight"] = torch.randn(channels, 768)
    block = torch.randn(WIDTH, WIDTH, 3, 3)
    for number in range(size // (block.numel() * 4)):
        state[f"model.diffusion_model.middle_block.0.in_layers.{number}.weight"] = block + number
    torch.save({"state_dict": state, "global_step": 1}, path)


def run(program: str, *words: str) -> dict[str, float]:
    """One contender's whole process, on a file that the system holds in memory already: wall, processor, peak."""
    root = str(Path(__file__).resolve().parents[1])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": root}
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", program, *words], check=True, capture_output=True, env=environment)
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "cpu": spent, "peak": int(done.stdout)}


def same_tensors(ours: Path, theirs: Path) -> bool:
    import torch
    from safetensors import safe_open

    with safe_open(ours, "pt") as mine, safe_open(theirs, "pt") as other:
        names = set(mine.keys())
        return names == set(other.keys()) and all(
            torch.equal(mine.get_tensor(name), other.get_tensor(name)) for name in names
        )


def main() -> int:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--gib", type=float, default=1.0)
    reader.add_argument("--folder")
    reader.add_argument("--kind", choices=["full", "pruned_fp16"], default="full")
    asked = reader.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        source = Path(name, "source.ckpt")
        make_checkpoint(source, int(asked.gib * (1 << 30)))
        folders = {word: Path(name, word) for word in ("theirs", "write", "all")}
        rows = {}
        for word, folder in folders.items():
            folder.mkdir()
            program = THEIRS if word == "theirs" else OURS
            source.read_bytes()[:0]  # into the page cache, for each alike
            rows[word] = run(program, str(source), str(folder), asked.kind, word)
        peer = rows["theirs"]
        labels = {"theirs": "torch.load + save_file", "write": "ours, without the comparison", "all": "ours"}
        print(f"{source.stat().st_size / MIB:.0f} MiB, {asked.kind}\n")
        print("| way | seconds | of processor | resident MiB | seconds, processor, memory: of torch's |")
        print("|---|---|---|---|---|")
        for word, row in rows.items():
            ratios = ", ".join(f"{row[what] / peer[what]:.2f}" for what in ("seconds", "cpu", "peak"))
            shown = f"{row['seconds']:.2f} | {row['cpu']:.2f} | {row['peak'] / MIB:.0f}"
            print(f"| {labels[word]} | {shown} | {ratios} |")
        same = same_tensors(folders["all"] / "result.safetensors", folders["theirs"] / "result.safetensors")
        print(f"\nthe same tensors: {same}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
