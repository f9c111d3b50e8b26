"""The parts of a site on this machine, and how each is started and found ready."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import ModuleType

import psycopg
import redis

from config import locations, pulse
from config.up import postgres, valkey
from config.up.parts import Part
from config.up.spawn import MYSELF, Account, spawn


@dataclass(frozen=True)
class Address:
    """Where the web server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Site:
    """Makes the parts. `settings` is the module `config.settings`, read without Django."""

    def __init__(self, settings: ModuleType, bind: Address, account: Account, parts_lock: int) -> None:
        self.settings = settings
        self.data: Path = settings.DATA
        self.bind = bind
        self.account = account
        self._lock = parts_lock
        self._pulses = pulse.connect(settings.CACHES["default"]["LOCATION"])
        self.environment = {
            **os.environ,
            "SAFELIGHT_DATA": str(self.data),
            "PYTHONUNBUFFERED": "1",
            # Django's checks would load every page into every worker; the web and `manage.py check` run them.
            "CELERY_SKIP_CHECKS": "1",
            # glibc gives each thread a heap of its own, and keeps what was freed there: two heaps do.
            "MALLOC_ARENA_MAX": "2",
        }
        # Beat reads the schedule and sends messages: without this variable it does so without loading Django.
        self.environment.pop("DJANGO_SETTINGS_MODULE", None)
        self._with_django = {**self.environment, "DJANGO_SETTINGS_MODULE": "config.settings"}

    def servers(self) -> list[Part]:
        """The embedded servers: those that no setting replaces."""
        parts = []
        if self.settings.DATABASE_IS_EMBEDDED:
            parts.append(self._postgres())
        if self.settings.REDIS_IS_EMBEDDED:
            parts.append(self._valkey())
        return parts

    def processes(self) -> list[list[Part]]:
        """What runs our code, in groups that are started one after another."""
        worker = ("worker", "--without-gossip", "--without-mingle", "-l", "INFO")
        io = ("-Q", "io,mail", "-c", str(self.settings.IO_WORKERS), "-n", "io@%h")
        beat = ("beat", "-S", "config.pulse:PulsingScheduler", "--pidfile=", "-l", "INFO")
        first = [self._web(), self._celery("io", *worker, *io)]
        then = [
            self._celery("render", *worker, "-Q", "render", "-c", "1", "-n", "render@%h"),
            self._celery("beat", *beat),
        ]
        return [first, then]

    def forget_pulses(self) -> None:
        """Marks that an earlier run left would pass for signs of life."""
        pulse.forget(self._pulses, *pulse.PARTS)

    def python(self, name: str, *arguments: str, **more: object) -> subprocess.Popen[bytes]:
        """Start `python -m …` of ours as a child."""
        return spawn(
            [sys.executable, "-m", *arguments],
            log=self.log(name),
            env=self.environment if name == "beat" else self._with_django,
            cwd=self.settings.BASE_DIR,
            keep=[self._lock],
            **more,
        )

    def log(self, name: str) -> Path:
        return self.data / "log" / f"{name}.log"

    def _postgres(self) -> Part:
        def start() -> subprocess.Popen[bytes]:
            postgres.clear_leftovers(self.data)
            return self._server("postgres", postgres.command(self.data), self.account, death=signal.SIGQUIT)

        def is_ready() -> bool:
            address = f"host={locations.sockets(self.data)} user={locations.EMBEDDED_NAME} dbname=postgres"
            try:
                psycopg.connect(address, connect_timeout=2).close()
            except psycopg.OperationalError:
                return False
            return True

        stop = (postgres.STOP_SIGNAL, signal.SIGQUIT)
        return Part("postgres", self.log("postgres"), start, is_ready, stop_signals=stop, patience=30)

    def _valkey(self) -> Part:
        def start() -> subprocess.Popen[bytes]:
            valkey.clear_leftovers(self.data)
            return self._server("valkey", valkey.command(self.data), MYSELF, death=signal.SIGTERM)

        def is_ready() -> bool:
            try:
                return bool(self._pulses.ping())
            except redis.RedisError:
                return False

        return Part("valkey", self.log("valkey"), start, is_ready)

    def _server(self, name: str, command: list[str], account: Account, death: int) -> subprocess.Popen[bytes]:
        return spawn(command, log=self.log(name), account=account, death=death, keep=[self._lock])

    def _web(self) -> Part:
        s = self.settings
        arguments = (
            "gunicorn", "config.wsgi:application", "-b", str(self.bind), "-k", "gthread", "-w", str(s.WEB_WORKERS),
            "--threads", str(s.WEB_THREADS), "--preload", "--graceful-timeout", "8", "--timeout", "60",
            "--no-control-socket", "--log-level", "warning",
        )  # fmt: skip
        return Part("web", self.log("web"), lambda: self.python("web", *arguments), self._web_answers)

    def _web_answers(self) -> bool:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.bind.host, self.bind.host)  # noqa: S104
        connection = HTTPConnection(host, self.bind.port, timeout=5)
        try:
            connection.request("HEAD", "/healthz", headers={"Host": "localhost"})
            return connection.getresponse().status in (200, 503)
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def _celery(self, name: str, *arguments: str) -> Part:
        def is_ready() -> bool:
            try:
                return name in pulse.living(self._pulses)
            except redis.RedisError:
                return False

        def silence() -> None:
            try:
                pulse.forget(self._pulses, name)
            except redis.RedisError:
                return  # it is down as well, and then /healthz says so anyway

        # A worker finishes its task on SIGTERM; SIGQUIT after it puts the task back for the next worker.
        signals = (signal.SIGTERM, signal.SIGQUIT) if name != "beat" else (signal.SIGTERM,)
        start = lambda: self.python(name, "celery", "-A", "config", *arguments)  # noqa: E731
        return Part(name, self.log(name), start, is_ready, stop_signals=signals, on_end=silence)
