"""Files go up from a page, break off, go on, and become a draft that is published."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.urls import reverse
from PIL import Image

from registry.models import Inspection, ModelVersion, Upload
from registry.services.inspecting import inspect_upload
from registry.storage import blob_store
from tests.browser.axe import serious
from tests.browser.scene import show_picture
from tests.factories import ModelVersionFactory, UserFactory
from tests.registry.inspecting.bytes import evil_pickle, safetensors

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PART = 16 << 20
BIG = 2 * PART + 1000


@pytest.fixture
def worker(live_server) -> Iterator[None]:
    """Inspects what waits, as the io worker does."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.1):
            for upload in list(Inspection.objects.filter(state="waiting").values_list("upload", flat=True)):
                inspect_upload(str(upload))
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.fixture
def person(db):
    return UserFactory()


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    path = tmp_path / "tidewater.safetensors"
    path.write_bytes(
        safetensors(metadata={"modelspec.title": "Tidewater Ink", "modelspec.trigger_phrase": "tidewater"})
    )
    return path


@pytest.fixture
def big_file(tmp_path: Path) -> Path:
    path = tmp_path / "big.bin"
    path.write_bytes(os.urandom(BIG))
    return path


def test_a_dropped_model_fills_the_form_and_is_published(open_window, worker, person, model_file):
    page = open_window(user=person)
    page.goto(reverse("registry:upload"))
    page.set_input_files("#pick-files", model_file)

    row = page.locator(".sending-row")
    row.get_by_text("Safe", exact=True).wait_for()
    assert page.input_value("[name=title]") == "Tidewater Ink"
    assert page.input_value("[name=type]") == "lora"
    assert page.input_value("[name=version-trained_words]") == "tidewater"

    page.select_option("[name=license]", "CC0-1.0")
    for group in page.locator(".yes-no").all():
        group.get_by_label("Yes").check()
    page.select_option("[name=version-base_model]", "SD 1.5")
    page.get_by_role("button", name="Make the draft").click()
    page.get_by_role("heading", name="Ready to be published").wait_for()
    version = ModelVersion.objects.get()
    assert page.url.endswith(f"/upload?version={version.pk}")
    assert [file.name for file in version.files.all()] == ["tidewater.safetensors"]

    page.get_by_role("button", name="Publish").click()
    page.wait_for_url(f"**{version.model.get_absolute_url()}**")
    version.refresh_from_db()
    assert version.state == "published"


def test_what_arrives_after_the_draft_is_made_joins_it_by_itself(open_window, worker, person, model_file):
    version = ModelVersionFactory(model__owner=person)
    page = open_window(user=person)
    page.goto(f"/upload?version={version.pk}")

    page.set_input_files("#pick-files", model_file)

    page.locator(".file-row .verdict--safe").wait_for()
    assert page.locator(".file-row__name").inner_text() == "tidewater.safetensors"
    assert version.files.get().verdict == "safe"


def test_a_file_that_may_not_come_out_is_taken_out_of_the_draft(open_window, worker, person, tmp_path):
    version = ModelVersionFactory(model__owner=person)
    (tmp_path / "evil.pt").write_bytes(evil_pickle())
    page = open_window(user=person)
    page.goto(f"/upload?version={version.pk}")
    page.set_input_files("#pick-files", tmp_path / "evil.pt")
    page.locator(".file-row .verdict--blocked").wait_for()

    page.get_by_role("button", name="Remove evil.pt").click()

    page.get_by_text("This version has no files yet.").wait_for()
    assert page.locator(".sending-row").count() == 0
    assert not version.files.exists()


def test_an_upload_goes_on_after_a_reload_with_the_missing_parts_only(open_window, worker, person, big_file):
    page = open_window(user=person)
    page.goto("/upload")
    sent: list[str] = []
    held: list[object] = []
    page.route("**/parts/3?*", lambda route: held.append(route))
    page.on("requestfinished", lambda done: sent.append(done.url) if done.method == "PUT" else None)
    page.set_input_files("#pick-files", big_file)
    page.wait_for_function("() => document.querySelector('.sending-row progress')?.value >= 33554432")
    page.once("dialog", lambda dialog: dialog.accept())

    page.reload()
    page.unroute("**/parts/3?*")
    page.get_by_text("Choose the same file again").wait_for()
    sent.clear()
    page.set_input_files("#pick-files", big_file)
    page.locator(".sending-row[data-state=done]").wait_for()

    upload = Upload.objects.get()
    assert [url.partition("?")[0].rpartition("/")[2] for url in sent] == ["3"]
    with blob_store().open(upload.blob.key) as stream:
        assert stream.read() == big_file.read_bytes()


