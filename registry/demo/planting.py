"""Take the demo's content through the doors that everybody uses: upload, inspect, publish, decode, comment.

Each model is one transaction, so that a demo which was interrupted goes on with what is missing.
"""

from __future__ import annotations

import io
import urllib.request
from collections.abc import Iterator

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from community.models import Comment, User
from community.ratings import RATING_NAMES
from community.services.accounts import create_person
from community.services.discussion import post_comment
from registry.demo.content import Content, Person, SampleModel, SamplePicture, SampleVersion, read_content
from registry.models import ModelVersion, RegisteredModel, Upload
from registry.services.catalog import create_model, create_version
from registry.services.files import attach_file
from registry.services.inspecting import inspect_upload
from registry.services.pictures import add_preview
from registry.services.publishing import publish_version
from registry.services.renditions import make_renditions
from registry.services.uploads import GivenPart, complete_upload, create_upload, receive_part, sign_parts
from registry.storage import PartTarget, blob_store
from registry.storage.local import LocalStore


class SiteHasContent(Exception):
    """The site already has models, and samples would stand among them."""


def plant_demo() -> Iterator[str]:
    """Fill an empty site; tells the title of each model once it is there. Raises SiteHasContent."""
    content = read_content()
    _require_room(content)
    people = {person.name: _person(person) for person in content.people}
    for sample in content.models:
        owner = people[sample.owner]
        if not RegisteredModel.objects.filter(owner=owner, title=sample.title).exists():
            _plant(sample, people)
            yield sample.title
    house = people[content.people[0].name]  # the site's own account stands first: its samples really work
    for path in settings.SAMPLE_LISTENERS:
        import_string(path)(house)


def _require_room(content: Content) -> None:
    """Nothing is here, or a part of the demo that was interrupted."""
    names = [person.name for person in content.people]
    models = RegisteredModel.objects.all()
    if models.exclude(owner__username__in=names).exists() or models.count() >= len(content.models):
        raise SiteHasContent
    own = User.objects.filter(username__in=names)
    if any(person.has_usable_password() for person in own):
        raise SiteHasContent


def _person(person: Person) -> User:
    known = User.objects.filter(username=person.name).first()
    if known is not None:
        return known
    made = create_person(person.name, display_name=person.shown_name)
    made.about = person.about
    made.save(update_fields=["about"])
    return made


@transaction.atomic
def _plant(sample: SampleModel, people: dict[str, User]) -> None:
    owner = people[sample.owner]
    model = create_model(
        by=owner,
        title=sample.title,
        type=sample.type,
        description=sample.description,
        tags=sample.tags,
        license=sample.license,
        permissions=sample.permissions,
        render_here=True,
    )
    for version in sample.versions:
        _plant_version(model, version, owner)
    _talk(model, sample, people)


def _plant_version(model: RegisteredModel, sample: SampleVersion, owner: User) -> None:
    version = create_version(
        model,
        by=owner,
        name=sample.name,
        base_model=sample.base_model,
        trained_words=sample.trained_words,
        notes=sample.notes,
    )
    for file in sample.files:
        attach_file(version, _send(file.name, file.data(sample.trained_words), owner), file.name, by=owner)
    for picture in sample.pictures:
        _show(version, picture, owner)
    publish_version(version, by=owner)


def _show(version: ModelVersion, picture: SamplePicture, owner: User) -> None:
    upload = _send(picture.file, picture.data(), owner)
    preview = add_preview(version, upload, alt=picture.alt, rating=RATING_NAMES[picture.rating], by=owner)
    if preview.picture is not None:
        make_renditions(preview.picture.pk)


def _talk(model: RegisteredModel, sample: SampleModel, people: dict[str, User]) -> None:
    before: Comment | None = None
    for name, words in sample.comments:
        answers = words.startswith("> ")
        comment = post_comment(
            model.subject, words.removeprefix("> "), by=people[name], parent=before if answers else None
        )
        before = before if answers else comment


def _send(name: str, data: bytes, owner: User) -> Upload:
    """An upload of these bytes, inspected."""
    upload = create_upload(by=owner, name=name, size=len(data))
    given = []
    for target in sign_parts(upload, range(1, upload.part_count + 1)):
        start = (target.number - 1) * upload.part_size
        part = data[start : start + upload.part_size]
        given.append(GivenPart(target.number, _put(upload, target, part)))
    complete_upload(upload, given)
    inspect_upload(str(upload.pk))
    upload.refresh_from_db()
    if upload.state != Upload.State.DONE:
        raise RuntimeError(f"the sample {name} was not taken: {upload.error}")
    return upload


def _put(upload: Upload, target: PartTarget, part: bytes) -> str:
    """Send a part as a browser would: to the store itself where it is elsewhere. Answers with its etag."""
    if isinstance(blob_store(), LocalStore):
        return receive_part(upload.pk, target.number, length=len(part), read=io.BytesIO(part).read)
    request = urllib.request.Request(target.url, data=part, method="PUT", headers=target.headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - the operator's own store
        return str(answer.headers["ETag"])
