"""A program that sends a file in parts, and can be cut off in the middle of one."""

import http.client
import json
import os
import struct
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.site.running import RunningSite


class Sender:
    """Speaks the upload protocol with one token."""

    def __init__(self, site: RunningSite, token: str) -> None:
        self.api = f"{site.url}/api/safelight/v1"
        self.token = token

    def ask(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.api}/{path}", data, headers, method=method)  # noqa: S310 (our own address)
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.loads(answer.read() or b"null")

    def begin(self, file: Path) -> dict[str, Any]:
        return self.ask("POST", "uploads", {"name": file.name, "size": file.stat().st_size})

    def received(self, upload: dict[str, Any]) -> list[int]:
        return [part["number"] for part in self.ask("GET", f"uploads/{upload['id']}")["received"]]

    def send_part(self, upload: dict[str, Any], file: Path, number: int) -> None:
        connection, data = self._open_part(upload, file, number)
        connection.send(data)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        connection.close()

    def half_a_part(self, upload: dict[str, Any], file: Path, number: int) -> http.client.HTTPConnection:
        """Send the first half, and keep the connection open."""
        connection, data = self._open_part(upload, file, number)
        connection.send(data[: len(data) // 2])
        return connection

    def _open_part(self, upload: dict[str, Any], file: Path, number: int) -> tuple[http.client.HTTPConnection, bytes]:
        (part,) = self.ask("POST", f"uploads/{upload['id']}/parts", {"numbers": [number]})["parts"]
        with file.open("rb") as stream:
            stream.seek((number - 1) * upload["part_size"])
            data = stream.read(upload["part_size"])
        address = urlsplit(part["url"])
        connection = http.client.HTTPConnection(address.netloc, timeout=60)
        connection.putrequest("PUT", f"{address.path}?{address.query}")
        for name, value in {**part["headers"], "Content-Length": str(len(data))}.items():
            connection.putheader(name, value)
        connection.endheaders()
        return connection, data

    def complete(self, upload: dict[str, Any]) -> None:
        parts = self.ask("GET", f"uploads/{upload['id']}")["received"]
        given = [{"number": part["number"], "etag": part["etag"]} for part in parts]
        self.ask("POST", f"uploads/{upload['id']}/complete", {"parts": given})

    def send_all(self, upload: dict[str, Any], file: Path) -> None:
        """Send what is missing."""
        there = self.received(upload)
        for number in range(1, upload["parts"] + 1):
            if number not in there:
                self.send_part(upload, file, number)


def make_model(file: Path, megabytes: int) -> Path:
    """A safetensors file of one tensor of random bytes."""
    count = megabytes * 10**6 // 4
    header = {"weight": {"dtype": "F32", "shape": [count], "data_offsets": [0, count * 4]}}
    text = json.dumps(header).encode()
    with file.open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        for _ in range(megabytes):
            stream.write(os.urandom(10**6))
    return file
