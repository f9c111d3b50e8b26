"""Who may do what with posts and images. What a viewer may see is decided by the querysets' `visible_to`."""

from __future__ import annotations

from community.models import Viewer
from gallery.models import Image, Post


def can_edit_post(user: Viewer, post: Post) -> bool:
    """Its owner alone. A moderator holds and removes, but never changes somebody's words."""
    return user.is_authenticated and user.is_active and post.owner_id == user.pk


def can_moderate(user: Viewer) -> bool:
    """Hold, remove and restore, and see what is not public."""
    return user.is_authenticated and user.is_moderator


def can_see_generation(user: Viewer, image: Image) -> bool:
    """Whether how an image was made is told to this viewer, who may see the image. Needs its post."""
    if not image.keeps_generation_to_itself:
        return True
    return user.is_authenticated and (image.owner_id == user.pk or user.is_moderator)
