"""Default checkpoints on the staff's page, and the notices of renders."""

from datetime import timedelta

import pytest
from django.utils import timezone

from community.models import Notice
from inference.models import RenderJob
from inference.services.defaults import default_checkpoint
from inference.services.previewing import queue_previews
from tests.factories import ModeratorFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client):
    client.force_login(ModeratorFactory())
    return client


@pytest.mark.parametrize("form", ["{pk}", "/somebody/model?version={pk}"], ids=["number", "address"])
def test_the_staff_sets_and_clears_a_default(staff, checkpoint, form):
    staff.post("/staff/defaults", {"base_model": "Safelight Tiny", "version": form.format(pk=checkpoint.pk)})

    assert default_checkpoint("Safelight Tiny") == checkpoint
    assert checkpoint.model.title in staff.get("/staff/defaults").content.decode()
    staff.post("/staff/defaults", {"base_model": "Safelight Tiny", "clear": "1"})
    assert default_checkpoint("Safelight Tiny") is None


@pytest.mark.parametrize("values", [{"version": "x"}, {"version": "0"}, {}, {"version": "1", "base_model": "No such"}])
def test_what_cannot_be_a_default_is_said(staff, values):
    answer = staff.post("/staff/defaults", {"base_model": "Safelight Tiny", **values}, follow=True)

    assert list(answer.context["messages"])


def test_others_do_not_see_the_page(client, person):
    client.force_login(person)

    assert client.get("/staff/defaults").status_code == 403


def test_an_author_is_told_once_of_all_new_previews(checkpoint, render_next):
    queue_previews(checkpoint)
    while render_next() is not None:
        pass

    notice = Notice.objects.get(person=checkpoint.model.owner)
    assert (notice.kind, notice.event_count) == ("preview", 12)


@pytest.mark.parametrize(("minutes", "told"), [(0, 0), (5, 1)], ids=["at once", "after waiting"])
def test_whoever_had_to_wait_is_told(ask, render_next, person, minutes, told):
    job = ask(prompt="a cat")
    RenderJob.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(minutes=minutes))

    render_next()

    assert Notice.objects.filter(person=person, kind="render").count() == told
