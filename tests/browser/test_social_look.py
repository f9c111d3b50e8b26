"""What people do with each other, in Chromium: pages fit for everybody, a like by key, talk and notices by keyboard."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from community.models import User
from community.services.discussion import post_comment
from community.services.following import find_subject, follow, hide, subject_of_person
from community.services.reacting import react
from community.services.topics import begin_topic
from gallery.services.collecting import add_to_collection, create_collection
from registry.services.reviewing import review_version
from tests.browser.axe import serious_in_both_themes
from tests.browser.scene import make_scene
from tests.browser.test_look import MOST_SHIFT, WIDTHS, layout_shift
from tests.factories import UserFactory
from tests.gallery.rows import first, posted

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# Where pictures of the pages go, for people who want to see them: SOCIAL_PICTURES=/tmp/social.
_PICTURES = os.environ.get("SOCIAL_PICTURES", "")


class Site:
    """The site of `make_scene`, with people who have something to say to each other."""

    def __init__(self) -> None:
        self.scene = make_scene()
        self.person: User = self.scene.author
        self.model, self.version = self.scene.model, self.scene.version
        self.image = first(posted(self.person, title="Harbour at night", tags=["ink"]))
        other = posted(UserFactory(username="someone-with-a-name-of-many-letters-that-goes-on"), tags=["ink"])
        self._people()
        self.collection = create_collection("Lanterns and water", "For **later**.", "public", by=self.person)
        for subject in (self.model.subject, self.image.subject, first(other).subject):
            add_to_collection(self.collection, subject, by=self.person)
        self.topic = begin_topic("Which sampler for ink?", "Ask @ozan. `DPM++`?", ["ink", "samplers"], by=self.person)
        begin_topic("x" * 200, "", ["a-tag-that-has-no-blank-in-it-and-goes-on-for-sixty-letters"], by=self.person)
        post_comment(self.topic.subject, "Any, says @mira.k.", by=self.scene.visitor)

    def _people(self) -> None:
        for name in ("zoe", "per", "a-long-name-without-an-end-in-sight-that-nobody-would-ever-type"):
            person = UserFactory(username=name)
            for kind in ("like", "heart"):
                react(self.model.subject, kind, by=person)
                react(self.image.subject, kind, by=person)
            follow(subject_of_person(self.person), by=person)
            review_version(self.version, recommended=name != "per", text=f"Says {name}.", by=person)
        follow(self.model.subject, by=self.scene.visitor)
        follow(subject_of_person(self.person), by=self.scene.visitor)
        hide(find_subject("tags", "negative", self.scene.visitor), by=self.scene.visitor)
        follow(find_subject("tags", "ink", self.scene.visitor), by=self.scene.visitor)

    def pages(self) -> dict[str, tuple[str, User | None]]:
        visitor, person = self.scene.visitor, self.person
        return {
            "notices": (reverse("community:notifications"), person),
            "no notices": (reverse("community:notifications"), self.scene.moderator),
            "followed": (reverse("community:follows"), visitor),
            "hidden": (reverse("community:mutes"), visitor),
            "topics": (reverse("community:topics"), visitor),
            "topics of a tag": (reverse("community:topics") + "?tag=ink", visitor),
            "new topic": (reverse("community:topic-new"), visitor),
            "topic": (self.topic.get_absolute_url(), visitor),
            "model": (self.model.get_absolute_url(), visitor),
            "model, nobody": (self.model.get_absolute_url(), None),
            "models of a tag": ("/models?tag=ink", visitor),
            "reviews": (reverse("registry:reviews", args=[self.version.pk]), visitor),
            "review": (reverse("registry:review", args=[self.version.pk]), visitor),
            "person": (self.person.get_absolute_url(), visitor),
            "image": (self.image.get_absolute_url(), visitor),
            "images": (reverse("gallery:images"), visitor),
            "first page": ("/", visitor),
            "collection": (self.collection.get_absolute_url(), visitor),
            "own collection": (self.collection.get_absolute_url(), person),
            "own collections": (reverse("gallery:collections"), person),
            "save": (reverse("gallery:collect", args=[self.model.subject_id]), person),
        }


@pytest.fixture
def site() -> Site:
    return Site()


def test_every_page_is_fit_for_everybody(open_window, site):
    pages = site.pages()
    windows = {user: open_window(user=user) for user in {user for _address, user in pages.values()}}
    faults = []
    for name, (address, user) in pages.items():
        page = windows[user]
        page.goto(address, wait_until="networkidle")
        if (shift := layout_shift(page)) > MOST_SHIFT:
            faults.append(f"{name}: shifts by {shift:.3f}")
        faults += serious_in_both_themes(page, name)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if wider > 0:
                faults.append(f"{name} at {width}: {wider} px too wide")
            if _PICTURES:
                page.screenshot(path=Path(_PICTURES) / f"{name}, {width}.png", full_page=width != 800)
        page.set_viewport_size({"width": 1440, "height": 1000})

    assert faults == []


def test_the_key_f_likes_an_image_and_likes_it_no_longer(open_window, site):
    page = open_window(user=site.scene.visitor)
    page.goto(site.image.get_absolute_url())
    like = page.locator("[data-key=f]")

    page.keyboard.press("f")
    expect(like).to_have_attribute("aria-pressed", "true")
    expect(like).to_have_text(re.compile("4"))
    page.keyboard.press("f")

    expect(like).to_have_attribute("aria-pressed", "false")
    expect(like).to_have_text(re.compile("3"))


def test_a_reaction_given_by_keyboard_keeps_the_focus(open_window, site):
    page = open_window(user=site.scene.visitor)
    page.goto(site.image.get_absolute_url())
    heart = page.locator(".reactions").get_by_role("button", name="Heart")

    heart.focus()
    page.keyboard.press("Enter")
    expect(heart).to_have_attribute("aria-pressed", "true")
    expect(heart).to_be_focused()
    page.keyboard.press("Enter")

    expect(heart).to_have_attribute("aria-pressed", "false")


def test_a_card_is_liked_in_its_list(open_window, site):
    page = open_window(user=site.scene.visitor)
    page.goto(reverse("gallery:images"))
    acts = page.locator(".card-acts", has=page.get_by_role("button", name="Harbour at night"))

    acts.get_by_role("button").click()

    expect(acts.get_by_role("button")).to_have_attribute("aria-pressed", "true")
    expect(page).to_have_url(re.compile("/images$"))


def test_notices_are_read_by_keyboard_alone(open_window, site):
    page = open_window(user=site.person)
    page.goto(reverse("community:notifications"))
    unread = page.locator(".notice--unread")
    before = unread.count()

    page.get_by_role("button", name=re.compile("^Read ?:")).first.focus()
    page.keyboard.press("Enter")
    expect(unread).to_have_count(before - 1)
    page.get_by_role("button", name="Mark all as read").focus()
    page.keyboard.press("Enter")

    expect(unread).to_have_count(0)
    expect(page.get_by_role("link", name="Notices", exact=True)).to_be_visible()


def test_all_of_it_works_without_scripts(open_window, site):
    page = open_window(user=site.scene.moderator, scripts=False)
    page.goto(site.image.get_absolute_url())
    page.locator(".reactions").get_by_role("button", name="Heart").click()
    expect(page.locator(".reactions").get_by_role("button", name="Heart")).to_have_attribute("aria-pressed", "true")

    page.goto(reverse("gallery:images"))
    page.get_by_role("button", name="Like Harbour at night").click()
    expect(page.get_by_role("button", name="Like Harbour at night")).to_have_attribute("aria-pressed", "true")

    page.goto(site.person.get_absolute_url())
    page.get_by_role("button", name="Follow mira.k").click()
    expect(page.get_by_role("button", name="Followed")).to_be_visible()
