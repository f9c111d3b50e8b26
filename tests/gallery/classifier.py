"""The smallest classifier: the brighter a picture, the higher its score. Run by the jail, as a real one is."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from PIL import Image, ImageStat

for _name in ("Png", "WebP"):
    importlib.import_module(f"PIL.{_name}ImagePlugin")


def main() -> int:
    """Leaves the share of light."""
    with Image.open(sys.stdin.buffer) as picture:
        light = ImageStat.Stat(picture.convert("L")).mean[0] / 255
    Path("score.json").write_bytes(json.dumps({"score": light}).encode())
    return 0
