"""Pages of lists as our own API shows them: `{"results": […], "next": address or null}`."""

from __future__ import annotations

from django.utils.translation import gettext as _
from rest_framework.request import Request

from community.errors import InvalidInput
from community.services.paging import Page, decode_cursor, encode_cursor, keyset_page

__all__ = ["Page", "decode_cursor", "encode_cursor", "keyset_page", "next_address", "read_size"]


def read_size(request: Request, *, default: int, most: int) -> int:
    """`limit` of the query string. Raises InvalidInput (field "limit")."""
    text = request.query_params.get("limit", "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 7 and 1 <= int(text) <= most):
        raise InvalidInput(_("Must be a whole number from 1 to %(most)d.") % {"most": most}, field="limit")
    return int(text)


def next_address(request: Request, cursor: str) -> str | None:
    """The absolute address of the page that begins at `cursor`: this one's, with that one parameter changed."""
    if not cursor:
        return None
    parameters = request.query_params.copy()
    parameters["cursor"] = cursor
    return request.build_absolute_uri(f"{request.path}?{parameters.urlencode()}")
