"""Preview pictures of a version, through the services."""

from __future__ import annotations

import pytest

from community.errors import Conflict, InvalidInput, NotAllowed
from community.models import Subject
from community.ratings import Rating
from registry.models import ModelSearch, ModelVersion, Picture, Upload, VersionPreview
from registry.services.files import UnknownUpload
from registry.services.listing import refresh_listing
from registry.services.pictures import (
    MAX_PREVIEWS,
    add_preview,
    attach_upload,
    covers_for_models,
    covers_for_versions,
    edit_preview,
    order_previews,
    read_rating,
    remove_preview,
)
from registry.services.renditions import make_renditions
from tests.factories import ModelVersionFactory, ModeratorFactory, UserFactory, VersionPreviewFactory
from tests.registry.pictures.build import saved, scene
from tests.registry.pictures.hostile import AVIF, JPEG, PNG
from tests.registry.pictures.rows import picture_of, sent, shown, stored_blob, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def version() -> ModelVersion:
    return ModelVersionFactory()


@pytest.fixture
def owner(version):
    return version.model.owner


def add(version, upload, *, rating=Rating.PG, alt="", by=None) -> VersionPreview:
    return add_preview(version, upload, alt=alt, rating=rating, by=by or version.model.owner)


def test_a_picture_is_listed_at_once_and_decoded_after_the_commit(
    version, owner, monkeypatch, django_capture_on_commit_callbacks
):
    heard = told(monkeypatch)

    with django_capture_on_commit_callbacks(execute=True):
        preview = add(version, sent(owner, PNG), alt="  four\n colors ")

    assert (preview.state, preview.alt, heard) == ("waiting", "four colors", [preview.picture_id])
    make_renditions(preview.picture_id)
    preview = VersionPreview.objects.for_display().get(pk=preview.pk)
    picture = preview.picture
    assert preview.state == "ready"
    assert (picture.mime, picture.width, picture.height, picture.animated) == ("image/png", 96, 64, False)
    assert picture.color == "#848186"
    assert [(row.format, row.width) for row in picture.renditions.all()] == [("webp", 96)]
    assert preview.webp_srcset == f"/media/previews/{preview.pk}/96.webp 96w"
    assert preview.avif_srcset == ""
    assert preview.src == f"/media/previews/{preview.pk}/96.webp"


def test_a_picture_waits_for_its_upload_to_be_inspected(
    version, owner, monkeypatch, django_capture_on_commit_callbacks
):
    heard = told(monkeypatch)
    upload = sent(owner, b"", state=Upload.State.INSPECTING)
    preview = add(version, upload)
    assert (preview.picture, preview.state) == (None, "waiting")

    upload.blob, upload.state = stored_blob(PNG), Upload.State.DONE
    upload.save()
    with django_capture_on_commit_callbacks(execute=True):
        attach_upload(upload)
        attach_upload(upload)

    assert heard == [picture_of(preview).pk]


def test_equal_bytes_are_one_picture_decoded_once(version, owner):
    first = shown(version, PNG)
    other = ModelVersionFactory()

    second = add(other, sent(other.model.owner, PNG))

    assert (second.picture, second.state) == (first.picture, "ready")
    assert Picture.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "name", "code", "words"),
    [
        (b"<html><script>1</script>", "page.png", "disguised", "named .png but is no picture"),
        (b"<html><script>1</script>", "page", "not_a_picture", "a web page"),
        (JPEG, "photo.png", "wrong_extension", "holds a JPEG picture"),
        (b'<svg xmlns="x">', "a.svg", "format_not_accepted", "SVG"),
        (b"PK\x03\x04rest", "a.zip", "not_a_picture", "a ZIP archive"),
        (b"nothing of the sort", "notes.txt", "not_a_picture", "something unknown"),
    ],
)
def test_what_is_no_picture_is_refused_with_the_reason(version, owner, data, name, code, words):
    preview = add(version, sent(owner, data, name))

    assert (preview.state, preview.refusal_code) == ("refused", code)
    assert words in preview.refusal
    assert not Picture.objects.exists()


