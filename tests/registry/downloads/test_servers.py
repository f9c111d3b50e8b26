"""Ranges as gunicorn and Django's own server send them: by sendfile, and block by block."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.registry.downloads.stored import CONTENT

ROOT = Path(__file__).resolve().parents[3]
SERVERS = {
    "gunicorn": ["-m", "gunicorn", "-w", "1", "-k", "gthread", "--threads", "4", "-b", "127.0.0.1:{port}",
                 "tests.registry.downloads.sendfile_site"],
    "wsgiref": ["-c", "from wsgiref.simple_server import make_server;"
                "from tests.registry.downloads.sendfile_site import application;"
                "make_server('127.0.0.1', {port}, application).serve_forever()"],
}  # fmt: skip


@contextmanager
def _serving(name: str, file: Path, log: Path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, *(part.format(port=port) for part in SERVERS[name])]
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "SENT_FILE": str(file)}, stdout=output, stderr=output
        )
    try:
        _wait(port, server)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(20)


def _wait(port: int, server: subprocess.Popen) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert server.poll() is None
            assert time.monotonic() < end
        else:
            return


@pytest.mark.parametrize("name", list(SERVERS))
def test_a_slice_arrives_whole_and_alone(name, tmp_path):
    file = tmp_path / "bytes"
    file.write_bytes(CONTENT)

    with _serving(name, file, tmp_path / "log") as address:
        got = {}
        for header in ("", "bytes=0-0", "bytes=123456-654321", "bytes=-5", f"bytes={len(CONTENT) - 1}-"):
            request = urllib.request.Request(address, headers={"Range": header})  # noqa: S310
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
                got[header] = answer.read()

    assert got == {
        "": CONTENT,
        "bytes=0-0": CONTENT[:1],
        "bytes=123456-654321": CONTENT[123456:654322],
        "bytes=-5": CONTENT[-5:],
        f"bytes={len(CONTENT) - 1}-": CONTENT[-1:],
    }
