"""What a notice says, in the language of whoever reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from community.models import Notice, Reaction, User

_NAMED: Final = 2


@dataclass(frozen=True)
class Told:
    """A notice as pages, mails and programs show it."""

    notice: Notice
    sentence: str
    address: str
    actors: tuple[str, ...]


def tell(notices: Iterable[Notice]) -> list[Told]:
    """Sentences for these notices, in the present language. One query for all who acted in them."""
    notices = list(notices)
    wanted = {pk for notice in notices for pk in notice.actor_ids[:_NAMED]}
    names = {person.pk: person.username for person in User.objects.filter(pk__in=wanted, is_active=True)}
    return [_told(notice, names) for notice in notices]


def _told(notice: Notice, names: Mapping[int, str]) -> Told:
    actors = tuple(names[pk] for pk in notice.actor_ids[:_NAMED] if pk in names)
    own = notice.subject.address if notice.subject else ""
    address = str(notice.params.get("address") or own or "/notifications")
    return Told(notice, _sentence(notice, actors), address, actors)


def _sentence(notice: Notice, actors: tuple[str, ...]) -> str:
    values = {
        "who": _people(actors, notice.actor_count),
        "what": str(notice.params.get("title") or (notice.subject.title if notice.subject else "")),
        "count": notice.event_count,
        "name": str(notice.params.get("name", "")),
    }
    return _TEMPLATES[notice.kind](notice) % values


def _people(names: tuple[str, ...], count: int) -> str:
    """ "mira", "mira and ola", "mira and 3 others"."""
    if not names:
        return ngettext("Somebody", "%(count)d people", max(1, count)) % {"count": count}
    if count == 1:
        return names[0]
    if count == 2 and len(names) == 2:
        return _("%(one)s and %(other)s") % {"one": names[0], "other": names[1]}
    others = ngettext("%(one)s and %(count)d other", "%(one)s and %(count)d others", count - 1)
    return others % {"one": names[0], "count": count - 1}


def _reaction(notice: Notice) -> str:
    sentences = {
        Reaction.Kind.LIKE: _("%(who)s liked “%(what)s”."),
        Reaction.Kind.HEART: _("%(who)s gave “%(what)s” a heart."),
        Reaction.Kind.LAUGH: _("%(who)s laughed at “%(what)s”."),
        Reaction.Kind.CRY: _("%(who)s cried over “%(what)s”."),
    }
    return sentences.get(notice.params.get("reaction"), _("%(who)s reacted to “%(what)s”."))


def _preview(notice: Notice) -> str:
    return ngettext(
        "A preview of “%(what)s” was rendered.", "%(count)d previews of “%(what)s” were rendered.", notice.event_count
    )


def _decision(notice: Notice) -> str:
    act = notice.params.get("act", "")
    if notice.params.get("reported"):
        return _reported(act)
    # The reason is a whole sentence; it is stored as the moderator wrote it.
    sentences = {
        "hold": _("Moderators hold “%(what)s” back: %(name)s"),
        "remove": _("Moderators removed “%(what)s”: %(name)s"),
        "rate": _("Moderators changed the rating of “%(what)s”. %(name)s"),
        "restore": _("Moderators restored “%(what)s”. %(name)s"),
        "upheld": _("Your appeal about “%(what)s” was turned down. %(name)s"),
        "overturned": _("Your appeal about “%(what)s” was granted. %(name)s"),
    }
    if notice.subject is None:
        return sentences.get(act, _("A moderator decided: %(name)s"))
    return sentences.get(act, _("A moderator decided about “%(what)s”: %(name)s"))


def _reported(act: str) -> str:
    """What whoever reported a thing is told. It is not named: it may be gone from where they saw it."""
    return {
        "keep": _("Moderators looked at what you reported. It breaks no rule, and stays."),
        "hold": _("Moderators hold back what you reported."),
        "remove": _("Moderators removed what you reported."),
        "rate": _("Moderators changed the rating of what you reported."),
    }.get(act, _("Moderators decided about what you reported."))


_TEMPLATES: Final[dict[str, Callable[[Notice], str]]] = {
    Notice.Kind.COMMENT: lambda notice: _("%(who)s commented on “%(what)s”."),
    Notice.Kind.REPLY: lambda notice: _("%(who)s answered under “%(what)s”."),
    Notice.Kind.MENTION: lambda notice: _("%(who)s mentioned you under “%(what)s”."),
    Notice.Kind.REVIEW: lambda notice: _("%(who)s reviewed “%(what)s”."),
    Notice.Kind.REACTION: _reaction,
    Notice.Kind.FOLLOWER: lambda notice: ngettext(
        "%(who)s follows you.", "%(who)s follow you.", max(1, notice.actor_count)
    ),
    Notice.Kind.VERSION: lambda notice: _("%(who)s published %(name)s of “%(what)s”."),
    Notice.Kind.MODEL: lambda notice: _("%(who)s published the model “%(what)s”."),
    Notice.Kind.POST: lambda notice: _("%(who)s posted “%(what)s”."),
    Notice.Kind.COLLECTED: lambda notice: _("%(who)s added to the collection “%(what)s”."),
    Notice.Kind.TOPIC: lambda notice: _("%(who)s began the topic “%(what)s”."),
    Notice.Kind.FILE_BLOCKED: lambda notice: _("%(name)s of “%(what)s” is no longer served: new rules block it."),
    Notice.Kind.PREVIEW: _preview,
    Notice.Kind.RENDER: lambda notice: _("A render is done: %(name)s"),
    Notice.Kind.DECISION: _decision,
}
