"""Pictures of renders go with time, unless they are kept, shown, or about to be compared."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from community.errors import QuotaExceeded
from gallery.services.from_renders import draft_of_render
from inference.models import Receipt, RenderInput, RenderJob, RenderResult, Verification
from inference.services.expiring import expire_renders, goes_at
from inference.services.grids import read_axis, submit_grid
from inference.services.keeping import keep_grid, keep_render, let_go_render
from inference.services.previewing import queue_previews
from inference.services.verifying import verify_receipt
from registry.models import Blob, Picture
from registry.services.renditions import sweep_pictures
from registry.services.sweeping import sweep_blobs
from registry.storage import blob_store
from tests.factories import UserFactory
from tests.registry.api.client import Program

pytestmark = pytest.mark.django_db

MONTH = timedelta(days=31)


@pytest.fixture
def made(ask, render_next):
    """Asks for a render and has it rendered."""

    def made(**values) -> RenderJob:
        ask(**{"seed": 7, **values})
        return render_next()

    return made


def age() -> None:
    """Let a month pass for everything that was rendered, sent and tested."""
    then = timezone.now() - MONTH
    for model in (RenderResult, Verification, Picture, Blob):
        model.objects.update(created_at=then)
    RenderJob.objects.exclude(finished_at=None).update(finished_at=then)


def shown_of(job: RenderJob) -> list[RenderResult]:
    return list(RenderResult.objects.with_shown().filter(job=job))


def test_an_old_picture_goes_with_its_receipt_and_its_bytes_and_the_request_stays(made):
    job = made(batch_count=2)
    keys = [result.picture.blob.key for result in job.results.all()]
    age()

    assert expire_renders() == 2
    sweep_pictures()
    sweep_blobs()

    job.refresh_from_db()
    assert (job.state, job.request["prompt"], job.results.count()) == ("done", "", 0)
    assert not Receipt.objects.exists()
    assert [blob_store().size(key) for key in keys] == [None, None]


@pytest.mark.parametrize(("days", "stays"), [(0, True), (30, False), (32, True), (365, True)])
def test_how_long_it_stays_is_a_setting(made, settings, days, stays):
    job = made()
    age()
    settings.RENDER_KEEP_DAYS = days

    expire_renders()

    assert job.results.exists() == stays


def test_what_is_younger_stays_and_says_until_when(made, settings):
    job = made()

    assert expire_renders() == 0
    (result,) = shown_of(job)
    assert goes_at(job, [result]) == result.created_at + timedelta(days=30)
    settings.RENDER_KEEP_DAYS = 0
    assert goes_at(job, [result]) is None


def test_a_picture_in_a_draft_of_its_maker_stays_with_its_receipt_and_the_others_of_its_batch_go(made, person):
    job = made(batch_count=3)
    draft_of_render(job.results.get(index=1), by=person)
    age()

    assert goes_at(job, shown_of(job)) <= timezone.now()
    expire_renders()

    assert [(result.index, result.receipt.image_hash != "") for result in job.results.all()] == [(1, True)]
    assert goes_at(job, shown_of(job)) is None


def test_that_somebody_else_shows_the_same_pixels_neither_keeps_nor_tells(ask, made, person, render_next):
    other = UserFactory()
    ask(seed=7, by=other)
    theirs = render_next()
    draft_of_render(theirs.results.get(), by=other)
    job = made()
    assert job.results.get().picture_id == theirs.results.get().picture_id
    assert goes_at(job, shown_of(job)) is not None
    age()

    expire_renders()
    sweep_pictures()

    assert (job.results.count(), theirs.results.count()) == (0, 1)
    assert Picture.objects.filter(pk=theirs.results.get().picture_id).exists()


def test_a_preview_stays_and_one_that_was_removed_goes(checkpoint, render_next):
    assert queue_previews(checkpoint) == 12
    jobs = [render_next(), render_next()]
    checkpoint.previews.get(rendered__job=jobs[1]).delete()
    age()

    assert expire_renders() == 1

    assert [job.results.count() for job in jobs] == [1, 0]
    assert jobs[0].rendered_preview.result.receipt.body


def test_what_a_later_render_begins_with_stays_as_long_as_that(made, ask, render_next):
    first = made()
    Picture.objects.update(state=Picture.State.READY)
    ask(init=first.results.get().picture.blob_id, prompt="over it")
    later = render_next()
    RenderResult.objects.filter(job=first).update(created_at=timezone.now() - MONTH)
    assert expire_renders() == 0
    age()

    gone = [expire_renders(), expire_renders()]

    assert gone == [1, 1]  # the later one lets go of the picture, and then that goes
    assert not RenderInput.objects.exists()
    assert not RenderResult.objects.filter(job__in=[first, later]).exists()


def test_a_receipt_that_waits_for_its_test_stays_and_the_tests_go_with_it(made, person, render_next):
    job = made()
    verify_receipt(job.results.get(), by=person)
    age()
    assert expire_renders() == 0
    render_next()
    RenderJob.objects.exclude(finished_at=None).update(finished_at=timezone.now() - MONTH)

    assert expire_renders() == 1

    assert list(RenderJob.objects.all()) == [job]


def test_what_is_kept_stays_until_it_is_let_go(made, person):
    job = made()
    keep_render(job, by=person)
    keep_render(job, by=person)
    age()
    job.refresh_from_db()
    assert goes_at(job, shown_of(job)) is None
    assert expire_renders() == 0

    let_go_render(job, by=person)

    assert expire_renders() == 1


def test_the_cells_of_a_kept_grid_stay_and_those_of_another_go(checkpoint, person, render_next):
    request = {"version": checkpoint.pk, "width": 64, "height": 64, "seed": 1}
    kept, other = (submit_grid(request, read_axis("steps", "2, 3", "x"), None, by=person) for _ in range(2))
    while render_next() is not None:
        pass
    keep_grid(kept, by=person)
    age()

    expire_renders()

    assert [RenderResult.objects.filter(job__cell__grid=grid).count() for grid in (kept, other)] == [2, 0]


def test_a_person_keeps_so_many_and_no_more(made, person, settings):
    settings.RENDER_KEPT_PICTURES = 3
    first, second, failed = made(batch_count=2), made(batch_count=2, seed=1), made(prompt="crash", batch_count=2)
    keep_render(failed, by=person)
    keep_render(first, by=person)

    with pytest.raises(QuotaExceeded, match="You keep 2 pictures; 3 are possible"):
        keep_render(second, by=person)

    second.refresh_from_db()
    assert not second.is_kept
    let_go_render(first, by=person)
    keep_render(second, by=person)


def test_the_list_says_until_when_and_has_a_button_that_keeps(client, person, made):
    job = made()
    client.force_login(person)
    page = client.get("/renders").text
    assert "kept until" in page

    answer = client.post(f"/renders/{job.pk}/keep", {"next": "/renders"})

    assert answer.url == "/renders"
    page = client.get(answer.url).text
    assert "kept until" not in page
    assert "Let go" in page
    client.post(f"/renders/{job.pk}/keep", {"let_go": "1", "next": "https://elsewhere.example/"})
    assert "kept until" in client.get(f"/renders/{job.pk}").text


def test_the_page_of_a_render_whose_pictures_are_gone_says_so(client, person, made):
    job = made()
    age()
    expire_renders()
    client.force_login(person)

    assert "Its pictures are gone" in client.get(f"/renders/{job.pk}").text
    assert "Its picture is gone" in client.get("/renders").text


def test_a_grid_is_kept_by_its_button(client, person, checkpoint, render_next):
    request = {"version": checkpoint.pk, "prompt": "a fox", "width": 64, "height": 64}
    grid = submit_grid(request, read_axis("steps", "2, 3", "x"), None, by=person)
    client.force_login(person)
    assert "30 days after they were rendered" in client.get(f"/grids/{grid.pk}").text

    client.post(f"/grids/{grid.pk}/keep")

    assert "Its pictures are kept" in client.get(f"/grids/{grid.pk}").text
    assert set(RenderJob.objects.values_list("is_kept", flat=True)) == {True}


def test_no_button_keeps_what_is_over_the_share(client, person, made, settings):
    settings.RENDER_KEPT_PICTURES = 0
    job = made()
    client.force_login(person)

    answer = client.post(f"/renders/{job.pk}/keep", follow=True)

    assert "You keep 0 pictures; 0 are possible." in answer.text


def test_another_persons_render_is_kept_by_nobody_else(client, made):
    job = made()
    client.force_login(UserFactory())

    assert client.post(f"/renders/{job.pk}/keep").status_code == 404


def test_programs_are_told_when_a_picture_goes(person, made):
    job, program = made(), Program(person, ("renders:write",))

    told = [program.get(f"renders/{job.pk}").json(), *program.get("renders").json()["results"]]

    expected = (job.results.get().created_at + timedelta(days=30)).isoformat().replace("+00:00", "Z")
    assert [each["expires_at"] for each in told] == [expected, expected]
    keep_render(job, by=person)
    assert program.get(f"renders/{job.pk}").json()["expires_at"] is None
