"""Names in the captions of pictures and posts: links on the page, and told once to whom they mean."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps

from community.models import Notice
from community.ratings import Rating
from community.services.notifications import notices_page
from community.services.wording import tell
from gallery.models import Image, Post
from gallery.services.posting import NewImage, add_images, create_post, edit_image, edit_post
from gallery.services.publishing import publish_post
from tests.factories import UserFactory
from tests.gallery.rows import drafted, first, painted, posted, prepared
from tests.registry.pictures.rows import sent

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner():
    return UserFactory(username="mira", browsing_level=31)


@pytest.fixture
def ola():
    return UserFactory(username="Ola", browsing_level=1)


def told(person):
    return [(each.sentence, each.address) for each in tell(notices_page(person).items)]


def page(client, thing):
    return client.get(thing.get_absolute_url()).content.decode()


def test_names_in_captions_are_links_and_what_is_no_name_stays_words(client, owner, ola):
    post = posted(owner, caption="With @ola and @nobody")
    image = edit_image(first(post), by=owner, caption="For @OLA, not `@ola`")

    in_post, in_image = page(client, post), page(client, image)

    assert '<a href="/Ola" rel="nofollow ugc noopener noreferrer">@ola</a> and @nobody' in in_post
    assert '<a href="/Ola" rel="nofollow ugc noopener noreferrer">@OLA</a>' in in_image
    assert "<code>@ola</code>" in in_image


def test_what_names_nobody_any_more_links_to_nobody(client, owner, ola):
    image = edit_image(first(posted(owner)), by=owner, caption="For @ola")

    image = edit_image(image, by=owner, caption="For ola")

    assert image.mentions == []
    assert 'href="/Ola"' not in page(client, image)


def test_a_caption_that_was_sent_with_the_picture_names_people_too(client, owner, ola):
    new = NewImage(sent(owner, painted()).pk, caption="For @ola", rating=Rating.PG)
    post = publish_post(prepared(create_post(by=owner, images=[new])), by=owner)

    assert 'href="/Ola"' in page(client, first(post))
    assert len(told(ola)) == 1


def test_a_feed_links_the_names_of_captions(client, owner, ola):
    edit_image(first(posted(owner)), by=owner, caption="For @ola")

    assert b"/Ola" in client.get("/images.atom").content


def test_people_named_in_a_draft_hear_of_it_when_it_comes_out_and_once(owner, ola):
    post = drafted(owner)
    edit_image(first(post), by=owner, caption="For @ola")
    edit_post(post, by=owner, caption="With @ola")
    assert told(ola) == []

    post = publish_post(prepared(post), by=owner)
    edit_post(post, by=owner, caption="With @ola, again")
    edit_image(first(post), by=owner, caption="And for @ola, again")

    assert [address for _sentence, address in told(ola)] == [post.get_absolute_url()]
    assert Notice.objects.get(person=ola).event_count == 1


@pytest.mark.parametrize("of", ["image", "post"])
def test_who_is_new_in_a_published_caption_is_told(client, owner, ola, of):
    post = posted(owner, title="Quay")
    thing = first(post) if of == "image" else post
    client.force_login(owner)

    for words in ("hello @ola", "hello again, @ola"):
        answer = client.patch(
            f"/api/safelight/v1/{of}s/{thing.pk}", {"caption": words}, content_type="application/json"
        )
        assert answer.status_code == 200

    ((sentence, address),) = told(ola)
    assert sentence.startswith("mira mentioned you under")
    assert address == thing.get_absolute_url()
    assert Notice.objects.get(person=ola).event_count == 1


def test_a_picture_that_joins_a_published_post_tells_whom_it_names(owner, ola):
    post = posted(owner)
    (image,) = add_images(post, [NewImage(sent(owner, painted()).pk, rating=Rating.PG)], by=owner)

    edit_image(image, by=owner, caption="For @ola")  # while it is not prepared

    assert [address for _sentence, address in told(ola)] == [post.get_absolute_url()]


def test_pictures_that_join_a_published_post_with_captions_tell_ten_at_most(owner, ola):
    post = posted(owner)
    people = [ola, *UserFactory.create_batch(12)]
    captions = [f"For @{person.username}" for person in people]

    add_images(post, [NewImage(sent(owner, painted()).pk, words, rating=Rating.PG) for words in captions], by=owner)

    assert [address for _sentence, address in told(ola)] == [post.get_absolute_url()]
    assert Notice.objects.filter(kind=Notice.Kind.MENTION).count() == 10


@pytest.mark.parametrize("state", ["draft", "deleted", "held"])
def test_what_is_not_public_tells_nobody(owner, ola, state):
    post = posted(owner)
    if state == "draft":
        Post.objects.filter(pk=post.pk).update(state="draft", published_at=None)
    elif state == "deleted":
        Post.objects.filter(pk=post.pk).update(deleted_at=post.published_at)
    else:
        Image.objects.filter(post=post).update(state="held")

    edit_image(first(post), by=owner, caption="For @ola")

    assert told(ola) == []
    assert not Notice.objects.filter(person=ola).exists()


def test_nobody_is_led_to_what_lies_beyond_their_level(owner, ola):
    post = posted(owner, rating=Rating.XXX)

    edit_image(first(post), by=owner, caption="For @ola")

    assert told(ola) == []


def test_a_storm_of_names_tells_ten(owner):
    people = UserFactory.create_batch(30)

    image = edit_image(first(posted(owner)), by=owner, caption=" ".join(f"@{person.username}" for person in people))

    assert image.mentions == [person.username for person in people[:10]]
    assert Notice.objects.filter(kind=Notice.Kind.MENTION).count() == 10


def test_names_cost_pages_and_lists_no_query(client, owner, django_assert_max_num_queries):
    bare, named = posted(owner, *[painted() for _ in range(3)]), posted(owner, *[painted() for _ in range(3)])
    for number, image in enumerate(named.images.all()):
        edit_image(image, by=owner, caption=f"@{UserFactory(username=f'person{number}').username}")
    edit_post(named, by=owner, caption="@person0 @person1")
    page(client, bare)
    with django_assert_max_num_queries(40) as few:
        page(client, bare)

    with django_assert_max_num_queries(len(few)):
        assert 'href="/person0"' in page(client, named)


def test_captions_from_before_names_were_kept_get_their_links(client, owner, ola, monkeypatch):
    written = import_module("gallery.migrations.0007_link_mentions_of_captions")
    monkeypatch.setattr(written, "BATCH", 2)
    posts = [posted(owner, caption=f"{number}: with @ola, @nobody and `@mira`") for number in range(5)]
    image = edit_image(first(posts[0]), by=owner, caption="@OLA")
    plain = posted(owner, caption="mail ola@example.org")
    Post.objects.update(mentions=[])
    Image.objects.update(mentions=[])
    notices = Notice.objects.count()

    written.write_mentions(apps, None)
    written.write_mentions(apps, None)

    assert list(Post.objects.exclude(pk=plain.pk).values_list("mentions", flat=True)) == [["Ola"]] * 5
    assert Post.objects.get(pk=plain.pk).mentions == []
    assert Image.objects.get(pk=image.pk).mentions == ["Ola"]
    assert '<a href="/Ola" rel="nofollow ugc noopener noreferrer">@ola</a>' in page(client, posts[4])
    assert Notice.objects.count() == notices
