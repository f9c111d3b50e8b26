"""Longer and shorter words than English ones: every page in every language, in the smallest window."""

from __future__ import annotations

import pytest

from tests.browser.scene import make_scene
from tests.browser.test_look import pages_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("language", ["de", "vi", "zh-hans"])
def test_every_language_fits_the_smallest_window(open_window, live_server, language):
    scene = make_scene()
    windows = {}
    faults = []
    for name, (address, user) in pages_of(scene).items():
        if user not in windows:
            windows[user] = open_window(width=360, height=800, user=user)
            cookie = {"name": "django_language", "value": language, "url": live_server.url}
            windows[user].context.add_cookies([cookie])
        page = windows[user]
        page.goto(address)
        spoken = page.locator("html").get_attribute("lang")
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if spoken != language or wider > 0:
            faults.append(f"{name}: in {spoken}, {wider} px too wide")

    assert faults == []
