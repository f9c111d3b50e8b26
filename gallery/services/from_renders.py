"""A render's picture put into a draft: the same bytes, no second upload."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.utils.translation import gettext as _

from community.errors import NotAllowed
from community.models import User
from community.services.discussion import create_subject
from gallery.models import Image, Post
from gallery.services.attaching import need_reading
from gallery.services.listing import title_of
from gallery.services.posting import create_post
from gallery.services.stripping import need_stripped
from inference.models import RenderResult
from inference.policies import can_see_receipt


@transaction.atomic
def draft_of_render(result: RenderResult, *, by: User) -> Post:
    """A new draft with the picture of one's own render. How it was made is read from the file, as from any other.

    Where a model took part that not everybody is shown, a draft or one beyond the site's open level, that is kept to
    oneself, since the file names it, and the prompt may, too; its author may say otherwise. Raises NotAllowed for
    somebody else's render.
    """
    if result.job.maker_id != by.pk:
        raise NotAllowed(_("This render is not yours."))
    post = create_post(by=by)
    is_open = can_see_receipt(AnonymousUser(), result)
    image = Image(
        post=post,
        owner=by,
        picture=result.picture,
        alt=result.job.request.get("prompt", "")[:500] if is_open else "",
        hides_generation=not is_open,
    )
    image.subject = create_subject(by, "image", title_of(image), "/images", rating=0)
    image.save()
    image.subject.address = image.get_absolute_url()
    image.subject.save(update_fields=["address"])
    need_reading(result.picture)
    need_stripped(post.images.all())
    return post


def was_rendered_here(image: Image) -> bool:
    """Whether the picture came out of a worker of this site, which can make it again from the receipt. One query."""
    return RenderResult.objects.filter(picture=image.picture_id, receipt__isnull=False).exists()
