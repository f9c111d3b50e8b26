"""Last looks at who acts on a post, and the one row that every change of a post holds first."""

from __future__ import annotations

from django.utils.translation import gettext as _

from community.errors import Conflict, NotAllowed
from community.models import User
from gallery.models import Image, Post
from gallery.policies import can_edit_post


def lock_post(post: Post, *, by: User) -> Post:
    """The post as it stands, held until the transaction ends. Every service that changes one takes this first.

    Raises NotAllowed for anybody but its owner, Conflict when it is gone or a moderator removed it.
    """
    found = Post.objects.select_for_update(no_key=True, of=("self",)).select_related("owner").filter(pk=post.pk).first()
    if found is None:
        raise Conflict(_("This post is gone."), code="gone", field="post")
    if not can_edit_post(by, found):
        raise NotAllowed(_("Only the owner of this post may do this."))
    if found.state == Post.State.REMOVED:
        raise Conflict(_("A moderator has removed this post."), code="removed", field="post")
    return found


def lock_image(image: Image, *, by: User) -> Image:
    """The image as it stands, its post held. Raises as `lock_post`, and Conflict when the image was taken away."""
    post = lock_post(image.post, by=by)
    found = Image.objects.for_display().filter(pk=image.pk).first()
    if found is None:
        raise Conflict(_("This image was removed meanwhile."), code="gone", field="image")
    found.post = post
    return found
