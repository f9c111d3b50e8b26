"""Pieces of linked data (schema.org) that the pages of every room use."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from community.models import User


def person_data(request: HttpRequest, person: User) -> dict[str, Any]:
    """A person, by their page."""
    return {"@type": "Person", "name": str(person), "url": request.build_absolute_uri(person.get_absolute_url())}


def counter(act: str, count: int) -> dict[str, Any]:
    """How often people did something: `act` is a kind of schema.org's Action."""
    return {
        "@type": "InteractionCounter",
        "interactionType": f"https://schema.org/{act}",
        "userInteractionCount": count,
    }
