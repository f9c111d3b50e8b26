"""The workbench where no script runs: one form keeps all that is written, then does what its button says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from community.ratings import Rating
from gallery.models import Image, ImageResource, Post
from gallery.services.posting import edit_image, edit_post
from registry.models import Upload
from tests.factories import ModelFileFactory, ModelVersionFactory, ModeratorFactory, UserFactory
from tests.gallery.drawn import drawn, text_of, what_describes
from tests.gallery.rows import INFOTEXT, drafted, first, painted, posted, prepared, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(client):
    person = UserFactory(username="mira", browsing_level=31)
    client.force_login(person)
    return person


def address_of(post: Post) -> str:
    return reverse("gallery:post-edit", args=[post.pk])


def page_of(client, post: Post) -> dict[str, str]:
    return drawn(client.get(address_of(post)).content)


def send(client, post: Post, do: str = "save", **changes: object):
    """Write these into the page's form and press a button."""
    sent = {**page_of(client, post), **{key.replace("__", "-"): value for key, value in changes.items()}, "do": do}
    return client.post(address_of(post), {key: value for key, value in sent.items() if value is not None})


def named(image: Image, **words: object) -> dict[str, object]:
    return {f"image-{image.pk}-{name}": value for name, value in words.items()}


def texts(answer) -> str:
    return text_of(answer.content, "faults")


def order_of(post: Post) -> list[int]:
    return list(post.images.order_by("position", "pk").values_list("pk", flat=True))


def test_all_that_is_said_of_a_post_and_its_pictures_is_kept_at_once(client, owner):
    post = prepared(drafted(owner, painted(), painted(), rating=None))
    one, two = post.images.order_by("position")
    words = {"title": "Harbour", "caption": "At\r\nnight", "tags": " ink wash, #Harbour,, ", "hides_generation": "on"}
    pictures = {
        **named(one, rating="R", alt="a lighthouse", caption="At dusk", tags="sea, ink", hides_generation="on"),
        **named(two, rating="PG", alt="a boat"),
    }

    answer = send(client, post, **words, **pictures)

    assert (answer.status_code, answer.url) == (302, address_of(post))
    post, one, two = (type(row).objects.get(pk=row.pk) for row in (post, one, two))
    assert (post.title, post.caption, post.hides_generation) == ("Harbour", "At\nnight", True)
    assert {tag.name for tag in post.tags.all()} == {"ink wash", "Harbour"}
    assert (one.rating, one.alt, one.caption, one.hides_generation) == (Rating.R, "a lighthouse", "At dusk", True)
    assert {tag.name for tag in one.tags.all()} == {"sea", "ink"}
    assert (two.rating, two.alt, two.hides_generation) == (Rating.PG, "a boat", False)


def test_a_page_that_is_sent_as_it_was_drawn_changes_nothing(client, owner):
    ModelFileFactory(version=ModelVersionFactory(published=True, model__type="lora"), name="tidewater.safetensors")
    text = "\n two  blanks \r\nand a line\n" + INFOTEXT.format(model="00")
    post = prepared(drafted(owner, told(text), title="a <b> & c", caption="x\n\ny"))
    image = first(post)
    edit_image(image, by=owner, tags=["b", "a"], caption="one\ntwo")
    edit_post(post, by=owner, tags=["d", "c"])
    before = [list(each.objects.order_by("pk").values()) for each in (Image, ImageResource)]

    answer = send(client, post)

    assert answer.status_code == 302
    assert [list(each.objects.order_by("pk").values()) for each in (Image, ImageResource)] == before
    assert Post.objects.get().caption == "x\n\ny"
    assert not Image.objects.get().is_edited


def test_what_is_not_said_any_more_goes(client, owner):
    post = prepared(drafted(owner, title="Harbour"))
    image = first(post)
    edit_image(image, by=owner, tags=["ink"], hides_generation=True, caption="Dusk")

    send(client, post, title="", **named(image, caption="", tags="", hides_generation=None))

    kept = Image.objects.get(pk=image.pk)
    assert (kept.caption, kept.hides_generation, kept.tags.count()) == ("", False, 0)
    assert (kept.rating, Post.objects.get().title) == (Rating.PG, "")


