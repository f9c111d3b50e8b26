"""A program that speaks to our own API."""

from typing import Any

from django.test import Client

from community.models import User
from community.services.tokens import create_token

API = "/api/safelight/v1"
PERMISSIONS = {
    "no_credit": True,
    "commercial_images": False,
    "commercial_service": False,
    "sell": False,
    "merges": True,
    "relicense": False,
}


class Program:
    """JSON in, JSON out, with one person's token, or with nobody's."""

    def __init__(self, user: User | None = None, scopes: tuple[str, ...] = ("models:write",)) -> None:
        self.client = Client(raise_request_exception=True)
        self.headers = {}
        if user is not None:
            _row, token = create_token(user, "test", scopes)
            self.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, body: Any = None, **headers: str):
        return self.client.generic(
            method,
            path if path.startswith("/") else f"{API}/{path}",
            b"" if body is None else _encoded(body),
            content_type="application/json",
            headers={**self.headers, **headers},
        )

    def get(self, path: str, **headers: str):
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None):
        return self.ask("POST", path, body)

    def patch(self, path: str, body: Any):
        return self.ask("PATCH", path, body)

    def delete(self, path: str, body: Any = None):
        return self.ask("DELETE", path, body)


def _encoded(body: Any) -> bytes:
    import json

    return body if isinstance(body, bytes) else json.dumps(body).encode()
