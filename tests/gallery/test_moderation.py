"""Images, posts and collections before a moderator: held, removed, rated, restored; and what may not come back."""

from __future__ import annotations

import io
import random

import pytest
from PIL import Image as Pixels

from community.errors import Conflict
from community.models import BlockedHash, Case, Decision, Report
from community.ratings import Rating
from community.services.appealing import appeal, settle_appeal
from community.services.blocking import tells_apart, unblock
from community.services.deciding import Act, Order, decide
from community.services.queue import decide_group, queue_page, waiting
from community.services.reporting import report
from gallery.models import Collection, Image, ImageSearch, Post
from gallery.services.collecting import create_collection, edit_collection
from gallery.services.moderation import images_alike
from gallery.services.posting import NewImage, add_images, edit_image
from gallery.services.publishing import PostNotReady, publish_post
from registry.models import Picture, RegisteredModel
from registry.services.moderating import take_down_model
from registry.services.pictures import add_preview
from registry.services.renditions import make_renditions
from tests.factories import ModelFileFactory, ModeratorFactory, UserFactory
from tests.gallery.rows import drafted, first, painted, posted, prepared
from tests.registry.pictures.build import saved
from tests.registry.pictures.rows import sent

pytestmark = pytest.mark.django_db


def scene(number: int, *, quality: int = 0, width: int = 96) -> bytes:
    """A picture of many shades, the same for the same number; saved anew and smaller it is other bytes."""
    dice = random.Random(number)
    image = Pixels.frombytes("L", (6, 6), bytes(dice.randrange(256) for _pixel in range(36)))
    image = image.resize((192, 192), Pixels.Resampling.BICUBIC).convert("RGB")
    image = image.resize((width, width))
    if quality:  # with the losses of a JPEG
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=quality)
        image = Pixels.open(stream)
    return saved(image, "PNG")


@pytest.fixture
def moderator():
    return ModeratorFactory()


def out(post: Post) -> list[int]:
    """Which of a post's images strangers see."""
    return list(Image.objects.public().filter(post=post).order_by("position").values_list("pk", flat=True))


ACTS = {
    "hold": (Act.HOLD, Image.State.HELD),
    "remove": (Act.REMOVE, Image.State.REMOVED),
}


@pytest.mark.parametrize("name", ACTS)
def test_an_image_goes_from_every_list_and_comes_back(moderator, name):
    act, state = ACTS[name]
    image = first(posted())

    decide(image.subject, Order(act, rule="stolen"), by=moderator)
    changed = first(image.post)
    assert (changed.state, changed.state_reason) == (
        state,
        "This is the work of somebody else, without their permission.",
    )
    assert (changed.subject.is_public, ImageSearch.objects.filter(image=image).exists()) == (False, False)

    decide(image.subject, Order(Act.RESTORE), by=moderator)
    restored = first(image.post)
    assert (restored.state, restored.state_reason, restored.subject.is_public) == (Image.State.VISIBLE, "", True)


def test_a_post_is_removed_and_restored_around_one_of_its_images(moderator):
    post = posted(None, painted(), painted())
    image = first(post)
    before = out(post)

    decide(image.subject, Order(Act.REMOVE, rule="spam", whole=True), by=moderator)
    post.refresh_from_db()
    assert (post.state, out(post)) == (Post.State.REMOVED, [])
    with pytest.raises(Conflict, match="removed"):
        publish_post(post, by=post.owner)

    decide(image.subject, Order(Act.RESTORE, whole=True), by=moderator)
    post.refresh_from_db()
    assert (post.state, post.removed_reason, out(post)) == (Post.State.PUBLISHED, "", before)


def test_what_was_removed_alone_does_not_come_back_with_its_post(moderator):
    post = posted(None, painted(), painted())
    one, other = Image.objects.filter(post=post).order_by("position")
    decide(one.subject, Order(Act.REMOVE, rule="spam"), by=moderator)

    decide(other.subject, Order(Act.HOLD, rule="spam", whole=True), by=moderator)
    decide(other.subject, Order(Act.RESTORE, whole=True), by=moderator)

    assert out(post) == [other.pk]


