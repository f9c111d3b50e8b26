"""What of a render may be told to whom. Small answers, no writes. Which results one may see: `visible_to`."""

from __future__ import annotations

from community.models import Viewer
from inference.models import RenderResult
from registry.models import ModelVersion


def can_see_receipt(viewer: Viewer, result: RenderResult) -> bool:
    """Whether the receipt of a result that this viewer may see tells nothing that is hidden from them.

    Its maker always may. To others no receipt names the file of a draft, nor says its hash. Needs `result.job`. The
    same goes for the original, which carries the receipt inside: where this is False, show its smaller copies alone.
    """
    job = result.job
    if viewer.is_authenticated and job.maker_id == viewer.pk:
        return True
    wanted = set(job.versions)
    named = ModelVersion.objects.visible_to(viewer).within_level_of(viewer)
    return named.filter(pk__in=wanted).count() == len(wanted)
