"""Who hears of what comes out, and of what is served no more."""

from __future__ import annotations

import pytest

from community.models import Notice, Subject
from community.services.following import find_subject, follow, subject_of_person
from community.services.notifications import tell_all_waiting
from community.services.wording import tell
from registry.models import ModelVersion
from registry.services.catalog import edit_model
from registry.services.publishing import publish_version, withdraw_version
from registry.services.rejudging import rejudge_blob
from tests.factories import ModelFileFactory, ModelVersionFactory, RegisteredModelFactory, UserFactory
from tests.registry.trust.test_waiving import IMPORT, doubtful_file

pytestmark = pytest.mark.django_db


@pytest.fixture
def version():
    """A draft that could come out."""
    model = RegisteredModelFactory(owner=UserFactory(username="mira"), title="Ink")
    made = ModelVersionFactory(model=model, name="v1")
    ModelFileFactory(version=made)
    return made


def told(person):
    return [line.sentence for line in tell(Notice.objects.shown_to(person).select_related("subject"))]


def test_followers_of_the_author_and_of_a_tag_hear_of_a_new_model(version):
    of_author, of_tag, of_nothing = UserFactory.create_batch(3)
    follow(subject_of_person(version.model.owner), by=of_author)
    follow(find_subject("tags", "Harbour", of_tag), by=of_tag)
    edit_model(version.model, by=version.model.owner, tags=["harbour"])

    publish_version(version, by=version.model.owner)
    tell_all_waiting()

    assert told(of_author) == told(of_tag) == ["mira published the model “Ink”."]
    assert told(of_nothing) == []


def test_followers_of_the_model_hear_of_each_version_once(version):
    publish_version(version, by=version.model.owner)
    person, owner = UserFactory(), version.model.owner
    follow(Subject.objects.get(pk=version.model.subject_id), by=person)
    second = ModelVersionFactory(model=version.model, name="v2")
    ModelFileFactory(version=second)

    second = publish_version(second, by=owner)
    withdraw_version(second, "A mistake.", by=owner)
    publish_version(ModelVersion.objects.get(pk=second.pk), by=owner)
    tell_all_waiting()

    assert told(person) == ["mira published v2 of “Ink”."]
    assert Notice.objects.get(person=person).event_count == 1


def test_a_model_that_goes_away_before_anybody_was_told_is_told_to_nobody(version):
    person = UserFactory()
    follow(subject_of_person(version.model.owner), by=person)

    withdraw_version(publish_version(version, by=version.model.owner), "A mistake.", by=version.model.owner)
    tell_all_waiting()

    assert told(person) == []


def test_an_owner_hears_once_of_a_file_that_new_rules_block():
    file = doubtful_file(published=True)
    blob, owner = file.blob, file.version.model.owner
    blob.verdict, blob.evidence = "safe", [{**IMPORT, "module": "os", "name": "system"}]
    blob.save()

    for _twice in range(2):
        rejudge_blob(blob)

    (notice,) = Notice.objects.filter(person=owner)
    assert told(owner) == [f"{file.name} of “{file.version.model.title}” is no longer served: new rules block it."]
    assert (notice.event_count, notice.params["address"]) == (1, f"/files/{file.pk}/report")
