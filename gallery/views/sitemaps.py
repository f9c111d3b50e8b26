"""Pages of images, collections and of people with something to show that search engines may find."""

from __future__ import annotations

from django.db.models import Exists, OuterRef
from django.urls import reverse

from community.feeds import ANYBODY
from community.models import User
from community.ratings import bits_of, browsing_level_of
from community.sitemaps import Place, Sitemap
from gallery.models import Collection, Image, ImageSearch
from registry.models import ModelSearch
from registry.search import unseen_rows


def _people():
    """Those of whom there is something that everybody may see."""
    models = ModelSearch.objects.exclude(unseen_rows(ANYBODY)).filter(owner=OuterRef("pk"))
    images = ImageSearch.objects.filter(owner=OuterRef("pk"), rating__in=bits_of(browsing_level_of(ANYBODY)))
    return User.objects.filter(Exists(models) | Exists(images), is_active=True)


def _image_place(pk: int, address: str, published_at) -> Place:
    return Place(address, published_at, reverse("gallery:image-original", args=[pk]))


IMAGES = Sitemap(
    rows=lambda: Image.objects.visible_to(ANYBODY).ready(),
    places=lambda rows: [
        _image_place(*row) for row in rows.values_list("pk", "subject__address", "post__published_at")
    ],
)
COLLECTIONS = Sitemap(
    rows=lambda: Collection.objects.listed_to(ANYBODY),
    places=lambda rows: [Place(*row) for row in rows.values_list("subject__address", "updated_at")],
)
PEOPLE = Sitemap(
    rows=_people,
    places=lambda rows: [
        Place(reverse("community:profile", args=[name])) for name in rows.values_list("username", flat=True)
    ],
)
