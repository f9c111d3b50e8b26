"""Signs of life: each worker and beat writes a mark into Valkey every few seconds, and `/healthz` looks for it.

The mark of a worker is written by its main process, from the loop that takes messages: a long job does not silence it,
a lost connection to the queue does. `up` takes a mark away at once when it sees the process end.
"""

import logging
from typing import Any

import redis
from celery import bootsteps, signals
from celery.beat import PersistentScheduler

from config.up.spawn import die_with_parent

logger = logging.getLogger(__name__)

PARTS = ("io", "render", "beat")
EVERY_SECONDS = 3
LASTS_SECONDS = 15


def connect(url: str) -> "redis.Redis":
    """A client that gives up soon: whoever asks would rather know that nothing answers."""
    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)


def _key(part: str) -> str:
    return f"safelight:pulse:{part}"


def mark(client: "redis.Redis", *parts: str) -> None:
    """Say that these are alive. Failing to say so is not a reason to stop working."""
    try:
        for part in parts:
            client.set(_key(part), 1, ex=LASTS_SECONDS)
    except redis.RedisError as error:
        logger.warning("No sign of life could be written: %s", error)


def living(client: "redis.Redis") -> set[str]:
    """Which of PARTS gave a sign lately. Raises `redis.RedisError`."""
    found = client.mget([_key(part) for part in PARTS])
    return {part for part, value in zip(PARTS, found, strict=True) if value}


def forget(client: "redis.Redis", *parts: str) -> None:
    """Take marks away. Raises `redis.RedisError`."""
    client.delete(*map(_key, parts))


class WorkerPulse(bootsteps.StartStopStep):
    """Marks the queues that a worker serves, as long as it is connected to them."""

    requires = {"celery.worker.consumer.tasks:Tasks"}

    def __init__(self, parent: Any, **options: Any) -> None:
        self.timer = None
        super().__init__(parent, **options)

    def start(self, parent: Any) -> None:
        client = connect(parent.app.conf["pulse_url"])
        queues = [queue.name for queue in parent.task_consumer.queues if queue.name in PARTS]
        mark(client, *queues)
        self.timer = parent.timer.call_repeatedly(EVERY_SECONDS, mark, (client, *queues))

    def stop(self, parent: Any) -> None:
        if self.timer:
            self.timer.cancel()
            self.timer = None

    shutdown = stop


class PulsingScheduler(PersistentScheduler):
    """Beat's own scheduler, marked each time it looks for what is due."""

    def tick(self, *args: Any, **options: Any) -> float:
        if not hasattr(self, "_client"):
            self._client = connect(self.app.conf["pulse_url"])
        mark(self._client, "beat")
        return min(super().tick(*args, **options), EVERY_SECONDS)


@signals.worker_process_init.connect
def _end_with_the_worker(**_: Any) -> None:
    """A killed worker's children must not go on with work that the next one takes over."""
    die_with_parent()