def test_a_rating_is_changed_rolled_up_and_stays_until_an_appeal_is_granted(moderator):
    image = first(posted())

    decision = decide(image.subject, Order(Act.RATE, rule="rating", rating=Rating.X), by=moderator)

    changed = first(image.post)
    assert (changed.rating, changed.post.rating, changed.subject.rating) == (8, 8, 8)
    assert (decision.rating_before, decision.rating_after) == (1, 8)
    with pytest.raises(Conflict, match="moderator"):
        edit_image(changed, by=changed.owner, rating=Rating.PG)
    assert edit_image(changed, by=changed.owner, rating=Rating.XXX).rating == 16

    settle_appeal(appeal(decision, by=image.owner), overturn=True, by=ModeratorFactory())
    assert first(image.post).rating == 1
    assert edit_image(first(image.post), by=image.owner, rating=Rating.PG).rating == 1


def test_an_image_that_is_gone_cannot_be_decided(moderator):
    image = first(posted())
    subject = image.subject
    Image.objects.filter(pk=image.pk).delete()

    with pytest.raises(Conflict, match="gone"):
        decide(subject, Order(Act.HOLD, rule="spam"), by=moderator)
    assert not Decision.objects.exists()


def test_a_collection_is_removed_for_all_but_its_owner(moderator):
    owner = UserFactory()
    collection = create_collection("Lamps", visibility="public", by=owner)

    decide(collection.subject, Order(Act.REMOVE, rule="spam"), by=moderator)
    collection = Collection.objects.get()
    edit_collection(collection, by=owner, visibility="unlisted")
    edit_collection(collection, by=owner, visibility="public")

    assert not Collection.objects.reachable_by(UserFactory()).exists()
    assert not Collection.objects.get().subject.is_public
    assert Collection.objects.reachable_by(owner).exists()
    decide(collection.subject, Order(Act.RESTORE), by=moderator)
    assert Collection.objects.listed_to(UserFactory()).exists()


def test_copies_saved_anew_look_alike_and_others_do_not():
    one = first(posted(None, scene(1)))
    same = [first(posted(None, scene(1, quality=80))), first(posted(None, scene(1, quality=60, width=64)))]
    posted(None, scene(2))

    assert set(images_alike([one.subject_id])[one.subject_id]) == {image.subject_id for image in same}


def test_plain_pictures_are_alike_by_their_bytes_alone():
    data = painted()
    one, same = first(posted(None, data)), first(posted(None, data))
    posted(None, painted())

    assert not tells_apart(one.picture.phash)
    assert images_alike([one.subject_id]) == {one.subject_id: [same.subject_id]}


def test_drafts_of_others_are_not_among_what_looks_images_alike():
    one = first(posted(None, scene(1)))
    prepared(drafted(None, scene(1, quality=80)))

    assert images_alike([one.subject_id]) == {}


def test_reported_copies_stand_together_and_are_decided_at_once(moderator):
    images = [first(posted(None, scene(3, quality=quality))) for quality in (0, 80, 70, 60)]
    for image in images[:3]:
        report(image.subject, "stolen", by=UserFactory())

    [group], _next = queue_page()
    assert {one.pk for one in group.reported} == {image.subject_id for image in images[1:3]}
    assert {one.pk for one in group.others} == {images[3].subject_id}

    stranger = first(posted())
    also = [*(image.subject_id for image in images[1:]), stranger.subject_id]
    decide_group(group.case, also, Order(Act.REMOVE, rule="stolen"), by=moderator)

    assert {image.state for image in Image.objects.exclude(pk=stranger.pk)} == {"removed"}
    assert first(stranger.post).state == "visible"
    assert not Case.objects.open().exists()


def test_blocked_bytes_are_refused_when_they_come_again(moderator):
    data = scene(4)
    image = first(posted(None, data))

    decide(image.subject, Order(Act.REMOVE, rule="illegal", block=True), by=moderator)
    again = first(prepared(drafted(None, data)))

    assert again.refusal_code == "blocked_bytes"
    assert "block list" in again.refusal
    with pytest.raises(PostNotReady):
        publish_post(again.post, by=again.owner)