def test_pictures_come_with_the_form_and_join_behind_the_others(client, owner):
    post = drafted(owner)
    files = [SimpleUploadedFile(name, painted()) for name in ("b.png", "a.png")]

    answer = send(client, post, pictures=files, title="Two more")

    assert answer.status_code == 302
    assert [image.upload.name for image in post.images.order_by("position")][1:] == ["b.png", "a.png"]
    assert set(Upload.objects.filter(name__in=["a.png", "b.png"]).values_list("state", flat=True)) == {"complete"}
    assert Post.objects.get().title == "Two more"


def test_a_draft_is_begun_with_its_first_pictures(client, owner):
    answer = client.post(reverse("gallery:post-new"), {"pictures": [SimpleUploadedFile("a.png", painted())]})

    post = Post.objects.get()
    assert answer.url == address_of(post)
    assert [image.upload.name for image in post.images.all()] == ["a.png"]


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (SimpleUploadedFile("empty.png", b""), "“empty.png”: The file is empty."),
        (SimpleUploadedFile("a%2Fb.png", b"x"), "escape"),
    ],
    ids=["empty", "name"],
)
def test_a_file_that_cannot_be_taken_is_named_and_the_rest_is_kept(client, owner, file, words):
    post = drafted(owner)
    good = SimpleUploadedFile("good.png", painted())

    sent = {**page_of(client, post), "title": "Kept", "pictures": [file, good]}
    page = client.post(address_of(post), sent, follow=True).content.decode()

    assert words in page
    assert post.images.count() == 2
    assert Post.objects.get().title == "Kept"


def test_a_file_over_the_limit_is_refused_before_it_is_kept(client, owner, monkeypatch):
    monkeypatch.setattr("gallery.services.arriving.MAX_BYTES", 100)
    post = drafted(owner)
    before = Upload.objects.count()

    sent = {**page_of(client, post), "pictures": [SimpleUploadedFile("large.png", bytes(101))]}
    page = client.post(address_of(post), sent, follow=True).content.decode()

    assert "“large.png”: The file is larger than" in page
    assert Upload.objects.count() == before


PLACES = {
    "the last one first": ({2: 1}, [2, 0, 1]),
    "the first one last": ({0: 3}, [1, 2, 0]),
    "all turned round": ({0: 3, 1: 2, 2: 1}, [2, 1, 0]),
    "beyond the end": ({0: 400}, [1, 2, 0]),
    "nothing": ({}, [0, 1, 2]),
}


@pytest.mark.parametrize("name", PLACES)
def test_the_order_is_what_the_numbers_say(client, owner, name):
    places, expected = PLACES[name]
    post = drafted(owner, painted(), painted(), painted())
    ids = order_of(post)

    send(client, post, **{f"image-{ids[at]}-place": place for at, place in places.items()})

    assert order_of(post) == [ids[at] for at in expected]


def test_a_picture_goes_earlier_and_later_by_its_buttons(client, owner):
    post = drafted(owner, painted(), painted(), painted())
    one, two, three = order_of(post)

    answer = send(client, post, f"earlier:{three}")
    assert order_of(post) == [one, three, two]
    assert answer.url.endswith(f"#image-{three}")
    send(client, post, f"later:{one}")
    assert order_of(post) == [three, one, two]
    send(client, post, f"earlier:{three}")
    assert order_of(post) == [three, one, two]


def test_buttons_keep_what_is_written_elsewhere(client, owner):
    post = drafted(owner, painted(), painted())
    one, two = order_of(post)

    send(client, post, f"remove:{two}", title="Typed", **{f"image-{one}-caption": "typed, too"})

    assert order_of(post) == [one]
    assert (Post.objects.get().title, Image.objects.get().caption) == ("Typed", "typed, too")


@pytest.fixture
def linked(owner):
    """A draft whose file names a LoRA that is known by its name alone."""
    version = ModelVersionFactory(published=True, model__type="lora", model__title="Tidewater")
    ModelFileFactory(version=version, name="tidewater.safetensors")
    post = prepared(drafted(owner, told(INFOTEXT.format(model="00"))))
    return version, post, post.images.get().resources.get(kind="lora")


def test_a_suggested_model_is_confirmed_weighed_and_removed(client, linked):
    version, post, row = linked
    assert row.suggestion == version

    send(client, post, f"confirm:{row.pk}", **{f"resource-{row.pk}-weight": "0.55"})
    row.refresh_from_db()
    assert (row.version, row.source, row.weight) == (version, "confirmed", 0.55)
    send(client, post, f"unlink:{row.pk}")

    assert not ImageResource.objects.filter(pk=row.pk).exists()


