"""Shapes of renders in our own API. What a request may hold is read by `inference.prompts.request`, not here."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request

from inference.models import RenderJob, RenderResult
from inference.models.refusals import explain_render
from inference.services.expiring import goes_at
from inference.services.waiting import why_waiting


class LoraUseShape(serializers.Serializer):
    version = serializers.IntegerField()
    weight = serializers.FloatField(default=1.0)
    clip_weight = serializers.FloatField(required=False, allow_null=True)


class HypernetUseShape(serializers.Serializer):
    version = serializers.IntegerField()
    weight = serializers.FloatField(default=1.0)


class EmbeddingUseShape(serializers.Serializer):
    version = serializers.IntegerField()
    word = serializers.CharField(help_text=_("The word in the prompt that stands for it."))


class ControlUseShape(serializers.Serializer):
    version = serializers.IntegerField()
    picture = serializers.CharField(help_text=_("The SHA-256 of a picture of yours."))
    weight = serializers.FloatField(default=1.0)
    start = serializers.FloatField(default=0.0)
    end = serializers.FloatField(default=1.0)


class HiresShape(serializers.Serializer):
    scale = serializers.FloatField(default=2.0)
    steps = serializers.IntegerField(default=0, help_text=_("0: as many as the first pass."))
    denoise = serializers.FloatField(default=0.5)
    upscaler = serializers.ChoiceField(["latent", "lanczos"], default="latent")


class VariationShape(serializers.Serializer):
    seed = serializers.CharField(required=False, help_text=_("Without one, or with -1, one is drawn."))
    strength = serializers.FloatField()


class RenderRequestShape(serializers.Serializer):
    """What to render. Only `version` is needed. Seeds are whole numbers up to 2⁶⁴ − 1, as a number or as text."""

    version = serializers.IntegerField(help_text=_("A version whose file is a checkpoint."))
    prompt = serializers.CharField(
        required=False, help_text=_("May name files: <lora:name:0.8>, <hypernet:name:1>, embedding:name.")
    )
    negative = serializers.CharField(required=False)
    seed = serializers.CharField(required=False, help_text=_("Without one, or with -1, one is drawn."))
    width = serializers.IntegerField(default=512, help_text=_("A multiple of 8."))
    height = serializers.IntegerField(default=512, help_text=_("A multiple of 8."))
    steps = serializers.IntegerField(default=20)
    sampler = serializers.CharField(default="DPM++ 2M")
    schedule_type = serializers.CharField(default="Automatic")
    cfg_scale = serializers.FloatField(default=7.0)
    clip_skip = serializers.IntegerField(default=1)
    loras = LoraUseShape(many=True, required=False)
    vae = serializers.IntegerField(required=False, allow_null=True)
    embeddings = EmbeddingUseShape(many=True, required=False)
    hypernets = HypernetUseShape(many=True, required=False)
    init = serializers.CharField(required=False, allow_null=True, help_text=_("The SHA-256 of a picture of yours."))
    mask = serializers.CharField(required=False, allow_null=True, help_text=_("White is painted anew."))
    denoise = serializers.FloatField(default=0.75)
    control = ControlUseShape(required=False, allow_null=True)
    hires = HiresShape(required=False, allow_null=True)
    variation = VariationShape(required=False, allow_null=True)
    batch_count = serializers.IntegerField(default=1)


class RenderErrorShape(serializers.Serializer):
    code = serializers.CharField()
    field = serializers.CharField(help_text=_("The value that was wrong; empty where none was."))
    detail = serializers.CharField()


class QueuedRenderShape(serializers.Serializer):
    id = serializers.UUIDField()
    state = serializers.ChoiceField(RenderJob.State.choices)
    position = serializers.IntegerField(allow_null=True, help_text=_("Its place in the queue, from 1."))
    waiting = serializers.CharField(help_text=_("Why it waits, in words; empty once it does not."))
    seed = serializers.CharField(help_text=_("Of the first picture; each one after it in a batch has the next."))


class RenderResultShape(serializers.Serializer):
    id = serializers.UUIDField()
    index = serializers.IntegerField()
    seed = serializers.CharField()
    picture = serializers.CharField()
    receipt = serializers.CharField()


class RenderShape(QueuedRenderShape):
    kind = serializers.ChoiceField(RenderJob.Kind.choices)
    request = RenderRequestShape()
    step = serializers.IntegerField()
    steps = serializers.IntegerField()
    cancelling = serializers.BooleanField(help_text=_("It was called off, and ends between two steps."))
    error = RenderErrorShape(allow_null=True)
    picture = serializers.CharField(allow_null=True, help_text=_("The address of its first picture."))
    receipt = serializers.CharField(allow_null=True, help_text=_("The address of that picture's receipt."))
    results = RenderResultShape(many=True)
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text=_("When the first of its pictures goes, with its receipt; null: none does.")
    )
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class RenderPage(serializers.Serializer):
    results = RenderShape(many=True)
    next = serializers.CharField(allow_null=True)


def queued_shape(job: RenderJob) -> dict[str, Any]:
    """Where a render stands in the queue."""
    waiting = why_waiting(job)
    return {
        "id": str(job.pk),
        "state": job.state,
        "position": waiting.position if waiting else None,
        "waiting": str(waiting) if waiting else "",
        "seed": job.request.get("seed", ""),
    }


def render_shape(job: RenderJob, request: Request) -> dict[str, Any]:
    """All that its maker is told of a render. Prefetch its results `with_shown`."""
    made = list(job.results.all())
    results = [_result_shape(result, request) for result in made]
    first = results[0] if results else {}
    return {
        **queued_shape(job),
        "kind": job.kind,
        "request": job.request,
        "step": job.step,
        "steps": job.steps,
        "cancelling": job.state == RenderJob.State.RUNNING and job.cancel_asked_at is not None,
        "error": _error_shape(job),
        "picture": first.get("picture"),
        "receipt": first.get("receipt"),
        "results": results,
        "expires_at": goes_at(job, made),
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }


def _result_shape(result: RenderResult, request: Request) -> dict[str, Any]:
    which = f"?index={result.index}" if result.index else ""
    picture, receipt = (
        request.build_absolute_uri(reverse(name, args=[result.job_id]) + which)
        for name in ("api-render-picture", "api-render-receipt")
    )
    return {
        "id": str(result.pk),
        "index": result.index,
        "seed": str(int(result.seed)),
        "picture": picture,
        "receipt": receipt,
    }


def _error_shape(job: RenderJob) -> dict[str, str] | None:
    """Why it failed. The traceback is the staff's to read."""
    if job.state != RenderJob.State.FAILED or not job.error:
        return None
    code, params = job.error["code"], job.error.get("params", {})
    return {"code": code, "field": job.error.get("field", ""), "detail": explain_render(code, params)}
