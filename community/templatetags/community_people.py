"""What pages ask about people, what they follow and hide, how they react, and the site's way in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.urls import reverse

from community.models import Reaction, Subject, User
from community.services import accounts, notifications
from community.services.following import Standing, standing_of
from community.services.reacting import reactions_by

register = template.Library()


@register.filter
def may_invite(person: User | AnonymousUser) -> bool:
    """Whether this person may let others in."""
    return person.is_authenticated and accounts.may_invite(person)


@register.simple_tag
def mail_is_sent() -> bool:
    """Whether mail leaves this machine. If not, it lies in the data folder, and pages say so."""
    return settings.MAIL_IS_SENT


@register.simple_tag(takes_context=True)
def unread_notices(context: Mapping[str, Any]) -> str:
    """How many notices wait for who reads the page, as the bar says it; empty where none does."""
    user = context.get("user")
    if user is None or not user.is_authenticated:
        return ""
    count = notifications.unread_count(user)
    return f"{notifications.COUNTED}+" if count > notifications.COUNTED else str(count or "")


@register.inclusion_tag("components/follow.html", takes_context=True)
def follow_buttons(context: Mapping[str, Any], kind: str, thing: str, subject: Subject | None) -> dict[str, Any]:
    """Buttons to follow and to hide what `/follows/{kind}/{thing}` names. One query for those who are signed in.

    `subject` may be None for a tag or a person whom nobody has followed or hidden yet.
    """
    user, request = context["user"], context["request"]
    oneself = subject is not None and subject.kind == "person" and subject.owner_id == user.pk
    own = subject is not None and subject.owner_id == user.pk
    return {
        "report_url": "" if own or kind == "tags" else reverse("community:report-named", args=[kind, thing]),
        "oneself": oneself or (kind == "people" and user.is_authenticated and user.username == thing),
        "signed_in": user.is_authenticated,
        "standing": standing_of(subject, user) if subject else Standing(),
        "count": subject.follower_count if subject else 0,
        "follow_url": reverse("community:follow", args=[kind, thing]),
        "mute_url": reverse("community:mute", args=[kind, thing]),
        "name": subject.title if subject else thing,
        "next": request.get_full_path(),
        "csrf_token": context.get("csrf_token"),
    }


@register.inclusion_tag("components/follow.html", takes_context=True)
def follow_person(context: Mapping[str, Any], person: User) -> dict[str, Any]:
    """The button alone that follows somebody, beside their name. Two queries for those who are signed in."""
    subject = Subject.objects.filter(kind="person", owner=person).first()
    return {**follow_buttons(context, "people", person.username, subject), "report_url": "", "alone": True}


@register.inclusion_tag("components/hide.html", takes_context=True)
def hide_button(context: Mapping[str, Any], kind: str, thing: Any, subject: Subject) -> dict[str, Any]:
    """The button alone that hides a thing which is not followed, for those who are signed in. One query."""
    return {
        "standing": standing_of(subject, context["user"]),
        "mute_url": reverse("community:mute", args=[kind, thing]),
        "name": subject.title,
        "next": context["request"].get_full_path(),
        "csrf_token": context.get("csrf_token"),
    }


@register.inclusion_tag("components/card_acts.html")
def card_acts(subject: Subject, mine: Mapping[int, frozenset[str]] | None = None) -> dict[str, Any]:
    """On a card: like it, save it. The page holds `components/card_form.html` once, whose form the buttons send."""
    given = Reaction.Kind.LIKE in (mine or {}).get(subject.pk, frozenset())
    return {"subject": subject, "given": given, "signed_in": mine is not None}


@register.simple_tag(takes_context=True)
def liked(context: Mapping[str, Any], cards: Iterable[Any]) -> Mapping[int, frozenset[str]] | None:
    """How whoever reads reacted to what these cards show, for `card_acts`; None for those who are not signed in.

    A card has an `image` or a `model`, which has a subject. One query.
    """
    user = context.get("user")
    if user is None or not user.is_authenticated:
        return None
    return reactions_by(user, [(getattr(card, "image", None) or card.model).subject_id for card in cards])


@register.inclusion_tag("components/reactions.html", takes_context=True)
def reactions(
    context: Mapping[str, Any], subject: Subject, mine: Mapping[int, frozenset[str]] | None = None
) -> dict[str, Any]:
    """Buttons of reactions to an image or a model, with their counts.

    A list gives `mine` (`reactions_by` of all its subjects); without it one query asks for this subject alone.
    """
    user, request = context["user"], context["request"]
    if mine is None:
        mine = reactions_by(user, [subject.pk])
    choices = reaction_choices(subject, mine, request.get_full_path())
    return {**choices, "user": user, "csrf_token": context.get("csrf_token")}


def reaction_choices(subject: Subject, mine: Mapping[int, frozenset[str]], following_page: str) -> dict[str, Any]:
    """What `components/reactions.html` draws."""
    given = mine.get(subject.pk, frozenset())
    choices = [
        {
            "kind": kind.value,
            "label": kind.label,
            "count": getattr(subject, f"{kind.value}_count"),
            "given": kind.value in given,
        }
        for kind in Reaction.Kind
    ]
    return {"subject": subject, "choices": choices, "next": following_page}
