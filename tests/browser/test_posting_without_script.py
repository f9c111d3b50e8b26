"""A person whose browser runs no scripts signs in, sends pictures, says what they are, orders and publishes them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from gallery.models import Image, PictureReading, Post
from gallery.services.publishing import publish_due
from gallery.services.reading import read_metadata
from registry.models import Inspection, Picture
from registry.services.inspecting import inspect_upload
from registry.services.renditions import make_renditions
from tests.browser.visitor import PASSWORD, Visitor
from tests.factories import ModelFileFactory, ModelVersionFactory, UserFactory
from tests.gallery.rows import INFOTEXT, drafted, first, painted, prepared, told

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def work() -> None:
    """What the io worker does of all that waits."""
    for upload in list(Inspection.objects.filter(state="waiting").values_list("upload", flat=True)):
        inspect_upload(str(upload))
    for picture in list(Picture.objects.filter(state="waiting").values_list("pk", flat=True)):
        make_renditions(picture)
    for picture in list(PictureReading.objects.filter(state="waiting").values_list("pk", flat=True)):
        read_metadata(picture)
    publish_due()


@pytest.fixture
def person(db):
    person = UserFactory(username="mira", browsing_level=31)
    person.set_password(PASSWORD)
    person.save()
    return person


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / name for name in ("harbour.png", "pier.png", "boat.png")]
    for number, path in enumerate(paths):
        path.write_bytes(told(INFOTEXT.format(model="00")) if not number else painted(64, 40 + 30 * number))
    return paths


def row(page: Page, number: int):
    return page.locator("[data-image]").nth(number)


def test_pictures_are_posted_without_a_script(open_window, person, pictures):
    version = ModelVersionFactory(published=True, model__type="lora", model__title="Tidewater")
    ModelFileFactory(version=version, name="tidewater.safetensors")
    page = open_window(scripts=False)
    page.goto(reverse("gallery:post-new"))
    Visitor(page).log_in("mira", PASSWORD)

    page.get_by_label("Pictures to add").set_input_files(pictures[:2])
    page.get_by_role("button", name="Begin a draft").click()
    expect(page).to_have_url(re.compile(r"/posts/\d+/edit$"))
    work()
    page.reload()
    expect(page.locator("[data-image] img")).to_have_count(2)

    _write_with_a_fault(page, pictures[2])
    row(page, 0).get_by_label("Tags").fill("harbour, ink")
    row(page, 0).get_by_role("button", name="It is Tidewater").click()
    expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    expect(row(page, 0).get_by_role("link", name="Tidewater")).to_be_visible()
    assert (Post.objects.get().title, Post.objects.get().caption) == ("Harbour", "Two evenings.")

    work()
    _put_in_order(page)

    page.get_by_label("Caption").first.fill("Three evenings.")
    page.get_by_role("button", name="Save and publish").click()

    expect(page).to_have_url(re.compile(r"/posts/\d+$"))
    expect(page.locator(".image-card")).to_have_count(3)
    assert (Post.objects.get().state, Post.objects.get().caption) == ("published", "Three evenings.")


def _write_with_a_fault(page: Page, more: Path) -> None:
    """Nothing typed is lost where one field is wrong, and the picture that came with it joins all the same."""
    page.get_by_label("Title").fill("Harbour")
    page.get_by_label("Caption").first.fill("Two evenings.")
    row(page, 0).get_by_label("What it shows").fill("a harbour")
    row(page, 1).get_by_label("Rating").select_option("PG")
    row(page, 0).get_by_label("Tags").fill("x" * 120)
    page.get_by_label("Pictures to add").set_input_files(more)
    row(page, 0).get_by_role("button", name="Save").click()

    expect(page.get_by_role("alert")).to_contain_text("Picture 1, Tags: ")
    expect(page.get_by_label("Title")).to_have_value("Harbour")
    expect(row(page, 0).get_by_label("What it shows")).to_have_value("a harbour")
    expect(row(page, 1).get_by_label("Rating")).to_have_value("PG")
    expect(page.locator("[data-image]")).to_have_count(3)
    assert Post.objects.get().title == ""


def _put_in_order(page: Page) -> None:
    """The last one first by its number, then the next one later by its button."""
    row(page, 2).get_by_label("Place").fill("1")
    page.get_by_label("Rating of those that have none").select_option("PG-13")
    row(page, 0).get_by_role("button", name="Later").click()
    images = Image.objects.order_by("position").select_related("upload")
    assert [image.upload.name for image in images] == ["boat.png", "pier.png", "harbour.png"]
    assert [image.rating_name for image in images] == ["PG-13", "PG", "PG-13"]


def test_what_stands_there_without_a_script_is_fit_for_everybody(open_window, person, pictures):
    """Axe is a script itself, so that what others do not see is shown to it."""
    image = first(prepared(drafted(person, told(INFOTEXT.format(model="00")))))
    page = open_window(user=person)
    visitor = Visitor(page)
    for address in (reverse("gallery:post-edit", args=[image.post_id]), reverse("gallery:post-new")):
        page.goto(address)
        page.evaluate(
            "for (const e of document.querySelectorAll('[data-without-script]')) delete e.dataset.withoutScript"
        )
        page.evaluate("for (const e of document.querySelectorAll('[data-with-script], .drop')) e.hidden = true")

        visitor.look(f"without a script {address.count('edit')}")

    assert visitor.faults == []


def test_enter_in_a_field_saves_and_presses_no_other_button(open_window, person, pictures):
    page = open_window(user=person, scripts=False)
    page.goto(reverse("gallery:post-new"))
    page.get_by_label("Pictures to add").set_input_files(pictures)
    page.get_by_role("button", name="Begin a draft").click()

    row(page, 1).get_by_label("What it shows").fill("a pier")
    row(page, 1).get_by_label("What it shows").press("Enter")

    expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    assert [image.alt for image in Image.objects.order_by("position")] == ["", "a pier", ""]


def test_a_post_is_scheduled_without_a_script(open_window, person, pictures):
    page = open_window(user=person, scripts=False)
    page.goto(reverse("gallery:post-new"))
    page.get_by_label("Pictures to add").set_input_files(pictures[1])
    page.get_by_role("button", name="Begin a draft").click()
    work()
    page.reload()

    row(page, 0).get_by_label("Rating").select_option("PG")
    page.get_by_text("Publish later").click()
    page.get_by_label("Publish at").fill("2026-12-24T18:00")
    page.get_by_role("button", name="Save and publish").click()

    expect(page).to_have_url(re.compile(r"/posts/\d+$"))
    page.goto(reverse("gallery:post-edit", args=[Post.objects.get().pk]))
    expect(page.get_by_text("Goes out on Dec. 24, 2026")).to_be_visible()
    page.get_by_label("Title").fill("Kept")
    page.get_by_role("button", name="Make it a draft again").click()
    expect(page.get_by_role("button", name="Save and publish")).to_be_visible()
    assert (Post.objects.get().state, Post.objects.get().title) == ("draft", "Kept")
