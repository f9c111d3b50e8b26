"""Posts whose pictures lie in the store, as the services and workers would have left them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from django.utils import timezone
from PIL import Image as Pixels

from community.models import User
from community.ratings import Rating
from gallery.models import Image, ImageResource, PictureReading, Post
from gallery.services.posting import NewImage, create_post
from gallery.services.publishing import publish_post
from gallery.services.reading import read_metadata
from registry.services.renditions import make_renditions
from tests.factories import PictureFactory, SubjectFactory, UploadFactory, UserFactory
from tests.gallery.pictures import png
from tests.registry.pictures.build import saved
from tests.registry.pictures.rows import sent

_numbers: Iterator[int] = count(1)
INFOTEXT = (
    "harbour at night, lanterns, ink wash, <lora:tidewater:0.8>\nNegative prompt: photo, frame\n"
    "Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6, Seed: 18446744073709551615, Size: 64x96, "
    "Model hash: {model}, Model: tidewater, Version: v1.10.1"
)


def painted(width: int = 64, height: int = 96) -> bytes:
    """A picture that is like no other of the run."""
    number = next(_numbers)
    color = (number * 37 % 256, number * 91 % 256, number // 256 % 256)
    image = Pixels.new("RGB", (width, height), color)
    image.putpixel((number % width, number // width % height), (255, 255, 255))
    return saved(image, "PNG")


def told(infotext: str = INFOTEXT, **texts: str) -> bytes:
    """A picture with generation data in it."""
    return png((64, 96), parameters=infotext, **texts)


def drafted(owner: User | None = None, *pictures: bytes, rating: Rating | None = Rating.PG, **fields: object) -> Post:
    """A draft with these pictures, or with one."""
    owner = owner or UserFactory()
    new = [NewImage(sent(owner, data).pk, rating=rating) for data in pictures or (painted(),)]
    return create_post(by=owner, images=new, **fields)


def prepared(post: Post) -> Post:
    """What the workers do, done."""
    for image in post.images.exclude(picture=None):
        make_renditions(image.picture_id)
        read_metadata(image.picture_id)
    return Post.objects.get(pk=post.pk)


def posted(owner: User | None = None, *pictures: bytes, rating: Rating | None = Rating.PG, **fields: object) -> Post:
    """A published post."""
    post = prepared(drafted(owner, *pictures, rating=rating, **fields))
    return publish_post(post, by=post.owner)


def first(post: Post) -> Image:
    """Its first image, with all that its page shows."""
    return Image.objects.for_display().filter(post=post).first()


def standing(owner: User, state: str, words: str = "") -> Image:
    """An image of a post that is a `draft`, `published`, deleted (`withdrawn`) or removed (`taken_down`)."""
    now = timezone.now()
    post = Post.objects.create(
        owner=owner,
        title=words,
        rating=1,
        state={"draft": "draft", "taken_down": "removed"}.get(state, "published"),
        published_at=None if state == "draft" else now,
        deleted_at=now if state == "withdrawn" else None,
    )
    image = Image.objects.create(
        post=post,
        owner=owner,
        subject=SubjectFactory(owner=owner, kind="image", title=words or "An image", is_public=state == "published"),
        picture=PictureFactory(),
        upload=UploadFactory(owner=owner),
        rating=1,
        caption=words,
        prompt=words,
        generation={"prompt": words, "resources": []},
    )
    PictureReading.objects.create(picture=image.picture, state="done")
    Image.objects.filter(pk=image.pk).update(state="removed" if state == "taken_down" else "visible")
    ImageResource.objects.create(image=image, name=words or "tidewater", kind="lora", weight=0.8)
    return image
