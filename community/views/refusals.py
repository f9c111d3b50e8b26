"""Pages that say no, and why."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.defaults import page_not_found, server_error

from community.errors import PROBLEM_TYPE, RateLimited, SafelightError, problem

API = "/api/"


def refusal_answer(request: HttpRequest, refusal: SafelightError) -> HttpResponse:
    """A service's refusal, as a page or, under `/api/`, as a problem document."""
    if not request.path_info.startswith(API):
        return refusal_page(request, refusal)
    response = JsonResponse(refusal.as_problem(), status=refusal.status, content_type=PROBLEM_TYPE)
    if isinstance(refusal, RateLimited):
        response["Retry-After"] = str(refusal.retry_after)
    return response


def refusal_page(request: HttpRequest, refusal: SafelightError) -> HttpResponse:
    """A service's refusal for people, with its status and, where one waits, for how long."""
    context = {"detail": refusal.detail, "status": refusal.status, "field": refusal.field}
    response = render(request, "community/refusal.html", context, status=refusal.status)
    if isinstance(refusal, RateLimited):
        response["Retry-After"] = str(refusal.retry_after)
    return response


def too_many_requests(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """What allauth answers when one of its own limits is met; all of them are of minutes."""
    return refusal_page(request, RateLimited(_("Too often. Try again in a minute."), retry_after=60))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Nothing here: a page for people, a problem document for programs."""
    if not request.path_info.startswith(API):
        return page_not_found(request, exception)
    detail = _("There is nothing here that you may see.")
    return JsonResponse(problem(404, detail, code="not_found"), status=404, content_type=PROBLEM_TYPE)


def fault(request: HttpRequest) -> HttpResponse:
    """A fault of ours. The log says which."""
    if not request.path_info.startswith(API):
        return server_error(request)
    detail = _("The site failed. The operator's log says why.")
    return JsonResponse(
        problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail, code="fault"), status=500, content_type=PROBLEM_TYPE
    )
