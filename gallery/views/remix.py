"""From a picture to the form that renders: a posted image, or a file that is read and not kept."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from community.services.limits import check_rate
from gallery.imagemeta.read import read_generation
from gallery.models import Image
from gallery.policies import can_see_generation
from gallery.services.remixing import remix_generation, remix_image
from inference.views.rendering import form_page
from registry.formats.errors import MalformedFile

_MAX_BYTES: Final = 60_000_000


@login_required
@never_cache
@require_safe
def remix(request: HttpRequest, image_id: int) -> HttpResponse:
    """`/images/<id>/remix`: the render form, filled with how this image was made."""
    visible = Image.objects.visible_to(request.user).select_related("post").prefetch_related("resources")
    image = get_object_or_404(visible, pk=image_id)
    if not image.told or not can_see_generation(request.user, image):
        raise Http404
    found = remix_image(image, request.user)
    return form_page(request, found.start, notes=found.notes)


@login_required
@never_cache
@require_POST
def read_picture(request: HttpRequest) -> HttpResponse:
    """The render form, filled with what a sent picture tells of itself. The file is forgotten."""
    check_rate("write", f"user:{request.user.pk}")
    sent = request.FILES.get("picture")
    if sent is None or sent.size > _MAX_BYTES:
        messages.error(request, _("Choose a picture of at most %(most)d MB.") % {"most": _MAX_BYTES // 1_000_000})
        return redirect("inference:render")
    try:
        generation = read_generation(sent.read())
    except MalformedFile as fault:
        messages.error(request, _("“%(name)s” cannot be read: %(why)s") % {"name": sent.name[:100], "why": fault})
        return redirect("inference:render")
    if generation is None:
        messages.error(request, _("No tool has written into “%(name)s” how it was made.") % {"name": sent.name[:100]})
        return redirect("inference:render")
    found = remix_generation(generation, request.user)
    return form_page(request, found.start, notes=found.notes)
