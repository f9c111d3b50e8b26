"""Reviews: one a person and version, never of one's own work, with totals that stay right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from community.errors import Conflict, InvalidInput, NotAllowed
from community.models import Notice, Subject, User, Viewer
from community.services.deciding import Act, Order, decide
from community.services.following import hidden_by, name_of
from community.services.limits import check_rate
from community.services.mentions import mentioned_people, names_of, tell_mentioned
from community.services.notifications import notify
from community.services.paging import Page, keyset_page
from registry.models import ModelVersion, Review
from registry.policies import is_public
from registry.services.wording import clean_reason, clean_text

MAX_TEXT: Final = 10_000
MAX_PICTURES: Final = 12
PAGE_SIZE: Final = 20
_NOBODY: Final = AnonymousUser()


@transaction.atomic
def review_version(
    version: ModelVersion, *, recommended: bool, text: str = "", pictures: Sequence[int] = (), by: User
) -> Review:
    """Say whether one recommends a version, and why; saying it again changes what one said.

    `pictures` are subjects of images that `by` has posted to this version. Raises NotAllowed for one's own work,
    Conflict for a version that is not public and for a review that a moderator removed, InvalidInput (recommended,
    text, pictures), RateLimited.
    """
    if version.model.owner_id == by.pk:
        raise NotAllowed(_("Your own work is for others to review."), code="own_work")
    if not is_public(version):
        raise Conflict(_("Only published versions are reviewed."), code="not_published")
    if not isinstance(recommended, bool):
        raise InvalidInput(_("Say whether you recommend it."), field="recommended")
    text = clean_text(text, "text", most=MAX_TEXT).replace("\r\n", "\n").strip()
    shown = _pictures(version, pictures, by)
    check_rate("comment", f"user:{by.pk}")
    mentioned = mentioned_people(text)
    review = _write(version, recommended, text, names_of(mentioned), by)
    review.pictures.set(shown)
    _tell(review, mentioned)
    return review


def _write(version: ModelVersion, recommended: bool, text: str, mentions: list[str], by: User) -> Review:
    """The row, and the totals in the transaction that writes it."""
    said = {"recommended": recommended, "text": text, "mentions": mentions}
    try:
        with transaction.atomic():
            review = Review.objects.create(version=version, author=by, **said)
    except IntegrityError:  # there is one: this changes it
        review = Review.objects.select_for_update(of=("self",)).get(version=version, author=by)
        if not review.stands:
            detail = _("A moderator removed your review.") if review.removed_at else _("Moderators hold your review.")
            raise Conflict(detail, code="review_removed") from None
        count_reviews(version, 0, int(recommended) - int(review.recommended))
        for name, value in said.items():
            setattr(review, name, value)
        review.edited_at = timezone.now()
        review.save(update_fields=[*said, "edited_at"])
    else:
        count_reviews(version, 1, int(recommended))
    review.version = version
    return review


def count_reviews(version: ModelVersion, reviews: int, recommended: int) -> None:
    """Add to a version's totals, in the transaction that changes the reviews."""
    if reviews or recommended:
        ModelVersion.objects.filter(pk=version.pk).update(
            review_count=F("review_count") + reviews, recommended_count=F("recommended_count") + recommended
        )


def _pictures(version: ModelVersion, ids: Sequence[int], by: User) -> list[Subject]:
    wanted = set(ids)
    if len(wanted) > MAX_PICTURES:
        raise InvalidInput(_("At most %(most)d pictures are possible.") % {"most": MAX_PICTURES}, field="pictures")
    if not wanted:
        return []
    found = [subject for subject in own_pictures(version, by) if subject.pk in wanted]
    if len(found) < len(wanted):
        raise InvalidInput(_("Choose pictures that you have posted to this version."), field="pictures")
    return found


def own_pictures(version: ModelVersion, person: Viewer) -> list[Subject]:
    """What somebody has posted to a version and may show with a review (`settings.REVIEW_PICTURES`)."""
    if not settings.REVIEW_PICTURES or not person.is_authenticated:
        return []
    return import_string(settings.REVIEW_PICTURES)(version, person)


