"""Refusals that people and programs can act on.

Every refusal of a service is a `SafelightError` with a stable `code`, the HTTP `status` that all doors answer
with, and the `field` that was wrong where one was. The tree:

    SafelightError
    ├── InvalidInput        400  a value is malformed; names the field
    ├── NotAllowed          403  known, but not this person's to do
    ├── Conflict            409  the thing's state forbids it
    ├── QuotaExceeded       403  a person's share is used up
    ├── RateLimited         429  too often; `retry_after` seconds
    ├── StoreUnavailable    503  the store of bytes does not answer
    └── StoreFull           507  no room for bytes
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

PROBLEM_TYPE = "application/problem+json"


def problem(status: int, detail: str, *, code: str, field: str = "", **extra: Any) -> dict[str, Any]:
    """The document of a refusal for programs (RFC 9457). Members with nothing to say are left out."""
    members = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return {**members, "code": code, **({"field": field} if field else {}), **extra}


class SafelightError(Exception):
    """Base of all refusals. `detail` is a translated sentence for people, `code` is for programs."""

    status = 400
    code = "invalid"

    def __init__(self, detail: str, *, code: str = "", field: str = "", extra: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.code
        self.field = field
        self.extra = dict(extra or {})

    def as_problem(self) -> dict[str, Any]:
        """The refusal for programs."""
        return problem(self.status, str(self.detail), code=self.code, field=self.field, **self.extra)


class InvalidInput(SafelightError):
    """A value that cannot be accepted; `field` names it."""

    status = 400
    code = "invalid"


class NotAllowed(SafelightError):
    """The thing may be seen, but this act on it is not this person's."""

    status = 403
    code = "not_allowed"


class Conflict(SafelightError):
    """The state of the thing forbids the act; nothing was changed."""

    status = 409
    code = "conflict"


class QuotaExceeded(SafelightError):
    """A person's share of the site is used up."""

    status = 403
    code = "quota_exceeded"


class RateLimited(SafelightError):
    """Asked too often. `retry_after` is in whole seconds."""

    status = 429
    code = "rate_limited"

    def __init__(self, detail: str, *, retry_after: int, field: str = "") -> None:
        super().__init__(detail, field=field)
        self.retry_after = max(1, retry_after)


class StoreUnavailable(SafelightError):
    """The store of bytes does not answer. Trouble of the site, not of what was asked; nothing was lost."""

    status = 503
    code = "store_unavailable"


class StoreFull(SafelightError):
    """The store has no room for these bytes; what it already holds is kept."""

    status = 507
    code = "store_full"
