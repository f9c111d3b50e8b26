"""Coverage-guided fuzzing of the kernels that judge files: atheris chooses inputs that reach new code.

    pip install atheris==3.0.0          # no dependency of the project: it has no wheel for every Python
    python -m bench.guided KERNEL [--seconds 60] [--corpus FOLDER]

KERNEL is `scan` (whole files, pickles and containers alike), `safetensors`, `gguf`, `tensors` or `imagemeta` (pictures:
read, searched for private data, stripped). Starts from the
project's own samples. A crash is any exception but MalformedFile, and any input that takes longer than two seconds;
atheris writes the input beside and ends with a code other than 0. The last line tells how many inputs were run.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["registry", "gallery", "inference"]):
    from registry.formats import gguf, safetensors
    from registry.formats.errors import MalformedFile
    from registry.pickles.scan import scan
    from registry.pickles.tensors import read_tensors
    from tests.gallery import mutations as pictures

from tests.data.imagemeta.make import all_cases as all_pictures
from tests.data.pickles.build import all_cases

SLOWEST_SECONDS = 2
KERNELS: dict[str, Callable[[io.BytesIO, int], object]] = {
    "scan": scan,
    "safetensors": safetensors.read_header,
    "gguf": gguf.read_header,
    "tensors": read_tensors,
    "imagemeta": lambda stream, size: pictures.check(stream.read(size)),
}


def fuzz_one(read: Callable[[io.BytesIO, int], object], data: bytes) -> None:
    """Read one input; what the kernel refuses by name is no crash."""
    try:
        read(io.BytesIO(data), len(data))
    except MalformedFile:
        return


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kernel", choices=KERNELS)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path)
    options = parser.parse_args()
    read = KERNELS[options.kernel]
    with tempfile.TemporaryDirectory() as folder:
        corpus = options.corpus or Path(folder)
        for number, case in enumerate(all_pictures() if options.kernel == "imagemeta" else all_cases()):
            if len(case.data) <= 1 << 16:
                (corpus / f"sample-{number}").write_bytes(case.data)
        limits = [
            f"-max_total_time={options.seconds}",
            f"-timeout={SLOWEST_SECONDS}",
            "-rss_limit_mb=2048",
            "-verbosity=0",
        ]
        atheris.Setup([sys.argv[0], *limits, "-print_final_stats=1", str(corpus)], lambda data: fuzz_one(read, data))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
