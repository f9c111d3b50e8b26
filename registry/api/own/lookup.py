"""What an address of the API names: fetched as far as the viewer may see it, and asked for as far as they may act."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework.request import Request

from community.errors import NotAllowed
from registry.models import ModelFile, ModelRedirect, ModelVersion, RegisteredModel
from registry.policies import can_edit


def find_model(request: Request, owner: str, name: str) -> RegisteredModel:
    """The model at `{owner}/{name}`, now or once. 404 for those that this person may not see."""
    visible = RegisteredModel.objects.visible_to(request.user).select_related("owner", "subject")
    model = visible.named(owner, name).first()
    if model is None:
        moved = ModelRedirect.objects.named(owner, name).filter(model__in=visible).first()
        if moved is None:
            raise Http404
        model = visible.get(pk=moved.model_id)
    return model


def find_version(request: Request, version_id: int) -> ModelVersion:
    """404 for versions that this person may not see."""
    shown = ModelVersion.objects.visible_to(request.user).within_level_of(request.user)
    versions = shown.select_related("model__owner", "model__subject")
    return get_object_or_404(versions.with_files(), pk=version_id)


def find_file(request: Request, file_id: int) -> ModelFile:
    """404 for files of versions that this person may not see."""
    return get_object_or_404(visible_files(request).prefetch_related("blob__findings", "blob__opinions"), pk=file_id)


def visible_files(request: Request) -> QuerySet[ModelFile]:
    files = ModelFile.objects.visible_to(request.user).for_display()
    return files.select_related("version__model__owner", "blob", "upload__inspection").prefetch_related("waivers")


def must_edit(request: Request, model: RegisteredModel) -> None:
    """403 for those who see a model and do not own it."""
    if not can_edit(request.user, model):
        raise NotAllowed(_("Only the owner of this model may do this."))
