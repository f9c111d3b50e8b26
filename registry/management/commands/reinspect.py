"""Judge stored files again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.models import Blob
from registry.services.rejudging import outdated_blobs, rejudge_blob, rejudge_blobs


class Command(BaseCommand):
    """`reinspect --rules` after an update of the rules; `reinspect HASH…` reads those bytes anew."""

    help = "Judge stored files again: by today's rules from stored evidence (--rules), or named ones from their bytes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rules", action="store_true", help="every file that other rules have judged")
        parser.add_argument("hashes", nargs="*", metavar="SHA256", help="files to read anew")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["rules"] and not options["hashes"]:
            raise CommandError("Say --rules, or name files by their SHA-256.")
        changed = total = 0
        for sha256, before, after in self._judged(options):
            total += 1
            if before != after:
                changed += 1
                self.stdout.write(f"{sha256} {before} -> {after}")
        self.stdout.write(f"{total} judged, {changed} changed")

    def _judged(self, options: dict[str, Any]) -> Any:
        if options["rules"]:
            yield from rejudge_blobs(outdated_blobs())
        for sha256 in options["hashes"]:
            blob = Blob.objects.filter(pk=sha256.lower()).first()
            if blob is None:
                raise CommandError(f"No file has the SHA-256 {sha256}.")
            before = blob.verdict
            yield blob.pk, before, rejudge_blob(blob, from_bytes=True)
