"""A sender of files, as a script would be one: our own API and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.test import Client

API = "/api/safelight/v1/uploads"
MIB = 1 << 20
PART = 16 * MIB


@dataclass
class Sender:
    """Somebody who is signed in, and what they send."""

    client: Client

    def create(self, name: str = "lights.safetensors", size: int = 100, **more: Any) -> dict[str, Any]:
        answer = self.post("", name=name, size=size, **more)
        assert answer.status_code == 201, answer.content
        return answer.json()

    def post(self, path: str, **body: Any):
        return self.client.post(API + path, body, content_type="application/json")

    def get(self, path: str):
        return self.client.get(API + path)

    def targets(self, upload: str, numbers: Iterable[int]) -> list[dict[str, Any]]:
        answer = self.post(f"/{upload}/parts", numbers=list(numbers))
        assert answer.status_code == 200, answer.content
        return answer.json()["parts"]

    def put(self, upload: str, number: int, body: bytes, content_type: str = "application/octet-stream"):
        (target,) = self.targets(upload, [number])
        return put(target["url"], body, content_type)

    def send_parts(self, upload: dict[str, Any], data: bytes) -> list[dict[str, Any]]:
        """PUT all parts; answers with what `complete` wants, etags as received."""
        listed = []
        for number in range(1, upload["parts"] + 1):
            start = (number - 1) * upload["part_size"]
            answer = self.put(upload["id"], number, data[start : start + upload["part_size"]])
            assert answer.status_code == 200, answer.content
            listed.append({"number": number, "etag": answer.headers["ETag"]})
        return listed

    def complete(self, upload: str, parts: list[dict[str, Any]]):
        return self.post(f"/{upload}/complete", parts=parts)

    def send(self, data: bytes, name: str = "lights.safetensors", **more: Any) -> str:
        """All of it, to `complete`; answers with the upload's id."""
        upload = self.create(name, len(data), **more)
        answer = self.complete(upload["id"], self.send_parts(upload, data))
        assert answer.status_code == 202, answer.content
        return upload["id"]


def put(url: str, body: bytes, content_type: str = "application/octet-stream", client: Client | None = None, **headers):
    """PUT to a signed address, by default from somebody without cookie or token."""
    parts = urlsplit(url)
    sender = client or Client(enforce_csrf_checks=True)
    return sender.put(f"{parts.path}?{parts.query}", body, content_type=content_type, headers=headers)


def problem(answer) -> tuple[int, str, str | None]:
    """Status, code and field of a refusal."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.content
    body = answer.json()
    assert body["detail"]
    return answer.status_code, body["code"], body.get("field")
