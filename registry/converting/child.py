"""The children's programs: write the result, or compare it. Both run only inside `registry.imaging.cell`.

Standard input is the source; the working folder takes `result.safetensors` and `report.json`. Everything that either
may need is imported here, since the door is shut afterwards.
"""

from __future__ import annotations

import codecs
import errno
import json
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from registry.converting.comparing import compare_result
from registry.converting.errors import ConversionFailed, ConversionRefused
from registry.converting.terms import FULL, PRUNED, REPORT, RESULT, Kind
from registry.converting.writing import write_result
from registry.formats.errors import MalformedFile
from registry.imaging.cell import NO_ROOM
from registry.pickles.rules import current_rules

# What the machine would load late, when the folders are out of sight.
for _name in "ascii latin-1 cp437 raw-unicode-escape unicode-escape utf-8".split():
    codecs.lookup(_name)
current_rules()


def write(kind: str, source_sha256: str) -> int:
    """Write the result and a report of it."""

    def work(source: BinaryIO, size: int) -> dict[str, Any]:
        with Path(RESULT).open("xb") as out:
            return asdict(write_result(source, size, out, kind=_kind(kind), source_sha256=source_sha256))

    return _answered(work)


def compare(kind: str) -> int:
    """Hold the result against the source."""

    def work(source: BinaryIO, size: int) -> dict[str, Any]:
        with Path(RESULT).open("rb", buffering=0) as result:
            length = os.fstat(result.fileno()).st_size
            return {"compared": compare_result(source, size, result, length, kind=_kind(kind))}

    return _answered(work)


def _kind(word: str) -> Kind:
    return PRUNED if word == PRUNED else FULL


def _answered(work: Callable[[BinaryIO, int], dict[str, Any]]) -> int:
    """Do the work and write its answer, or the refusal, as the report; answers with the exit status."""
    source = os.fdopen(0, "rb", buffering=0, closefd=False)
    try:
        answer = work(source, os.fstat(0).st_size)
    except ConversionRefused as refusal:
        answer = {"refused": refusal.code, "params": dict(refusal.params)}
    except MalformedFile as error:
        answer = {"refused": "pickle_broken", "params": {"reason": error.reason}}
    except EOFError:
        answer = {"refused": "damaged", "params": {}}
    except ConversionFailed as failure:
        answer = {"failed": str(failure)}
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        traceback.print_exc(file=sys.stderr)
        return NO_ROOM
    Path(REPORT).write_text(json.dumps(answer), "utf-8")
    return 0
