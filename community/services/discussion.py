"""Subjects and what people say under them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from community.errors import Conflict, InvalidInput, NotAllowed
from community.models import Comment, Notice, Subject, Topic, User, Viewer
from community.services.deciding import Act, Order, decide
from community.services.following import hidden_by
from community.services.limits import check_rate
from community.services.mentions import mentioned_people, names_of, tell_mentioned
from community.services.notifications import announce, notify
from community.services.paging import Page, keyset_page

MAX_TEXT = 10_000
MAX_REASON = 500
# Answers are read with the comment that they answer, so one comment's are bounded.
MAX_REPLIES = 200
PAGE_SIZE = 50
_NOBODY: Final = AnonymousUser()
# NUL has no place in PostgreSQL's texts, half a surrogate pair none in UTF-8.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def create_subject(
    owner: User, kind: str, title: str, address: str, *, is_public: bool = False, rating: int = 0
) -> Subject:
    """The talk of a new thing. Its owner's service calls this in the transaction that makes the thing.

    `address` is the thing's path on this site. Raises InvalidInput (title, address).
    """
    _check_subject(title, address)
    return Subject.objects.create(
        owner=owner, kind=kind, title=title, address=address, is_public=is_public, rating=rating
    )


def update_subject(
    subject: Subject,
    *,
    title: str | None = None,
    address: str | None = None,
    is_public: bool | None = None,
    rating: int | None = None,
    comments_open: bool | None = None,
) -> Subject:
    """Say what has become of the thing. What is not given stays. Raises InvalidInput (title, address)."""
    given = {
        "title": title,
        "address": address,
        "is_public": is_public,
        "rating": rating,
        "comments_open": comments_open,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    for name, value in changes.items():
        setattr(subject, name, value)
    _check_subject(subject.title, subject.address)
    if changes:
        subject.save(update_fields=list(changes))  # never the count, which others change meanwhile
    return subject


def _check_subject(title: str, address: str) -> None:
    if not 0 < len(title) <= 200:
        raise InvalidInput(_("A title has 1 to 200 characters."), field="title")
    if not address.startswith("/") or address.startswith("//") or len(address) > 300:
        raise InvalidInput(_("An address is a path on this site of at most 300 characters."), field="address")


def thread_page(
    subject: Subject, *, viewer: Viewer = _NOBODY, cursor: str = "", size: int = PAGE_SIZE
) -> Page[Comment]:
    """Top-level comments first to last, each with its answers and all authors, without what `viewer` hides.

    Raises InvalidInput (cursor).
    """
    rows = subject.comments.for_thread(without=hidden_by(viewer).owners)
    return keyset_page(rows, ("created_at", "pk"), cursor=cursor, size=size)


def hidden_comments(subject: Subject, viewer: Viewer) -> int:
    """How many standing comments of a subject `viewer` does not see, because they hide who wrote them.

    An answer to a hidden comment goes with it. No query where they hide nobody.
    """
    owners = hidden_by(viewer).owners
    if not owners:
        return 0
    gone = Q(author__in=owners) | Q(parent__author__in=owners)
    return subject.comments.standing().filter(gone).count()


@transaction.atomic
def post_comment(subject: Subject, text: str, *, by: User, parent: Comment | None = None) -> Comment:
    """Say something under a subject that `by` may see, or answer a comment there. Threads are one level deep.

    Raises InvalidInput (text, parent), Conflict where talk is closed or the answered words are gone, RateLimited.
    """
    text = _clean_text(text)
    if not subject.comments_open:
        raise Conflict(_("Comments are closed here."), code="comments_closed")
    if parent is not None:
        _check_parent(parent, subject)
    check_rate("comment", f"user:{by.pk}")
    mentioned = mentioned_people(text)
    comment = Comment.objects.create(subject=subject, author=by, parent=parent, text=text, mentions=names_of(mentioned))
    Subject.objects.filter(pk=subject.pk).update(comment_count=F("comment_count") + 1, counts_changed=True)
    Topic.objects.filter(subject=subject).update(spoken_at=comment.created_at)
    _tell_of(comment, mentioned)
    return comment


def _tell_of(comment: Comment, mentioned: Sequence[User]) -> None:
    """Notices of a new comment: one for whoever it answers, the thing's owner and followers, and who is mentioned.

    Nobody gets two: an answer is told as an answer.
    """
    subject, by = comment.subject, comment.author
    told = {"subject": subject, "actor": by, "params": {"address": _place(comment)}, "event": f"comment:{comment.pk}"}
    if comment.parent is not None:
        earlier = User.objects.filter(comments__in=comment.parent.replies.standing()).distinct()
        notify(Notice.Kind.REPLY, to=[comment.parent.author, *earlier], **told)
    if subject.owner is not None:
        notify(Notice.Kind.COMMENT, to=[subject.owner], **told)
    tell_mentioned(mentioned, subject=subject, by=by, address=_place(comment), event=f"comment:{comment.pk}")
    if subject.kind == "topic":
        announce(Notice.Kind.COMMENT, followed=[subject], **told, of_actor=False)


def _place(comment: Comment) -> str:
    return f"{comment.subject.address}#comment-{comment.pk}"


def _clean_text(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise InvalidInput(
            _("A comment has at most %(most)d characters; this one has %(given)d.")
            % {"most": MAX_TEXT, "given": len(text)},
            code="too_long",
            field="text",
        )
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise InvalidInput(_("Write something first."), code="blank", field="text")
    if _UNSTORABLE.search(text):
        raise InvalidInput(_("Text may not hold NUL or half of a surrogate pair."), field="text")
    return text


def _check_parent(parent: Comment, subject: Subject) -> None:
    if parent.subject_id != subject.pk:
        raise InvalidInput(_("The comment that you answer stands elsewhere."), field="parent")
    if parent.parent_id is not None:
        raise InvalidInput(_("Answers have no answers of their own. Answer the first comment."), field="parent")
    if not parent.stands:
        raise Conflict(_("The comment that you answer is gone."), code="parent_gone", field="parent")
    if parent.replies.count() >= MAX_REPLIES:
        raise Conflict(_("This comment has many answers. Begin a new one."), code="too_many_replies", field="parent")


def edit_comment(comment: Comment, text: str, *, by: User) -> Comment:
    """Change one's own words. Raises NotAllowed, InvalidInput (text), Conflict when they are gone, RateLimited."""
    _must_be_author(comment, by)
    text = _clean_text(text)
    if text == comment.text:
        return comment
    check_rate("comment", f"user:{by.pk}")
    now, mentioned, before = timezone.now(), mentioned_people(text), list(comment.mentions)
    changes = {"text": text, "edited_at": now, "mentions": names_of(mentioned)}
    with transaction.atomic():
        if not Comment.objects.standing().filter(pk=comment.pk).update(**changes):
            raise Conflict(_("The comment is gone."), code="comment_gone")
        for name, value in changes.items():
            setattr(comment, name, value)
        # Whoever was told of the comment already is not told again: it is the same event.
        event, place = f"comment:{comment.pk}", _place(comment)
        tell_mentioned(mentioned, subject=comment.subject, by=by, address=place, event=event, before=before)
    return comment


@transaction.atomic
def delete_comment(comment: Comment, *, by: User) -> None:
    """Take one's own words back. They are erased; the place stays, for there may be answers. Twice changes nothing.

    Raises NotAllowed.
    """
    _must_be_author(comment, by)
    if Comment.objects.standing().filter(pk=comment.pk).update(deleted_at=timezone.now(), text=""):
        _count_one_less(comment)


def remove_comment(comment: Comment, reason: str, *, by: User) -> None:
    """A moderator takes somebody's words down. The page says why; the words are kept with the act, as its evidence.

    Removing twice changes nothing. Raises NotAllowed, InvalidInput (reason).
    """
    if not by.is_moderator:
        raise NotAllowed(_("Only moderators remove comments."))
    if comment.stands:
        decide(comment.subject, Order(Act.REMOVE, reason=reason), by=by, comment=comment)


def _must_be_author(comment: Comment, person: User) -> None:
    if comment.author_id != person.pk:
        raise NotAllowed(_("These are somebody else's words."))


def _count_one_less(comment: Comment) -> None:
    Subject.objects.filter(pk=comment.subject_id, comment_count__gt=0).update(
        comment_count=F("comment_count") - 1, counts_changed=True
    )
