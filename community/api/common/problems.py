"""Refusals as `application/problem+json`: {type, title, status, detail, code, field?, errors?}.

`code` is stable and for programs; `detail` is a sentence in the reader's language; `field` names the first wrong
field and `errors` maps every wrong field, in dotted form, to its sentences.
"""

from __future__ import annotations

import math
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as ModelValidationError
from django.http import Http404, UnreadablePostError
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import set_rollback

from community.errors import PROBLEM_TYPE, InvalidInput, RateLimited, SafelightError, problem


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """What `rest_framework` asks for every exception of a view. None leaves a real fault to be logged as one."""
    headers: dict[str, str] = {}
    document = problem_of(exc)
    if document is None:
        return None
    if isinstance(exc, RateLimited):
        headers["Retry-After"] = str(exc.retry_after)
    elif isinstance(exc, exceptions.APIException):
        if getattr(exc, "auth_header", None):
            headers["WWW-Authenticate"] = exc.auth_header
        if getattr(exc, "wait", None):
            headers["Retry-After"] = str(math.ceil(exc.wait))
    set_rollback()
    return Response(document, status=document["status"], headers=headers, content_type=PROBLEM_TYPE)


def problem_of(exc: Exception) -> dict[str, Any] | None:
    """The problem document of a refusal, or None for anything that is not one."""
    if isinstance(exc, SafelightError):
        return exc.as_problem()
    if isinstance(exc, exceptions.ValidationError):
        return _invalid(_flat(exc.detail))
    if isinstance(exc, ModelValidationError):
        return _invalid(_of_model(exc))
    if isinstance(exc, Http404):
        return problem(404, _("There is nothing here that you may see."), code="not_found")
    if isinstance(exc, PermissionDenied):
        return problem(403, str(exc) or _("This is not yours to do."), code="not_allowed")
    if isinstance(exc, exceptions.APIException):
        return problem(exc.status_code, _sentence(exc), code=_code(exc))
    if isinstance(exc, RequestDataTooBig):
        return problem(413, _("The body is too large."), code="too_large")
    if isinstance(exc, SuspiciousOperation | UnreadablePostError):
        return problem(400, _("The request could not be read."), code="invalid")
    return None


def _invalid(errors: dict[str, list[str]]) -> dict[str, Any]:
    field, sentences = next(iter(errors.items()), ("", [_("The request is not valid.")]))
    detail = f"{field}: {sentences[0]}" if field else sentences[0]
    named = {name: said for name, said in errors.items() if name}
    return problem(400, detail, code=InvalidInput.code, field=field, **({"errors": named} if named else {}))


def _flat(detail: Any, path: str = "") -> dict[str, list[str]]:
    """Nested errors of serializers as {"files.0.name": [sentence, …]}."""
    if isinstance(detail, dict):
        parts = [(_join(path, key), inner) for key, inner in detail.items()]
    elif isinstance(detail, list) and any(isinstance(inner, dict | list) for inner in detail):
        parts = [(_join(path, str(number)), inner) for number, inner in enumerate(detail)]
    else:
        return {path: [str(said) for said in (detail if isinstance(detail, list) else [detail])]}
    flat: dict[str, list[str]] = {}
    for where, inner in parts:
        for name, said in _flat(inner, where).items():
            if said:
                flat.setdefault(name, []).extend(said)
    return flat


def _join(path: str, key: str) -> str:
    if key == api_settings.NON_FIELD_ERRORS_KEY:
        return path
    return f"{path}.{key}" if path else key


def _of_model(exc: ModelValidationError) -> dict[str, list[str]]:
    if not hasattr(exc, "error_dict"):
        return {"": list(exc.messages)}
    return {"" if name == NON_FIELD_ERRORS else name: said for name, said in exc.message_dict.items()}


def _sentence(exc: exceptions.APIException) -> str:
    return str(exc.detail) if isinstance(exc.detail, str) else str(exc.default_detail)


def _code(exc: exceptions.APIException) -> str:
    codes = exc.get_codes()
    return {"throttled": RateLimited.code, "permission_denied": "not_allowed"}.get(
        codes if isinstance(codes, str) else "", codes if isinstance(codes, str) else exc.default_code
    )
