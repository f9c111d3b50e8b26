"""`/api/safelight/v1/hashes`: a hash never dies."""

from __future__ import annotations

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from registry.api.own.serializers import HashAnswerSerializer
from registry.search import find_by_hash


class HashView(APIView):
    """GET hashes/<hash>: files that bear it and that you may see, and what became of those that are gone."""

    scopes = {"GET": "models:read"}
    public_reads = True

    @extend_schema(responses=HashAnswerSerializer)
    def get(self, request: Request, value: str) -> Response:
        answer = find_by_hash(value, request.user)
        if answer.is_empty:
            raise Http404
        return Response(HashAnswerSerializer(answer, context={"request": request}).data)
