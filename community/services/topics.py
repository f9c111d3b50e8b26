"""Topics: talk that belongs to no model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.contrib.postgres.search import SearchVectorField
from django.db import transaction
from django.db.models import Func, Q, Value
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext as _

from community.errors import Conflict, InvalidInput, NotAllowed
from community.models import Comment, Notice, Subject, Topic, TopicSearch, User, Viewer
from community.models.topics import TopicQuerySet
from community.search_rows import Matches
from community.search_text import query_terms, ts_query, vector
from community.services.deciding import Act, Order, decide
from community.services.discussion import create_subject, update_subject
from community.services.following import hidden_by
from community.services.limits import check_rate
from community.services.mentions import mentioned_people, names_of, tell_mentioned
from community.services.notifications import announce
from community.services.paging import Page, keyset_page
from community.services.texts import clean_line, clean_text, clean_words

MAX_TITLE: Final = 200
MAX_TEXT: Final = 10_000
MAX_TAGS: Final = 5
MAX_TAG: Final = 60
PAGE_SIZE: Final = 30
SORTS: Final = {"lively": ("-spoken_at", "-pk"), "newest": ("-created_at", "-pk")}
# So many that a viewer's settings hide are counted.
_COUNTED: Final = 1_000


@transaction.atomic
def begin_topic(title: str, text: str = "", tags: Sequence[str] = (), *, by: User) -> Topic:
    """Begin a topic; followers of its tags and of `by` are told.

    Raises InvalidInput (title, text, tags) and RateLimited.
    """
    title, text, tags = _title(title), _text(text), _tags(tags)
    check_rate("comment", f"user:{by.pk}")
    mentioned = mentioned_people(text)
    subject = create_subject(by, "topic", title, "/discuss", is_public=True)
    topic = Topic.objects.create(
        subject=subject,
        author=by,
        title=title,
        text=text,
        tags=tags,
        mentions=names_of(mentioned),
        spoken_at=timezone.now(),
    )
    update_subject(subject, address=topic.get_absolute_url())
    _write_search_row(topic)
    followed = Subject.objects.filter(kind="tag").alias(low=Lower("title")).filter(low__in=tags)
    announce(Notice.Kind.TOPIC, subject=subject, actor=by, followed=followed, params={}, event=f"topic:{topic.pk}")
    _tell(topic, mentioned, by, before=[])
    return topic


@transaction.atomic
def edit_topic(topic: Topic, title: str, text: str, tags: Sequence[str], *, by: User) -> Topic:
    """Change one's own topic. Raises NotAllowed, InvalidInput (title, text, tags), RateLimited."""
    _must_be_author(topic, by)
    topic.title, topic.text, topic.tags = _title(title), _text(text), _tags(tags)
    check_rate("comment", f"user:{by.pk}")
    mentioned, before = mentioned_people(topic.text), topic.mentions
    topic.mentions, topic.edited_at = names_of(mentioned), timezone.now()
    topic.save(update_fields=["title", "text", "tags", "mentions", "edited_at"])
    update_subject(topic.subject, title=topic.title)
    _write_search_row(topic)
    _tell(topic, mentioned, by, before=before)
    return topic


def _write_search_row(topic: Topic) -> None:
    lexemes = Value(vector([(topic.title, "A"), (topic.text, "B")]))
    words = Func(lexemes, template="%(expressions)s::tsvector", output_field=SearchVectorField())
    TopicSearch.objects.update_or_create(topic=topic, defaults={"words": words})


def reindex_topics() -> int:
    """Write all rows again, one by one (`settings.SEARCH_ROWS`); gives back how many there were."""
    done = 0
    for pk in Topic.objects.order_by("pk").values_list("pk", flat=True).iterator():
        with transaction.atomic():
            topic = Topic.objects.select_for_update(no_key=True, of=("self",)).filter(pk=pk).first()
            if topic is not None:
                _write_search_row(topic)
                done += 1
    return done


def _tell(topic: Topic, mentioned: Sequence[User], by: User, *, before: Sequence[str]) -> None:
    event, address = f"topic:{topic.pk}:mention", topic.get_absolute_url()
    tell_mentioned(mentioned, subject=topic.subject, by=by, address=address, event=event, before=before)


@transaction.atomic
def delete_topic(topic: Topic, *, by: User) -> None:
    """Take one's own topic back, while nobody else has said anything in it.

    Raises NotAllowed, Conflict.
    """
    _must_be_author(topic, by)
    others = Comment.objects.standing().filter(subject=topic.subject_id).exclude(author=by)
    if others.exists():
        raise Conflict(_("Others have answered. Ask a moderator to remove the topic."), code="answered")
    topic.subject.delete()


def remove_topic(topic: Topic, reason: str, *, by: User) -> None:
    """A moderator takes a topic from the public; its author sees why. Twice changes nothing.

    Raises NotAllowed, InvalidInput (reason).
    """
    if not by.is_moderator:
        raise NotAllowed(_("Only moderators remove topics."))
    if Subject.objects.filter(pk=topic.subject_id, is_public=True).exists():
        decide(topic.subject, Order(Act.REMOVE, reason=reason), by=by)


def topics_page(
    viewer: Viewer, *, sort: str = "lively", tag: str = "", words: str = "", cursor: str = "", size: int = PAGE_SIZE
) -> Page[Topic]:
    """Topics that `viewer` sees and does not hide; with `words`, those that say all of them in title or text.

    Raises InvalidInput (sort, cursor).
    """
    if sort not in SORTS:
        known = ", ".join(SORTS)
        raise InvalidInput(_("There is no such order. Known are: %(known)s.") % {"known": known}, field="sort")
    rows = _narrowed(viewer, tag, words).exclude(_hidden(viewer))
    return keyset_page(rows.for_lists(), SORTS[sort], cursor=cursor, size=size)


def hidden_topics(viewer: Viewer, *, tag: str = "", words: str = "") -> int:
    """How many topics of a list the viewer's own settings hide. No query where they hide nothing."""
    if not hidden_by(viewer):
        return 0
    return _narrowed(viewer, tag, words).filter(_hidden(viewer))[:_COUNTED].count()


def _narrowed(viewer: Viewer, tag: str, words: str) -> TopicQuerySet:
    rows = Topic.objects.visible_to(viewer)
    if tag:
        rows = rows.filter(tags__contains=[tag.lower()])
    if not words.strip():
        return rows
    asked = query_terms(words)
    if not asked:
        return rows.none()  # signs and no letters: nothing says so
    return rows.filter(pk__in=TopicSearch.objects.filter(Matches(ts_query(asked))).values("topic"))


def _hidden(viewer: Viewer) -> Q:
    hidden = hidden_by(viewer)
    by_author = Q(author__in=hidden.owners)
    return by_author | Q(subject__in=hidden.subjects) | Q(tags__overlap=sorted(hidden.tags))


def _title(value: str) -> str:
    return clean_line(value, "title", most=MAX_TITLE, required=True)


def _text(value: str) -> str:
    return clean_text(value, "text", most=MAX_TEXT).replace("\r\n", "\n").strip()


def _tags(values: Sequence[str]) -> list[str]:
    return clean_words(values, "tags", most=MAX_TAGS, longest=MAX_TAG)


def _must_be_author(topic: Topic, person: User) -> None:
    if topic.author_id != person.pk:
        raise NotAllowed(_("This is somebody else's topic."))
