"""One Chromium for all browser tests, and pages that fail a test for every error in them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

ARGUMENTS = (
    "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync --disable-quic"
).split()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    # Playwright's loop runs in this thread, in which tests also make rows.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()
    os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE")


@pytest.fixture
def open_window(chromium: Browser, live_server) -> Iterator[Callable[..., Page]]:
    """Open windows of the test's own site: `open_window(width=360, theme="dark", user=person)`."""
    with windows_on(chromium, live_server.url) as open_one:
        yield open_one


@contextmanager
def windows_on(chromium: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Gives a function that opens windows of the site at `address`, each a visitor of its own.

    A fault in one of them (an error in the console or of a script, a refusal of the content policy) fails the test.
    """
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_one(*, width=1440, height=1000, theme="dark", user=None, scripts=True) -> Page:
        context = chromium.new_context(
            base_url=address,
            viewport={"width": width, "height": height},
            color_scheme=theme,
            java_script_enabled=scripts,
            reduced_motion="reduce",
            permissions=["clipboard-read", "clipboard-write"],
        )
        contexts.append(context)
        if user is not None:
            context.add_cookies([{"name": "sessionid", "value": session_of(user), "url": address}])
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
        page.on("console", lambda said: faults.append(f"{page.url}: {said.text}") if is_fault(said, page) else None)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert faults == []


def is_fault(said: ConsoleMessage, page: Page) -> bool:
    """Chromium also calls it an error that a page itself is a 404; that is an answer like others."""
    return said.type == "error" and said.location["url"] != page.url


def session_of(user) -> str:
    """A session in which this person is logged in."""
    from django.test import Client

    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client.cookies["sessionid"].value
