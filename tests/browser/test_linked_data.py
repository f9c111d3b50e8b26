"""Data for programs inside pages, in Chromium under the pages' own content policy; and the links to feeds."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from django.db import transaction

from community.services.topics import begin_topic
from gallery.services.collecting import add_to_collection, create_collection
from registry.models import RegisteredModel
from tests.browser.axe import serious_in_both_themes
from tests.factories import UserFactory
from tests.gallery.rows import first, posted
from tests.registry.search.rows import public_model

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

HOSTILE = "</script><script>document.title = 'taken'</script><!-- <script> & ]]>"
WIDTHS = (1440, 800, 360)
# Where pictures of the pages go, for people who want to see them.
_PICTURES = os.environ.get("FEED_PICTURES", "")
_BLOCKS = "Array.from(document.querySelectorAll('script[type=\"application/ld+json\"]'), one => one.textContent)"
_WATCH = """
window.refused = [];
document.addEventListener("securitypolicyviolation", event => window.refused.push(event.violatedDirective));
"""


@pytest.fixture
def pages() -> dict[str, str]:
    mira = UserFactory(username="mira", display_name=HOSTILE[:80], about=HOSTILE)
    with transaction.atomic():
        model = public_model("Tidewater", owner=mira, name="tidewater", tags=["ink"], description=HOSTILE)
    image = first(posted(mira, title=HOSTILE, tags=["ink"]))
    collection = create_collection("Ink and wash", HOSTILE, "public", by=mira)
    for subject in (RegisteredModel.objects.get(pk=model.pk).subject, image.subject):
        add_to_collection(collection, subject, by=mira)
    return {
        "model": model.get_absolute_url(),
        "image": image.get_absolute_url(),
        "person": mira.get_absolute_url(),
        "topic": begin_topic(HOSTILE, HOSTILE, ["ink"], by=mira).get_absolute_url(),
        "collection": collection.get_absolute_url(),
        "models": "/models?tag=ink",
        "images": "/images?tag=ink",
        "topics": "/discuss?tag=ink",
    }


def test_linked_data_is_read_as_data_and_refused_by_no_policy(open_window, pages):
    page = open_window()
    page.add_init_script(_WATCH)
    for name in ("model", "image", "person", "topic"):
        answer = page.goto(pages[name])

        assert "script-src" in answer.headers["content-security-policy"]
        [block] = page.evaluate(_BLOCKS)
        assert HOSTILE[:40] in json.dumps(json.loads(block), ensure_ascii=False), name
        assert page.evaluate("window.refused") == [], name
        assert page.title() != "taken", name


def test_links_to_feeds_are_seen_and_lead_to_them(open_window, pages):
    for name in ("models", "images", "topics", "model", "person", "collection"):
        page = open_window(width=360)
        page.goto(pages[name])
        link = page.get_by_role("link", name="Feed", exact=True)

        box = link.bounding_box()
        answer = page.request.get(link.get_attribute("href"))

        assert box["height"] >= 24, name
        assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
        declared = page.evaluate("document.querySelector('link[type=\"application/atom+xml\"]').getAttribute('href')")
        assert declared == link.get_attribute("href"), name


def test_pages_with_a_feed_are_fit_for_everybody(open_window, pages):
    faults = []
    for name in ("models", "images", "topics", "model", "person", "collection"):
        page = open_window()
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(pages[name])
            wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            faults += [f"{name}: {wider} px too wide at {width}"] if wider > 0 else []
            for theme in ("light", "dark") if _PICTURES else ():
                page.emulate_media(color_scheme=theme)
                page.screenshot(path=Path(_PICTURES) / f"{name}-{width}-{theme}.png")
        faults += serious_in_both_themes(page, name)

    assert faults == []
