"""What happens when two requests act at one moment."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from community.errors import Conflict
from registry.models import ModelFile, RegisteredModel, Upload
from registry.services.catalog import create_model
from registry.services.files import attach_file
from registry.services.publishing import publish_version
from tests.factories import ModelFileFactory, ModelVersionFactory, UploadFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def _at_once(count, act):
    gate = Barrier(count)

    def run(number):
        gate.wait(10)
        try:
            return act(number)
        except Conflict as refused:
            return refused.code
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_equal_titles_at_one_moment_get_different_names():
    owner = UserFactory()

    names = _at_once(4, lambda _: create_model(by=owner, title="Same", type="lora", tags=["a", "b"]).name)

    assert sorted(names) == ["same", "same-2", "same-3", "same-4"]


def test_publishing_at_one_moment_publishes_once():
    version = ModelFileFactory().version

    times = _at_once(3, lambda _: publish_version(version, by=version.model.owner).published_at)

    assert len(set(times)) == 1
    assert RegisteredModel.objects.get().search


def test_one_name_at_one_moment_goes_to_one_file():
    version = ModelVersionFactory()
    owner = version.model.owner
    upload = UploadFactory(owner=owner, state=Upload.State.COMPLETE)

    answers = _at_once(3, lambda _: attach_file(version, upload, "a.safetensors", by=owner).name)

    assert Counter(answers) == {"a.safetensors": 1, "name_taken": 2}
    assert ModelFile.objects.filter(is_primary=True).count() == 1


def test_a_draft_never_gains_a_file_while_it_is_published():
    version = ModelFileFactory().version
    owner = version.model.owner
    upload = UploadFactory(owner=owner, state=Upload.State.COMPLETE)

    def act(number):
        if number:
            return attach_file(version, upload, "late.safetensors", by=owner).verdict
        return publish_version(version, by=owner).state

    answers = _at_once(2, act)

    version.refresh_from_db()
    assert sorted(answers) in (["published", "published"], ["not_ready_to_publish", "pending"])
    assert version.state == ("published" if "published" in answers else "draft")
