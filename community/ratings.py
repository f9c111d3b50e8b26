"""How openly a picture shows what it shows: five levels, one bit each.

A thing's rating is the union of its pictures' bits; a person's browsing level is the union of the bits they
chose to see. A picture may be shown when its bits are all among the person's.
"""

from __future__ import annotations

from enum import IntFlag
from typing import Any

from django.conf import settings


class Rating(IntFlag):
    """One bit a level. Stored as a small integer."""

    PG = 1
    PG13 = 2
    R = 4
    X = 8
    XXX = 16

    @property
    def label(self) -> str:
        """The trade word, the same in every language."""
        return {1: "PG", 2: "PG-13", 4: "R", 8: "X", 16: "XXX"}[int(self)]


ALL_RATINGS = Rating.PG | Rating.PG13 | Rating.R | Rating.X | Rating.XXX
RATING_CHOICES = [(int(r), r.label) for r in Rating]
RATING_NAMES = {r.label: r for r in Rating}


def level_up_to(rating: Rating) -> int:
    """Every bit at or below `rating`: the browsing level named by its highest step."""
    return (int(rating) << 1) - 1


def browsing_level_of(viewer: Any) -> int:
    """The rating bits that a viewer is shown: their own choice, or the site's for somebody without a name."""
    if viewer.is_authenticated:
        return viewer.browsing_level
    return level_up_to(RATING_NAMES[settings.ANONYMOUS_RATING])


def unions_beyond(level: int) -> list[int]:
    """Unions of ratings that share no bit with a browsing level: of what bears one, nothing may be shown. 0 is not
    among them: what nobody has rated lies beyond nobody's level.
    """
    return [union for union in range(1, int(ALL_RATINGS) + 1) if not union & level]


def is_beyond(union: int, viewer: Any) -> bool:
    """Whether a thing whose ratings are this union lies beyond what a viewer is shown."""
    return bool(union) and not union & browsing_level_of(viewer)


def bits_of(level: int) -> list[int]:
    """The ratings of a browsing level, one bit each."""
    return [int(rating) for rating in Rating if rating & level]
