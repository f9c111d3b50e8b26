"""How this room's own things are removed and restored (`settings.MODERATION_HANDLERS`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from community.errors import Conflict, NotAllowed
from community.models import Comment, Decision, ModerationAct, Subject, Topic, User
from community.services.closing import write_to_closed
from community.services.deciding import Act, Handler, Order
from community.services.discussion import update_subject

_REMOVED_OR_NOT: Final = frozenset({Act.REMOVE, Act.RESTORE})


def decide_comment(subject: Subject, comment: Comment | None, decision: Decision, order: Order) -> None:
    """Take somebody's words down, or show them again. The words are kept with the act, as its evidence."""
    held = Comment.objects.select_for_update(of=("self",)).select_related("author").filter(pk=comment and comment.pk)
    found = held.first()
    if found is None or found.deleted_at is not None:
        raise Conflict(_("This comment is gone."), code="gone")
    removes = order.act == Act.REMOVE
    if removes == (found.removed_at is not None):
        return
    found.removed_at = timezone.now() if removes else None
    found.removed_by, found.removal_reason = (decision.actor, order.reason) if removes else (None, "")
    found.save(update_fields=["removed_at", "removed_by", "removal_reason"])
    more, fewer = F("comment_count") + 1, F("comment_count") - 1
    counted = Subject.objects.filter(pk=subject.pk)
    counted = counted.filter(comment_count__gt=0) if removes else counted
    counted.update(comment_count=fewer if removes else more, counts_changed=True)
    evidence = {"author": found.author.username, "text": found.text, "address": subject.address}
    _note(decision, f"comment:{found.pk}", evidence)


def decide_topic(subject: Subject, comment: Comment | None, decision: Decision, order: Order) -> None:
    """Take a topic from the public, or give it back. Its author sees it in either case."""
    topic = Topic.objects.select_related("author").filter(subject=subject).first()
    if topic is None:
        raise Conflict(_("This topic is gone."), code="gone")
    shown = order.act == Act.RESTORE
    update_subject(subject, is_public=shown, comments_open=shown)
    _note(decision, f"topic:{topic.pk}", {"author": topic.author.username, "text": topic.text})


def words_of_topics(subjects: Sequence[int]) -> dict[int, str]:
    """For `settings.MODERATION_WORDS`: what topics say, by their subjects."""
    return dict(Topic.objects.filter(subject__in=subjects).values_list("subject_id", "text"))


def decide_person(subject: Subject, comment: Comment | None, decision: Decision, order: Order) -> None:
    """Close somebody's account, or open it again: they cannot sign in, their page is gone, their tokens end to work.
    All that is left to them is to appeal (`community.services.closing`).

    What they made stays until it is decided about. Moderators' accounts are closed by operators alone, an operator's
    by nobody here.
    """
    person = User.objects.select_for_update(no_key=True).get(pk=subject.owner_id)
    if person.role == User.Role.OPERATOR or (person.is_moderator and not decision.actor.is_operator):
        raise NotAllowed(_("Ask an operator to decide about a moderator."), code="needs_operator")
    person.is_active = order.act == Act.RESTORE
    person.save(update_fields=["is_active"])
    update_subject(subject, is_public=person.is_active)
    _note(decision, f"person:{person.pk}", {})
    if not person.is_active:
        write_to_closed(decision)


def _note(decision: Decision, target: str, evidence: dict[str, str]) -> None:
    ModerationAct.objects.create(
        actor=decision.actor,
        act=f"{decision.kind}.{decision.act}",
        target=target,
        title=decision.title,
        rule=decision.rule,
        reason=decision.reason,
        evidence=evidence,
    )


COMMENTS: Final = Handler(_REMOVED_OR_NOT, decide_comment)
TOPICS: Final = Handler(_REMOVED_OR_NOT, decide_topic)
PEOPLE: Final = Handler(_REMOVED_OR_NOT, decide_person)
