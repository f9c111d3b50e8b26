"""A site with something on it, for looking at: models of several types, pictures, verdicts, comments, long words."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO

from django.db import transaction
from django.utils import timezone
from PIL import Image, ImageDraw, ImageFilter

from community.models import User
from registry.models import Finding, ModelVersion, RegisteredModel, Rendition, VersionPreview
from registry.services.catalog import edit_model
from registry.services.listing import refresh_listing
from registry.storage import blob_store
from tests.factories import (
    BlobFactory,
    CommentFactory,
    ModelFileFactory,
    ModelVersionFactory,
    PictureFactory,
    RegisteredModelFactory,
    UserFactory,
    VersionPreviewFactory,
)

_GIB = 1 << 30
_MODELS = (
    ("mira.k", "Tidewater Ink", "checkpoint", "SDXL 1.0", 48_213, ("ink", "landscape", "style")),
    ("ozan", "Kiln Portrait", "lora", "SD 1.5", 12_940, ("portrait",)),
    ("hue-lab", "Soft Lens VAE", "vae", "SD 1.5", 92_400, ("color",)),
    ("nmt", "Paper Theatre", "lora", "SDXL 1.0", 8_300, ("paper", "stage")),
    ("tsubaki", "badhands-v6", "embedding", "SD 1.5", 210_000, ("negative",)),
    ("erik.s", "Basalt City", "checkpoint", "SD 1.5", 31_000, ("city",)),
    ("mira.k", "Line & Wash", "lora", "Flux.1 D", 5_200, ("ink",)),
    ("hue-lab", "Scribble Depth", "controlnet", "SDXL 1.0", 17_700, ("control",)),
    ("quay", "Old Velvet", "hypernetwork", "SD 1.5", 2_100, ()),
    ("erik.s", "A model whose title is about as long as titles may be, so that one sees where it ends", "checkpoint",
     "SD 3.5", 9_900, ("a-tag-that-has-no-blank-in-it-and-goes-on-for-sixty-letters",)),
    ("bao", "水墨山水", "lora", "SD 1.5", 22_500, ("水墨", "山水")),
    ("quay", "Plain Daylight", "checkpoint", "SDXL 1.0", 64_100, ("photo",)),
)  # fmt: skip
_FACTS = {
    "format": "safetensors",
    "tensors": 2515,
    "parameters": 3_469_000_000,
    "dtypes": {"F16": 0.99, "F32": 0.01},
    "metadata": {"modelspec.title": "Tidewater Ink", "ss_network_dim": "32"},
    "recognition": {"model_type": "checkpoint", "base_model": "SDXL 1.0", "precision": "fp16", "pruned": True},
}
_TEXT = """Brush-and-wash landscapes with honest paper grain. Trained on 2,140 scans of the author's own sheets.

- Works best between 5 and 7 CFG
- Above 8 the paper turns **grey**

