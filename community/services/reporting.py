"""Reports: people say that a thing breaks a rule, or the site itself found a reason to look."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from community.errors import Conflict, InvalidInput
from community.models import Case, Comment, Report, Subject, User, Viewer
from community.rules import RULES
from community.services.following import find_subject
from community.services.limits import check_rate
from community.services.texts import clean_text

MAX_TEXT: Final = 1_000


@transaction.atomic
def report(subject: Subject, rule: str, *, by: User, comment: Comment | None = None, text: str = "") -> Report:
    """Tell the moderators that a thing `by` may see, or a comment under it, breaks a rule.

    One open report a person and thing: reporting again changes it. Raises InvalidInput (rule, text), Conflict for
    one's own, for what has no moderation or is gone, RateLimited.
    """
    rule = clean_rule(rule)
    text = clean_text(text, "text", most=MAX_TEXT).replace("\r\n", "\n").strip()
    if not is_reportable(subject) or (comment is not None and not comment.stands):
        raise Conflict(_("This cannot be reported."), code="not_reportable")
    if (comment.author_id if comment else subject.owner_id) == by.pk:
        raise Conflict(_("This is your own. You can change or delete it."), code="own_work")
    check_rate("report", f"user:{by.pk}")
    case = open_case(subject, comment)
    made, is_new = Report.objects.update_or_create(case=case, reporter=by, defaults={"rule": rule, "text": text})
    if is_new:
        Case.objects.filter(pk=case.pk).update(report_count=F("report_count") + 1)
    return made


def report_by_site(subject: Subject, rule: str, *, source: str, text: str, details: Mapping[str, Any]) -> Report:
    """Put a thing into the queue because the site itself found something. Once a source while the case is open.

    Only people's reports are counted. Call it in the transaction that found it, which may hold the thing: so the case
    is not held here, for whoever decides one holds the case first and the thing after it.
    """
    case, _made = Case.objects.get_or_create(subject=subject, comment=None, closed_at=None)
    made, _new = Report.objects.update_or_create(
        case=case, source=source, reporter=None, defaults={"rule": rule, "text": text, "details": dict(details)}
    )
    return made


def open_case(subject: Subject, comment: Comment | None) -> Case:
    """The open case of a thing, held until the transaction ends, so that nobody decides it meanwhile.

    Call it before anything else is held.
    """
    while True:  # again only where it was decided between the two
        case, _made = Case.objects.get_or_create(subject=subject, comment=comment, closed_at=None)
        held = Case.objects.open().select_for_update(no_key=True, of=("self",)).filter(pk=case.pk).first()
        if held is not None:
            return held


def is_reportable(subject: Subject) -> bool:
    """Whether moderators can decide about things of its kind (`settings.MODERATION_HANDLERS`)."""
    return subject.kind in settings.MODERATION_HANDLERS


def find_reported(kind: str, name: str, viewer: Viewer) -> Subject | None:
    """What somebody means to report, as far as they can open it: as `find_subject` finds it, or by its address alone
    where the room that it belongs to says so (`settings.REPORT_FINDERS`).
    """
    if "\0" in name:
        return None
    path = settings.REPORT_FINDERS.get(kind)
    if path is None:
        return find_subject(kind, name, viewer)
    finder: Callable[[str, Viewer], Subject | None] = import_string(path)
    return finder(name, viewer)


def clean_rule(rule: str) -> str:
    """Raises InvalidInput that names the rules there are."""
    if rule not in RULES:
        raise InvalidInput(_("Choose one of: %(known)s.") % {"known": ", ".join(RULES)}, field="rule")
    return rule
