"""Pages of images and posts, as each kind of person sees them."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from io import BytesIO

import pytest
from django.urls import reverse
from django.utils import timezone
from PIL import Image as Pixels

from community.ratings import Rating
from gallery.imagemeta.stealth import read_stealth
from gallery.models import Image, ImageSearch, Post
from gallery.services.posting import create_post, edit_image, edit_post
from gallery.services.publishing import delete_post, publish_post
from gallery.services.stripping import strip_original
from gallery.services.sweeping import fold_counts
from registry.services.listing import refresh_listing
from tests.factories import CommentFactory, ModelVersionFactory, ModeratorFactory, RegisteredModelFactory, UserFactory
from tests.gallery.pictures import png, stealth
from tests.gallery.rows import INFOTEXT, drafted, first, painted, posted, prepared, told
from tests.registry.pictures.build import saved

pytestmark = pytest.mark.django_db
SECRET = "Zmyslenie"


@pytest.fixture
def owner():
    return UserFactory(username="mira", browsing_level=31)


def page_of(image: Image) -> str:
    return reverse("gallery:image", args=[image.pk])


def test_an_image_page_shows_the_picture_and_how_it_was_made(client, owner):
    image = first(posted(owner, told(INFOTEXT.format(model="00")), title="Harbour"))

    page = client.get(page_of(image)).content.decode()

    for words in ("harbour at night", "photo, frame", "18446744073709551615", "DPM++ 2M Karras", "64 × 96", "A1111"):
        assert words in page
    assert '<meta property="og:title" content="Harbour">' in page
    assert image.picture.blob_id not in page


def test_words_that_want_to_be_code_stay_words(client, owner):
    words = "<img src=q onerror=document.title=1> <lora:reed:0.7> a < b"
    image = first(posted(owner, told(f"{words}\nSteps: 20, Sampler: Euler a, Seed: 1, Size: 64x96"), title="<script>x"))

    page = client.get(page_of(image)).content.decode()

    assert "<img src=q" not in page
    assert "<script>x" not in page
    assert "&lt;lora:reed:0.7&gt; a &lt; b" in page


def test_the_original_is_served_byte_for_byte(client, owner):
    data = told()
    image = first(posted(owner, data))

    answer = client.get(image.original_address)

    assert hashlib.sha256(b"".join(answer.streaming_content)).digest() == hashlib.sha256(data).digest()
    assert answer["Cache-Control"] == "public, max-age=3600"
    saved = client.head(f"{image.original_address}?download")
    assert saved["Content-Disposition"] == f'attachment; filename="image-{image.pk}.png"'


PATHS = {
    "page": page_of,
    "original": lambda image: image.original_address,
    "copy": lambda image: image.src,
    "workflow": lambda image: reverse("gallery:image-workflow", args=[image.pk]),
    "post": lambda image: image.post.get_absolute_url(),
    "api": lambda image: f"/api/safelight/v1/images/{image.pk}",
    "api post": lambda image: f"/api/safelight/v1/posts/{image.post_id}",
}
GRAPH = json.dumps({"3": {"class_type": "KSampler", "inputs": {"seed": 5, "text": SECRET}}})


def states(owner):
    """An image in each state, with who may see it: (anonymous, stranger of level PG, stranger of any, moderator)."""
    data = lambda: png((64, 96), prompt=GRAPH, workflow=json.dumps({"nodes": [], "at": painted().hex()[:200]}))  # noqa: E731
    public, rated, draft, held, deleted = (posted(owner, data(), title=SECRET) for _ in range(5))
    for post in (rated,):
        edit_image(first(post), by=owner, rating=Rating.XXX)
    Post.objects.filter(pk=draft.pk).update(state="draft", published_at=None)
    Image.objects.filter(post=held).update(state="held")
    delete_post(deleted, by=owner)
    return {
        "public": (first(public), (200, 200, 200, 200)),
        "XXX": (first(rated), (404, 404, 200, 200)),
        "draft": (first(draft), (404, 404, 404, 200)),
        "held": (first(held), (404, 404, 404, 200)),
        "deleted": (first(deleted), (404, 404, 404, 200)),
    }


@pytest.mark.parametrize("path", PATHS)
def test_every_path_answers_each_person_as_the_state_and_the_rating_say(client, owner, path):
    people = [None, UserFactory(browsing_level=1), UserFactory(browsing_level=31), ModeratorFactory(browsing_level=1)]
    seen = {}
    for state, (image, expected) in states(owner).items():
        # A post stays to be seen while one of its images is held; the image itself is not in it.
        want = (200,) * 4 if (state, path) in {("held", "post"), ("held", "api post")} else expected
        answers = []
        for person in people:
            client.logout()
            if person is not None:
                client.force_login(person)
            answer = client.get(PATHS[path](image))
            answers.append(answer.status_code)
            if answer.status_code == 404:
                assert SECRET not in answer.content.decode()
            if answer.status_code == 200 and path in ("original", "copy", "workflow"):
                assert ("private" in answer["Cache-Control"]) == (state != "public")
            if answer.streaming:
                b"".join(answer.streaming_content)
        seen[state] = (tuple(answers), want)

    assert {state: got for state, (got, _want) in seen.items()} == {state: want for state, (_g, want) in seen.items()}


def test_hidden_generation_is_served_by_no_path(client, owner):
    data = png((64, 96), parameters=INFOTEXT, prompt=GRAPH, workflow=json.dumps({"nodes": [SECRET]}))
    image = first(posted(owner, data))
    edit_post(image.post, by=owner, hides_generation=True)
    assert client.get(image.original_address).status_code == 404
    assert image.original_address not in client.get(page_of(image)).content.decode()
    strip_original(image.picture_id, "bare")

    said = b"".join(client.get(image.original_address).streaming_content)
    page = client.get(page_of(image)).content.decode()
    answer = client.get(f"/api/safelight/v1/images/{image.pk}").json()

    assert b"lanterns" not in said
    assert b"IDAT" in said
    assert "lanterns" not in page
    assert image.original_address in page
    assert (answer["generation"], answer["resources"], answer["own"]) == (None, [], None)
    assert client.get(reverse("gallery:image-workflow", args=[image.pk])).status_code == 404
    client.force_login(owner)
    assert "lanterns" in client.get(page_of(image)).content.decode()


def test_what_hides_in_the_pixels_does_not_go_out_with_the_original(client, owner):
    image = first(posted(owner, saved(stealth(INFOTEXT, "stealth_pngcomp"), "PNG")))
    edit_image(image, by=owner, hides_generation=True)

    strip_original(image.picture_id, "bare")

    sent = Pixels.open(BytesIO(b"".join(client.get(image.original_address).streaming_content)))
    alpha = sent.convert("RGBA").getchannel("A").tobytes()
    assert read_stealth(alpha, *sent.size, 1) is None


def test_a_workflow_is_given_as_it_stood(client, owner):
    workflow = json.dumps({"nodes": [{"id": 1, "type": "KSampler"}], "links": [], "version": 0.4})
    image = first(posted(owner, png((64, 96), prompt=GRAPH, workflow=workflow)))

    answer = client.get(reverse("gallery:image-workflow", args=[image.pk]))

    assert answer.content.decode() == workflow
    assert reverse("gallery:image-workflow", args=[image.pk]) in client.get(page_of(image)).content.decode()


def test_the_list_reads_to_its_end_and_each_image_stands_in_it_once(client, owner):
    for _ in range(8):
        posted(owner, *[painted() for _ in range(5)])
    seen, address = [], reverse("gallery:images")

    while address:
        answer = client.get(address)
        seen += [card.image.pk for card in answer.context["cards"]]
        address = answer.context["next_href"]

    assert len(seen) == len(set(seen)) == 40
    assert seen == sorted(seen, reverse=True)


def test_a_script_gets_the_next_cards_alone(client, owner):
    posted(owner)

    answer = client.get(reverse("gallery:images"), headers={"HX-Request": "true"})

    assert "<html" not in answer.content.decode()
    assert "image-card" in answer.content.decode()


def made_with(owner, **fields):
    model = RegisteredModelFactory(public=True, owner=owner, title="Tidewater Ink", type="checkpoint")
    version = ModelVersionFactory(model=model, published=True, **fields)
    refresh_listing(model)
    return version


def test_the_list_narrows_by_everything_it_offers(client, owner):
    version = made_with(owner, base_model="SDXL 1.0")
    by_version = first(posted(owner, title="Quay", tags=["Ink Wash"], version=version))
    other = first(posted(UserFactory(username="ozan"), told(INFOTEXT), title="夕凪の灯台守"))
    asked = {
        "tag=ink+wash": [by_version],
        "base_model=SDXL+1.0": [by_version],
        f"version={version.pk}": [by_version],
        f"model={version.model_id}": [by_version],
        "owner=MIRA": [by_version],
        "q=quay": [by_version],
        "q=%23%22ink+wash%22": [by_version],
        "q=%40ozan": [other],
        "q=lanterns": [other],
        "q=灯台": [other],
        "q=ozan": [other],
        "q=nothing-like-this": [],
        "q=%21%21": [],
        "tag=unknown": [],
        "version=x&period=never&sort=best&cursor=1": [other, by_version],
    }

    found = {text: [card.image for card in client.get(f"/images?{text}").context["cards"]] for text in asked}

    assert found == asked


def test_a_tag_is_followed_where_its_images_are_listed(client, owner):
    posted(owner, tags=["ink"])
    client.force_login(UserFactory())

    client.post("/follows/tags/ink", {"act": "follow", "next": "/images?tag=ink"})

    assert 'value="unfollow"' in client.get("/images?tag=ink").content.decode()
    assert "/follows/tags/" not in client.get("/images?tag=ink&tag=water").content.decode()


def test_a_list_without_what_one_hides_says_so(client, owner):
    posted(owner, tags=["ink"])
    client.force_login(UserFactory(browsing_level=31))
    client.post("/mutes/tags/ink", {"act": "hide"})

    page = client.get("/images?tag=ink").content.decode()

    assert "1 image is hidden by your settings." in page
    assert "or is something that you hide" in page
    assert f'href="{reverse("community:mutes")}"' in page


def test_its_maker_is_followed_beside_the_picture_but_not_by_themselves(client, owner):
    image = first(posted(owner))
    address = reverse("community:follow", args=["people", owner.username])

    client.force_login(owner)
    assert address not in client.get(page_of(image)).content.decode()
    client.force_login(UserFactory())
    assert address in client.get(page_of(image)).content.decode()


def test_a_period_leaves_older_ones_out_and_counts_sort(client, owner):
    old, new = first(posted(owner)), first(posted(owner))
    ImageSearch.objects.filter(pk=old.pk).update(published_at=timezone.now() - timedelta(days=40))
    CommentFactory(subject=old.subject)
    old.subject.comment_count = 1
    old.subject.save()

    assert fold_counts() == 1

    def ids(text):
        return [card.image.pk for card in client.get(f"/images?{text}").context["cards"]]

    assert ids("period=month") == [new.pk]
    assert ids("sort=comments") == [old.pk, new.pk]


def test_what_lies_beyond_ones_level_is_counted_and_what_is_private_is_not(client, owner):
    posted(owner, rating=Rating.PG)
    posted(owner, rating=Rating.X)
    prepared(drafted(owner, rating=Rating.X))
    delete_post(posted(owner, rating=Rating.X), by=owner)

    page = client.get("/images")

    assert (len(page.context["cards"]), page.context["hidden"]) == (1, 1)
    assert "1 image is hidden by your settings" in page.content.decode()


def test_arrows_walk_the_list_one_came_from_and_the_post_otherwise(client, owner):
    one, two = posted(owner, painted(), painted()), posted(owner)
    a, b = one.images.all()
    c = first(two)

    in_list = client.get(f"{page_of(b)}?sort=newest").context
    in_post = client.get(page_of(b)).context

    assert in_list["before"] == f"{page_of(c)}?sort=newest"
    assert in_list["after"] == f"{page_of(a)}?sort=newest"
    assert (in_list["back"], in_post["back"]) == ("/images", one.get_absolute_url())
    assert (in_post["before"], in_post["after"]) == (page_of(a), "")


def test_a_walk_passes_over_what_the_viewer_does_not_see(client, owner):
    a, _hidden, c = (first(posted(owner, rating=rating)) for rating in (Rating.PG, Rating.X, Rating.PG))

    assert client.get(f"{page_of(c)}?sort=newest").context["after"] == f"{page_of(a)}?sort=newest"


def test_a_person_and_a_version_show_their_pictures(client, owner):
    version = made_with(owner)
    theirs = first(posted(UserFactory(), version=version))
    own = first(posted(owner, version=version))

    profile = client.get(owner.get_absolute_url()).content.decode()
    model = client.get(version.get_absolute_url()).content.decode()

    assert page_of(own) in profile
    assert page_of(theirs) not in profile
    assert model.index(page_of(own)) < model.index(page_of(theirs))


def test_a_post_begins_with_its_version_and_is_kept_over_a_reload(client, owner):
    version = made_with(owner)
    client.force_login(owner)

    page = client.get(f"{reverse('gallery:post-new')}?version={version.pk}")
    made = client.post(f"{reverse('gallery:post-new')}?version={version.pk}")

    assert "Tidewater Ink" in page.content.decode()
    post = Post.objects.get()
    assert (made.url, post.version) == (reverse("gallery:post-edit", args=[post.pk]), version)
    again = client.get(reverse("gallery:post-new")).content.decode()
    assert made.url in again


def test_the_workbench_shows_what_was_read_beside_what_is_said(client, owner):
    image = first(prepared(drafted(owner, told(INFOTEXT))))
    edit_image(image, by=owner, generation={"prompt": "a lighthouse"})
    client.force_login(owner)

    page = client.get(reverse("gallery:post-edit", args=[image.post_id])).content.decode()

    assert "a lighthouse" in page
    assert "In the file:" in page
    assert "harbour at night" in page


def test_publishing_from_the_page_says_what_is_missing_and_then_goes_out(client, owner):
    post = prepared(drafted(owner, rating=None))
    client.force_login(owner)
    publish = reverse("gallery:post-publish", args=[post.pk])

    refused = client.post(publish, follow=True)
    edit_image(first(post), by=owner, rating=Rating.PG)
    done = client.post(publish)

    assert "choose how it is rated" in refused.content.decode()
    assert done.url == post.get_absolute_url()
    assert client.get(done.url).context["cards"]


def test_a_deleted_post_can_be_brought_back_on_its_page(client, owner):
    post = posted(owner)
    client.force_login(owner)

    client.post(reverse("gallery:post-delete", args=[post.pk]))
    assert "Bring it back" in client.get(post.get_absolute_url()).content.decode()
    client.post(reverse("gallery:post-restore", args=[post.pk]))

    assert Post.objects.get().deleted_at is None


ACTS = ("post-publish", "post-unschedule", "post-delete", "post-restore")


@pytest.mark.parametrize("act", ACTS)
def test_acts_are_their_owners_alone(client, owner, act):
    post, draft = posted(owner), create_post(by=owner)

    anonymous = client.post(reverse(f"gallery:{act}", args=[post.pk])).status_code
    client.force_login(UserFactory())
    stranger = client.post(reverse(f"gallery:{act}", args=[post.pk])).status_code
    hidden = client.post(reverse(f"gallery:{act}", args=[draft.pk])).status_code
    unknown = client.post(reverse(f"gallery:{act}", args=[10**9])).status_code

    assert (anonymous, stranger, hidden, unknown) == (302, 403, 404, 404)


QUERIES = {"list": lambda _post: "/images", "post": lambda post: post.get_absolute_url()}


@pytest.mark.parametrize("name", QUERIES)
def test_lists_ask_the_same_however_long_they_are(client, owner, name, django_assert_max_num_queries):
    post = posted(owner, painted(), tags=["ink"])
    client.get(QUERIES[name](post))
    with django_assert_max_num_queries(20) as few:
        client.get(QUERIES[name](post))
    long = publish_post(prepared(drafted(owner, *[painted() for _ in range(12)], tags=["ink"])), by=owner)

    with django_assert_max_num_queries(len(few)):
        client.get(QUERIES[name](long))


def test_an_image_page_asks_as_much_for_many_resources_as_for_one(client, owner, django_assert_max_num_queries):
    loras = ", ".join(f"<lora:reed{n}:0.5>" for n in range(20))
    one, many = first(posted(owner, told(INFOTEXT))), first(posted(owner, told(f"{loras} {INFOTEXT}")))
    client.get(page_of(one))
    with django_assert_max_num_queries(30) as few:
        client.get(page_of(one))

    with django_assert_max_num_queries(len(few)):
        client.get(page_of(many))
