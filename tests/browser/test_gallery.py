"""Pictures are posted from a page and looked at, in Chromium: in order, by keys, without anything jumping."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.urls import reverse
from PIL import Image as Pixels
from playwright.sync_api import Page, expect

from gallery.models import Image, PictureReading, Post
from gallery.services.classifying import classify_picture
from gallery.services.publishing import publish_due
from gallery.services.reading import read_metadata
from registry.models import Inspection, Picture
from registry.services.inspecting import inspect_upload
from registry.services.listing import refresh_listing
from registry.services.renditions import make_renditions
from tests.browser.axe import serious_in_both_themes
from tests.browser.test_look import MOST_SHIFT, layout_shift
from tests.factories import CommentFactory, ModelVersionFactory, RegisteredModelFactory, UserFactory
from tests.gallery.pictures import png
from tests.gallery.rows import INFOTEXT, drafted, first, painted, posted, prepared, told
from tests.gallery.test_classifying import bright
from tests.registry.pictures.build import saved

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDTHS = (1440, 800, 360)
# Turns of the wheel until the last picture is there, however slow the machine.
MOST_TURNS = 120


@pytest.fixture
def worker(live_server) -> Iterator[None]:
    """Inspects, decodes and reads what waits, as the io worker does."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.1):
            for upload in list(Inspection.objects.filter(state="waiting").values_list("upload", flat=True)):
                inspect_upload(str(upload))
            for picture in list(Picture.objects.filter(state="waiting").values_list("pk", flat=True)):
                make_renditions(picture)
            for picture in list(PictureReading.objects.filter(state="waiting").values_list("pk", flat=True)):
                read_metadata(picture)
            publish_due()
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.fixture
def person(db):
    return UserFactory(username="mira", browsing_level=31)


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Five pictures, the first with generation data."""
    paths = [tmp_path / f"{number}.png" for number in range(5)]
    for number, path in enumerate(paths):
        path.write_bytes(told(INFOTEXT.format(model="00")) if not number else painted(64, 40 + 30 * number))
    return paths


def test_dropped_pictures_are_posted_in_their_order(open_window, worker, person, pictures):
    page = open_window(user=person)
    page.goto(reverse("gallery:post-new"))

    page.set_input_files("#pick-pictures", pictures)

    expect(page.locator("[data-image]")).to_have_count(5, timeout=60_000)
    expect(page).to_have_url(re.compile(r"/edit$"))
    expect(page.locator("[data-image] img")).to_have_count(5, timeout=60_000)
    sizes = [image.upload.name for image in Post.objects.get().images.select_related("upload")]
    assert sizes == [path.name for path in pictures]
    page.get_by_label("Title").fill("Harbour")
    page.get_by_label("Title").press("Tab")
    row = page.locator("[data-image]").first
    row.locator("summary", has_text="How it was made").click()
    expect(row.locator("[name$=-prompt]")).to_have_value("harbour at night, lanterns, ink wash, <lora:tidewater:0.8>")
    row.locator("[name$=-seed]").fill("7")
    row.locator("[name$=-seed]").press("Tab")
    expect(page.locator("#post-heard")).to_have_text("Saved")
    expect(page.get_by_role("button", name="Publish", exact=True)).to_be_disabled()
    page.get_by_label("Rating of those that have none").select_option("PG")
    expect(page.get_by_role("button", name="Publish", exact=True)).to_be_enabled(timeout=20_000)
    expect(page.locator("[data-image] select[name$=-rating]").last).to_have_value("PG")
    faults = serious_in_both_themes(page, "workbench")
    page.reload()
    expect(page.get_by_label("Title")).to_have_value("Harbour")
    page.get_by_role("button", name="Publish", exact=True).click()

    expect(page.locator(".image-card")).to_have_count(5)
    assert Post.objects.get().state == "published"
    assert int(Image.objects.first().seed) == 7
    assert faults == []


def test_the_order_is_changed_by_buttons_and_by_dragging(open_window, worker, person, pictures):
    page = open_window(user=person, height=2600)
    page.goto(reverse("gallery:post-new"))
    page.set_input_files("#pick-pictures", pictures[:3])
    expect(page.locator("[data-image] img")).to_have_count(3, timeout=60_000)
    ids = [row.get_attribute("data-image") for row in page.locator("[data-image]").all()]

    page.locator("[data-image]").nth(0).get_by_role("button", name="Later").press("Enter")
    expect(page.locator("#post-heard")).to_have_text("Saved")
    expect(page.locator("[data-image]").nth(0).get_by_role("button", name="Earlier")).to_be_disabled()
    handle = page.locator("[data-image]").nth(2).locator("[data-handle]").bounding_box()
    first_row = page.locator("[data-image]").nth(0).bounding_box()
    page.mouse.move(handle["x"] + 40, handle["y"] + 40)
    page.mouse.down()
    page.mouse.move(first_row["x"] + 20, first_row["y"] + 25, steps=8)
    page.mouse.move(first_row["x"] + 20, first_row["y"] + 5)
    page.mouse.up()

    expect(page.locator("[data-image]").nth(0)).to_have_attribute("data-image", ids[2])
    expect(page.locator("#post-heard")).to_have_text("Saved")
    expect(page.locator("[data-image]").nth(0).get_by_role("button", name="Earlier")).to_be_disabled()
    assert Post.objects.get().images.count() == 3
    page.reload()
    shown = [row.get_attribute("data-image") for row in page.locator("[data-image]").all()]
    assert shown == [ids[2], ids[1], ids[0]]


def test_a_model_is_named_by_its_author_and_weighed(open_window, worker, person):
    model = RegisteredModelFactory(public=True, title="Tidewater Ink", type="lora")
    version = ModelVersionFactory(model=model, published=True)
    with transaction.atomic():
        refresh_listing(model)
    image = first(posted(person))
    page = open_window(user=person)
    page.goto(reverse("gallery:post-edit", args=[image.post_id]))

    page.get_by_text("Add a model that it was made with").click()
    page.get_by_label("A model of this site").press_sequentially("tidewater")
    page.get_by_role("button", name="Tidewater Ink").click()
    expect(page.get_by_role("link", name="Tidewater Ink")).to_be_visible()
    page.get_by_label("Weight of Tidewater Ink").fill("0.7")
    page.get_by_label("Weight of Tidewater Ink").press("Tab")
    expect(page.locator("#post-heard")).to_have_text("Saved")

    resource = image.resources.get()
    assert (resource.version, resource.source) == (version, "added")
    expect(page.get_by_label("Weight of Tidewater Ink")).to_have_value("0.7")
    page.reload()
    expect(page.get_by_label("Weight of Tidewater Ink")).to_have_value("0.7")


def test_a_picture_has_tags_of_its_own_and_hides_how_it_was_made(open_window, worker, person):
    image = first(posted(person))
    page = open_window(user=person)
    page.goto(reverse("gallery:post-edit", args=[image.post_id]))
    row = page.locator(f"#image-{image.pk}")
    heard = page.locator("#post-heard")

    row.get_by_label(re.compile("^Tags")).fill("ink wash, harbour")
    row.get_by_label(re.compile("^Tags")).press("Enter")
    expect(heard).to_have_text("Saved")
    heard.evaluate("place => { place.textContent = ''; }")
    row.get_by_label("Hide how it was made").check()
    expect(heard).to_have_text("Saved")

    expect(page).to_have_url(re.compile(r"/edit$"))
    kept = Image.objects.get(pk=image.pk)
    assert ({tag.name for tag in kept.tags.all()}, kept.hides_generation) == ({"ink wash", "harbour"}, True)
    page.reload()
    expect(row.get_by_label(re.compile("^Tags"))).to_have_value(re.compile("^(ink wash, harbour|harbour, ink wash)$"))
    expect(row.get_by_label("Hide how it was made")).to_be_checked()
    expect(row.get_by_role("button", name="Save")).to_have_count(0)


def test_a_moment_goes_with_the_button_that_publishes(open_window, person):
    post = prepared(drafted(person))
    page = open_window(user=person)
    page.goto(reverse("gallery:post-edit", args=[post.pk]))

    page.get_by_text("Publish later").click()
    page.get_by_label("Publish at").fill("2026-12-24T18:00")
    page.get_by_role("button", name="Publish", exact=True).click()

    expect(page).to_have_url(re.compile(r"/posts/\d+$"))
    assert Post.objects.get().state == "scheduled"


def test_what_a_classifier_proposes_is_taken_by_one_press(open_window, person, settings):
    settings.PICTURE_CLASSIFIER = "tests.gallery.classifier"
    post = prepared(drafted(person, bright(250), rating=None))
    image = first(post)
    classify_picture(image.picture_id)
    page = open_window(user=person)
    page.goto(reverse("gallery:post-edit", args=[post.pk]))
    rating = page.locator("select[name$=-rating]")
    milder = page.get_by_text("You chose a milder rating")

    rating.select_option("PG")
    expect(milder).to_be_visible()
    page.get_by_role("button", name="Rate it X").click()

    expect(page.locator("#post-heard")).to_have_text("Saved")
    expect(rating).to_have_value("X")
    expect(milder).to_be_hidden()
    expect(page.get_by_role("button", name="Rate it X")).to_be_hidden()
    expect(page).to_have_url(re.compile(r"/edit$"))
    assert Image.objects.get(pk=image.pk).rating_name == "X"


def large(width: int, height: int, hue: int) -> bytes:
    """A picture as large as people post them."""
    image = Pixels.new("HSV", (width, height), (hue % 256, 160, 150)).convert("RGB")
    image.paste((240, 230, 220), (width // 4, height // 4, width // 2, height // 2))
    return saved(image, "PNG")


@pytest.fixture
def gallery(person):
    """A gallery of many shapes, and one image of which everything is known."""
    shapes = [(512, 768), (768, 512), (640, 640), (300, 1500), (1600, 400), (832, 1216)]
    for number in range(42):
        width, height = shapes[number % 6]
        posted(person, large(width, height, number * 11), title=f"Picture {number}", tags=["ink", f"tag {number % 5}"])
    text = INFOTEXT.format(model="00")
    full = first(posted(person, png((832, 1216), parameters=text), title="Harbour", caption="At night."))
    CommentFactory(subject=full.subject, author=person, text="The reflections are lovely.")
    return full


def test_nothing_jumps_or_scrolls_sideways_and_everybody_can_use_it(open_window, gallery, person):
    image = reverse("gallery:image", args=[gallery.pk])
    pages = {
        "images": ("/images", None),
        "narrowed": ("/images?tag=ink&sort=reactions&period=week", person),
        "nothing": ("/images?q=zzzzz", None),
        "image": (f"{image}?sort=newest", person),
        "post": (gallery.post.get_absolute_url(), person),
        "new post": (reverse("gallery:post-new"), person),
        "workbench": (reverse("gallery:post-edit", args=[gallery.post_id]), person),
        "delete": (reverse("gallery:post-delete", args=[gallery.post_id]), person),
        "profile": (person.get_absolute_url(), None),
    }
    faults = []
    for width in WIDTHS:
        windows: dict[object, Page] = {}
        for name, (address, user) in pages.items():
            if user not in windows:
                windows[user] = open_window(width=width, user=user)
            page = windows[user]
            page.goto(address)
            page.wait_for_load_state("networkidle")
            shift = layout_shift(page)
            if shift > MOST_SHIFT:
                faults.append(f"{name} at {width}: shift {shift:.3f}")
            wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if wider > 0:
                faults.append(f"{name} at {width}: {wider} px too wide")
            if width != 800:
                faults += serious_in_both_themes(page, f"{name} at {width}")

    assert faults == []


def test_reading_on_moves_nothing_that_is_seen(open_window, gallery):
    page = open_window()
    page.goto("/images")
    for _ in range(MOST_TURNS):
        page.mouse.wheel(0, 900)
        page.wait_for_timeout(150)
        if page.locator(".image-card").count() == 43:
            break
    expect(page.locator(".image-card")).to_have_count(43)

    assert layout_shift(page) <= MOST_SHIFT


def test_keys_walk_and_close(open_window, gallery):
    page = open_window()
    page.goto("/images")
    page.locator(".image-card__link").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Harbour")

    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("heading", level=1)).to_have_text("Picture 41")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("heading", level=1)).to_have_text("Harbour")
    page.keyboard.press("Escape")

    expect(page).to_have_url(re.compile(r"/images$"))


def test_the_prompt_is_copied_as_it_stands(open_window, gallery):
    page = open_window()
    page.goto(reverse("gallery:image", args=[gallery.pk]))

    page.get_by_role("button", name="the prompt", exact=False).first.click()
    prompt = page.evaluate("navigator.clipboard.readText()")
    page.get_by_role("button", name="Copy all").click()
    whole = page.evaluate("navigator.clipboard.readText()")

    assert prompt == "harbour at night, lanterns, ink wash, <lora:tidewater:0.8>"
    assert "Negative prompt: photo, frame\nSteps: 28, Sampler: DPM++ 2M" in whole
    assert "Seed: 18446744073709551615" in whole
