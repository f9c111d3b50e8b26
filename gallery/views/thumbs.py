"""Small pictures of images where another room names them by their subject."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from gallery.models import Image
from gallery.views.shapes import cards_of


def thumbs_of(request: HttpRequest, subjects: Sequence[int]) -> dict[int, SafeString]:
    """Those of these subjects that are images which the viewer may see, by the subject's id. Two queries.

    Named by `settings.SUBJECT_THUMBS`.
    """
    images = Image.objects.visible_to(request.user).ready().filter(subject__in=subjects).for_cards()
    return {
        card.image.subject_id: SafeString(render_to_string("gallery/_thumb.html", {"card": card}))
        for card in cards_of(images)
    }
