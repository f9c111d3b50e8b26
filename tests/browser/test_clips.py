"""Clips on their page, in Chromium: a box before anything is fetched, played and leapt about in under the policy."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from community.ratings import Rating
from gallery.models import Image
from gallery.services.posting import NewImage, create_post, edit_image
from gallery.services.publishing import publish_post
from gallery.services.stripping import strip_original
from tests.browser.axe import serious_in_both_themes
from tests.browser.test_look import MOST_SHIFT, layout_shift
from tests.factories import UserFactory
from tests.gallery.rows import first, prepared
from tests.registry.pictures.clips import clip, turned
from tests.registry.pictures.rows import sent

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LOOK = """video => new Promise((done, fail) => {
  video.onloadedmetadata = () => done([video.videoWidth, video.videoHeight, video.duration]);
  video.onerror = () => fail(video.error.message);
  video.preload = "metadata";
})"""
LEAP = """async video => {
  video.muted = true;
  await video.play();
  await new Promise(done => { video.onseeked = done; video.currentTime = 40; });
  video.pause();
  return [video.currentTime, video.seekable.end(0)];
}"""


def posted(data: bytes) -> Image:
    owner = UserFactory(browsing_level=31)
    new = NewImage(sent(owner, data, "clip").pk, rating=Rating.PG, alt="Waves at night")
    return first(publish_post(prepared(create_post(by=owner, images=[new])), by=owner))


def opened(page: Page, image: Image):
    page.goto(image.get_absolute_url())
    return page.locator("video")


CLIPS = {
    "h264": lambda: clip(size=(320, 180), frames=100, rate=2),
    "vp9": lambda: clip("webm", "libvpx-vp9", size=(320, 180), frames=100, rate=2),
    "av1": lambda: clip("mp4", "libsvtav1", size=(320, 180), frames=100, rate=2),
}


@pytest.mark.parametrize("name", CLIPS)
def test_a_clip_is_played_from_where_one_likes(open_window, name):
    page, image = open_window(), posted(CLIPS[name]())
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    statuses: list[int] = []
    page.on("response", lambda answer: statuses.append(answer.status) if "/original" in answer.url else None)
    video = opened(page, image)
    page.wait_for_load_state("networkidle")
    assert not [url for url in asked if url.endswith(image.original_address)]

    place, end = video.evaluate(LEAP)

    assert (round(place), round(end)) == (40, 50)
    assert set(statuses) == {206}
    expect(video).to_have_attribute("aria-label", "Waves at night")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(lambda: turned(clip(size=(96, 64))), id="turned"),
        pytest.param(lambda: clip(size=(96, 64), aspect=Fraction(2, 1)), id="wide pixels"),
        pytest.param(lambda: clip(size=(96, 64), aspect=Fraction(1, 2)), id="high pixels"),
    ],
)
def test_the_box_has_the_shape_that_the_browser_finds(open_window, data):
    image = posted(data())

    width, height, _seconds = opened(open_window(), image).evaluate(LOOK)

    assert (image.picture.width, image.picture.height) == (width, height)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(lambda: turned(clip(size=(96, 64))), id="turned"),
        pytest.param(lambda: clip(size=(96, 64), aspect=Fraction(2, 1)), id="wide pixels"),
        pytest.param(lambda: clip("webm", "libvpx-vp9", size=(96, 64)), id="webm"),
        pytest.param(lambda: clip("mp4", "libsvtav1", size=(96, 64)), id="av1"),
    ],
)
def test_a_copy_without_metadata_is_played_as_the_original_is(open_window, data):
    image = posted(data())
    page = open_window()
    before = opened(page, image).evaluate(LOOK)
    edit_image(image, by=image.owner, hides_generation=True)
    strip_original(image.picture_id, "bare")

    assert opened(page, image).evaluate(LOOK) == before


@pytest.mark.parametrize("width", [1440, 800, 360])
def test_the_page_of_a_clip_is_whole_at_every_width(open_window, width):
    page, image = open_window(width=width), posted(clip(size=(1280, 720), frames=3))
    video = opened(page, image)

    box = video.bounding_box()

    assert box["width"] / box["height"] == pytest.approx(16 / 9, rel=0.02)
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert layout_shift(page) <= MOST_SHIFT
    assert serious_in_both_themes(page, f"clip at {width}") == []
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder, f"clip-{width}.png"))


def test_a_clip_is_blurred_until_one_reaches_it(open_window):
    page, image = open_window(user=UserFactory(browsing_level=31, blur_from=Rating.PG)), posted(clip())
    video = opened(page, image)
    page.mouse.move(1, 999)
    expect(video).to_have_css("filter", "blur(24px)")

    video.focus()

    expect(video).to_have_css("filter", "none")
