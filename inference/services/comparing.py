"""A receipt rendered again: identical, close or different, and what differs in what rendered it."""

from __future__ import annotations

import json
from dataclasses import MISSING, asdict, fields
from typing import Any, Final

from PIL import Image, ImageChops

from inference.models import Receipt, RenderJob, Verification
from inference.prompts.receipt import Environment
from inference.services.engines import Rendering
from registry.storage import blob_store

# Mean difference of the channels, of 255, up to which two pictures count as the same one: a different device rounds
# otherwise, and the rounding grows over the steps; another seed differs by tens.
CLOSE: Final = 4.0
# What a receipt did not say yet when it was written.
_UNSAID: Final = {field.name: field.default for field in fields(Environment) if field.default is not MISSING}


def asks_economy(job: RenderJob) -> bool:
    """Whether a render is to be made with less memory from the start: one that tests a receipt which was."""
    if job.kind != RenderJob.Kind.VERIFY:
        return False
    return Receipt.objects.get(verifications__job=job).is_economical


def compare_again(job: RenderJob, rendered: Rendering) -> None:
    """Write down how a second rendering compares with the picture of its receipt. Part of the render's end."""
    verification = Verification.objects.select_related("receipt__result__picture__blob").get(job=job)
    receipt = verification.receipt
    body = json.loads(receipt.body)
    image = next(item for item in rendered.images if item.index == body["index"])
    verification.environment = differing(body["environment"], rendered.environment)
    if image.image_hash == receipt.image_hash:
        verification.outcome, mean, most = Verification.Outcome.IDENTICAL, 0.0, 0
    else:
        with blob_store().open(receipt.result.picture.blob.key) as stream:
            mean, most = difference(Image.open(stream).convert("RGB"), image.pixels.convert("RGB"))
        is_close = mean <= CLOSE
        verification.outcome = Verification.Outcome.CLOSE if is_close else Verification.Outcome.DIFFERENT
    verification.mean_difference, verification.most_difference = mean, most
    verification.save()


def difference(one: Image.Image, other: Image.Image) -> tuple[float, int]:
    """Mean and largest difference of the channels, 0 … 255. Pictures of other sizes differ by all of it."""
    if one.size != other.size:
        return 255.0, 255
    counts = ImageChops.difference(one, other).histogram()
    total = sum((place % 256) * count for place, count in enumerate(counts))
    most = max((place % 256 for place, count in enumerate(counts) if count), default=0)
    return total / sum(counts), most


def differing(then: dict[str, Any], now: Environment) -> dict[str, list[Any]]:
    """What is not the same in two environments: {name: [then, now]}."""
    present = asdict(now)
    then = {**_UNSAID, **then}
    names = sorted({*then, *present})
    return {name: [then.get(name), present.get(name)] for name in names if then.get(name) != present.get(name)}
