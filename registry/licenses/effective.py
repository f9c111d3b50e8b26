"""What people may really do: the author's permissions, within the licence, within the licences of what it stems from.

A use is allowed only where all of them allow it. Nothing is allowed by default: a licence that the list does not know
refuses every use. The readings of the licences are data (`data/licenses.toml`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Final, Literal

from registry.licenses.catalog import LICENSES
from registry.licenses.permissions import Permissions


def gettext_noop(text: str) -> str:
    """Marks a sentence for the extraction of translations; changes nothing."""
    return text


_ = gettext_noop

RIGHTS: Final = tuple(field.name for field in fields(Permissions))

DUTIES: Final[dict[str, str]] = {
    "credit": _("Name the author."),
    "keep_notice": _("Pass on the license and its notices with every copy."),
    "share_alike": _("Share merges under the same license."),
    "use_limits": _("Keep to the uses that the license allows, and pass its limits on."),
    "network_source": _("Offer the model itself to people who use it over a network."),
    "revenue_below_1m_usd": _("Commercial use is for those who earn less than 1,000,000 US dollars a year."),
    "users_below_1m": _("Commercial use is for services with fewer than 1,000,000 monthly users."),
    "users_below_100m": _("Commercial use is for services with fewer than 100,000,000 monthly users."),
    "not_in_eu_uk_korea": _("The license does not hold in the European Union, the United Kingdom and South Korea."),
    "commercial_by_registration": _("Commercial use needs a registration with the licensor."),
    "read_text": _("Read the author’s own license: its limits are not computed."),
    "base_license_unknown": _("The license of the base model is not known here."),
    "unknown_license": _("The license is not known here, so nothing is allowed."),
}


@dataclass(frozen=True, slots=True)
class Source:
    """Who refuses a use or asks for a duty. `license` is an id, empty for the author."""

    kind: Literal["author", "license", "base_license"]
    license: str = ""


@dataclass(frozen=True, slots=True)
class RightLine:
    """One line of "What you may do". `key` is one of RIGHTS; `refused_by` is empty where it is allowed."""

    key: str
    allowed: bool
    refused_by: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Duty:
    """What is asked of people who use or pass on the model. `code` is a key of DUTIES."""

    code: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class EffectiveRights:
    """The whole answer: six lines in the order of RIGHTS, and the duties."""

    lines: tuple[RightLine, ...]
    duties: tuple[Duty, ...]

    @property
    def permissions(self) -> Permissions:
        """The six uses as they are really allowed."""
        return Permissions(**{line.key: line.allowed for line in self.lines})

    @property
    def bits(self) -> int:
        """The six uses as a number from 0 to 63, for search."""
        return self.permissions.to_bits()


def effective_rights(
    permissions: Permissions, license_id: str, base_license_ids: Iterable[str | None] = ()
) -> EffectiveRights:
    """Put the author's permissions, the model's licence and those of its bases together.

    `base_license_ids` are the licences of everything the model stems from; None stands for a base whose licence is not
    known, which limits nothing and is said.
    """
    bases = list(dict.fromkeys(base_license_ids))
    sources = [Source("license", license_id), *(Source("base_license", base) for base in bases if base is not None)]
    lines = tuple(_line(key, getattr(permissions, key), sources) for key in RIGHTS)
    duties: dict[str, list[Source]] = {}
    if not permissions.no_credit:
        duties["credit"] = [Source("author")]
    for source in sources:
        for code in _duties(source.license):
            duties.setdefault(code, []).append(source)
    if None in bases:
        duties["base_license_unknown"] = [Source("base_license")]
    return EffectiveRights(lines, tuple(Duty(code, tuple(said_by)) for code, said_by in duties.items()))


def _line(key: str, author_allows: bool, sources: list[Source]) -> RightLine:
    refused_by = [source for source in sources if _forbids(source.license, key)]
    if not author_allows:
        refused_by.insert(0, Source("author"))
    return RightLine(key, not refused_by, tuple(refused_by))


def _forbids(license_id: str, key: str) -> bool:
    row = LICENSES.get(license_id)
    return row is None or key in row.forbids


def _duties(license_id: str) -> tuple[str, ...]:
    row = LICENSES.get(license_id)
    return ("unknown_license",) if row is None else row.duties