def test_a_button_means_the_thing_that_it_stands_by_whatever_else_has_its_number(client, owner, linked):
    version, post, row = linked
    ImageResource.objects.filter(pk=row.pk).update(image=first(drafted(owner)))
    same = ImageResource.objects.create(pk=first(post).pk, image=first(post), suggestion=version, kind="lora", name="x")

    send(client, post, f"confirm:{same.pk}")
    same.refresh_from_db()
    assert (same.version, post.images.count()) == (version, 1)
    send(client, post, f"unlink:{same.pk}")

    assert (first(post).resources.filter(pk=same.pk).exists(), post.images.count()) == (False, 1)


def test_how_it_was_made_is_corrected_and_taken_back(client, owner):
    post = prepared(drafted(owner, told()))
    image = first(post)

    send(client, post, **named(image, seed="7", prompt="a pier"))
    edited = Image.objects.get()
    assert (edited.is_edited, int(edited.seed), edited.prompt) == (True, 7, "a pier")
    send(client, post, f"as-read:{image.pk}")

    assert (Image.objects.get().is_edited, int(Image.objects.get().seed)) == (False, 2**64 - 1)


def test_what_is_private_is_decided_in_the_same_form(client, owner):
    post = prepared(drafted(owner, told("kiln\nSteps: 4, Model: x, Path: /home/mira/out")))
    image = first(post)
    assert "private data" in client.get(address_of(post)).content.decode()

    send(client, post, **named(image, original="stripped"))

    assert Image.objects.get().original == "stripped"


def test_a_post_is_published_by_the_same_form(client, owner):
    post = prepared(drafted(owner, rating=None))

    answer = send(client, post, "publish", title="Out", rate_all="PG-13")

    post = Post.objects.get()
    assert answer.url == post.get_absolute_url()
    assert (post.state, post.title, first(post).rating_name) == ("published", "Out", "PG-13")


def test_a_post_is_scheduled_and_taken_back(client, owner):
    post = prepared(drafted(owner))
    moment = timezone.localtime() + timedelta(days=2)

    send(client, post, "publish", publish_at=moment.strftime("%Y-%m-%dT%H:%M"))
    scheduled = Post.objects.get()
    assert (scheduled.state, scheduled.publish_at) == ("scheduled", moment.replace(second=0, microsecond=0))
    send(client, post, "unschedule", title="Later")

    assert (Post.objects.get().state, Post.objects.get().title) == ("draft", "Later")


def test_a_moment_that_is_written_and_not_used_yet_is_still_there(client, owner):
    post = prepared(drafted(owner))

    answer = send(client, post, publish_at="2031-05-06T07:08")

    assert drawn(client.get(answer.url).content)["publish_at"] == "2031-05-06T07:08"


@pytest.mark.parametrize("moment", ["tomorrow", "2099-01-01T00:00"], ids=["no moment", "too far"])
def test_what_stops_a_post_is_said_and_what_was_written_is_kept(client, owner, moment):
    post = prepared(drafted(owner))

    answer = send(client, post, "publish", publish_at=moment, title="Typed")

    assert answer.status_code == 400
    assert texts(answer)
    assert drawn(answer.content)["publish_at"] == moment
    assert (Post.objects.get().state, Post.objects.get().title) == ("draft", "Typed")


def test_a_post_that_is_not_ready_says_which_picture_and_keeps_the_words(client, owner):
    post = prepared(drafted(owner, painted(), painted(), rating=None))
    one, _two = order_of(post)

    answer = send(client, post, "publish", title="Typed", **{f"image-{one}-rating": "PG"})

    assert answer.status_code == 409
    assert "Picture 2: choose how it is rated." in texts(answer)
    assert drawn(answer.content)["title"] == Post.objects.get().title == "Typed"
    assert Image.objects.get(pk=one).rating == Rating.PG