def test_a_name_that_lies_is_refused_also_beside_a_good_one(version, owner):
    shown(version, JPEG, name="photo.jpg")

    preview = add(version, sent(owner, JPEG, "photo.gif"))

    assert preview.refusal_code == "wrong_extension"


def test_a_picture_that_cannot_be_decoded_is_refused_with_the_reason(version):
    preview = shown(version, PNG[:-20])

    assert (preview.state, preview.refusal_code) == ("refused", "truncated")
    assert "end is missing" in preview.refusal


def test_a_failed_upload_refuses_its_preview(version, owner):
    upload = sent(owner, b"", state=Upload.State.INSPECTING)
    preview = add(version, upload)

    upload.state, upload.error = Upload.State.FAILED, {"code": "sha256_differs", "detail": "Other bytes."}
    upload.save()

    preview = VersionPreview.objects.for_display().get(pk=preview.pk)
    assert (preview.state, preview.refusal_code, preview.refusal) == ("refused", "sha256_differs", "Other bytes.")


def test_only_the_owner_adds_edits_orders_and_removes(version):
    preview = shown(version, PNG)

    for person in (UserFactory(), ModeratorFactory()):
        with pytest.raises(NotAllowed):
            add(version, sent(person, AVIF, "a.avif"), by=person)
        with pytest.raises(NotAllowed):
            edit_preview(preview, by=person, alt="mine")
        with pytest.raises(NotAllowed):
            order_previews(version, [preview.pk], by=person)
        with pytest.raises(NotAllowed):
            remove_preview(preview, by=person)


def test_somebody_elses_upload_is_unknown(version):
    theirs = sent(UserFactory(), PNG)

    for upload in (theirs, theirs.pk, "nonsense", "00000000-0000-0000-0000-000000000000", None):
        with pytest.raises(UnknownUpload) as refusal:
            add(version, upload)
        assert refusal.value.field == "upload"


@pytest.mark.parametrize("state", ["receiving", "failed", "expired", "aborted"])
def test_an_upload_that_has_not_arrived_is_refused(version, owner, state):
    with pytest.raises(Conflict) as refusal:
        add(version, sent(owner, b"", state=state))

    assert refusal.value.code == "upload_not_complete"


def test_too_many_bytes_are_refused_before_anything_is_read(version, owner):
    upload = sent(owner, b"", state=Upload.State.COMPLETE)
    Upload.objects.filter(pk=upload.pk).update(size=50_000_001)

    with pytest.raises(InvalidInput, match="50 MB") as refusal:
        add(version, upload)

    assert (refusal.value.code, refusal.value.field) == ("too_many_bytes", "upload")


def test_the_same_upload_is_shown_once(version, owner):
    upload = sent(owner, PNG)
    add(version, upload)

    with pytest.raises(Conflict, match="already"):
        add(version, upload)


def test_a_version_has_a_bounded_number_of_pictures(version, owner):
    VersionPreviewFactory.create_batch(MAX_PREVIEWS, version=version)

    with pytest.raises(Conflict, match=str(MAX_PREVIEWS)):
        add(version, sent(owner, PNG))


def test_a_withdrawn_version_takes_no_pictures(owner):
    version = ModelVersionFactory(published=True, state="withdrawn")

    with pytest.raises(Conflict):
        add(version, sent(version.model.owner, PNG))


@pytest.mark.parametrize("alt", ["x" * 501, "a\0b", "a\x07b", 7])
def test_a_bad_alternative_text_is_refused(version, owner, alt):
    with pytest.raises(InvalidInput) as refusal:
        add(version, sent(owner, PNG), alt=alt)

    assert refusal.value.field == "alt"


@pytest.mark.parametrize("name", ["", "pg", "PG13", "Z", None, 1, [], {}])
def test_a_rating_is_named_and_never_guessed(name):
    with pytest.raises(InvalidInput) as refusal:
        read_rating(name)

    assert refusal.value.field == "rating"


