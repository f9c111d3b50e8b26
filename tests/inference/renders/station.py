"""A worker process of its own, without Celery: `python -m tests.inference.renders.station DATABASE FOLDER NAME`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent.parent


def start_station(database: str, data: Path, name: str, gate: Path) -> subprocess.Popen[bytes]:
    """Start one that renders whatever waits, then ends. It reaches for `gate` as `engine` says."""
    command = [sys.executable, "-m", "tests.inference.renders.station", database, str(data), name]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "RENDER_ENGINE": "tests.inference.renders.engine",
        "GATE": str(gate),
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.Popen(command, cwd=ROOT, env=environment)


def main(database: str, data: str, name: str) -> None:
    import django
    from django.conf import settings

    settings.DATABASES["default"]["NAME"] = database
    settings.DATA = Path(data)
    settings.CACHE_FOLDER = settings.DATA / "cache"
    django.setup()
    from inference.services.working import Station

    station = Station(name)
    station.open()
    while station.work():
        continue


if __name__ == "__main__":
    main(*sys.argv[1:])
