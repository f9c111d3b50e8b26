"""What the upload page must not lose: to a reload before the draft is made, and to its own redrawing after."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.models import ModelVersion, Upload
from tests.browser.scene import show_picture
from tests.factories import ModelVersionFactory, UserFactory
from tests.registry.inspecting.bytes import safetensors

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    path = tmp_path / "tidewater.safetensors"
    path.write_bytes(safetensors(metadata={"modelspec.title": "Tidewater Ink", "ss_base_model_version": "sd_v1"}))
    return path


def test_a_reload_keeps_what_the_form_holds_until_the_draft_is_made(open_window, model_file):
    page = open_window(user=UserFactory())
    page.goto("/upload")
    page.set_input_files("#pick-files", model_file)
    page.get_by_text("Filled in from the header").wait_for()
    page.locator(".sending-row[data-state=complete]").wait_for()
    page.fill("[name=tags]", "sea")
    page.select_option("[name=license]", "CC0-1.0")
    page.locator("[name=may_sell]").last.check()

    page.reload()

    page.wait_for_function("() => document.querySelector('[name=title]').value === 'Tidewater Ink'")
    assert page.input_value("[name=type]") == "lora"
    assert page.input_value("[name=version-base_model]") == "SD 1.5"
    assert (page.input_value("[name=tags]"), page.input_value("[name=license]")) == ("sea", "CC0-1.0")
    assert [box.is_checked() for box in page.locator("[name=may_sell]").all()] == [False, True]
    assert page.locator(".sending-row [name=uploads]").is_checked()

    for group in page.locator(".yes-no").all():
        group.get_by_label("Yes").check()
    page.get_by_role("button", name="Make the draft").click()
    page.wait_for_url("**/upload?version=*")
    assert [file.name for file in ModelVersion.objects.get().files.all()] == ["tidewater.safetensors"]
    page.goto("/upload")
    page.wait_for_load_state("networkidle")
    assert page.input_value("[name=title]") == ""


def test_what_one_person_wrote_is_not_shown_to_the_next(open_window):
    page = open_window(user=UserFactory())
    page.goto("/models")
    page.evaluate("() => sessionStorage.setItem('upload-form', JSON.stringify(['another', [['title', 'A secret']]]))")

    page.goto("/upload")
    page.wait_for_load_state("networkidle")

    assert page.input_value("[name=title]") == ""


def test_an_upload_that_went_on_after_a_reload_joins_the_draft(open_window, model_file):
    page = open_window(user=UserFactory())
    page.goto("/upload")
    page.route("**/uploads/*/parts/1?*", lambda route: None)
    page.set_input_files("#pick-files", model_file)
    page.locator(".sending-row[data-state=sending]").wait_for()
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.unroute("**/uploads/*/parts/1?*")
    page.get_by_text("Choose the same file again").wait_for()

    page.set_input_files("#pick-files", model_file)
    page.locator(".sending-row[data-state=complete]").wait_for()
    page.get_by_role("button", name="Make the draft").click()

    page.wait_for_url("**/upload?version=*")
    assert ModelVersion.objects.get().files.get().upload == Upload.objects.get()


def test_what_is_being_written_stays_when_the_field_before_it_has_been_saved(open_window):
    version = ModelVersionFactory(model__owner=UserFactory())
    preview = show_picture(version, hue=20)
    page = open_window(user=version.model.owner)
    page.goto(f"/upload?version={version.pk}")
    row = page.locator("[data-pictures] > li")

    with page.expect_response(lambda answer: answer.request.method == "PATCH"):
        row.get_by_label("Rating").select_option("R")
        row.get_by_label("What it shows").fill("A lamp")
    page.wait_for_load_state("networkidle")
    assert row.get_by_label("What it shows").input_value() == "A lamp"
    with page.expect_response(lambda answer: answer.request.method == "PATCH"):
        row.get_by_label("What it shows").blur()

    preview.refresh_from_db()
    assert (preview.alt, preview.rating_name) == ("A lamp", "R")
