"""The page of a model, as its owner, moderators and everybody else see it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.text import Truncator
from django.views.decorators.http import require_safe

from community.views.comments import thread_of
from registry import policies
from registry.models import ModelRedirect, ModelVersion, RegisteredModel, VersionPreview
from registry.services.publishing import unmet_publishing_checks
from registry.templatetags.safelight import base_label, or_list
from registry.views import linked, shapes
from registry.views.reviewing import review_panel

_UNDER_WAY = frozenset({"uploading", "waiting", "inspecting"})


@require_safe
def model_page(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """`/{owner}/{name}?version={id}`; without a version the newest published one. A former name leads to the new.

    Other rooms add to it (`settings.MODEL_PANELS`, `settings.MODEL_ACTIONS`): functions of the request and the version,
    which return safe HTML or nothing.
    """
    model = _find(request, owner, name)
    if (model.owner.username, model.name) != (owner, name):
        query = request.META.get("QUERY_STRING", "")
        return redirect(f"{model.get_absolute_url()}?{query}" if query else model.get_absolute_url())
    visible = ModelVersion.objects.visible_to(request.user).filter(model=model)
    versions = sorted(visible, key=lambda version: version.published_at or version.created_at, reverse=True)
    for each in versions:
        each.model = model  # already loaded, with its owner
    version = _chosen(versions, request.GET.get("version", ""))
    context = {
        "model": model,
        "versions": versions,
        "version": version,
        "default": _default(versions),
        "public": version is not None and policies.is_public(version),
        "canonical": request.build_absolute_uri(model.get_absolute_url()),
        "summary": Truncator(" ".join(model.description.split()) or model.title).chars(160),
        "tags": [_tag_link(tag.name) for tag in model.tags.all()],
        "model_path": f"{model.owner.username}/{model.name}",
        "can_edit": policies.can_edit(request.user, model),
        "can_moderate": policies.can_moderate(request.user),
        "thread": thread_of(model.subject, request),
    }
    if version is not None:
        context |= _version_context(request, model, version)
        for name, paths in (("panels", settings.MODEL_PANELS), ("actions", settings.MODEL_ACTIONS)):
            added = (import_string(path)(request, version) for path in paths)
            context[name] = [html for html in added if html]
        context["reviews"] = review_panel(request, version)
    if version is not None and context["public"]:
        told = (context["summary"], context["previews"])
        context["linked"] = linked.model_data(request, model, version, versions, *told)
        context["share"] = linked.model_share(request, model, *told)
    return render(request, "registry/model.html", context)


def visible_model(request: HttpRequest, owner: str, name: str) -> RegisteredModel:
    """The model at this address, or 404 where it is not there or not this viewer's to see."""
    visible = RegisteredModel.objects.visible_to(request.user).named(owner, name)
    model = visible.select_related("owner", "subject").prefetch_related("tags").first()
    if model is None:
        raise Http404
    return model


def _find(request: HttpRequest, owner: str, name: str) -> RegisteredModel:
    try:
        return visible_model(request, owner, name)
    except Http404:
        former = ModelRedirect.objects.named(owner, name)
        visible = RegisteredModel.objects.visible_to(request.user).filter(redirects__in=former)
        model = visible.select_related("owner").first()
        if model is None:
            raise
        return model


def _default(versions: list[ModelVersion]) -> ModelVersion | None:
    published = (version for version in versions if version.state == ModelVersion.State.PUBLISHED)
    return next(published, versions[0] if versions else None)


def _chosen(versions: list[ModelVersion], asked: str) -> ModelVersion | None:
    return next((version for version in versions if str(version.pk) == asked), _default(versions))


def _tag_link(name: str) -> dict[str, str]:
    return {"name": name, "href": f"{reverse('registry:models')}?{urlencode({'tag': name})}"}


def _version_context(request: HttpRequest, model: RegisteredModel, version: ModelVersion) -> dict[str, Any]:
    files = list(version.files.for_display().with_conversions().prefetch_related("waivers"))
    for file in files:
        file.version = version
    shown = shapes.shown_with_conversions(files, request)
    primary = shapes.primary_of(shown)
    told = primary.file if primary else next((file for file in files if file.is_primary), None)
    is_public = policies.is_public(version)
    rights = version if version.published_at else model
    return {
        "files": shown,
        "primary": primary,
        "choices": [other for other in shown if other.serving.allowed and other is not primary],
        "curl": shapes.curl_line(request, primary),
        "watching": any(file.state in _UNDER_WAY for file in files),
        "converting": any(made.conversion.is_under_way for row in shown for made in row.conversions),
        "hashes": shapes.hashes_of(told),
        "prompt_text": shapes.prompt_text(model, told),
        "detected_type": shapes.differing_type(model, told),
        "detected_base": or_list([base_label(base) for base in shapes.differing_bases(version, told)]),
        "rights": shapes.rights_of(rights, version.base_model),
        "license": shapes.license_of(rights.license),
        "license_text": rights.license_text,
        "places": shapes.places_of(model),
        "unmet": [] if is_public or not policies.can_edit(request.user, model) else unmet_publishing_checks(version),
        **_pictures(request, version),
    }


def _pictures(request: HttpRequest, version: ModelVersion) -> dict[str, Any]:
    ready = version.previews.ready()
    previews = list(VersionPreview.objects.visible_to(request.user).ready().filter(version=version).for_display())
    return {"previews": previews, "hidden": ready.count() - len(previews)}
