"""What our own API answers with: JSON, whatever was asked for."""

from __future__ import annotations

from rest_framework.negotiation import DefaultContentNegotiation


class FirstRenderer(DefaultContentNegotiation):
    """An `Accept` header that a client's library made up is no reason to refuse it: there is one form of answer."""

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type
