"""`/api/safelight/v1/recognize`: what a file is, before it is sent."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from community.api.common.serializers import StrictInteger
from registry.services.recognizing import recognize_header


class FileHeader(serializers.Serializer):
    name = serializers.CharField(max_length=255)
    size = StrictInteger(help_text=_("Bytes of the whole file."))
    header = serializers.CharField(
        trim_whitespace=False, help_text=_("The JSON text at the start of a safetensors file, without its length.")
    )


class RecognizedFile(serializers.Serializer):
    model_type = serializers.CharField(help_text=_("An id of the model types; “other” where the tensors cannot tell."))
    base_model = serializers.CharField(allow_null=True)
    base_candidates = serializers.ListField(child=serializers.CharField())
    precision = serializers.CharField(allow_null=True)
    pruned = serializers.BooleanField(allow_null=True)
    confidence = serializers.CharField()
    title = serializers.CharField(allow_null=True)
    trigger_words = serializers.ListField(child=serializers.CharField())


class RecognizeView(APIView):
    """Type, base model, precision and trigger words of a safetensors file, from its header."""

    scopes = {"POST": "models:write"}

    @extend_schema(request=FileHeader, responses=RecognizedFile)
    def post(self, request: Request) -> Response:
        given = FileHeader(data=request.data)
        given.is_valid(raise_exception=True)
        found = recognize_header(**given.validated_data)
        return Response(
            {
                "model_type": found.model_type,
                "base_model": found.base_model,
                "base_candidates": found.base_candidates,
                "precision": found.precision,
                "pruned": found.pruned,
                "confidence": found.confidence,
                "title": found.training.title or found.training.output_name,
                "trigger_words": found.trigger_words,
            }
        )