def test_ratings_roll_up_to_version_model_and_search():
    version = ModelVersionFactory(published=True)
    refresh_listing(version.model)

    def ratings() -> tuple[int, int, int]:
        return (
            ModelVersion.objects.get(pk=version.pk).rating,
            Subject.objects.get(pk=version.model.subject_id).rating,
            ModelSearch.objects.get(model=version.model).rating,
        )

    assert ratings() == (0, 0, 0)
    first = shown(version, PNG, Rating.PG)
    second = shown(version, JPEG, Rating.X, "a.jpg")
    assert ratings() == (9, 9, 9)
    edit_preview(second, by=version.model.owner, rating=Rating.R)
    assert ratings() == (5, 5, 5)
    remove_preview(first, by=version.model.owner)
    assert ratings() == (4, 4, 4)


def test_a_refused_picture_counts_for_no_rating(version, django_capture_on_commit_callbacks):
    shown(version, PNG, Rating.PG)
    shown(version, PNG[:-20], Rating.XXX)
    with django_capture_on_commit_callbacks(execute=True):
        add(version, sent(version.model.owner, b"text", "a.png"), rating=Rating.X)

    assert ModelVersion.objects.get(pk=version.pk).rating == Rating.PG


def test_pictures_are_put_in_order(version, owner):
    ids = [add(version, sent(owner, saved(scene(n, n), "PNG"))).pk for n in (10, 20, 30)]
    assert [preview.pk for preview in version.previews.all()] == ids

    order_previews(version, ids[::-1], by=owner)

    assert [preview.pk for preview in version.previews.all()] == ids[::-1]


def test_an_order_names_every_picture_once(version, owner):
    one, two = (VersionPreviewFactory(version=version).pk for _ in range(2))
    other = VersionPreviewFactory().pk

    for ids in ([one], [one, one], [one, two, other], [one, other], []):
        with pytest.raises(InvalidInput) as refusal:
            order_previews(version, ids, by=owner)
        assert refusal.value.field == "pictures"


def test_editing_a_picture_that_was_removed_meanwhile_is_a_conflict(version, owner):
    preview = VersionPreviewFactory(version=version)
    remove_preview(preview, by=owner)

    with pytest.raises(Conflict):
        edit_preview(preview, by=owner, alt="x")
    remove_preview(preview, by=owner)


def test_the_cover_is_the_first_picture_that_the_viewer_may_see():
    version = ModelVersionFactory(published=True)
    owner = version.model.owner
    grown = UserFactory(browsing_level=31)
    VersionPreviewFactory(version=version, position=0, rating=Rating.PG, picture__state="waiting")
    x_rated = VersionPreviewFactory(version=version, position=1, rating=Rating.X)
    plain = VersionPreviewFactory(version=version, position=2, rating=Rating.PG)

    covers = [covers_for_versions([version], viewer) for viewer in (UserFactory(), grown, owner)]

    assert [cover[version.pk] for cover in covers] == [plain, x_rated, x_rated]


def test_the_cover_of_a_model_comes_from_its_newest_version_that_has_one(django_assert_num_queries):
    old = ModelVersionFactory(published=True, published_at="2026-01-01T00:00Z")
    new = ModelVersionFactory(published=True, model=old.model, published_at="2026-02-02T00:00Z")
    draft = ModelVersionFactory(model=old.model)
    of_old, of_new = VersionPreviewFactory(version=old), VersionPreviewFactory(version=new, rating=Rating.R)
    VersionPreviewFactory(version=draft)
    others = [VersionPreviewFactory(version=ModelVersionFactory(published=True)) for _ in range(5)]
    ids = [old.model_id, *[preview.version.model_id for preview in others]]
    viewer, grown = UserFactory(), UserFactory(browsing_level=31)

    with django_assert_num_queries(2):
        seen = covers_for_models(ids, viewer)
        srcsets = [cover.webp_srcset for cover in seen.values()]

    assert seen[old.model_id] == of_old
    assert covers_for_models(ids, grown)[old.model_id] == of_new
    assert len(seen) == len(srcsets) == 6
