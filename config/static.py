"""Static files under names that carry their content's hash, small on the wire, and few to ask for."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.files.base import ContentFile

# `from "./x.js"`, `import "./x.js"` and `import("./x.js")`: what a module asks for relative to itself.
_MODULE_IMPORT = r"""(?P<matched>(?P<head>\b(?:from|import)\s*\(?\s*)["'](?P<url>\.{1,2}/[^"']+)["'])"""

# The one style sheet that pages name; in the source it only imports the others.
SHEET = "css/site.css"
_SHEET_IMPORT = re.compile(r'^@import url\("(?P<name>[^"]+)"\) layer\((?P<layer>\w+)\);$', re.MULTILINE)
_TEXT = {".css", ".js", ".mjs", ".svg"}


class HashedStaticFiles(ManifestStaticFilesStorage):
    """Rewrites the imports of style sheets and of our own modules, so that a browser may keep every file for ever.

    The style sheet's imports are written into it: a page waits for one request, not for two rounds of thirty. Text
    gets a gzip copy beside it, which WhiteNoise and nginx send to whoever accepts it.
    """

    patterns = (
        *ManifestStaticFilesStorage.patterns,
        # Not "*.js": scripts of packages speak of modules in comments, and have none.
        ("js/*.js", ((_MODULE_IMPORT, '%(head)s"%(url)s"'),)),
    )

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        if SHEET in paths and not dry_run:
            self._join_sheet(paths)
            paths = {**paths, SHEET: (self, SHEET)}
        for name, hashed_name, processed in super().post_process(paths, dry_run, **options):
            if hashed_name and processed is True:
                self._compress(hashed_name)
            yield name, hashed_name, processed

    def _join_sheet(self, paths: dict[str, Any]) -> None:
        def read(name: str) -> str:
            storage, path = paths[name]
            with storage.open(path) as file:
                return file.read().decode()

        def part(match: re.Match[str]) -> str:
            text = read(f"css/{match['name']}")
            if "url(" in text:
                raise ValueError(
                    f"static/css/{match['name']}: an address would point elsewhere once joined into {SHEET}"
                )
            return f"@layer {match['layer']} {{\n{text}}}\n"

        joined = _SHEET_IMPORT.sub(part, read(SHEET))
        self.delete(SHEET)
        self.save(SHEET, ContentFile(joined.encode()))

    def _compress(self, name: str) -> None:
        source = Path(self.path(name))
        target = source.with_name(source.name + ".gz")
        if source.suffix not in _TEXT or target.exists():
            return
        target.write_bytes(gzip.compress(source.read_bytes(), mtime=0))
