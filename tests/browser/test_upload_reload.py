"""What a reload of the upload page must not lose before the draft is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.models import ModelVersion, Upload
from tests.factories import UserFactory
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