def test_what_looks_like_a_blocked_picture_is_not_published(moderator):
    image = first(posted(None, scene(5)))
    decide(image.subject, Order(Act.REMOVE, rule="illegal", block_alike=True), by=moderator)

    again = prepared(drafted(None, scene(5, quality=70)))
    other = prepared(drafted(None, scene(6)))

    with pytest.raises(PostNotReady, match="block list") as refusal:
        publish_post(again, by=again.owner)
    assert refusal.value.extra["unmet"][0]["code"] == "blocked_picture"
    assert publish_post(other, by=other.owner).is_public


def test_what_is_out_already_is_held_and_stands_in_the_queue(moderator):
    copies = [first(posted(None, scene(7, quality=quality))) for quality in (80, 60)]
    image = first(posted(None, scene(7)))

    decide(image.subject, Order(Act.REMOVE, rule="illegal", block=True, block_alike=True), by=moderator)

    assert {first(copy.post).state for copy in copies} == {"held"}
    assert {case.subject_id for case in Case.objects.open()} == {copy.subject_id for copy in copies}
    assert {found.source for found in Report.objects.all()} == {"block_list"}


def test_a_blocked_picture_added_to_a_post_that_is_out_is_held_once_it_is_decoded(moderator):
    blocked = first(posted(None, scene(8)))
    decide(blocked.subject, Order(Act.REMOVE, rule="illegal", block_alike=True), by=moderator)
    post = posted()

    [added] = add_images(post, [NewImage(sent(post.owner, scene(8, quality=75)).pk, rating=Rating.PG)], by=post.owner)
    make_renditions(added.picture_id)

    assert Image.objects.get(pk=added.pk).state == "held"


def test_a_preview_of_blocked_bytes_is_shown_no_more_and_none_comes_again(moderator):
    file = ModelFileFactory(published=True)
    owner = file.version.model.owner
    preview = add_preview(file.version, sent(owner, scene(9)), alt="", rating=Rating.X, by=owner)
    make_renditions(preview.picture_id)
    image = first(posted(None, scene(9)))

    decide(image.subject, Order(Act.REMOVE, rule="illegal", block=True, block_alike=True), by=moderator)

    preview.refresh_from_db()
    file.version.refresh_from_db()
    assert (preview.refusal_code, file.version.rating) == ("blocked_bytes", 0)
    again = add_preview(file.version, sent(owner, scene(9, quality=80)), alt="", rating=Rating.X, by=owner)
    make_renditions(again.picture_id)
    again.refresh_from_db()
    assert again.refusal_code == "blocked_bytes"


def test_a_plain_picture_blocks_nothing_that_only_looks_like_it(moderator):
    image = first(posted())

    decide(image.subject, Order(Act.REMOVE, rule="illegal", block_alike=True), by=moderator)

    assert not BlockedHash.objects.exists()


def test_files_of_a_removed_model_are_blocked_and_others_with_them_are_queued(moderator):
    file = ModelFileFactory(published=True)
    copy = ModelFileFactory(published=True, blob=file.blob)

    decide(file.version.model.subject, Order(Act.REMOVE, rule="malware", block=True), by=moderator)

    assert BlockedHash.objects.get().sha256 == file.blob_id
    assert Case.objects.open().get().subject == copy.version.model.subject
    assert RegisteredModel.objects.get(pk=copy.version.model_id).taken_down_at is None


def test_what_is_taken_off_the_list_comes_in_again(moderator):
    data = scene(10)
    decide(first(posted(None, data)).subject, Order(Act.REMOVE, rule="illegal", block=True), by=moderator)

    unblock(BlockedHash.objects.get(), by=moderator)

    assert first(posted(None, data)).state == "visible"


def test_taking_a_model_down_from_its_page_is_a_decision_like_any_other(moderator):
    model = ModelFileFactory(published=True).version.model

    take_down_model(model, "Stolen.", by=moderator)

    decision = Decision.objects.get()
    assert (decision.act, decision.kind, decision.owner) == ("remove", "model", model.owner)


def test_looking_for_copies_costs_one_query(django_assert_num_queries):
    images = [first(posted(None, scene(number))) for number in range(20, 23)]
    with django_assert_num_queries(1):
        images_alike([image.subject_id for image in images])
    report(images[0].subject, "spam", by=UserFactory())
    assert waiting(Case.objects.for_queue().get()).others == ()
    assert Picture.objects.exclude(phash=None).count() == 3
