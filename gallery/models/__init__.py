"""Tables of posts, images, collections and how they were made."""

from gallery.models.collections import Collection, CollectionItem
from gallery.models.posts import Image, Post
from gallery.models.readings import PictureReading
from gallery.models.resources import ImageResource
from gallery.models.scores import PictureScore
from gallery.models.search import ImageSearch

__all__ = [
    "Collection",
    "CollectionItem",
    "Image",
    "ImageResource",
    "ImageSearch",
    "PictureReading",
    "PictureScore",
    "Post",
]
