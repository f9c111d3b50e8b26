"""One's notices, and the way out of the daily mail."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from community.models import Notice
from community.services import digests, notifications
from community.services.wording import tell


@login_required
@never_cache
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    page = notifications.notices_page(request.user, cursor=request.GET.get("cursor", ""))
    return render(request, "community/notifications.html", {"told": tell(page.items), "page": page})


@login_required
@never_cache
@require_safe
def follow_notice(request: HttpRequest, notice_id: int) -> HttpResponse:
    """To what a notice is about; it is read then. Asking twice changes nothing more."""
    notice = get_object_or_404(Notice.objects.shown_to(request.user).select_related("subject"), pk=notice_id)
    notifications.mark_read(request.user, [notice.pk])
    return HttpResponseRedirect(tell([notice])[0].address)


@login_required
@require_POST
def read(request: HttpRequest) -> HttpResponse:
    """`notice` names one that is read now; without, all of them are."""
    given = request.POST.get("notice", "")
    if given and not (given.isascii() and given.isdigit() and len(given) < 19):
        raise Http404
    notifications.mark_read(request.user, [int(given)] if given else None)
    return redirect("community:notifications")


@csrf_exempt  # mail programs send it without having seen a page (RFC 8058); the code is signed and does only this
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, code: str) -> HttpResponse:
    """A page with one button: programs that look at links in mails must not end anything."""
    person = digests.person_of(code)
    if person is None:
        raise Http404
    if request.method == "POST":
        digests.unsubscribe(code)
        if request.user == person:
            messages.success(request, _("The daily mail has ended."))
    ended = request.method == "POST"
    return render(request, "community/unsubscribe.html", {"person": person, "ended": ended})
