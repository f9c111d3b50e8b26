"""Rows for tests, in the shape that the services would have left them."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from community.models import Comment, Subject, User
from community.ratings import Rating
from registry.models import (
    Blob,
    BlobHash,
    Inspection,
    ModelFile,
    ModelVersion,
    Picture,
    RegisteredModel,
    Tag,
    Upload,
    VersionPreview,
)

GIB = 1 << 30
ALL_PERMISSIONS = 63


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username.lower()}@example.org")
    password = factory.django.Password("correct horse battery")


class ModeratorFactory(UserFactory):
    role = User.Role.MODERATOR


class OperatorFactory(UserFactory):
    role = User.Role.OPERATOR


class SubjectFactory(DjangoModelFactory):
    class Meta:
        model = Subject

    owner = factory.SubFactory(UserFactory)
    kind = "model"
    title = factory.Sequence(lambda n: f"Subject {n}")
    address = factory.Sequence(lambda n: f"/somebody/subject-{n}")
    is_public = True
    rating = int(Rating.PG)


class CommentFactory(DjangoModelFactory):
    class Meta:
        model = Comment

    subject = factory.SubFactory(SubjectFactory)
    author = factory.SubFactory(UserFactory)
    text = factory.Sequence(lambda n: f"Comment {n}")


class TagFactory(DjangoModelFactory):
    class Meta:
        model = Tag

    name = factory.Sequence(lambda n: f"tag{n}")


class RegisteredModelFactory(DjangoModelFactory):
    """A model nobody else can see yet; `public=True` for one that strangers can (give it a published version)."""

    class Meta:
        model = RegisteredModel

    class Params:
        public = factory.Trait(first_published_at=factory.LazyFunction(timezone.now))

    owner = factory.SubFactory(UserFactory)
    title = factory.Sequence(lambda n: f"Model {n}")
    name = factory.Sequence(lambda n: f"model-{n}")
    type = "lora"
    description = "A model."
    license = "CC0-1.0"
    permissions = ALL_PERMISSIONS
    first_published_at = None
    subject = factory.LazyAttribute(
        lambda made: SubjectFactory(
            owner=made.owner,
            title=made.title,
            address=f"/{made.owner.username}/{made.name}",
            is_public=made.first_published_at is not None,
            rating=0,
        )
    )


class ModelVersionFactory(DjangoModelFactory):
    """A draft; `published=True` for a published one of a public model."""

    class Meta:
        model = ModelVersion

    class Params:
        published = factory.Trait(
            state=ModelVersion.State.PUBLISHED,
            published_at=factory.LazyFunction(timezone.now),
            license="CC0-1.0",
            permissions=ALL_PERMISSIONS,
            model=factory.SubFactory(RegisteredModelFactory, public=True),
        )

    model = factory.SubFactory(RegisteredModelFactory)
    name = factory.Sequence(lambda n: f"v{n}")
    base_model = "SD 1.5"
    trained_words = factory.LazyFunction(lambda: ["tidewater", "ink wash"])


class BlobFactory(DjangoModelFactory):
    """Known bytes that the store need not hold. Its digests are real digests of `content`."""

    class Meta:
        model = Blob
        skip_postgeneration_save = True

    class Params:
        content = factory.Sequence(lambda n: b"bytes of blob %d" % n)

    sha256 = factory.LazyAttribute(lambda made: hashlib.sha256(made.content).hexdigest())
    size = factory.LazyAttribute(lambda made: len(made.content))
    key = factory.LazyAttribute(lambda made: f"blobs/{made.sha256[:2]}/{made.sha256[2:4]}/{made.sha256}")
    verdict = "safe"
    format = "safetensors"
    facts = factory.LazyFunction(dict)
    inspected_at = factory.LazyFunction(timezone.now)

    @factory.post_generation
    def hashes(self, create, extracted, **kwargs):
        BlobHash.objects.create(blob=self, kind="SHA256", value=self.sha256)
        BlobHash.objects.create(blob=self, kind="AutoV2", value=self.sha256[:10])


class UploadFactory(DjangoModelFactory):
    """One that has been sent, inspected and taken in."""

    class Meta:
        model = Upload

    owner = factory.SubFactory(UserFactory)
    name = factory.Sequence(lambda n: f"file-{n}.safetensors")
    size = 1000
    part_size = 16 << 20
    state = Upload.State.DONE
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=7))


class InspectionFactory(DjangoModelFactory):
    class Meta:
        model = Inspection

    upload = factory.SubFactory(UploadFactory, state=Upload.State.COMPLETE)


class ModelFileFactory(DjangoModelFactory):
    """A file with known bytes. `published=True` puts it in a published version."""

    class Meta:
        model = ModelFile

    class Params:
        published = factory.Trait(version=factory.SubFactory(ModelVersionFactory, published=True))

    version = factory.SubFactory(ModelVersionFactory)
    name = factory.Sequence(lambda n: f"file-{n}.safetensors")
    blob = factory.SubFactory(BlobFactory)
    size = factory.LazyAttribute(lambda made: made.blob.size if made.blob else 1000)
    upload = factory.LazyAttribute(
        lambda made: UploadFactory(owner=made.version.model.owner, blob=made.blob, name=made.name)
    )


class PictureFactory(DjangoModelFactory):
    class Meta:
        model = Picture

    blob = factory.SubFactory(BlobFactory, format="png")
    state = Picture.State.READY
    mime = "image/png"
    width = 640
    height = 896
    color = "#7a5a4a"


class VersionPreviewFactory(DjangoModelFactory):
    class Meta:
        model = VersionPreview

    version = factory.SubFactory(ModelVersionFactory)
    picture = factory.SubFactory(PictureFactory)
    alt = "A picture"
    rating = int(Rating.PG)