def _tell(review: Review, mentioned: Sequence[User]) -> None:
    model = review.version.model
    event = f"review:{review.pk}"
    notify(
        Notice.Kind.REVIEW,
        to=[model.owner],
        subject=model.subject,
        actor=review.author,
        params={"address": _place(review)},
        event=event,
    )
    tell_mentioned(mentioned, subject=model.subject, by=review.author, address=_place(review), event=event)


def _place(review: Review) -> str:
    return f"{review.version.get_absolute_url()}#review-{review.pk}"


@transaction.atomic
def delete_review(review: Review, *, by: User) -> None:
    """Take one's own review back. Twice changes nothing. Raises NotAllowed."""
    if review.author_id != by.pk:
        raise NotAllowed(_("This is somebody else's review."))
    held = Review.objects.select_for_update(of=("self",)).filter(pk=review.pk).first()
    if held is None:
        return
    if held.stands:
        count_reviews(held.version, -1, -int(held.recommended))
    Subject.objects.filter(pk=held.subject_id).delete()
    held.delete()


def remove_review(review: Review, reason: str, *, by: User) -> None:
    """A moderator takes a review down: it is shown and counted no more, and its author is told why.

    Twice changes nothing. Raises NotAllowed, InvalidInput (reason).
    """
    if not by.is_moderator:
        raise NotAllowed(_("Only moderators remove reviews."))
    reason = clean_reason(reason)
    if Review.objects.filter(pk=review.pk, removed_at=None).exists():
        decide(subject_of_review(review), Order(Act.REMOVE, reason=reason), by=by)


@transaction.atomic
def subject_of_review(review: Review) -> Subject:
    """The subject of a review, made when it is first needed: for reports and decisions."""
    rows = Review.objects.select_for_update(no_key=True, of=("self",))
    held = rows.select_related("version__model__subject", "subject__owner", "author").get(pk=review.pk)
    if held.subject is None:
        model = held.version.model
        held.subject = Subject.objects.create(
            owner=held.author,
            kind="review",
            title=f"{model.title} {held.version.name}"[:200],
            address=held.get_absolute_url(),
            is_public=held.stands and is_public(held.version),
            rating=model.subject.rating,
            comments_open=False,
        )
        held.save(update_fields=["subject"])
    return held.subject


def review_subject(name: str, viewer: Viewer) -> Subject | None:
    """For `settings.SUBJECT_FINDERS`: the subject of the review with this number, for somebody who is signed in."""
    if not (name.isascii() and name.isdigit() and len(name) < 19 and viewer.is_authenticated):
        return None
    review = Review.objects.readable_by(viewer).filter(pk=int(name)).first()
    return subject_of_review(review) if review else None


def pictures_named(version: ModelVersion, images: Sequence[int], by: User) -> list[int]:
    """The subjects of these images of one's own, by their numbers. Raises InvalidInput (pictures)."""
    own = {name_of(subject)[1]: subject.pk for subject in own_pictures(version, by)} if images else {}
    if any(str(number) not in own for number in images):
        raise InvalidInput(_("Choose pictures that you have posted to this version."), field="pictures")
    return [own[str(number)] for number in images]


def reviews_page(
    version: ModelVersion, *, viewer: Viewer = _NOBODY, cursor: str = "", size: int = PAGE_SIZE
) -> Page[Review]:
    """Standing reviews of a version, newest first, without those of people whom `viewer` hides.

    Raises InvalidInput (cursor).
    """
    rows = version.reviews.standing().exclude(author__in=hidden_by(viewer).owners)
    rows = rows.select_related("author").prefetch_related("pictures")
    return keyset_page(rows, ("-created_at", "-pk"), cursor=cursor, size=size)


def review_of(version: ModelVersion, person: Viewer) -> Review | None:
    """What somebody has said of a version; None for nobody's and for one that was removed."""
    if not person.is_authenticated:
        return None
    return version.reviews.standing().prefetch_related("pictures").filter(author=person).first()
