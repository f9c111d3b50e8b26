"""Judge a model file without loading it: what the file is, what loading it would do, and what could not be seen.

with open("model.ckpt", "rb") as stream:
    report = scan(stream, os.path.getsize("model.ckpt"), name="model.ckpt")
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from registry.formats.detect import COMPRESSED, detect, is_tar_header
from registry.formats.sources import Region
from registry.pickles.archives import inspect_compressed, inspect_tar, is_too_deep
from registry.pickles.evidence import Evidence
from registry.pickles.foreign import inspect_foreign
from registry.pickles.inspection import Inspection
from registry.pickles.judging import Finding, Judge
from registry.pickles.levels import Verdict, gravest
from registry.pickles.machine import Budget
from registry.pickles.rules import Rules
from registry.pickles.streams import guess_pickles, inspect_pickles
from registry.pickles.zip_contents import inspect_zip


@dataclass(frozen=True, slots=True)
class Report:
    """What the scanner says of one file.

    `findings` are the reasons, gravest first, at most 200; `more_findings` counts the rest. `evidence` is all that was
    seen, for judging again under new rules; where `evidence_cut`, the bytes must be read again instead. `skipped` names
    what was not looked at.
    """

    verdict: Verdict
    format: str
    findings: tuple[Finding, ...]
    evidence: tuple[Evidence, ...]
    skipped: tuple[str, ...]
    rules_version: str
    evidence_cut: bool = False
    more_findings: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the evidence."""
        return {
            "verdict": str(self.verdict),
            "format": self.format,
            "findings": [finding.as_dict() for finding in self.findings],
            "more_findings": self.more_findings,
            "skipped": list(self.skipped),
            "rules_version": self.rules_version,
        }


def scan(
    stream: BinaryIO,
    size: int,
    *,
    name: str = "",
    on_progress: Callable[[int], None] | None = None,
    verify_crc: bool = True,
    rules: Rules | None = None,
    budget: Budget | None = None,
) -> Report:
    """Judge the `size` bytes of a seekable stream, which is only read, never held.

    Hostile content never raises; errors of the stream itself (OSError) pass through. `name` helps only where the
    content leaves two readings open. `on_progress` gets the offset reached. `verify_crc` computes the checksums of
    pickles and code in archives.
    """
    inspection = Inspection(Judge(rules), verify_crc=verify_crc, on_progress=on_progress, budget=budget or Budget())
    word = inspect(inspection, Region(stream, 0, size), "", 0, name=name)
    judgement = inspection.judge.judgement()
    return Report(
        verdict=judgement.verdict,
        format=word,
        findings=judgement.findings,
        evidence=tuple(inspection.collector.kept.values()),
        skipped=tuple(inspection.skipped),
        rules_version=judgement.rules_version,
        evidence_cut=inspection.collector.cut,
        more_findings=judgement.more,
    )


def inspect(inspection: Inspection, region: Region, member: str, level: int, *, name: str = "") -> str:
    """Judge a file, or a member of one, as everything it can be read as. Returns the format that fits best."""
    if is_too_deep(inspection, member, level):
        return "unknown"
    kind = detect(region, name or member)
    word = "pickle" if kind == "pickle" else guess_pickles(inspection, region, member, kind, name or member)
    if kind == "pickle":
        word = inspect_pickles(inspection, region, member)
    archive = inspect_zip(inspection, region, member, level + 1, inspect) if region.size >= 22 else ""
    if kind == "tar" or (kind != "zip" and is_tar_header(region.at(0, 512))):
        archive = inspect_tar(inspection, region, member, level + 1, inspect) or archive
    if kind in COMPRESSED:
        return inspect_compressed(inspection, region, member, level + 1, kind, inspect)
    if kind in ("zip", "tar"):
        return archive or _broken_archive(inspection, member, kind)
    if word and kind in ("pickle", "text", "json", "unknown", "onnx"):
        return word
    if archive and kind in ("unknown", "text", "json"):
        return archive
    return inspect_foreign(inspection, region, member, kind)


def _broken_archive(inspection: Inspection, member: str, kind: str) -> str:
    inspection.say("zip_broken", member=member, what="its end record is missing")
    return kind


__all__ = ["Evidence", "Finding", "Report", "Verdict", "gravest", "scan"]
