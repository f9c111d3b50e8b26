"""What everything that shows a picture has in common: the addresses by which pages ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from registry.models.pictures import Rendition


class ShownPicture:
    """For models with a `picture`, an `original_address` and an `address_of(rendition)`. Needs the renditions loaded.

    The address is the showing thing's, never the picture's: the same pixels may be private in one place and public in
    another.
    """

    picture: Any
    original_address: Any
    address_of: Any

    def copies(self, format: str) -> list[Rendition]:
        """Its smaller copies of one format, narrow to wide."""
        if self.picture is None:
            return []
        return sorted((row for row in self.picture.renditions.all() if row.format == format), key=lambda row: row.width)

    @property
    def webp_srcset(self) -> str:
        """The value of a `srcset`; there is always one once the picture is ready."""
        return self._srcset("webp")

    @property
    def avif_srcset(self) -> str:
        """The same for AVIF; empty until those copies are made."""
        return self._srcset("avif")

    @property
    def src(self) -> str:
        """The address for readers that know no `srcset`: the middle copy, or the original where there is none."""
        copies = self.copies("webp")
        return self.address_of(copies[min(1, len(copies) - 1)]) if copies else self.original_address

    def _srcset(self, format: str) -> str:
        return ", ".join(f"{self.address_of(row)} {row.width}w" for row in self.copies(format))