FAULTS = {
    "rating": ("rating", "mild", "Picture 1, Rating: "),
    "long alt": ("alt", "x" * 501, "Picture 1, What it shows: "),
    "NUL": ("alt", "a\0b", "Picture 1, What it shows: "),
    "long caption": ("caption", "x" * 2_001, "Picture 1, Caption: "),
    "many tags": ("tags", ",".join(f"t{number}" for number in range(31)), "Picture 1, Tags: "),
    "long tags": ("tags", "x" * 2_001, "Picture 1, Tags: "),
    "place": ("place", "first", "Picture 1, Place: "),
    "place below": ("place", "0", "Picture 1, Place: "),
    "seed": ("seed", "-1", "Picture 1, Seed: "),
    "seed beyond": ("seed", str(2**64), "Picture 1, Seed: "),
    "steps": ("steps", "many", "Picture 1, Steps: "),
    "original": ("original", "both", "Picture 1, Original: "),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_cannot_be_kept_is_named_stays_in_its_field_and_changes_nothing(client, owner, name):
    field, value, words = FAULTS[name]
    post = prepared(drafted(owner))
    image = first(post)

    answer = send(client, post, title="Typed", **named(image, **{"caption": "typed, too", field: value}))

    assert answer.status_code == 400
    assert words in texts(answer)
    page = drawn(answer.content)
    assert page["title"] == "Typed"
    if field not in ("rating", "original") and "\0" not in value:
        assert page[f"image-{image.pk}-{field}"] == value
    assert (Post.objects.get().title, Image.objects.get().caption) == ("", "")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [("title", "x" * 201, "Title: "), ("caption", "x" * 10_001, "Caption: "), ("tags", "," * 3 + "x" * 200, "Tags: ")],
    ids=["title", "caption", "tags"],
)
def test_a_fault_of_the_posts_own_words_keeps_those_of_its_pictures_written(client, owner, field, value, words):
    post = prepared(drafted(owner))
    image = first(post)

    answer = send(client, post, **{field: value}, **named(image, alt="typed"))

    assert (answer.status_code, texts(answer).startswith(words)) == (400, True)
    assert drawn(answer.content)[f"image-{image.pk}-alt"] == "typed"
    assert Image.objects.get().alt == ""


def test_a_weight_out_of_bounds_is_named(client, linked):
    _version, post, row = linked

    answer = send(client, post, **{f"resource-{row.pk}-weight": "101"})

    assert (answer.status_code, "Picture 1, Weight: " in texts(answer)) == (400, True)
    assert drawn(answer.content)[f"resource-{row.pk}-weight"] == "101"


def test_a_fields_fault_is_tied_to_it(client, owner):
    post = prepared(drafted(owner))
    image = first(post)

    page = send(client, post, **named(image, alt="x" * 501)).content

    assert what_describes(page)[f"image-{image.pk}-alt"]


@pytest.mark.parametrize("do", ["earlier:1", "remove:99999999999999999999", "fly:3", "confirm:", "publish:x", "\0"])
def test_a_button_that_is_not_on_the_page_does_nothing_to_pictures_of_others(client, owner, do):
    other = first(posted())
    post = drafted(owner, rating=None)

    for act in (do, f"remove:{other.pk}", f"later:{other.pk}"):
        assert send(client, post, act).status_code in (302, 409)

    assert Image.objects.filter(pk=other.pk).exists()
    assert (post.images.count(), Post.objects.get(pk=post.pk).state) == (1, "draft")


def test_pictures_that_are_not_of_the_post_are_passed_over(client, owner):
    other, post = first(posted()), drafted(owner)

    send(client, post, **named(other, alt="mine now", rating="XXX"))

    assert Image.objects.get(pk=other.pk).alt == ""


@pytest.mark.parametrize(
    ("person", "of_public", "of_draft"),
    [("anonymous", 302, 302), ("stranger", 403, 404), ("moderator", 403, 403)],
    ids=["anonymous", "stranger", "moderator"],
)
def test_only_its_owner_says_what_a_post_is(client, owner, person, of_public, of_draft):
    public, draft = posted(owner), prepared(drafted(owner))
    fields = [page_of(client, post) | {"title": "Mine"} for post in (public, draft)]
    client.logout()
    people = {"stranger": UserFactory(browsing_level=31), "moderator": ModeratorFactory()}
    if person in people:
        client.force_login(people[person])

    answers = [client.post(address_of(post), sent) for post, sent in zip((public, draft), fields, strict=True)]

    assert [answer.status_code for answer in answers] == [of_public, of_draft]
    assert not Post.objects.filter(title="Mine").exists()


def test_a_workbench_asks_the_same_however_many_pictures_have_tags(client, owner, django_assert_max_num_queries):
    one, many = prepared(drafted(owner)), prepared(drafted(owner, *[painted() for _ in range(6)]))
    for image in [*one.images.all(), *many.images.all()]:
        edit_image(image, by=owner, tags=["ink", "wash"])
    page_of(client, one)
    with django_assert_max_num_queries(40) as few:
        client.get(address_of(one))

    with django_assert_max_num_queries(len(few)):
        client.get(address_of(many))
