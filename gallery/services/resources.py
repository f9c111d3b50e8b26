"""What images were made with: linked by hash where the hash says which version, suggested where only a name does."""

from __future__ import annotations

import re
from typing import Any, Final

from django.db import transaction
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from community.errors import Conflict, InvalidInput
from community.models import User
from community.search_text import fold
from gallery.imagemeta.generation import EMPTY_DIGEST
from gallery.models import Image, ImageResource
from gallery.services.guards import lock_post
from gallery.services.listing import refresh_images
from registry.models import BlobHash, ModelFile, ModelVersion
from registry.models.files import HashKind

MAX_RESOURCES: Final = 100
# By how much of a file a digest says: the longer one is asked first, the short old ones last.
_KINDS: Final = (HashKind.SHA256, HashKind.AUTOV3, HashKind.AUTOV2, HashKind.AUTOV1)
# InvokeAI names its models by their BLAKE3, which is as long as a SHA-256.
_LENGTHS: Final = {
    64: (HashKind.SHA256, HashKind.BLAKE3),
    12: (HashKind.AUTOV3,),
    10: (HashKind.AUTOV2,),
    8: (HashKind.AUTOV1,),
}
_HEX: Final = re.compile(r"[0-9a-f]{8,64}")
_MOST_ALIKE: Final = 5
_MAX_WEIGHT: Final = 100.0


def link_detected(image: Image) -> None:
    """Replace what was detected of an image's resources by what its generation data names now.

    What its author confirmed or added stays. Only versions that the poster may see are linked or suggested.
    """
    ImageResource.objects.filter(image=image, source=ImageResource.Source.DETECTED).delete()
    kept = list(ImageResource.objects.filter(image=image))
    taken = {resource.version_id for resource in kept if resource.version_id}
    known = {(resource.kind, resource.name.lower()) for resource in kept}
    rows = []
    for named in _named(image)[: MAX_RESOURCES - len(kept)]:
        if (named["kind"], named["name"].lower()) in known:
            continue
        found, kind = find_version(named["hash"], image.owner)
        if found is not None and found.pk in taken:
            continue
        if found is not None:
            taken.add(found.pk)
        rows.append(_row(image, named, found, kind, len(kept) + len(rows)))
    ImageResource.objects.bulk_create(rows)


def _named(image: Image) -> list[dict[str, Any]]:
    given = (image.generation or {}).get("resources")
    return given if isinstance(given, list) else []


def _row(image: Image, named: dict[str, Any], found: ModelVersion | None, kind: str, position: int) -> ImageResource:
    weight = named["weight"]
    return ImageResource(
        image=image,
        version=found,
        suggestion=None if found else suggest_version(named["name"], named["kind"], image.owner),
        name=named["name"][:200],
        kind=named["kind"][:24],
        weight=weight if isinstance(weight, int | float) and abs(weight) <= _MAX_WEIGHT else None,
        hash=named["hash"][:64],
        hash_kind=kind,
        position=position,
    )


def find_version(digest: str, viewer: User) -> tuple[ModelVersion | None, str]:
    """The version that has a file of this digest and that the viewer may see, and the digest's kind.

    SHA-256, BLAKE3, AutoV3, AutoV2 and AutoV1 count, each by its length; the digest of nothing never does. Where
    several versions have the same file, the one that came out first.
    """
    digest = digest.lower()
    if not _HEX.fullmatch(digest) or EMPTY_DIGEST.startswith(digest):
        return None, ""
    kinds = _LENGTHS.get(len(digest))
    rows = BlobHash.objects.filter(value=digest, kind__in=kinds or _KINDS)
    if kinds is None and len(digest) > 12:  # some tools write the first so many digits of the SHA-256
        rows = BlobHash.objects.filter(value__startswith=digest, kind=HashKind.SHA256)
    blobs = dict(rows.values_list("blob_id", "kind")[:100])
    files = ModelFile.objects.filter(blob__in=blobs, version__in=ModelVersion.objects.visible_to(viewer))
    order = ("version__published_at", "version_id")
    file = files.select_related("version__model").order_by(*order).first()
    return (file.version, blobs[file.blob_id]) if file else (None, "")


