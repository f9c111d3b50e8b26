"""The shape of the house: what may import what, and what must load without a framework."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("config", "community", "registry", "inference", "gallery")
KERNELS = [
    path.relative_to(ROOT).as_posix()
    for path in (
        ROOT / "registry/formats",
        ROOT / "registry/pickles",
        ROOT / "registry/converting",
        ROOT / "registry/licenses",
        ROOT / "inference/prompts",
        ROOT / "gallery/imagemeta",
    )
    if path.is_dir()
]
FRAMEWORKS = ("django", "rest_framework", "celery", "boto3", "torch", "diffusers")


def _modules(folder: str) -> list[str]:
    files = sorted((ROOT / folder).rglob("*.py"))
    names = [file.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for file in files]
    return [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]


def _loaded_after(modules: list[str]) -> set[str]:
    code = f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernel_loads_without_any_framework(kernel):
    loaded = _loaded_after(_modules(kernel))

    assert not loaded & set(FRAMEWORKS)


def _loaded_by(what: str) -> set[str]:
    """Names of modules in a process of Django's that has run these lines."""
    lines = ("import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'", "import django; django.setup()")
    code = "\n".join([*lines, what, "print(*sys.modules)"])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    return set(done.stdout.split())


def test_web_process_never_imports_torch():
    loaded = _loaded_by("from django.urls import get_resolver; get_resolver().url_patterns; import config.wsgi")

    assert "config.wsgi" in loaded
    assert not {"torch", "diffusers", "transformers"} & loaded


def test_a_worker_carries_nothing_that_only_its_children_need():
    loaded = _loaded_by("from config.celery import app; app.loader.import_default_modules()")

    assert "registry.services.converting" in loaded
    assert not {"torch", "diffusers", "transformers", "numpy", "av"} & loaded


def test_every_name_read_from_the_environment_is_in_the_readme():
    source = "".join((ROOT / "config" / name).read_text() for name in ("settings.py", "locations.py"))
    names = set(re.findall(r"env\.\w+\(\s*\"([A-Z_]+)\"", source))
    readme = (ROOT / "README.md").read_text()

    missing = sorted(name for name in names if f"`{name}`" not in readme)

    assert names
    assert missing == []


def test_services_are_found_under_one_name():
    """A search for a service's name finds all its callers, so no two public services share one."""
    seen: dict[str, str] = {}
    clashes = []
    for app in APPS:
        for file in sorted((ROOT / app / "services").glob("*.py")):
            for node in ast.parse(file.read_text()).body:
                if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                    where = f"{file.relative_to(ROOT)}:{node.name}"
                    if node.name in seen:
                        clashes.append((seen[node.name], where))
                    seen[node.name] = where

    assert clashes == []


def test_no_registry_host_stands_in_a_tracked_file():
    """Locks and settings name packages and versions; where they come from is the installer's business."""
    tracked = subprocess.run(
        ["git", "grep", "-lIE", r"(^|[^a-z])(index-url|find-links|resolved\":)"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    ).stdout.split()

    assert [name for name in tracked if name not in ("tests/test_architecture.py", "Makefile")] == []
