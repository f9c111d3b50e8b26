"""What pages tell programs: schema.org, and how a link to a page looks elsewhere."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from django.urls import reverse

from community.ratings import Rating
from community.services.topics import begin_topic, remove_topic
from gallery.services.collecting import add_to_collection, create_collection
from registry.models import Review
from tests.factories import (
    ModelVersionFactory,
    ModeratorFactory,
    RegisteredModelFactory,
    UserFactory,
    VersionPreviewFactory,
)
from tests.gallery.rows import INFOTEXT, first, painted, posted, told
from tests.registry.search.rows import public_model

pytestmark = pytest.mark.django_db
HOSTILE = "</script><script>alert(1)</script><!-- & \u2028"


@pytest.fixture
def mira():
    return UserFactory(username="mira", display_name="Mira Kessler", browsing_level=31)


def page_of(client, address, person=None):
    if person is not None:
        client.force_login(person)
    return client.get(address).content.decode()


def linked_in(page):
    """The one block of linked data, parsed; None where there is none."""
    blocks = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    assert len(blocks) <= 1
    return json.loads(blocks[0]) if blocks else None


def shared_in(page):
    return {
        name: unescape(value) for name, value in re.findall(r'<meta property="og:([a-z:_]+)" content="([^"]*)">', page)
    }


def reviewed(version, *opinions):
    for recommended in opinions:
        Review.objects.create(version=version, author=UserFactory(), recommended=recommended)
    version.review_count, version.recommended_count = len(opinions), sum(opinions)
    version.save()


def test_a_model_is_described_with_license_author_downloads_and_reviews(client, mira):
    model = public_model("Tidewater", owner=mira, name="tidewater", tags=["ink"], downloads=7, description=HOSTILE)
    reviewed(model.versions.get(), True, True, False)
    VersionPreviewFactory(version=model.versions.get(), rating=Rating.X, position=0)
    preview = VersionPreviewFactory(version=model.versions.get(), rating=Rating.PG, position=1)

    data = linked_in(page_of(client, "/mira/tidewater"))

    assert (data["@context"], data["@type"], data["name"]) == ("https://schema.org", "SoftwareApplication", "Tidewater")
    assert data["url"] == "http://testserver/mira/tidewater"
    assert data["description"] == " ".join(HOSTILE.split())
    assert data["license"] == "https://creativecommons.org/publicdomain/zero/1.0/"
    assert data["author"] == {"@type": "Person", "name": "Mira Kessler", "url": "http://testserver/mira"}
    assert data["interactionStatistic"]["userInteractionCount"] == 7
    assert data["aggregateRating"]["ratingValue"] == 67
    assert data["aggregateRating"]["ratingCount"] == 3
    assert data["keywords"] == ["ink"]
    assert data["image"] == f"http://testserver{preview.src}"


def test_without_a_review_there_is_no_rating(client, mira):
    public_model("Tidewater", owner=mira, name="tidewater")

    assert "aggregateRating" not in linked_in(page_of(client, "/mira/tidewater"))


def test_what_strangers_do_not_see_of_a_model_its_owners_page_does_not_tell_programs_either(client, mira):
    model = public_model("Tidewater", owner=mira, name="tidewater")
    draft = ModelVersionFactory(model=model, name="v9-secret")
    reviewed(draft, True)

    data = linked_in(page_of(client, "/mira/tidewater", mira))
    of_draft = page_of(client, f"/mira/tidewater?version={draft.pk}", mira)

    assert data["softwareVersion"] != "v9-secret"
    assert "aggregateRating" not in data
    assert linked_in(of_draft) is None
    assert shared_in(of_draft) == {}


def test_an_image_is_described_by_its_address_words_and_author(client, mira):
    model = public_model("Tidewater", owner=mira, name="tidewater")
    image = first(posted(mira, title="Harbor", tags=["ink"], version=model.versions.get()))
    image.alt, image.caption = "A harbor at night", HOSTILE
    image.save()

    page = page_of(client, image.get_absolute_url())
    data = linked_in(page)

    assert (data["@type"], data["contentUrl"]) == ("ImageObject", f"http://testserver{image.original_address}")
    assert (data["caption"], data["description"]) == (HOSTILE, "A harbor at night")
    assert (data["creditText"], data["creator"]["url"]) == ("Mira Kessler", "http://testserver/mira")
    assert (data["width"], data["height"], data["keywords"]) == (64, 96, ["ink"])
    assert shared_in(page)["image"] == f"http://testserver{image.src}"


def test_how_an_image_was_made_is_told_to_nobody_where_its_author_hides_it(client, mira):
    model = public_model("Tidewater", owner=mira, name="tidewater")
    data = told(INFOTEXT.format(model="00"))
    open_one = first(posted(mira, data))
    open_one.resources.create(version=model.versions.get(), kind="lora")
    hidden = first(posted(mira, told(INFOTEXT.format(model="01"))))
    hidden.post.hides_generation = True
    hidden.post.save()
    hidden.resources.create(version=model.versions.get(), kind="lora")

    shown = linked_in(page_of(client, open_one.get_absolute_url(), mira))
    kept = linked_in(page_of(client, hidden.get_absolute_url(), mira))

    assert shown["isBasedOn"] == [f"http://testserver/mira/tidewater?version={model.versions.get().pk}"]
    assert "isBasedOn" not in kept
    assert "lanterns" not in json.dumps(kept)


def test_a_person_is_described(client, mira):
    mira.about = HOSTILE
    mira.save()

    page = page_of(client, "/mira")
    data = linked_in(page)

    assert (data["@type"], data["mainEntity"]["@type"]) == ("ProfilePage", "Person")
    assert (data["mainEntity"]["name"], data["mainEntity"]["alternateName"]) == ("Mira Kessler", "mira")
    assert data["mainEntity"]["description"] == HOSTILE
    assert (shared_in(page)["type"], shared_in(page)["title"]) == ("profile", "Mira Kessler")
    assert "mira@example.org" not in page


def test_a_topic_is_described_until_it_is_removed(client, mira):
    topic = begin_topic("Which sampler?", "For ink.", ["ink"], by=mira)
    data = linked_in(page_of(client, topic.get_absolute_url()))

    remove_topic(topic, "Because.", by=ModeratorFactory())
    removed = page_of(client, topic.get_absolute_url(), mira)

    assert (data["@type"], data["headline"], data["text"]) == ("DiscussionForumPosting", "Which sampler?", "For ink.")
    assert data["commentCount"] == 0
    assert linked_in(removed) is None
    assert shared_in(removed) == {}


def addresses(mira):
    model = public_model("Tidewater", owner=mira, name="tidewater")
    VersionPreviewFactory(version=model.versions.get(), rating=Rating.X)
    post = posted(mira, painted(), painted(), rating=Rating.X)
    collection = create_collection("Mine", by=mira, visibility="public")
    for subject in (model.subject, first(post).subject):
        add_to_collection(collection, subject, by=mira)
    return {
        "model": model.get_absolute_url(),
        "image": first(post).get_absolute_url(),
        "post": post.get_absolute_url(),
        "collection": collection.get_absolute_url(),
        "topic": begin_topic("A topic", by=mira).get_absolute_url(),
        "person": reverse("community:profile", args=["mira"]),
    }


@pytest.mark.parametrize("setting", ["PG", "XXX"])
def test_a_link_never_shows_a_picture_that_is_not_for_all(client, mira, settings, setting):
    """Whoever looks at the page, and whatever the site shows to strangers: a link is seen by anybody."""
    settings.ANONYMOUS_RATING = setting
    found = addresses(mira)

    for person in (None, mira, ModeratorFactory(browsing_level=31)):
        for name, address in found.items():
            page = page_of(client, address, person)
            assert "og:image" not in page, name
            assert name == "image" or "/media/" not in json.dumps(linked_in(page) or {}), name


@pytest.mark.parametrize("state", ["held", "removed"])
def test_a_link_shows_no_picture_that_moderators_took_away(client, mira, state):
    post = posted(mira, painted())
    image = first(post)
    image.state = state
    image.subject.is_public = False
    image.subject.save()
    image.save()

    for address in (image.get_absolute_url(), post.get_absolute_url()):
        assert "og:image" not in page_of(client, address, mira)


def test_links_to_public_things_show_their_first_picture_that_is_for_all(client, mira):
    post = posted(mira, painted())
    image = first(post)
    model = public_model("Tidewater", owner=mira, name="tidewater")
    preview = VersionPreviewFactory(version=model.versions.get(), alt="A tide")
    collection = create_collection("Mine", "What I like", by=mira, visibility="public")
    add_to_collection(collection, model.subject, by=mira)

    shared = [shared_in(page_of(client, thing.get_absolute_url())) for thing in (post, model, collection)]

    assert [card["image"].removeprefix("http://testserver") for card in shared] == [image.src, preview.src, preview.src]
    assert shared[1]["image:alt"] == "A tide"
    assert [card["title"] for card in shared] == [str(post), "Tidewater", "Mine"]


def test_an_unlisted_collection_and_a_draft_say_nothing(client, mira):
    unlisted = create_collection("Mine", by=mira, visibility="unlisted")
    draft = RegisteredModelFactory(owner=mira, name="draft")
    ModelVersionFactory(model=draft)

    for thing in (unlisted, draft):
        page = page_of(client, thing.get_absolute_url(), mira)
        assert shared_in(page) == {}
        assert linked_in(page) is None


def test_where_one_signs_in_to_look_pages_tell_programs_nothing(client, mira, settings):
    settings.LOGIN_TO_LOOK = True

    for name, address in addresses(mira).items():
        page = page_of(client, address, mira)
        assert "ld+json" not in page, name
        assert "og:" not in page, name
        assert "application/atom+xml" not in page, name