def suggest_version(name: str, kind: str, viewer: User) -> ModelVersion | None:
    """The one version whose file or model is called so. Two that are, suggest nothing; it is for the author to say."""
    if not name.strip():
        return None
    stem = name.strip().lower()
    versions = ModelVersion.objects.visible_to(viewer).within_level_of(viewer).select_related("model")
    by_file = ModelFile.objects.alias(low=Lower("name")).filter(low__in=[f"{stem}{end}" for end in _ENDINGS])
    found = list(versions.filter(files__in=by_file).distinct()[:2])
    if not found:
        titled = versions.filter(model__search__title=fold(name)[:240])
        found = list(titled.order_by("model_id", "-published_at").distinct("model_id")[:2])
    return found[0] if len(found) == 1 and _fits(found[0], kind) else None


_ENDINGS: Final = (".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".gguf")
_FAMILIES: Final = {"lora": {"lora", "locon", "dora"}}


def _fits(version: ModelVersion, kind: str) -> bool:
    return version.model.type in _FAMILIES.get(kind, {kind})


@transaction.atomic
def confirm_resource(resource: ImageResource, *, by: User) -> ImageResource:
    """The author says that the suggestion is right. Confirming twice changes nothing."""
    held = _held(resource, by)
    if held.version_id is not None:
        return held
    if held.suggestion is None:
        raise Conflict(_("Nothing was suggested for this resource. Choose a version."), code="no_suggestion")
    return _link(held, held.suggestion, by)


@transaction.atomic
def link_resource(resource: ImageResource, version: ModelVersion, *, by: User) -> ImageResource:
    """The author says which version a named resource is."""
    return _link(_held(resource, by), version, by)


def _link(resource: ImageResource, version: ModelVersion, by: User) -> ImageResource:
    _check_visible(version, by)
    if ImageResource.objects.filter(image=resource.image, version=version).exclude(pk=resource.pk).exists():
        raise Conflict(_("This version is named already."), code="already_there", field="version")
    resource.version, resource.suggestion = version, None
    resource.source = ImageResource.Source.CONFIRMED
    resource.save(update_fields=["version", "suggestion", "source"])
    _changed(resource.image)
    return resource


@transaction.atomic
def add_resource(image: Image, version: ModelVersion, *, by: User, weight: float | None = None) -> ImageResource:
    """The author names a version that was not read from the file."""
    image = _own_image(image, by)
    _check_visible(version, by)
    count = image.resources.count()
    if count >= MAX_RESOURCES:
        raise Conflict(_("An image names at most %(most)d resources.") % {"most": MAX_RESOURCES}, code="too_many")
    if image.resources.filter(version=version).exists():
        raise Conflict(_("This version is named already."), code="already_there", field="version")
    resource = ImageResource.objects.create(
        image=image,
        version=version,
        name=version.model.title[:200],
        kind=version.model.type,
        weight=clean_weight(weight),
        source=ImageResource.Source.ADDED,
        position=count,
    )
    _changed(image)
    return resource


@transaction.atomic
def weigh_resource(resource: ImageResource, weight: float | None, *, by: User) -> ImageResource:
    """Change how strongly it was used."""
    held = _held(resource, by)
    held.weight = clean_weight(weight)
    held.save(update_fields=["weight"])
    return held


@transaction.atomic
def remove_resource(resource: ImageResource, *, by: User) -> None:
    """The author says that it was not used."""
    image = _held(resource, by).image
    ImageResource.objects.filter(pk=resource.pk).delete()
    _changed(image)


def clean_weight(weight: float | None) -> float | None:
    """A weight as tools write it. Raises InvalidInput."""
    if weight is not None and not abs(weight) <= _MAX_WEIGHT:
        raise InvalidInput(_("A weight lies between −100 and 100."), field="weight")
    return weight


def _own_image(image: Image, by: User) -> Image:
    lock_post(image.post, by=by)
    return Image.objects.select_related("post", "owner").get(pk=image.pk)


def _held(resource: ImageResource, by: User) -> ImageResource:
    _own_image(resource.image, by)
    found = ImageResource.objects.select_related("image__post", "suggestion__model").filter(pk=resource.pk).first()
    if found is None:
        raise Conflict(_("This resource was removed meanwhile."), code="gone")
    return found


def _check_visible(version: ModelVersion, by: User) -> None:
    if not ModelVersion.objects.visible_to(by).filter(pk=version.pk).exists():
        raise InvalidInput(_("There is no version with this id that you may see."), field="version")


def _changed(image: Image) -> None:
    refresh_images(Image.objects.filter(pk=image.pk))
