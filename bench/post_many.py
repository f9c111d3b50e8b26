"""Post many pictures at once to a running site and watch the memory of its web and `io` worker process trees.

    python -m bench.post_many --site http://127.0.0.1:8000 --token slt_… --up-pid PID [--count 40] [--size 4000000]

The token needs `models:write` and `images:write`. Pictures of noise, which do not compress, are sent eight at a time,
named in one post, and published before any of them is prepared. Prints idle and peak of both trees beside the limit of
300 MB, the seconds until every picture is listed, whether the order is the one in which they were named, and whether
each original comes back byte for byte.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from bench.big_upload import LIMIT, Site, Watch, children_of, pss, send, trees


def paint(size: int) -> bytes:
    """A PNG of noise of about `size` bytes."""
    side = int((size / 3) ** 0.5)
    image = Image.frombytes("RGB", (side, side), os.urandom(side * side * 3))
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def post(site: Site, uploads: list[str]) -> int:
    """One post of all of them, to go out as soon as they are prepared. Returns its id."""
    images = [{"upload": upload, "alt": f"Noise {number}"} for number, upload in enumerate(uploads)]
    return site.ask("POST", "posts", {"title": "Many", "rating": "PG", "images": images, "publish": True})["id"]


def wait(site: Site, number: int) -> dict:
    """Wait until the post is out."""
    while True:
        answer = site.ask("GET", f"posts/{number}")
        if answer["state"] == "published" or any(image["error"] for image in answer["images"]):
            return answer
        time.sleep(0.5)


def digest_of(address: str) -> str:
    """The SHA-256 of what is served there."""
    with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 (the address is of --site)
        return hashlib.sha256(answer.read()).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--site", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--up-pid", type=int, required=True)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--size", type=int, default=4_000_000)
    options = parser.parse_args()
    site, roots = Site(options.site, options.token), trees(options.up_pid)
    idle = {name: pss(children_of(root)) for name, root in roots.items()}
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number:03}.png" for number in range(options.count)]
        for path in paths:
            path.write_bytes(paint(options.size))
        wanted = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
        with Watch(roots) as watch:
            began = time.monotonic()
            with ThreadPoolExecutor(8) as pool:
                uploads = list(pool.map(lambda path: send(site, path), paths))
            sent = time.monotonic()
            answer = wait(site, post(site, uploads))
            ready = time.monotonic()
        served = [digest_of(image["original_url"]) for image in answer["images"]]
    listed = site.ask("GET", f"images?limit=100&owner={answer['owner']}")["results"]
    print(
        f"{options.count} × {options.size} bytes: sent in {sent - began:.1f} s, all listed {ready - sent:.1f} s later"
    )
    print(f"order and bytes kept: {served == wanted}; listed: {len(listed)}")
    for name, peak in watch.peaks.items():
        print(f"{name}: idle {idle[name] / 1e6:.0f} MB, peak {peak / 1e6:.0f} MB = {peak / LIMIT:.2f} × the limit")
    return 0 if served == wanted and watch.peaks["web"] < LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
