"""A warm worker beside a bare diffusers loop, and previews of ten LoRAs beside a fresh process for each picture.

    python -m bench.render [--pictures 40] [--loras 10] [--json FILE]

Starts a whole site in a temporary folder, sends it the small checkpoint, and lets its own worker render through the
queue, receipts and PNGs included. Worker and loop are pinned to the same core, one after the other; the rest of the
site has the other one. Prints ratios beside their limits: pictures a minute >= 0.95 of the loop's, time outside the
networks' own calls <= 10 %, previews >= 5 times faster than a fresh process each.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import psycopg
from safetensors.torch import load_file, save_file

from config import locations
from registry.demo.samples import DATA
from registry.licenses.permissions import Permissions
from tests.site.running import WITH_ENGINE, RunningSite, descendants, eventually
from tests.site.sending import Sender

ROOT = Path(__file__).resolve().parents[1]
WORKER_CORE, REST_CORE = 1, 0
ASKED = {"prompt": "a red apple", "width": 64, "height": 64, "steps": 20, "cfg_scale": 4.0, "sampler": "DPM++ 2M"}
PERMISSIONS = dict.fromkeys([item.name for item in fields(Permissions)], True)
MANY = "1000000"
SETTINGS = WITH_ENGINE | {
    "RENDER_OPEN_JOBS": MANY, "RENDER_DAILY_PICTURES": MANY, "RENDER_CPU_SECONDS": "0", "OMP_NUM_THREADS": "1",
    "RATE_POLL": "1000/s", "RATE_WRITE": "100000/10m", "RATE_UPLOAD": "100000/h",
}  # fmt: skip
MEASURED = "SELECT min(started_at), max(finished_at), count(*) FROM inference_renderjob WHERE state = 'done' AND "


class Bench:
    """A running site with a token and the published checkpoint."""

    def __init__(self, site: RunningSite) -> None:
        self.site = site
        token = site.manage("create_token", "admin", "--scopes", "models:write,renders:write").split()[-1]
        self.program = Sender(site, token)
        self.database = locations.database_url(site.data)

    def publish(self, name: str, kind: str, file: Path) -> int:
        """A model of one version with this file, sent and published as everybody does."""
        ask, rights = self.program.ask, {"license": "MIT", "permissions": PERMISSIONS, "render_here": True}
        ask("POST", "models", {"name": name, "type": kind, **rights})
        made = ask("POST", f"models/admin/{name.lower()}/versions", {"name": "v1", "base_model": "Safelight Tiny"})
        upload = self.program.begin(file)
        self.program.send_all(upload, file)
        self.program.complete(upload)
        ask("POST", f"versions/{made['id']}/files", {"upload": upload["id"], "name": file.name})
        eventually(lambda: ask("GET", f"versions/{made['id']}")["files"][0]["verdict"] == "safe", "safe", 120)
        ask("POST", f"versions/{made['id']}/publish")
        return int(made["id"])

    def wait_until_idle(self) -> None:
        def idle() -> bool:
            waiting = "SELECT count(*) FROM inference_renderjob WHERE state IN ('queued', 'running')"
            with psycopg.connect(self.database) as connection:
                return connection.execute(waiting).fetchone()[0] == 0

        eventually(idle, "everything is rendered", 3600)

    def measured(self, where: str) -> tuple[float, int]:
        """Seconds from the first start to the last end of these renders, and how many."""
        with psycopg.connect(self.database) as connection:
            first, last, count = connection.execute(MEASURED + where).fetchone()
        return (last - first).total_seconds(), count


def pin(pid: int, core: int) -> None:
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), {core})
    except (FileNotFoundError, ProcessLookupError):
        return  # it ended meanwhile


def cpu_seconds(pids: list[int]) -> float:
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def worker_beside_loop(bench: Bench, checkpoint: int, pictures: int, out: Path) -> dict[str, Any]:
    bench.wait_until_idle()  # the checkpoint's own previews: the worker is warm
    parent = bench.site.pid("render")
    workers = descendants(parent)
    for pid in bench.site.everything():
        pin(pid, WORKER_CORE if pid in (parent, *workers) else REST_CORE)
    before = cpu_seconds(workers)
    for seed in range(100, 100 + pictures):
        bench.program.ask("POST", "renders", {"version": checkpoint, "seed": str(seed), **ASKED})
    bench.wait_until_idle()
    seconds, count = bench.measured("kind = 'interactive'")
    spent = cpu_seconds(workers) - before
    command = [
        "taskset",
        "-c",
        str(WORKER_CORE),
        sys.executable,
        "-m",
        "bench.render_loop",
        "loop",
        str(count),
        str(out),
    ]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=_environment()).stdout
    loop = json.loads(said.splitlines()[-1])
    return {
        "pictures": count,
        "worker_seconds": seconds / count, "loop_seconds": loop["wall"] / count,
        "worker_cpu": spent / count, "loop_cpu": loop["cpu"] / count,
        "ratio": loop["wall"] / seconds,
        # Worker and loop call the same networks equally often; the loop can be watched from within.
        "outside": 1 - loop["networks"] / seconds, "loop_outside": 1 - loop["networks"] / loop["wall"],
    }  # fmt: skip


def previews_beside_processes(bench: Bench, checkpoint: int, loras: int, folder: Path) -> dict[str, Any]:
    choose = "from inference.services.defaults import set_default; from registry.models import ModelVersion; "
    bench.site.manage(
        "shell", "-c", choose + f"set_default('Safelight Tiny', ModelVersion.objects.get(pk={checkpoint}), by=None)"
    )
    tensors = load_file(DATA / "ink-contrast.safetensors")
    for number in range(loras):
        file = folder / f"ink{number}.safetensors"
        save_file(
            {key: value * (0.5 + number / 20) if "lora_up" in key else value for key, value in tensors.items()}, file
        )
        bench.publish(f"Ink{number}", "lora", file)
    bench.wait_until_idle()
    seconds, count = bench.measured("kind = 'preview' AND cardinality(versions) > 1")
    once = []
    for _time in range(3):
        began = time.monotonic()
        command = ["taskset", "-c", str(WORKER_CORE), sys.executable, "-m", "bench.render_loop", "once", str(folder)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=_environment())
        once.append(time.monotonic() - began)
    fresh = statistics.median(once)
    return {"previews": count, "seconds": seconds / count, "fresh_seconds": fresh, "ratio": fresh * count / seconds}


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "DJANGO_SETTINGS_MODULE": "config.settings"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=40)
    parser.add_argument("--loras", type=int, default=10)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-render-") as name:
        folder = Path(name)
        site = RunningSite(folder / "data", "--admin", "admin", first=True, environment=SETTINGS).start()
        try:
            bench = Bench(site.ready(300))
            checkpoint = bench.publish("Tiny", "checkpoint", DATA / "safelight-tiny.safetensors")
            found = {"loop": worker_beside_loop(bench, checkpoint, given.pictures, folder)}
            found["previews"] = previews_beside_processes(bench, checkpoint, given.loras, folder)
        finally:
            site.stop()
    loop, previews = found["loop"], found["previews"]
    print(
        f"worker {60 / loop['worker_seconds']:.1f}, bare loop {60 / loop['loop_seconds']:.1f} pictures a minute:"
        f" {loop['ratio']:.2f} (limit 0.95); processor {loop['worker_cpu']:.3f} s against {loop['loop_cpu']:.3f} s"
    )
    print(
        f"outside the networks' own calls: {loop['outside']:.1%} of the worker's time (limit 10 %),"
        f" {loop['loop_outside']:.1%} of the loop's"
    )
    print(
        f"{previews['previews']} previews: {previews['seconds']:.2f} s each, a fresh process "
        f"{previews['fresh_seconds']:.2f} s: {previews['ratio']:.1f} times (limit 5)"
    )
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
