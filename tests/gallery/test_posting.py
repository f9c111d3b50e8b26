"""Posts, through the services: begun, filled, described, put in order, published, deleted, purged."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery import current_app
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from community.errors import Conflict, InvalidInput, NotAllowed
from community.models import Comment, Subject
from community.ratings import Rating
from gallery.models import Image, ImageSearch, PictureReading, Post
from gallery.services.attaching import attach_images
from gallery.services.posting import (
    NewImage,
    add_images,
    create_post,
    edit_image,
    edit_post,
    order_images,
    remove_image,
)
from gallery.services.publishing import (
    PostNotReady,
    delete_post,
    publish_due,
    publish_post,
    purge_posts,
    restore_post,
    unschedule_post,
)
from gallery.services.reading import read_metadata
from registry.models import Picture
from registry.services.files import UnknownUpload
from registry.services.renditions import make_renditions, sweep_pictures
from tests.factories import CommentFactory, ModelVersionFactory, ModeratorFactory, UserFactory
from tests.gallery.rows import drafted, first, painted, posted, prepared, told
from tests.registry.pictures.build import chunk, deflated_zeros, ihdr
from tests.registry.pictures.rows import sent, stored_blob

pytestmark = pytest.mark.django_db
ANYBODY = AnonymousUser()


@pytest.fixture
def owner():
    return UserFactory(username="mira", browsing_level=31)


def test_a_post_is_its_owners_alone_until_it_is_out(owner):
    post = prepared(drafted(owner, title="Harbour"))
    image = first(post)

    assert not Post.objects.visible_to(ANYBODY).exists()
    assert not Image.objects.visible_to(UserFactory()).exists()
    assert Image.objects.visible_to(owner).get() == image
    assert not image.subject.is_public
    publish_post(post, by=owner)
    assert Post.objects.visible_to(ANYBODY).get() == post
    assert Image.objects.visible_to(ANYBODY).ready().get() == image
    subject = Subject.objects.get(image=image)
    assert (subject.kind, subject.title, subject.address) == ("image", "Harbour", f"/images/{image.pk}")
    assert (subject.is_public, subject.rating, subject.owner) == (True, 1, owner)


def test_forty_pictures_keep_the_order_in_which_they_were_named(owner):
    pictures = [painted(16, 16) for _ in range(40)]
    post = prepared(drafted(owner, *pictures))

    publish_post(post, by=owner)

    shas = list(post.images.order_by("position").values_list("picture__blob__size", "position"))
    assert [position for _size, position in shas] == list(range(40))
    assert ImageSearch.objects.count() == 40


def test_a_client_position_puts_late_arrivals_where_they_belong(owner):
    uploads = [sent(owner, painted()) for _ in range(3)]
    post = create_post(by=owner)

    for place in (2, 0, 1):
        add_images(post, [NewImage(uploads[place].pk, position=place)], by=owner)

    assert [image.upload_id for image in post.images.all()] == [upload.pk for upload in uploads]


def test_nothing_is_published_without_a_rating_that_its_author_chose(owner):
    post = prepared(drafted(owner, painted(), painted(), rating=None))

    with pytest.raises(PostNotReady) as refused:
        publish_post(post, by=owner)

    assert [check["code"] for check in refused.value.extra["unmet"]] == ["rating_missing"] * 2
    for image in post.images.all():
        edit_image(image, by=owner, rating=Rating.R)
    assert publish_post(post, by=owner).rating == Rating.R


def test_a_post_without_pictures_is_not_published(owner):
    with pytest.raises(PostNotReady, match="Add at least one picture"):
        publish_post(create_post(by=owner), by=owner)


def test_a_post_waits_for_its_pictures_and_goes_out_when_they_are_ready(owner):
    post = publish_post(drafted(owner, painted(), painted()), by=owner)

    assert post.state == "scheduled"
    publish_due()
    assert Post.objects.get().state == "scheduled"
    prepared(post)
    publish_due()
    post = Post.objects.get()
    assert (post.state, post.publish_at) == ("published", None)
    assert ImageSearch.objects.count() == 2


def test_workers_are_told_to_publish_when_the_last_picture_is_ready(
    owner, monkeypatch, django_capture_on_commit_callbacks
):
    post = publish_post(drafted(owner), by=owner)
    heard = []
    monkeypatch.setattr(current_app, "send_task", lambda name, *arguments, **options: heard.append(name))

    with django_capture_on_commit_callbacks(execute=True):
        prepared(post)

    assert "gallery.publish_due" in heard


def test_a_scheduled_post_goes_out_at_its_moment_and_not_before(owner, time_machine):
    moment = timezone.now() + timedelta(hours=2)
    post = publish_post(prepared(drafted(owner)), by=owner, at=moment)

    publish_due()
    assert Post.objects.get().state == "scheduled"
    time_machine.move_to(moment + timedelta(seconds=1))
    publish_due()

    post = Post.objects.get()
    assert post.state == "published"
    assert post.published_at > moment


def test_a_scheduled_post_can_be_called_back(owner):
    post = publish_post(prepared(drafted(owner)), by=owner, at=timezone.now() + timedelta(hours=2))

    assert unschedule_post(post, by=owner).state == "draft"
    with pytest.raises(Conflict):
        unschedule_post(publish_post(post, by=owner), by=owner)


def test_a_moment_years_away_is_refused(owner):
    post = prepared(drafted(owner))

    with pytest.raises(InvalidInput, match="within a year"):
        publish_post(post, by=owner, at=timezone.now() + timedelta(days=800))


def test_publishing_twice_changes_nothing(owner):
    post = posted(owner)

    again = publish_post(post, by=owner)

    assert again.published_at == post.published_at


BOMB = ihdr(65_535, 65_535) + chunk(b"IDAT", deflated_zeros(1 << 20)) + chunk(b"IEND")
BAD_PICTURES = {
    "larger than a PNG's decoder takes": (BOMB, "picture.png", "side_too_long"),
    "no picture": (b"<svg xmlns='http://www.w3.org/2000/svg'/>" * 9, "picture.svg", "format_not_accepted"),
    "a wrong ending": (painted(), "picture.jpg", "wrong_extension"),
}


@pytest.mark.parametrize("name", BAD_PICTURES)
def test_what_cannot_be_shown_says_why_and_keeps_its_post_from_going_out(owner, name):
    data, file_name, code = BAD_PICTURES[name]
    post = create_post(by=owner, images=[NewImage(sent(owner, data, file_name).pk, rating=Rating.PG)])
    if post.images.get().picture_id:
        make_renditions(post.images.get().picture_id)

    image = first(post)
    assert (image.refusal_code, image.progress) == (code, "refused")
    with pytest.raises(PostNotReady, match="Picture 1: "):
        publish_post(post, by=owner)


def test_an_upload_that_is_somebody_elses_is_not_known(owner):
    theirs = sent(UserFactory(), painted())

    with pytest.raises(UnknownUpload) as refused:
        create_post(by=owner, images=[NewImage(theirs.pk)])

    assert refused.value.field == "images.0.upload"
    assert not Post.objects.exists()


def test_a_picture_is_in_a_post_once(owner):
    upload = sent(owner, painted())
    post = create_post(by=owner, images=[NewImage(upload.pk)])

    with pytest.raises(Conflict, match="already"):
        add_images(post, [NewImage(upload.pk)], by=owner)


def test_an_upload_joins_when_its_inspection_ends(owner):
    data = painted()
    upload = sent(owner, data, state="inspecting", blob=None)
    post = create_post(by=owner, images=[NewImage(upload.pk, rating=Rating.PG)])
    assert first(post).progress == "waiting"

    upload.blob, upload.state = stored_blob(data), "done"
    upload.save()
    attach_images(upload)

    assert first(prepared(post)).progress == "ready"


def test_the_same_bytes_are_one_picture_with_one_reading_and_two_images(owner):
    data = told()
    mine, theirs = posted(owner, data), posted(UserFactory(), data)

    assert Picture.objects.count() == PictureReading.objects.count() == 1
    assert first(mine).prompt == first(theirs).prompt != ""


ACTS = {
    "edit": lambda post, by: edit_post(post, by=by, title="Mine"),
    "publish": lambda post, by: publish_post(post, by=by),
    "delete": lambda post, by: delete_post(post, by=by),
    "restore": lambda post, by: restore_post(post, by=by),
    "edit an image": lambda post, by: edit_image(post.images.first(), by=by, caption="Mine"),
    "remove an image": lambda post, by: remove_image(post.images.first(), by=by),
    "order": lambda post, by: order_images(post, [post.images.first().pk], by=by),
    "add": lambda post, by: add_images(post, [], by=by),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("person", [UserFactory, ModeratorFactory], ids=["stranger", "moderator"])
def test_a_post_is_changed_by_its_owner_alone(act, person):
    post = posted()

    with pytest.raises(NotAllowed):
        ACTS[act](post, person())


def test_order_is_as_said_and_names_every_image(owner):
    post = drafted(owner, painted(), painted(), painted())
    a, b, c = post.images.values_list("pk", flat=True)

    order_images(post, [c, a, b], by=owner)

    assert list(post.images.values_list("pk", flat=True)) == [c, a, b]
    with pytest.raises(InvalidInput, match="it has 3"):
        order_images(post, [a, b], by=owner)


def test_deleting_hides_at_once_and_can_be_undone(owner):
    post = posted(owner)

    delete_post(post, by=owner)
    assert not Image.objects.visible_to(ANYBODY).exists()
    assert not ImageSearch.objects.exists()
    assert not Subject.objects.get(kind="image").is_public
    restore_post(post, by=owner)

    assert Image.objects.visible_to(ANYBODY).exists()
    assert ImageSearch.objects.exists()


def test_after_thirty_days_a_deleted_post_is_gone_with_all_that_hung_on_it(owner, time_machine):
    post, other = posted(owner), posted(owner)
    CommentFactory(subject=first(post).subject)
    picture = first(post).picture_id
    delete_post(post, by=owner)

    assert purge_posts() == 0
    time_machine.move_to(timezone.now() + timedelta(days=31))
    assert purge_posts() == 1
    sweep_pictures()

    assert list(Post.objects.all()) == [other]
    assert not Comment.objects.exists()
    assert Subject.objects.filter(kind="image").count() == 1
    assert not Picture.objects.filter(pk=picture).exists()
    assert Picture.objects.filter(pk=first(other).picture_id).exists()


def test_the_last_image_of_a_published_post_stays(owner):
    post = posted(owner, painted(), painted())
    one, two = post.images.all()

    remove_image(one, by=owner)
    with pytest.raises(Conflict, match="Delete the post"):
        remove_image(two, by=owner)

    assert Subject.objects.filter(kind="image").count() == 1


def test_a_removed_post_is_not_changed_by_its_owner(owner):
    post = posted(owner)
    Post.objects.filter(pk=post.pk).update(state="removed")

    with pytest.raises(Conflict, match="moderator"):
        edit_post(post, by=owner, title="Again")


def test_a_post_may_name_a_version_that_its_author_sees_and_no_other(owner):
    draft = ModelVersionFactory()
    own = ModelVersionFactory(model__owner=owner)

    assert create_post(by=owner, version=own).version == own
    with pytest.raises(InvalidInput) as refused:
        create_post(by=owner, version=draft)
    assert refused.value.field == "version"


LEVELS = {"nobody's level": (None, "PG"), "PG": (1, "PG"), "up to R": (7, "PG R"), "all": (31, "PG R XXX")}


@pytest.mark.parametrize("name", LEVELS)
def test_a_persons_level_decides_which_images_they_see(owner, name):
    level, seen = LEVELS[name]
    for rating in (Rating.PG, Rating.R, Rating.XXX):
        posted(owner, painted(), rating=rating)
    viewer = ANYBODY if level is None else UserFactory(browsing_level=level)

    images = Image.objects.visible_to(viewer)
    posts = Post.objects.visible_to(viewer)

    assert sorted(image.rating_name for image in images) == seen.split()
    assert sorted(Rating(post.rating).label for post in posts) == seen.split()


def test_a_held_image_is_its_owners_and_moderators_alone(owner):
    post = posted(owner)
    Image.objects.update(state="held")

    assert not Image.objects.visible_to(UserFactory()).exists()
    assert Image.objects.visible_to(owner).exists()
    assert Image.objects.visible_to(ModeratorFactory()).exists()
    assert first(post).is_edited is False


def test_a_reader_that_fell_over_is_tried_again_and_not_for_ever(owner, monkeypatch):
    post = drafted(owner)
    picture = post.images.get().picture_id
    monkeypatch.setattr("gallery.services.reading.run_jailed", lambda *_, **__: 1 / 0)

    for _ in range(3):
        read_metadata(picture)

    reading = PictureReading.objects.get()
    assert (reading.state, reading.note, reading.generation) == ("failed", "reading_failed", None)
