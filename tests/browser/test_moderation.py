"""The moderators' queue in Chromium: by keys alone, fit for everybody, and as wide as the window."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from community.models import Appeal, Case, Decision
from community.services.appealing import appeal
from community.services.deciding import Act, Order, decide
from community.services.discussion import post_comment
from community.services.reporting import report
from community.services.topics import begin_topic
from tests.browser.axe import serious_in_both_themes
from tests.factories import ModeratorFactory, UserFactory
from tests.gallery.rows import first, posted
from tests.gallery.test_moderation import scene

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDTHS = (1440, 800, 360)
PICTURES = os.environ.get("MODERATION_PICTURES", "")


@pytest.fixture
def moderator(db):
    return ModeratorFactory(username="warden", browsing_level=31)


@pytest.fixture
def waiting(db):
    """Two topics, a comment, and three copies of a picture, one of which nobody has reported."""
    topics = [begin_topic(title, "Cheap.", by=UserFactory()) for title in ("Buy my lamp", "Buy two lamps")]
    for topic in topics:
        report(topic.subject, "spam", by=UserFactory(), text="The same in every thread.")
    comment = post_comment(topics[0].subject, "An insult", by=UserFactory())
    report(topics[0].subject, "other", by=UserFactory(), comment=comment)
    images = [first(posted(None, scene(1, quality=quality))) for quality in (0, 80, 60)]
    for image in images[:2]:
        report(image.subject, "stolen", by=UserFactory(), text="Taken from my page.")
    return topics, images


def decide_by_key(page: Page) -> None:
    """Press Enter and wait for the next page: the one before says "Decided." too."""
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_text("Decided.")).to_be_visible()


def test_cases_are_decided_without_a_mouse(open_window, moderator, waiting):
    (lamp, lamps), _images = waiting
    page = open_window(user=moderator)
    page.goto(reverse("community:moderation"))

    page.keyboard.press("j")
    page.keyboard.press("3")
    expect(page.locator("[data-case]").first.locator("input[value=remove]")).to_be_checked()
    decide_by_key(page)
    assert Decision.objects.get().subject == lamp.subject
    assert Decision.objects.get().act == "remove"

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("1")
    decide_by_key(page)
    assert Decision.objects.latest("pk").subject == lamps.subject

    page.keyboard.press("?")
    expect(page.get_by_text("In the queue: the next case, the one before")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(page).to_have_url(re.compile("/discuss/|/images/"))
    assert Case.objects.open().count() == 3


def test_copies_are_decided_with_the_one_that_was_reported(open_window, moderator, waiting):
    _topics, images = waiting
    page = open_window(user=moderator)
    page.goto(f"{reverse('community:moderation')}?kind=image")

    expect(page.locator("[data-case]")).to_have_count(1)
    page.get_by_label("Remove").check()
    page.get_by_role("button", name="Decide").click()

    expect(page.get_by_text("Decided 2 things.")).to_be_visible()
    assert [first(image.post).state for image in images] == ["removed", "removed", "visible"]


def test_a_field_keeps_its_keys(open_window, moderator, waiting):
    page = open_window(user=moderator)
    page.goto(reverse("community:moderation"))

    page.get_by_label("Reason").first.fill("")
    page.get_by_label("Reason").first.press_sequentially("j3k")

    expect(page.get_by_label("Reason").first).to_have_value("j3k")


def test_every_page_is_fit_for_everybody(open_window, moderator, waiting):
    (lamp, _lamps), images = waiting
    owner = UserFactory()
    mine = begin_topic("Mine", by=owner)
    decision = decide(mine.subject, Order(Act.REMOVE, rule="spam", evidence="x"), by=ModeratorFactory())
    appeal(decision, by=owner, text="It is no advertising.")
    decide(images[2].subject, Order(Act.REMOVE, rule="stolen", block=True), by=moderator)
    pages = {
        "queue": (moderator, reverse("community:moderation")),
        "case": (moderator, reverse("community:moderation-case", args=[Case.objects.filter(comment=None).first().pk])),
        "thing": (moderator, reverse("community:moderation-thing", args=[images[2].subject_id])),
        "block list": (moderator, reverse("community:moderation-blocked")),
        "log": (None, reverse("community:moderation-log")),
        "decision, for its owner": (owner, decision.get_absolute_url()),
        "decision, for a moderator": (moderator, decision.get_absolute_url()),
        "report": (UserFactory(), reverse("community:report", args=[lamp.subject_id])),
        "topic": (UserFactory(), lamp.get_absolute_url()),
    }
    faults = []
    for name, (person, address) in pages.items():
        page = open_window(user=person)
        page.goto(address)
        faults += serious_in_both_themes(page, name)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if wider > 0:
                faults.append(f"{name}: {wider} px too wide at {width}")
            _keep(page, f"{name}-{width}")
    assert faults == []
    assert Appeal.objects.get().state == "open"


def _keep(page, name: str) -> None:
    """For people who want to see the pages: MODERATION_PICTURES=/tmp/pictures."""
    if not PICTURES:
        return
    for theme in ("dark", "light"):
        page.emulate_media(color_scheme=theme)
        page.screenshot(path=Path(PICTURES) / f"{name}-{theme}.png", full_page=True)
