"""A render on a whole site with its own small checkpoint; and its worker killed in the middle of a step."""

from __future__ import annotations

import hashlib
import urllib.request
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config import locations
from registry.demo.samples import DATA
from tests.registry.api.client import PERMISSIONS
from tests.site.running import WITH_ENGINE, RunningSite, descendants, eventually, kill
from tests.site.sending import Sender

pytestmark = pytest.mark.site

SMALL = {"prompt": "a red apple", "width": 64, "height": 64, "seed": 7}


@pytest.fixture(scope="module")
def rendering_site(tmp_path_factory: pytest.TempPathFactory):
    """A site that soon misses a worker, and may be asked often."""
    settings = {
        "RENDER_LEASE_SECONDS": "5",
        "RENDER_SWEEP_SECONDS": "1",
        "RENDER_CPU_SECONDS": "0",
        "RATE_POLL": "100/s",
        "OMP_NUM_THREADS": "1",
        **WITH_ENGINE,
    }
    data = tmp_path_factory.mktemp("renders") / "data"
    running = RunningSite(data, "--admin", "admin", environment=settings).start()
    try:
        yield running.ready(300)
    finally:
        running.stop()


@pytest.fixture(scope="module")
def program(rendering_site: RunningSite) -> Sender:
    scopes = "models:write,renders:write"
    return Sender(rendering_site, rendering_site.manage("create_token", "admin", "--scopes", scopes).split()[-1])


@pytest.fixture(scope="module")
def version(program: Sender) -> int:
    """The small checkpoint, sent and published as everybody does."""
    program.ask("POST", "models", {"name": "Tiny", "type": "checkpoint", "license": "MIT", "permissions": PERMISSIONS})
    program.ask("PATCH", "models/admin/tiny", {"render_here": True})
    made = program.ask("POST", "models/admin/tiny/versions", {"name": "v1", "base_model": "Safelight Tiny"})
    file = DATA / "safelight-tiny.safetensors"
    upload = program.begin(file)
    program.send_all(upload, file)
    program.complete(upload)
    program.ask("POST", f"versions/{made['id']}/files", {"upload": upload["id"], "name": file.name})
    eventually(lambda: program.ask("GET", f"versions/{made['id']}")["files"][0]["verdict"] == "safe", "it is safe")
    program.ask("POST", f"versions/{made['id']}/publish")
    return int(made["id"])


def ended(program: Sender, id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        shown = program.ask("GET", f"renders/{id}")
        return shown if shown["state"] in ("done", "failed") else None

    return eventually(look, "the render ends", 300)


def picture(program: Sender, shown: dict[str, Any]) -> bytes:
    request = urllib.request.Request(shown["picture"], headers={"Authorization": f"Bearer {program.token}"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 (our own address)
        return answer.read()


def test_a_program_asks_for_a_picture_and_gets_it_twice_the_same(program: Sender, version: int):
    asked = [program.ask("POST", "renders", {"version": version, "steps": 20, **SMALL}) for _ in range(2)]

    first, second = (ended(program, each["id"]) for each in asked)

    assert (first["state"], first["error"]) == ("done", None)
    data = picture(program, first)
    assert data.startswith(b"\x89PNG")
    assert hashlib.sha256(data).digest() == hashlib.sha256(picture(program, second)).digest()
    receipt = program.ask("GET", f"renders/{first['id']}/receipt")
    assert receipt["request"]["version"] == version


@pytest.mark.parametrize("whole", [False, True], ids=["its child", "the worker and its child"])
def test_a_render_whose_worker_is_killed_in_a_step_ends_with_one_picture(
    rendering_site: RunningSite, program: Sender, version: int, whole: bool
):
    id = program.ask("POST", "renders", {"version": version, "steps": 150, "batch_count": 2, **SMALL})["id"]
    eventually(lambda: program.ask("GET", f"renders/{id}")["step"] >= 3, "it is in the middle of its steps")

    worker = rendering_site.pid("render")
    for pid in [*([worker] if whole else []), *descendants(worker)]:
        kill(pid)

    shown = ended(program, id)
    assert (shown["state"], shown["error"], len(shown["results"])) == ("done", None, 2)
    assert _row(rendering_site, id) == (2, 2, 2)


def _row(site: RunningSite, id: str) -> tuple[int, int, int]:
    """Tries, results and receipts of a render."""
    with psycopg.connect(locations.database_url(site.data)) as connection:
        return connection.execute(
            "SELECT j.tries, count(r.id), count(c.result_id) FROM inference_renderjob j "
            "JOIN inference_renderresult r ON r.job_id = j.id LEFT JOIN inference_receipt c ON c.result_id = r.id "
            "WHERE j.id = %s GROUP BY j.tries",
            [id],
        ).fetchone()


def test_the_web_never_loads_the_engine(rendering_site: RunningSite):
    web = rendering_site.pid("web")

    maps = "".join(Path(f"/proc/{pid}/maps").read_text() for pid in [web, *descendants(web)])

    assert "torch" not in maps
