"""`GET /healthz`: whether every part of the site is ready."""

import logging

import psycopg
import redis
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config import pulse

logger = logging.getLogger(__name__)


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when all parts are ready and the owner that `up` was asked for exists; 503 names what is missing."""
    parts = {"database": _database_answers(), **_queue_parts()}
    if settings.OWNER_NAME:
        parts["owner"] = parts["database"] and _owner_exists(settings.OWNER_NAME)
    ready = all(parts.values())
    states = {name: "ready" if state else "down" for name, state in parts.items()}
    return JsonResponse({"ready": ready, "parts": states}, status=200 if ready else 503)


def _database_answers() -> bool:
    """Asked over a connection of its own: the pool would wait, and hand out one from before a restart."""
    try:
        psycopg.connect(settings.DATABASE_URL, connect_timeout=2).close()
    except psycopg.OperationalError as error:
        logger.warning("healthz: the database does not answer: %s", error)
        return False
    return True


def _queue_parts() -> dict[str, bool]:
    client = pulse.connect(settings.CACHES["default"]["LOCATION"])
    try:
        living = pulse.living(client)
    except redis.RedisError as error:
        logger.warning("healthz: Valkey does not answer: %s", error)
        return dict.fromkeys(("valkey", *pulse.PARTS), False)
    finally:
        client.close()
    return {"valkey": True, **{part: part in living for part in pulse.PARTS}}


def _owner_exists(name: str) -> bool:
    people = get_user_model().objects
    try:
        return people.filter(username__iexact=name, role="operator", is_active=True).exists()
    except DatabaseError:
        return False
