"""One's render, on its way into the gallery."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from gallery.services.from_renders import draft_of_render
from inference.models import RenderResult


@login_required
@require_POST
def post_render(request: HttpRequest, result_id: uuid.UUID) -> HttpResponse:
    """`/posts/from-render/<id>`: a draft with this picture, ready for words and a rating."""
    own = RenderResult.objects.of(request.user).select_related("job", "picture")
    post = draft_of_render(get_object_or_404(own, pk=result_id), by=request.user)
    return redirect("gallery:post-edit", post.pk)
