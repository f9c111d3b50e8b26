"""A render from the request to its picture and receipt, and the ways in which it can end otherwise."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.utils import timezone
from PIL import Image

from community.errors import StoreUnavailable
from gallery.imagemeta.read import read_generation
from inference.models import RenderJob
from inference.prompts.infotext import read_infotext
from inference.prompts.receipt import canonical, without_ids
from inference.services.cancelling import cancel_render
from inference.services.claiming import claim_render
from inference.services.running import begin_render, run_render
from inference.services.watching import sweep_renders
from registry.models import Blob, RegisteredModel
from registry.storage import blob_store

pytestmark = pytest.mark.django_db

STATE = RenderJob.State


def png_of(result) -> bytes:
    with blob_store().open(result.picture.blob.key) as stream:
        return stream.read()


def test_a_request_becomes_a_picture_with_a_receipt(ask, render_next):
    job = ask(prompt="a red apple", seed=7)

    done = render_next()

    assert (done.pk, done.state, done.step, done.steps) == (job.pk, STATE.DONE, 4, 4)
    (result,) = done.results.for_display()
    receipt = json.loads(result.receipt.body)
    assert int(result.seed) == 7
    assert receipt["request"]["prompt"] == "a red apple"
    assert receipt["image_hash"] == result.receipt.image_hash
    assert receipt["ingredients"][0]["sha256"] == job.checkpoint_sha
    assert result.receipt.body == canonical(receipt)
    assert result.picture.blob.verdict == "safe"


def test_the_picture_carries_its_parameters_and_its_receipt_without_ids(ask, render_next):
    ask(prompt="a red apple", negative="blue", seed=2**64 - 1)

    (result,) = render_next().results.for_display()

    with Image.open(io.BytesIO(png_of(result))) as image:
        texts = image.text
    written = read_infotext(texts["parameters"])
    assert (written.prompt, written.negative) == ("a red apple", "blue")
    assert written.fields["Seed"] == str(2**64 - 1)
    assert json.loads(texts["safelight"]) == without_ids(json.loads(result.receipt.body))
    assert json.loads(texts["safelight"])["request"]["version"] == result.job.checkpoint_sha


def test_the_same_request_twice_gives_the_same_bytes(ask, render_next):
    ask(prompt="twice", seed=3)
    ask(prompt="twice", seed=3)

    first, second = (render_next().results.get() for _ in range(2))

    assert first.pk != second.pk
    assert png_of(first) == png_of(second)
    assert first.picture_id == second.picture_id


def test_a_batch_has_one_picture_and_one_receipt_for_each_seed(ask, render_next):
    ask(prompt="four", seed=10, batch_count=4)

    results = list(render_next().results.for_display())

    assert [int(result.seed) for result in results] == [10, 11, 12, 13]
    assert len({result.receipt.image_hash for result in results}) == 4


def test_a_render_that_waits_is_called_off_at_once(ask, person, render_next):
    job = ask()

    cancel_render(job, by=person)

    job.refresh_from_db()
    assert job.state == STATE.CANCELLED
    assert render_next() is None


def test_a_running_render_stops_between_two_steps(ask, person, worker, engine):
    ask(steps=50)
    job = claim_render(worker)
    cancel_render(job, by=person)

    run_render(job, worker, engine)

    job.refresh_from_db()
    assert job.state == STATE.CANCELLED
    assert job.step < 50
    assert not job.results.exists()


def test_storing_is_left_to_another_thread_and_needs_no_engine(ask, worker, engine, render_next):
    first, second = ask(prompt="first"), ask(prompt="second")

    store = begin_render(claim_render(worker), worker, engine)
    assert render_next().pk == second.pk
    assert RenderJob.objects.get(pk=first.pk).state == STATE.RUNNING
    store()

    assert RenderJob.objects.get(pk=first.pk).results.count() == 1


def test_what_goes_wrong_while_storing_leaves_the_engine_as_it_is(ask, worker, engine, monkeypatch):
    def full(*_):
        raise StoreUnavailable("the store is away")

    ask()
    store = begin_render(claim_render(worker), worker, engine)
    monkeypatch.setattr("inference.services.finishing.keep_png", full)
    store()

    job = RenderJob.objects.get()
    assert (job.state, job.tries, engine.fresh_calls) == (STATE.QUEUED, 0, 0)


def test_a_render_past_its_deadline_fails_and_says_so(ask, worker, engine):
    ask(steps=50)
    RenderJob.objects.update(deadline_seconds=0)

    run_render(claim_render(worker), worker, engine)

    job = RenderJob.objects.get()
    assert (job.state, job.error["code"]) == (STATE.FAILED, "deadline")


def test_an_attempt_that_was_lost_keeps_nothing(ask, worker, engine):
    ask()
    old = claim_render(worker)
    RenderJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    sweep_renders()
    new = claim_render(worker)

    run_render(old, worker, engine)
    assert RenderJob.objects.get().state == STATE.RUNNING
    run_render(new, worker, engine)

    job = RenderJob.objects.get()
    assert (job.state, job.results.count(), job.tries) == (STATE.DONE, 1, 2)


def test_a_render_that_is_lost_three_times_fails(ask, worker):
    ask()
    for _ in range(3):
        assert claim_render(worker) is not None
        RenderJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        sweep_renders()

    job = RenderJob.objects.get()
    assert (job.state, job.error["code"]) == (STATE.FAILED, "worker_lost")


def test_a_device_fault_is_tried_once_more_elsewhere(ask, worker, engine, render_next):
    from inference.services.working import announce_worker

    ask(prompt="fault")

    job = render_next()

    assert (job.state, job.tries, job.avoid_worker) == (STATE.QUEUED, 1, worker.name)
    assert engine.fresh_calls == 1
    assert claim_render(worker) is None
    other = announce_worker("render@there/2", engine.device)
    again = claim_render(other)
    run_render(again, other, engine)
    again.refresh_from_db()
    assert (again.state, again.error["code"]) == (STATE.FAILED, "device_fault")
    assert "unspecified launch failure" in again.error["traceback"]


def test_a_device_fault_comes_back_to_the_same_worker_where_no_other_takes_it_within_a_minute(ask, worker, render_next):
    ask(prompt="fault")
    render_next()

    RenderJob.objects.update(not_before=timezone.now())

    assert claim_render(worker) is not None


def test_for_want_of_memory_everything_is_dropped_and_less_of_it_taken(ask, engine, worker, render_next):
    ask(prompt="much memory")

    job = render_next()

    assert (job.state, job.results.count()) == (STATE.DONE, 1)
    assert (engine.fresh_calls, engine.tried["much memory"]) == (1, 2)
    assert json.loads(job.results.get().receipt.body)["environment"]["economical"] is True
    assert read_generation(png_of(job.results.get())).extra["Memory"] == "economical"
    worker.refresh_from_db()
    assert worker.speeds == {}  # a second try says nothing of how fast the device is


def test_what_no_device_has_memory_for_fails(ask, render_next):
    ask(prompt="never enough memory")

    job = render_next()

    assert (job.state, job.error["code"]) == (STATE.FAILED, "out_of_memory")


def test_what_needs_more_memory_goes_to_a_larger_device(ask, engine, render_next):
    from inference.services.engines import Device
    from inference.services.working import announce_worker

    large = announce_worker("render@large/3", Device("large", "cuda", 80 << 30))
    ask(prompt="never enough memory")

    assert render_next().state == STATE.QUEUED
    assert render_next() is None
    assert claim_render(large) is not None


@pytest.mark.parametrize(
    ("prompt", "code", "field"),
    [
        pytest.param("bad vae", "bad_ingredient", "vae", id="a file that is not what it says"),
        pytest.param("crash", "broke_off", "", id="a fault of our own"),
    ],
)
def test_a_render_that_cannot_be_made_fails_with_its_reason(ask, render_next, prompt, code, field):
    ask(prompt=prompt)

    job = render_next()

    assert (job.state, job.error["code"], job.error["field"]) == (STATE.FAILED, code, field)
    assert job.error["traceback"]
    assert render_next() is None


def test_a_file_that_was_blocked_since_is_not_loaded(ask, engine, render_next):
    ask(prompt="blocked")
    Blob.objects.filter(files__isnull=False).update(verdict="blocked")

    job = render_next()

    assert (job.state, job.error["code"], job.error["field"]) == (STATE.FAILED, "not_safe", "version")
    assert not engine.tried


def test_a_model_whose_author_changed_their_mind_is_not_rendered_with(ask, engine, render_next):
    ask(prompt="too late")
    RegisteredModel.objects.update(render_here=False)

    job = render_next()

    assert (job.state, job.error["code"]) == (STATE.FAILED, "no_longer_allowed")
    assert not engine.tried


def test_the_gallery_reads_what_the_picture_carries(ask, render_next):
    ask(prompt="a red apple", seed=7)

    (result,) = render_next().results.for_display()

    generation = read_generation(png_of(result))
    assert generation.prompt == "a red apple"
