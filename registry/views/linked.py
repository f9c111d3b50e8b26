"""What the page of a model tells programs: schema.org, and how a link to it looks elsewhere. Public versions alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest

from community.linked import counter, person_data
from community.ratings import Rating
from registry.licenses.catalog import LICENSES
from registry.models import ModelVersion, RegisteredModel, VersionPreview
from registry.policies import is_public
from registry.templatetags.safelight import base_label, type_label


def model_data(
    request: HttpRequest,
    model: RegisteredModel,
    version: ModelVersion,
    versions: Sequence[ModelVersion],
    summary: str,
    previews: Sequence[VersionPreview],
) -> dict[str, Any]:
    """A model as a `SoftwareApplication`, with the figures of its public versions; needs its tags and owner."""
    out = [each for each in versions if is_public(each)]
    license = LICENSES.get(version.license)
    picture = open_picture(request, previews)
    data: dict[str, Any] = {
        "@type": "SoftwareApplication",
        "name": model.title,
        "url": request.build_absolute_uri(model.get_absolute_url()),
        "description": summary,
        "applicationCategory": "MultimediaApplication",
        "applicationSubCategory": type_label(model.type),
        "softwareVersion": version.name,
        "softwareRequirements": base_label(version.base_model),
        "license": (license and license.url) or request.build_absolute_uri(version.get_absolute_url()),
        "author": person_data(request, model.owner),
        "keywords": [tag.name for tag in model.tags.all()],
        "dateModified": max((each.published_at for each in out), default=version.published_at).isoformat(),
        "interactionStatistic": counter("DownloadAction", model.download_count),
    }
    if model.first_published_at:
        data["datePublished"] = model.first_published_at.isoformat()
    if model.declared_rating:
        data["contentRating"] = model.declared_rating_name
        data["isFamilyFriendly"] = model.declared_rating == Rating.PG
    if picture:
        data["image"] = picture["url"]
    if rating := _rating(out):
        data["aggregateRating"] = rating
    return data


def _rating(versions: Sequence[ModelVersion]) -> dict[str, Any] | None:
    """The share of reviews that recommend a version, in per cent; nothing where nobody has said anything."""
    count = sum(version.review_count for version in versions)
    if not count:
        return None
    recommended = sum(version.recommended_count for version in versions)
    return {
        "@type": "AggregateRating",
        "ratingValue": round(100 * recommended / count),
        "bestRating": 100,
        "worstRating": 0,
        "ratingCount": count,
    }


def model_share(
    request: HttpRequest, model: RegisteredModel, summary: str, previews: Sequence[VersionPreview]
) -> dict[str, Any]:
    """How a link to a public model looks elsewhere."""
    return {
        "title": model.title,
        "description": summary,
        "url": request.build_absolute_uri(model.get_absolute_url()),
        "picture": open_picture(request, previews),
    }


def open_picture(request: HttpRequest, shown: Sequence[Any]) -> dict[str, str] | None:
    """The first PG picture of things that are public and ready: a link's picture is seen by whoever sees the link."""
    first = next((one for one in shown if one.rating == Rating.PG), None)
    return {"url": request.build_absolute_uri(first.src), "alt": first.alt} if first else None
