"""What somebody does who renders: asks, watches, has it tested, paints over a part, varies it, posts it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from tests.browser.conftest import windows_on
from tests.browser.visitor import Visitor
from tests.site.running import RunningSite
from tests.site.test_renders import program, rendering_site, version

__all__ = ["program", "rendering_site", "version"]
pytestmark = [pytest.mark.site, pytest.mark.browser]
PATIENCE = 120_000


@pytest.fixture
def visitor(chromium: Browser, rendering_site: RunningSite, version: int) -> Iterator[Visitor]:
    (line,) = (line for line in rendering_site.output.read_text().splitlines() if "Password" in line)
    with windows_on(chromium, rendering_site.url) as open_window:
        visitor = Visitor(open_window())
        visitor.page.goto("/accounts/login/")
        visitor.log_in("admin", line.rpartition(" ")[2])
        yield visitor
    assert visitor.faults == []


def test_from_a_prompt_to_a_posted_picture(visitor: Visitor, version: int):
    page = visitor.page
    _ask(visitor, "smiling face with sunglasses", seed="7")
    expect(page.locator(".result")).to_have_count(1, timeout=PATIENCE)
    visitor.look("render done")

    page.get_by_role("button", name="Render it again and compare").click()
    expect(page.get_by_text("identical, pixel for pixel")).to_be_visible(timeout=PATIENCE)

    _paint_over_a_part(visitor)
    _vary(visitor)

    page.goto("/renders")
    visitor.look("renders")
    page.locator(".render-card__link").last.click()
    page.get_by_role("button", name="Post it").first.click()
    expect(page).to_have_url(re.compile(r"/posts/\d+/edit"))


def test_a_render_is_called_off_with_the_keyboard_while_its_page_asks_anew(visitor: Visitor):
    page = visitor.page
    page.goto("/render")
    page.get_by_label("Prompt", exact=True).fill("a house")
    page.get_by_label("Steps").fill("140")
    page.get_by_label("Pictures").fill("6")
    page.get_by_role("button", name="Render", exact=True).click()
    page.wait_for_url("**/renders/*")
    page.get_by_role("button", name="Cancel").focus()

    expect(page.get_by_text(re.compile(r"^step \d+ of 840$"))).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_text("This render was cancelled.")).to_be_visible(timeout=PATIENCE)


def test_words_are_inserted_styles_added_and_what_fits_follows_the_checkpoint(visitor: Visitor):
    page = visitor.page
    page.goto("/styles")
    page.get_by_label("Name").fill("Winter")
    page.get_by_label("For the prompt").fill("{prompt}, snow")
    page.get_by_role("button", name="Save").click()
    visitor.look("styles")

    page.goto("/render")
    page.get_by_label("Prompt", exact=True).fill("a house")
    page.get_by_role("button", name="Winter").click()

    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a house, snow")


def test_a_picture_to_begin_with_that_is_still_on_its_way_is_waited_for(visitor: Visitor, tmp_path: Path):
    page = visitor.page
    picture = tmp_path / "begin.png"
    Image.effect_noise((640, 640), 60).save(picture)
    page.goto("/render")
    page.get_by_label("Prompt", exact=True).fill("a house")
    page.get_by_text("Begin with a picture").click()
    page.locator("[data-pick=init]").set_input_files(picture)
    expect(page.get_by_role("button", name="Without this picture")).to_be_visible()
    page.get_by_role("button", name="Render", exact=True).click()

    page.wait_for_url("**/renders/*", timeout=PATIENCE)
    expect(page.locator(".facts").get_by_text("Denoising")).to_be_visible()


def test_prompt_sets_are_kept_on_pages_for_everybody(visitor: Visitor):
    page = visitor.page
    page.goto("/prompt-sets")
    visitor.look("prompt sets")
    page.get_by_role("link", name="New set").click()
    visitor.look("new prompt set")
    page.get_by_label("Name").fill("Mine")
    page.locator("#id_prompts-0-prompt").fill("a fox")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("link", name="Mine")).to_be_visible()
    page.goto("/staff/defaults")
    visitor.look("default checkpoints")
    page.goto("/staff/renders")
    visitor.look("staff of renders")


def _ask(visitor: Visitor, prompt: str, *, seed: str) -> None:
    page = visitor.page
    page.goto("/render")
    visitor.look("render form")
    page.get_by_label("Prompt", exact=True).fill(prompt)
    page.locator("#id_seed").fill(seed)
    page.get_by_role("button", name="Render", exact=True).click()
    page.wait_for_url("**/renders/*")


def _paint_over_a_part(visitor: Visitor) -> None:
    """With the keyboard alone: the brush begins in the middle, space marks."""
    page = visitor.page
    page.get_by_role("link", name="Begin with this").first.click()
    brush = page.get_by_role("application", name="Mask")
    expect(brush).to_be_visible()
    brush.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    visitor.look("mask brush")
    page.get_by_label("Prompt", exact=True).fill("a red apple")
    page.get_by_role("button", name="Render", exact=True).click()
    page.wait_for_url("**/renders/*", timeout=PATIENCE)
    expect(page.locator(".result")).to_have_count(1, timeout=PATIENCE)


def _vary(visitor: Visitor) -> None:
    page = visitor.page
    page.goto("/renders")
    page.locator(".render-card__link").last.click()
    page.get_by_role("link", name="Make a grid of it").click()
    visitor.look("grid form")
    page.get_by_label("Across").select_option("steps")
    page.get_by_label("Its values").first.fill("4, 8")
    page.get_by_role("button", name="Render the grid").click()
    expect(page.get_by_text("2 of 2 done")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Larger").click()
    expect(page.locator("#grid")).to_have_attribute("data-zoom", "4")
    visitor.look("grid")
