"""The cache, which the site can do without.

A lost cache server must cost speed and nothing else: what is kept in it can be made again, and limits go on being
counted in the memory of each process. While the server is away it is asked again every few seconds, not at every
call, so that a server that hangs does not hold up each page.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

ASKED_AGAIN_AFTER = 5.0


class SpareCache(RedisCache):
    """Valkey (or Redis); without it, this process's own memory."""

    _away_until = 0.0  # of the process: each of its threads has an object of this class

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._spare = LocMemCache("spare", {**params, "OPTIONS": {"MAX_ENTRIES": 20_000}})

    def _ask(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() >= SpareCache._away_until:
            asked: Callable[..., Any] = getattr(super(), name)
            try:
                return asked(*args, **kwargs)
            except (RedisError, OSError) as error:
                SpareCache._away_until = time.monotonic() + ASKED_AGAIN_AFTER
                log.warning("The cache server does not answer; each process keeps its own for now: %s", error)
        return getattr(self._spare, name)(*args, **kwargs)

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("add", *args, **kwargs)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("get", *args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("set", *args, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("touch", *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("delete", *args, **kwargs)

    def get_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("get_many", *args, **kwargs)

    def has_key(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("has_key", *args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("incr", *args, **kwargs)

    def set_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("set_many", *args, **kwargs)

    def delete_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("delete_many", *args, **kwargs)

    def clear(self) -> Any:
        return self._ask("clear")
