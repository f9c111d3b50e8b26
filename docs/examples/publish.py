"""Publish a model from the command line, with nothing but Python's standard library.

    python publish.py --site http://127.0.0.1:8000 --token slt_… --title "Tidewater Ink" --type lora \\
        --base-model "SD 1.5" --license CC0-1.0 --allow no_credit,commercial_images tidewater-ink.safetensors

It creates the model and a version, sends each file in parallel parts (an upload that was cut off continues when the
command is repeated with --model and --version), waits for the inspections and publishes. It prints one line a step.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

PERMISSIONS = ("no_credit", "commercial_images", "commercial_service", "sell", "merges", "relicense")
BLOCK = 4 << 20


class Refused(Exception):
    """The site said no; the text is what it said."""


class Site:
    """The site's API with one person's token."""

    def __init__(self, address: str, token: str) -> None:
        self.api = f"{address.rstrip('/')}/api/safelight/v1"
        self.token = token

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Send one request and give back what the answer says. Waits when the site asks to."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.api}/{path}", data, headers, method=method)  # noqa: S310 (--site)
        for _attempt in range(10):
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 (the address is --site)
                    return json.loads(answer.read() or b"null")
            except urllib.error.HTTPError as error:
                if error.code != 429:
                    raise Refused(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}") from None
                time.sleep(int(error.headers.get("Retry-After", "1")))
        raise Refused(f"{method} {path}: asked too often")


def main() -> int:
    options = _options()
    site = Site(options.site, options.token)
    try:
        model, version = _place(site, options)
        for path in options.files:
            _send_file(site, path, version)
        files = _wait(site, version)
        if any(file["verdict"] != "safe" for file in files):
            return _say("not published: not every file is safe", code=1)
        site.ask("POST", f"versions/{version}/publish", {})
    except Refused as refusal:
        return _say(str(refusal), code=1)
    return _say(f"published {options.site.rstrip('/')}/{model}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--site", required=True, help="address of the site, e.g. http://127.0.0.1:8000")
    parser.add_argument("--token", required=True, help="an API token with the scope models:write")
    parser.add_argument("--title", default="")
    parser.add_argument("--type", default="lora", help="checkpoint, lora, embedding, vae, …")
    parser.add_argument("--base-model", default="", help='e.g. "SD 1.5"')
    parser.add_argument("--license", default="", help="id of a licence, e.g. CC0-1.0")
    parser.add_argument("--allow", default="", help=f"comma-separated: {', '.join(PERMISSIONS)}")
    parser.add_argument("--tags", default="", help="comma-separated")
    parser.add_argument("--words", default="", help="trigger words, comma-separated")
    parser.add_argument("--version-name", default="v1")
    parser.add_argument("--model", default="", help="owner/name of a model that exists: add to it")
    parser.add_argument("--version", type=int, default=0, help="id of a draft version that exists: go on with it")
    parser.add_argument("files", nargs="+", type=Path)
    return parser.parse_args()


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _place(site: Site, options: argparse.Namespace) -> tuple[str, int]:
    """The model as owner/name and the id of the draft version that the files go to."""
    if options.version:
        return options.model, options.version
    model = options.model
    if not model:
        allowed = _split(options.allow)
        made = site.ask(
            "POST",
            "models",
            {
                "name": options.title,
                "type": options.type,
                "description": "",
                "tags": _split(options.tags),
                "license": options.license,
                "permissions": {name: name in allowed for name in PERMISSIONS},
            },
        )
        model = f"{made['owner']}/{made['name']}"
    version = site.ask(
        "POST",
        f"models/{model}/versions",
        {
            "name": options.version_name,
            "base_model": options.base_model,
            "trained_words": _split(options.words),
            "notes": "",
        },
    )["id"]
    _say(f"draft {model}, version {version}")
    return model, version


def _send_file(site: Site, path: Path, version: int) -> None:
    size = path.stat().st_size
    upload = _unfinished(site, path.name, size) or site.ask(
        "POST", "uploads", {"name": path.name, "size": size, "sha256": _sha256(path)}
    )
    there = {part["number"]: part["etag"] for part in upload.get("received", [])}
    missing = [number for number in range(1, upload["parts"] + 1) if number not in there]
    for numbers in _batches(missing, 8):
        signed = site.ask("POST", f"uploads/{upload['id']}/parts", {"numbers": numbers})["parts"]
        with ThreadPoolExecutor(4) as pool:
            there |= dict(pool.map(lambda part: send_part(path, upload["part_size"], part), signed))
        _say(f"{path.name}: {len(there)} of {upload['parts']} parts sent")
    parts = [{"number": number, "etag": etag} for number, etag in sorted(there.items())]
    site.ask("POST", f"uploads/{upload['id']}/complete", {"parts": parts})
    site.ask("POST", f"versions/{version}/files", {"upload": upload["id"], "name": path.name})


def _unfinished(site: Site, name: str, size: int) -> Any:
    """One's own upload of the same name and size that was cut off, with the parts that are there."""
    for upload in site.ask("GET", "uploads")["results"]:
        if (upload["name"], upload["size"], upload["state"]) == (name, size, "receiving"):
            return site.ask("GET", f"uploads/{upload['id']}")
    return None


def send_part(path: Path, part_size: int, part: dict[str, Any]) -> tuple[int, str]:
    """Send one part to its signed address. Gives back its number and the ETag that completing needs."""
    with path.open("rb") as file:
        file.seek((part["number"] - 1) * part_size)
        body = file.read(part_size)
    request = urllib.request.Request(part["url"], body, part["headers"], method="PUT")  # noqa: S310 (signed by --site)
    with urllib.request.urlopen(request, timeout=600) as answer:  # noqa: S310
        return part["number"], answer.headers["ETag"]


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _batches(numbers: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]


def _wait(site: Site, version: int) -> list[dict[str, Any]]:
    """Wait until every file of the version has been inspected."""
    while True:
        files = site.ask("GET", f"versions/{version}")["files"]
        if all(file["state"] in ("done", "failed") for file in files):
            for file in files:
                _say(f"{file['name']}: {file['verdict']} {file['hashes'].get('AutoV2', '')}")
            return files
        time.sleep(0.5)


def _say(line: str, code: int = 0) -> int:
    print(line, flush=True)  # noqa: T201 (a command line speaks on standard output)
    return code


if __name__ == "__main__":
    sys.exit(main())