> Say `ink wash` for the wet edge.
"""


@dataclass(frozen=True)
class Scene:
    """Who and what stands on the site."""

    visitor: User
    author: User
    moderator: User
    model: RegisteredModel
    version: ModelVersion
    draft: ModelVersion
    checked: ModelVersion


@transaction.atomic
def make_scene(*, pictures: bool = True) -> Scene:
    """Fill an empty site. The first model has everything that a page can show."""
    people: dict[str, User] = {}
    models = [_model(people, number, row, pictures=pictures) for number, row in enumerate(_MODELS)]
    first = models[0]
    version = first.versions.get()
    author = first.owner
    _second_file(version)
    ModelVersionFactory(
        model=first, published=True, name="v2", base_model="SDXL 1.0", published_at=timezone.now() - timedelta(days=90)
    )
    edit_model(first, by=author, description=_TEXT)
    _talk(first, author, people["ozan"])
    draft = ModelVersionFactory(model=RegisteredModelFactory(owner=author, title="Salt Print", license=""), name="v0.1")
    blocked = BlobFactory(verdict="blocked", format="pickle", size=3 * _GIB)
    Finding.objects.create(
        blob=blocked, rule="import.blocked", level="blocked", subject="os.system", opcode="GLOBAL", offset=12,
        preview="os.system('…')", message="Would call os.system when it is loaded.",
    )  # fmt: skip
    ModelFileFactory(version=draft, blob=blocked, name="salt-print.ckpt", is_primary=True)
    ModelFileFactory(version=draft, blob=BlobFactory(size=_GIB, facts=_FACTS), name="salt-print.safetensors")
    checked = _checked(author)
    for model in models:
        refresh_listing(model)
    moderator = UserFactory(username="warden", role=User.Role.MODERATOR)
    return Scene(people["ozan"], author, moderator, first, version, draft, checked)


def _model(people: dict[str, User], number: int, row: tuple, *, pictures: bool) -> RegisteredModel:
    owner, title, kind, base, downloads, tags = row
    if owner not in people:
        people[owner] = UserFactory(username=owner)
    model = RegisteredModelFactory(
        public=True, owner=people[owner], title=title, type=kind, permissions=0b001101, license="CreativeML-OpenRAIL-M"
    )
    model.download_count = downloads
    model.save()
    edit_model(model, by=people[owner], tags=list(tags))
    version = ModelVersionFactory(
        published=True,
        model=model,
        name="v3",
        base_model=base,
        download_count=downloads,
        published_at=timezone.now() - timedelta(hours=5 * number),
        permissions=0b001101,
        license="CreativeML-OpenRAIL-M",
        notes="Trained again.",
    )
    facts = _FACTS if kind == "checkpoint" else {}
    blob = BlobFactory(size=6_460_000_000 - number * 311_000_000, facts=facts)
    ModelFileFactory(version=version, blob=blob, name=f"{title.split()[0].lower()}-v3.safetensors", is_primary=True)
    if pictures and number not in (2, 4, 8, 10):
        for place in range(3 if number == 0 else 1):
            show_picture(version, hue=number * 29 + place * 12, position=place)
    if number == 0:
        show_picture(version, hue=200, position=9, rating=4)
    return model


def _second_file(version: ModelVersion) -> None:
    facts = {**_FACTS, "recognition": {**_FACTS["recognition"], "precision": "fp32", "pruned": False}}
    blob = BlobFactory(size=12_900_000_000, facts=facts)
    ModelFileFactory(version=version, blob=blob, name="tidewater-full-v3.safetensors", position=1)


def _checked(author: User) -> ModelVersion:
    version = ModelVersionFactory(model=RegisteredModelFactory(owner=author, title="Glass Plate"), name="v1")
    ModelFileFactory(version=version, blob=BlobFactory(verdict="check", format="pickle"), name="glass.pt")
    return version


def _talk(model: RegisteredModel, author: User, visitor: User) -> None:
    asked = CommentFactory(subject=model.subject, author=visitor, text='Does v3 still want the "wet edge" trigger?')
    CommentFactory(subject=model.subject, author=author, parent=asked, text="Folded in. Use it at 0.6 to push further.")
    model.subject.comment_count = 2
    model.subject.save()


def show_picture(version: ModelVersion, *, hue: int, position: int = 0, rating: int = 1) -> VersionPreview:
    """A preview with one real rendition in the store."""
    data, color = _paint(hue)
    picture = PictureFactory(width=640, height=896, color=color)
    key = f"pictures/{picture.blob_id}-320.webp"
    blob_store().put(key, data, "image/webp")
    Rendition.objects.create(
        picture=picture, format=Rendition.Format.WEBP, width=320, height=448, size=len(data), key=key
    )
    return VersionPreviewFactory(
        version=version, picture=picture, position=position, rating=rating, alt=f"A sphere above clouds, hue {hue}"
    )


@functools.cache
def _paint(hue: int) -> tuple[bytes, str]:
    image = Image.new("HSV", (320, 448), (hue % 256, 190, 120))
    draw = ImageDraw.Draw(image)
    draw.ellipse((70, 120, 230, 280), fill=((hue + 20) % 256, 90, 220))
    draw.rectangle((0, 330, 320, 448), fill=(hue % 256, 200, 60))
    shown = image.convert("RGB").filter(ImageFilter.GaussianBlur(6))
    out = BytesIO()
    shown.save(out, "WEBP", quality=70)
    r, g, b = shown.resize((1, 1)).getpixel((0, 0))
    return out.getvalue(), f"#{r:02x}{g:02x}{b:02x}"
