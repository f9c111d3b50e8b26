"""Pages by which order is kept, in Chromium: fit for everybody, and what a person does on them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from community.models import Appeal
from community.ratings import Rating
from community.services.closing import closed_address
from community.services.deciding import Act, Order, decide
from community.services.following import subject_of_person
from community.services.reporting import report
from gallery.services.collecting import add_to_collection, create_collection
from registry.services.catalog import edit_model
from registry.services.reviewing import review_version, subject_of_review
from tests.browser.axe import serious_in_both_themes
from tests.browser.scene import make_scene
from tests.browser.test_look import WIDTHS
from tests.factories import ModeratorFactory, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# Where pictures of the pages go, for people who want to see them: ORDER_PICTURES=/tmp/order.
_PICTURES = os.environ.get("ORDER_PICTURES", "")


@pytest.fixture
def site():
    return make_scene()


def _pages(site, closed) -> dict[str, tuple[str, object]]:
    held, standing = (
        review_version(site.version, recommended=False, text=text, by=UserFactory(username=name))
        for name, text in (("ozan.b", "Buy my **lamp** instead."), ("zoe", "Good."))
    )
    decided = decide(subject_of_review(held), Order(Act.HOLD, rule="spam"), by=site.moderator)
    report(subject_of_review(standing), "spam", by=UserFactory(), text="An advertisement.")
    unlisted = create_collection("Lanterns", "", "unlisted", by=site.author)
    path = [site.author.username, site.model.name]
    return {
        "held review, its author": (held.get_absolute_url(), held.author),
        "review": (standing.get_absolute_url(), site.visitor),
        "reviewed model": (site.model.get_absolute_url(), site.visitor),
        "decide about a review": (reverse("community:moderation-thing", args=[decided.subject_id]), site.moderator),
        "queue with a review": (reverse("community:moderation"), site.moderator),
        "unlisted collection": (unlisted.get_absolute_url(), site.visitor),
        "report of it": (reverse("community:report-named", args=["collections", unlisted.code]), site.visitor),
        "edit a model": (reverse("registry:model-edit", args=path), site.author),
        "upload": (reverse("registry:upload"), site.author),
        "models": (reverse("registry:models"), site.moderator),
        "closed account": (closed_address(closed), None),
    }


def test_every_page_is_fit_for_everybody(open_window, site):
    closed = UserFactory(username="quay.z")
    decide(subject_of_person(closed), Order(Act.REMOVE, rule="spam", reason="Spam."), by=ModeratorFactory())
    closed.refresh_from_db()
    edit_model(site.model, by=site.author, declared_rating=Rating.R)
    for person in (site.author, site.visitor, site.moderator):
        person.browsing_level = 31
        person.save()
    pages, faults, windows = _pages(site, closed), [], {}
    for name, (address, user) in pages.items():
        page = windows[user] if user in windows else windows.setdefault(user, open_window(user=user))
        page.goto(address, wait_until="networkidle")
        faults += serious_in_both_themes(page, name)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if wider > 0:
                faults.append(f"{name} at {width}: {wider} px too wide")
            if _PICTURES:
                page.screenshot(path=Path(_PICTURES) / f"{name}, {width}.png", full_page=width != 800)
        if _PICTURES:
            page.emulate_media(color_scheme="light")
            page.screenshot(path=Path(_PICTURES) / f"{name}, light.png", full_page=True)
            page.emulate_media(color_scheme="dark")

    assert faults == []


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_whose_account_is_closed_reads_why_and_appeals(open_window, scripts):
    person = UserFactory(username="mira")
    decide(subject_of_person(person), Order(Act.REMOVE, rule="spam", reason="Spam."), by=ModeratorFactory())
    page = open_window(scripts=scripts)
    page.goto(reverse("account_login"))
    page.get_by_label("User name or e-mail address").fill("mira")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Spam.")).to_be_visible()

    page.get_by_label("What the moderators should know").fill("It was not me.")
    page.get_by_role("button", name="Appeal").click()

    expect(page.get_by_text("It was not me.")).to_be_visible()
    expect(page.get_by_role("button", name="Appeal")).to_have_count(0)
    assert Appeal.objects.get().text == "It was not me."
    page.goto(reverse("community:settings"))
    expect(page).to_have_url(re.compile(reverse("account_login")))


@pytest.mark.parametrize("visibility", ["unlisted", "private"])
def test_forms_of_a_collection_that_is_not_public_are_taken(open_window, site, visibility):
    """A page that kept its address from the site itself would send forms of no origin, and those are refused."""
    collection = create_collection("Lanterns", "", visibility, by=site.author)
    add_to_collection(collection, site.model.subject, by=site.author)
    page = open_window(user=site.author)
    page.goto(collection.get_absolute_url())

    page.get_by_role("button", name=re.compile("^Take out")).click()

    expect(page.get_by_role("button", name=re.compile("^Take out"))).to_have_count(0)
    assert not collection.items.exists()
