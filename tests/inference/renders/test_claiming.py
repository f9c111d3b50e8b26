"""Which render a worker takes next, and why one waits."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from inference.models import RenderJob, Worker
from inference.services.claiming import claim_render
from inference.services.waiting import why_waiting
from inference.services.working import announce_worker
from registry.models import Picture
from tests.factories import PictureFactory
from tests.inference.rows import queued_render

pytestmark = pytest.mark.django_db

A, B = "a" * 64, "b" * 64


def queue(person: int, checkpoint: str = A, *, rank: int = 0, second: int = 0, **values) -> RenderJob:
    at = timezone.now() - timedelta(minutes=10) + timedelta(seconds=second)
    kind = RenderJob.Kind.VERIFY if rank == 0 else RenderJob.Kind.PREVIEW
    job = queued_render(None, kind=kind, rank=rank, turn=person, queued_at=at, family="sd1", **values)
    RenderJob.objects.filter(pk=job.pk).update(checkpoint_sha=checkpoint)
    return job


def taken(worker: Worker, count: int) -> list[RenderJob]:
    return [claim_render(worker) for _ in range(count)]


def test_whoever_asks_in_person_comes_before_the_sites_previews(worker):
    preview = queue(1, rank=2, second=0)
    asked = queue(2, rank=0, second=9)

    assert taken(worker, 3) == [asked, preview, None]


def test_people_take_turns_however_much_one_of_them_asks_for(worker):
    many = [queue(1, second=second) for second in range(4)]
    few = [queue(2, second=10 + second) for second in range(2)]

    assert taken(worker, 6) == [many[0], few[0], many[1], few[1], many[2], many[3]]


def test_a_newcomer_is_next_after_somebody_who_was_just_served(worker):
    first, second = queue(1, second=0), queue(1, second=1)
    assert taken(worker, 1) == [first]
    newcomer = queue(2, second=100)

    assert taken(worker, 2) == [newcomer, second]


def test_within_one_persons_renders_the_loaded_checkpoint_comes_first(worker):
    jobs = [queue(1, sha, second=second) for second, sha in enumerate((A, B, A, B))]

    assert taken(worker, 4) == [jobs[0], jobs[2], jobs[1], jobs[3]]


def test_the_loaded_checkpoint_comes_first_for_a_minute_and_no_longer(worker):
    first, other, same = queue(1, A, second=0), queue(1, B, second=1), queue(1, A, second=2)
    assert taken(worker, 1) == [first]

    worker.warm_since = timezone.now() - timedelta(seconds=61)

    assert taken(worker, 2) == [other, same]


def test_a_render_over_the_workers_memory_or_time_is_left_to_others(worker):
    queue(1, memory=worker.memory // 2 + 1)
    queue(2, work=10**6)
    fits = queue(3)

    assert taken(worker, 2) == [fits, None]


@pytest.mark.parametrize("state", [Picture.State.WAITING, Picture.State.RUNNING])
def test_a_render_waits_until_its_picture_has_been_read(worker, state):
    picture = PictureFactory(state=state)
    job = queue(1)
    job.inputs.create(picture=picture)

    assert claim_render(worker) is None
    assert str(why_waiting(job)) == "The picture that it begins with is still being read."
    Picture.objects.update(state=Picture.State.READY)
    assert claim_render(worker) == job


def test_a_claim_is_one_persons_token(worker):
    queue(1)

    job = claim_render(worker)

    assert job.mine().exists()
    assert RenderJob.objects.get().attempt == job.attempt
    assert claim_render(worker) is None


REASONS = {
    "nobody": (None, {}, "No worker can run this: none is running."),
    "memory": ({"memory": 8 << 30}, {"memory": 9 << 30}, "No worker can run this: it needs about 9.7 GB"),
    "time": ({"most_seconds": 120}, {"work": 4000.0}, "No worker can run this: it would take about 4000 seconds"),
    "its turn": ({}, {}, "Number 1 in the queue."),
}


@pytest.mark.parametrize("name", REASONS)
def test_why_a_render_waits(engine, name):
    fleet, values, sentence = REASONS[name]
    if fleet is not None:
        made = announce_worker("render@here/1", engine.device)
        Worker.objects.filter(pk=made.pk).update(**fleet)

    assert str(why_waiting(queue(1, **values))).startswith(sentence)


def test_a_worker_that_is_no_longer_heard_of_renders_nothing(worker):
    Worker.objects.update(seen_at=timezone.now() - timedelta(minutes=5))

    assert why_waiting(queue(1)).code == "no_worker"


def test_the_place_in_the_queue_is_the_order_in_which_workers_take(worker):
    jobs = [queue(1, second=0), queue(1, second=1), queue(1, second=2), queue(2, second=3), queue(3, rank=2, second=4)]
    places = {job.pk: why_waiting(job).position for job in jobs}

    order = [job.pk for job in taken(worker, 5)]

    assert sorted(places, key=places.get) == order


def test_what_was_measured_on_a_device_is_known_to_its_next_worker(worker, engine):
    Worker.objects.filter(pk=worker.pk).update(speeds={"sd1": 3.5})

    assert announce_worker("render@here/2", engine.device).speeds == {"sd1": 3.5}