def test_a_paused_upload_sends_nothing_until_it_goes_on(open_window, worker, person, big_file):
    page = open_window(user=person)
    page.goto("/upload")
    held: list[object] = []
    page.route("**/uploads/*/parts/*?*", lambda route: held.append(route))
    page.set_input_files("#pick-files", big_file)
    page.locator(".sending-row[data-state=sending]").wait_for()
    page.get_by_role("button", name="Pause").click()
    page.locator(".sending-row[data-state=paused]").wait_for()
    page.unroute("**/uploads/*/parts/*?*")
    assert Upload.objects.get().state == "receiving"

    page.get_by_role("button", name="Go on").click()

    page.locator(".sending-row[data-state=done]").wait_for()


def test_several_files_and_a_folder_are_sent_side_by_side(open_window, worker, person, tmp_path):
    folder = tmp_path / "models" / "deep"
    folder.mkdir(parents=True)
    for number in range(4):
        (folder / f"{number}.safetensors").write_bytes(safetensors(seed=number))
    (folder / ".hidden").write_bytes(b"x")
    page = open_window(user=person)
    page.goto("/upload")

    page.set_input_files("#pick-folder", tmp_path / "models")

    page.wait_for_function("() => document.querySelectorAll('.sending-row[data-state=done]').length === 4")
    assert sorted(Upload.objects.values_list("name", flat=True)) == [f"{n}.safetensors" for n in range(4)]


def test_a_removed_upload_is_forgotten_by_the_site(open_window, person, model_file):
    page = open_window(user=person)
    page.goto("/upload")
    page.set_input_files("#pick-files", model_file)
    page.locator(".sending-row[data-state=complete]").wait_for()

    page.get_by_role("button", name="Remove").click()

    page.locator(".sending-row").wait_for(state="detached")
    assert Upload.objects.get().state == "aborted"


def test_without_scripts_the_page_tells_how_to_send_files(open_window, person):
    page = open_window(user=person, scripts=False)
    page.goto("/upload")

    assert page.locator("noscript pre").is_visible()
    assert not page.locator(".drop").is_visible()


def test_a_dropped_picture_joins_the_draft_once_it_is_rated(open_window, worker, person, tmp_path):
    version = ModelVersionFactory(model__owner=person)
    picture = tmp_path / "harbour.png"
    Image.new("RGB", (64, 96), "navy").save(picture)
    page = open_window(user=person)
    page.goto(f"/upload?version={version.pk}")

    page.set_input_files("#pick-files", picture)
    row = page.locator(".sending-row")
    row.get_by_label("What it shows").fill("A harbour at night")
    assert not version.previews.exists()
    row.get_by_label("Rating").select_option("PG-13")
    page.locator("[data-pictures] [name=alt]").wait_for()

    preview = version.previews.get()
    assert (preview.alt, preview.rating_name) == ("A harbour at night", "PG-13")
    row.get_by_text("In the draft").wait_for()
    assert row.locator("input:visible, select:visible, button:visible").count() == 0  # the draft asks from here on


def test_pictures_of_a_draft_are_described_ordered_and_removed(open_window, person):
    version = ModelVersionFactory(model__owner=person)
    first, _second, third = (show_picture(version, hue=n * 60, position=n) for n in range(3))
    page = open_window(user=person)
    page.goto(f"/upload?version={version.pk}")
    rows = page.locator("[data-pictures] > li")

    rows.nth(2).get_by_role("button", name="Earlier").click()
    page.wait_for_function(f"() => document.querySelectorAll('[data-picture]')[1].dataset.picture === '{third.pk}'")
    rows.nth(0).get_by_label("Rating").select_option("R")
    rows.nth(0).get_by_label("What it shows").fill("A lamp")
    rows.nth(0).get_by_label("What it shows").blur()
    rows.nth(2).get_by_role("button", name="Remove").click()
    page.wait_for_function("() => document.querySelectorAll('[data-picture]').length === 2")

    assert [preview.pk for preview in version.previews.order_by("position")] == [first.pk, third.pk]
    first.refresh_from_db()
    assert (first.alt, first.rating_name) == ("A lamp", "R")


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("width", [360, 1440])
def test_the_page_is_within_reach_of_everybody(open_window, worker, person, model_file, theme, width):
    version = ModelVersionFactory(model__owner=person, base_model="")
    show_picture(version, hue=20)
    page = open_window(user=person, theme=theme, width=width)

    for address in ("/upload", f"/upload?version={version.pk}"):
        page.goto(address)
        page.set_input_files("#pick-files", model_file)
        page.locator(".sending-row[data-state=done]").first.wait_for()
        assert serious(page, address) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
