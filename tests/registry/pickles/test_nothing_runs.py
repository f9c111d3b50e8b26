"""The scanner never imports, compiles, writes or connects, whatever the file says: Python's audit hooks watch."""

import subprocess
import sys

WATCH = """
import io, sys
from registry.pickles.scan import scan
from registry.pickles.judging import judge
from tests.data.pickles.build import all_cases

cases = all_cases()
for case in cases:  # once unwatched: what the scanner itself loads late is loaded now
    scan(io.BytesIO(case.data), len(case.data), name=case.name)

forbidden = ("exec", "compile", "import", "socket", "subprocess", "os.", "ctypes", "shutil", "pty", "marshal", "pickle",
             "code.__new__", "function.__new__", "webbrowser", "urllib", "ftplib", "tempfile", "winreg", "sqlite3")
seen = []

def hook(event, arguments):
    if event.startswith(forbidden) or event == "open":
        seen.append((event, repr(arguments)[:100]))

sys.addaudithook(hook)
modules = set(sys.modules)
for case in cases:
    report = scan(io.BytesIO(case.data), len(case.data), name=case.name)
    judge(report.evidence)
found, loaded = list(seen), set(sys.modules) - modules
print(found[:5], sorted(loaded))
print(len(cases), "watched")
sys.exit(1 if found or loaded else 0)
"""


def test_no_sample_makes_the_scanner_import_compile_write_or_connect(tmp_path):
    done = subprocess.run([sys.executable, "-c", WATCH], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "watched" in done.stdout


def test_the_watch_would_notice():
    spoiled = WATCH.replace("    judge(report.evidence)\n", "    eval('1')\n")

    done = subprocess.run([sys.executable, "-c", spoiled], capture_output=True, text=True, check=False)

    assert done.returncode == 1


def test_the_kernel_loads_without_django_or_anything_installed():
    script = (
        "import sys, registry.pickles.command; print([m for m in ('django', 'numpy', 'torch') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
