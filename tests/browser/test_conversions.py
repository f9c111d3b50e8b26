"""Files as safetensors, on the page of their model and on their report."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from registry.models import Conversion
from tests.browser.axe import serious_in_both_themes
from tests.browser.scene import make_scene
from tests.factories import BlobFactory, ModelFileFactory
from tests.registry.converting.rows import made_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WIDTHS = (360, 800, 1440)
REPORT = {
    "tensors": 1131,
    "cast": 1128,
    "dropped": 0,
    "left_out": ["epoch", "global_step", "pytorch-lightning_version", "callbacks", "optimizer_states"],
    "left_out_count": 5,
    "shared": [["cond_stage_model.transformer.text_model.embeddings.token_embedding.weight", "lm_head.weight"]],
    "odd": {"first_stage_model.decoder.conv_out.weight": {"saturated": 3, "infinite": 0, "not_numbers": 1}},
}
FACTS = {"tensors": 1131, "recognition": {"model_type": "checkpoint", "precision": "fp16", "pruned": True}}


def test_what_was_made_of_a_file_fits_every_window_and_theme(open_window):
    scene = make_scene()
    blob = BlobFactory(format="torch-zip", size=4_265_380_512, facts=FACTS)
    file = ModelFileFactory(
        version=scene.version, blob=blob, size=blob.size, name="tidewater-ink-v1-full-ema-2024.ckpt"
    )
    made = made_of(file)
    pruned = made_of(file, b"smaller", kind="pruned_fp16")
    Conversion.objects.update(report=REPORT)
    for row, size in ((made, 4_265_146_304), (pruned, 2_132_625_894)):
        row.result.facts, row.result.size = FACTS, size
        row.result.save()
    waiting = ModelFileFactory(
        version=scene.version, name="tidewater-ink-inpainting.ckpt", blob=BlobFactory(format="torch-zip", facts=FACTS)
    )
    Conversion.objects.create(source=waiting.blob, kind="full")
    failed = ModelFileFactory(
        version=scene.version, name="tidewater-ink-old.ckpt", blob=BlobFactory(format="torch-zip", facts=FACTS)
    )
    error = {"code": "form", "params": {"tensor": "model.w", "form": "torch._utils._rebuild_sparse_tensor"}}
    Conversion.objects.create(source=failed.blob, kind="full", state="failed", error=error)
    page = open_window(user=scene.author)
    pages = {
        "model": scene.version.get_absolute_url(),
        "report": f"/files/{file.pk}/report",
        "failed": f"/files/{failed.pk}/report",
    }

    faults = []
    for name, address in pages.items():
        page.goto(address)
        faults += serious_in_both_themes(page, name)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                faults.append(f"{name} at {width} is too wide")
            for theme in ("light", "dark"):
                page.emulate_media(color_scheme=theme)
                _keep(page, f"{name}-{width}-{theme}")

    assert faults == []


def _keep(page, name: str) -> None:
    """A picture for people, where JOURNEY_PICTURES names a folder."""
    if folder := os.environ.get("JOURNEY_PICTURES", ""):
        page.screenshot(path=Path(folder, f"{name}.png"), full_page=True)
