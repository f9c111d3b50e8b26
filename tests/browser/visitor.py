"""Somebody who uses a running site through its pages, and sees to it that every page is fit for everybody."""

from __future__ import annotations

import os
from base64 import b64encode
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.axe import serious_in_both_themes

NARROW, WIDE = 360, 1440
PASSWORD = "a lamp that spoils no paper"
# Where pictures of all pages go, for people who want to see what a visitor saw: JOURNEY_PICTURES=/tmp/journey.
_PICTURES = os.environ.get("JOURNEY_PICTURES", "")
_DROP = """([name, type, text]) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(atob(text), sign => sign.charCodeAt(0))], name, {type}));
    for (const event of ["dragover", "drop"])
        document.body.dispatchEvent(new DragEvent(event, {dataTransfer: data, bubbles: true, cancelable: true}));
}"""


class Visitor:
    """A window of the site with one person before it. `faults` is what was wrong with the pages seen so far."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []

    def look(self, name: str) -> None:
        """Judge the page that is open: accessible in both themes, and no sideways scroll on a narrow screen."""
        page = self.page
        self.faults += serious_in_both_themes(page, name)
        self._keep_picture(f"{name}, wide")
        page.set_viewport_size({"width": NARROW, "height": 800})
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wider > 0:
            self.faults.append(f"{name}: {wider} px too wide at {NARROW}")
        self._keep_picture(f"{name}, narrow")
        page.set_viewport_size({"width": WIDE, "height": 1000})

    def _keep_picture(self, name: str) -> None:
        if _PICTURES:
            self.page.screenshot(path=Path(_PICTURES) / f"{name}.png", full_page=True)

    def sign_up(self, name: str) -> None:
        """Make an account, from the first page on."""
        page = self.page
        page.goto("/")
        self._open_menu()
        page.get_by_role("link", name="Sign up").last.click()
        page.get_by_label("User name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        self.look("sign up")
        page.get_by_role("button", name="Sign up").click()
        self._expect_account(name)

    def log_in(self, name: str, password: str) -> None:
        """On the page that asks for it."""
        page = self.page
        page.get_by_label("User name or e-mail address").fill(name)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()
        self._expect_account(name)

    def log_out(self) -> None:
        self._open_menu()
        self.page.get_by_role("button", name="Log out").click()
        expect(self.page.get_by_label("Log in, theme, language")).to_be_visible()

    def _open_menu(self) -> None:
        self.page.locator(".bar .menu > summary").click()

    def _expect_account(self, name: str) -> None:
        expect(self.page.get_by_label(f"Your account, {name}")).to_be_visible()

    def search(self, words: str) -> None:
        """Type into the box that stands on every page."""
        self.page.get_by_role("searchbox").fill(words)
        self.page.keyboard.press("Enter")

    def drop(self, file: Path, kind: str) -> None:
        """Let a small file fall on the page."""
        self.page.evaluate(_DROP, [file.name, kind, b64encode(file.read_bytes()).decode()])
