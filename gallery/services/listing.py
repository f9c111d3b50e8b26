"""What others know of an image: its subject and its search row, written in the transaction that changes the image."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.contrib.postgres.search import SearchVectorField
from django.db import transaction
from django.db.models import Func, QuerySet, Value
from django.utils.translation import gettext as _

from community.models import Subject
from community.search_text import vector
from community.services.discussion import update_subject
from gallery.models import Image, ImageSearch
from gallery.models.posts import Post
from gallery.services.classifying import report_mild_ratings
from registry.models import ModelVersion, Picture
from registry.models.files import Verdict

# Words deep in a long prompt say little, and would make the search rows wide.
_PROMPT_CHARACTERS: Final = 4_000
_CAPTION_CHARACTERS: Final = 600
# Images that are written again in one transaction.
_AT_ONCE: Final = 100


def refresh_images(images: QuerySet[Image]) -> None:
    """Bring subjects and search rows of these images up to what they, their posts and their pictures say now.

    Call it in the transaction of any change to them. An image is public while its post is published, nobody holds it,
    and its picture is ready; only then it has a search row. The images are held first and read afterwards: of two that
    change what an image stands on, the later one sees the other's change.
    """
    ids = sorted(images.values_list("pk", flat=True))
    held = Image.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
    held_ids = list(held.values_list("pk", flat=True))
    loaded = Image.objects.filter(pk__in=held_ids).select_related("post", "owner", "subject", "picture__blob")
    loaded = loaded.prefetch_related("tags", "post__tags", "resources__version__model", "post__version__model")
    gone, new = [], []
    for image in loaded.order_by("pk"):
        is_public = is_listed(image)
        update_subject(image.subject, title=title_of(image), is_public=is_public, rating=image.rating or 0)
        if not is_public:
            gone.append(image.pk)
        elif _write_search_row(image):
            new.append(image.subject_id)
    # A new row knows no counts: they are copied to it as after any change.
    Subject.objects.filter(pk__in=new).update(counts_changed=True)
    ImageSearch.objects.filter(pk__in=gone).delete()
    report_mild_ratings(pk for pk in held_ids if pk not in gone)


def reindex_images() -> int:
    """Write all rows again, some at a time (`settings.SEARCH_ROWS`); gives back how many images were looked at."""
    done, after = 0, 0
    while True:
        ids = list(Image.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:_AT_ONCE])
        if not ids:
            return done
        with transaction.atomic():
            refresh_images(Image.objects.filter(pk__in=ids))
        done, after = done + len(ids), ids[-1]


def is_listed(image: Image) -> bool:
    """Whether everybody whose browsing level holds its rating may see it. Needs post and picture with its blob."""
    picture = image.picture
    return (
        image.post.is_public
        and image.state == Image.State.VISIBLE
        and image.rating is not None
        and not image.error
        and picture is not None
        and picture.state == Picture.State.READY
        and picture.blob.verdict != Verdict.BLOCKED
    )


def title_of(image: Image) -> str:
    """What an image is called where it has to be named: its own words, its post's, or its artist's name."""
    for words in (image.caption, image.post.title, image.alt):
        line = " ".join(words.split())
        if line:
            return line if len(line) <= 120 else f"{line[:119]}…"
    return _("Image by %(name)s") % {"name": image.owner.username}


def _write_search_row(image: Image) -> bool:
    """Whether it is a new row."""
    versions = _versions_of(image)
    _row, is_new = ImageSearch.objects.update_or_create(
        image=image,
        defaults={
            "owner": image.owner,
            "words": Func(
                Value(_vector_of(image)), template="%(expressions)s::tsvector", output_field=SearchVectorField()
            ),
            "rating": image.rating,
            "base_models": sorted({version.base_model for version in versions if version.base_model}),
            "tag_ids": sorted({tag.pk for tag in [*image.tags.all(), *image.post.tags.all()]}),
            "version_ids": sorted({version.pk for version in versions}),
            "model_ids": sorted({version.model_id for version in versions}),
            "published_at": image.post.published_at,
        },
    )
    return is_new


def _versions_of(image: Image) -> list[ModelVersion]:
    """The versions an image is shown under: the one it was posted to, and what it was made with unless that is hidden.

    Only public ones: a draft's name or base model says nothing to strangers.
    """
    versions = [image.post.version] if image.post.version else []
    if not image.keeps_generation_to_itself:
        versions += [resource.version for resource in image.resources.all() if resource.version]
    return [version for version in versions if _is_public(version)]


def _is_public(version: ModelVersion) -> bool:
    return version.state == ModelVersion.State.PUBLISHED and version.model.taken_down_at is None


def _vector_of(image: Image) -> str:
    post: Post = image.post
    tags = " , ".join(tag.name for tag in [*post.tags.all(), *image.tags.all()])
    weighted = [(post.title, "A"), (image.caption[:_CAPTION_CHARACTERS], "B"), (image.alt, "B"), (tags, "B")]
    weighted += [(image.owner.username, "C"), (image.owner.display_name, "C")]
    weighted += [(post.caption[:_CAPTION_CHARACTERS], "C")]
    if not image.keeps_generation_to_itself:
        weighted += [(" , ".join(_resource_names(image)), "C"), (image.prompt[:_PROMPT_CHARACTERS], "D")]
    return vector(weighted)


def _resource_names(image: Image) -> Iterable[str]:
    for resource in image.resources.all():
        public = resource.version is not None and _is_public(resource.version)
        yield resource.version.model.title if public else resource.name
