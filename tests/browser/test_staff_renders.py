"""The staff's page of renders, with everything on it at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from inference.models import RenderJob
from inference.services.engines import Device
from inference.services.working import announce_worker
from tests.browser.visitor import Visitor
from tests.factories import ModeratorFactory, UserFactory
from tests.inference.rows import queued_render

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TRACE = (
    "Traceback (most recent call last):\n" + '  File "/srv/safelight/inference/engine/run.py", line 88, in render\n' * 9
)


@pytest.fixture
def busy():
    """Two workers, a queue of three people, one render that runs, one that failed."""
    versions = {"engine": "safelight 1", "torch": "2.13.0", "diffusers": "0.42.1"}
    announce_worker("render0@studio/1201", Device("NVIDIA H100 80GB HBM3", "cuda", 85_000_000_000, versions))
    announce_worker("render@a-machine-with-a-long-name/77", Device("Intel Xeon", "cpu", 16_000_000_000, versions))
    now = timezone.now()
    for name in ("mira", "ozan", "somebody-with-a-name-as-long-as-names-may-be"):
        queued_render(UserFactory(username=name), turn=1, base_model="SDXL 1.0", family="sdxl", work=10)
    queued_render(None, kind="preview", rank=2, base_model="SD 1.5", family="sd1", memory=400_000_000_000)
    running = queued_render(UserFactory(username="tsubaki"), base_model="SD 1.5", steps=30)
    held = {"attempt": running.pk, "lease_until": now + timedelta(minutes=5), "started_at": now, "step": 12}
    RenderJob.objects.filter(pk=running.pk).update(state="running", worker="render0@studio/1201", **held)
    error = {"code": "device_fault", "field": "", "params": {}, "traceback": TRACE}
    queued_render(UserFactory(username="bao"), state="failed", error=error, worker="render0@studio/1", finished_at=now)


def test_it_is_fit_for_everybody_and_for_narrow_screens(open_window, busy):
    visitor = Visitor(open_window(user=ModeratorFactory()))
    page = visitor.page

    page.goto("/staff/renders")
    page.get_by_text("Traceback", exact=True).click()
    visitor.look("staff renders")

    assert page.get_by_text("Traceback (most recent call last)").is_visible()
    assert visitor.faults == []
