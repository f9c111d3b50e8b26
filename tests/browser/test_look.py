"""The interface's promises, in Chromium: accessible in both themes, nothing jumps or scrolls sideways, keys work."""

from __future__ import annotations

import re

import pytest
from django.db import transaction
from django.urls import reverse
from playwright.sync_api import Page, expect

from registry.services.listing import refresh_listing
from tests.browser.axe import serious_in_both_themes
from tests.browser.scene import Scene, make_scene
from tests.factories import BlobFactory, ModelFileFactory, ModelVersionFactory, RegisteredModelFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WIDTHS = (1440, 800, 360)
MOST_SHIFT = 0.02


@pytest.fixture
def scene() -> Scene:
    return make_scene()


def pages_of(scene: Scene) -> dict[str, tuple[str, object]]:
    """Every kind of page: its address, and who looks."""
    model, draft = scene.model.get_absolute_url(), scene.draft
    blocked = draft.files.get(name="salt-print.ckpt")
    return {
        "first page": ("/", None),
        "list": ("/models", None),
        "filtered list": ("/models?type=lora&q=ink", None),
        "empty list": ("/models?q=zzzzqqq", None),
        "model": (model, None),
        "model, its owner": (model, scene.author),
        "draft": (draft.get_absolute_url(), scene.author),
        "my work": ("/my", scene.author),
        "edit the model": (f"{model}/edit", scene.author),
        "edit the draft": (f"/versions/{draft.pk}/edit", scene.author),
        "withdraw": (f"/versions/{scene.version.pk}/withdraw", scene.author),
        "take down": (f"{model}/take-down", scene.moderator),
        "report": (f"/files/{blocked.pk}/report", scene.author),
        "files to look at": (reverse("registry:files-to-look-at"), scene.moderator),
        "report, a moderator": (f"/files/{scene.checked.files.get().pk}/report", scene.moderator),
        "comments": (reverse("community:comments", args=[scene.model.subject_id]), scene.visitor),
        "second step": (reverse("mfa_index"), scene.author),
        "e-mail addresses": (reverse("account_email"), scene.author),
        "hash": (f"/hashes/{scene.version.files.first().blob_id}", None),
        "person": ("/mira.k", scene.visitor),
        "nothing there": ("/nobody/nothing", None),
        "log in": (reverse("account_login"), None),
        "sign up": (reverse("account_signup"), None),
        "settings": (reverse("community:settings-profile"), scene.author),
        "tokens": (reverse("community:tokens"), scene.author),
        "upload": (reverse("registry:upload"), scene.author),
    }


def test_axe_finds_nothing_serious_on_any_page_in_either_theme(open_window, scene):
    windows = windows_of(open_window, scene)
    found = []
    for name, (address, user) in pages_of(scene).items():
        page = windows[user]
        page.goto(address)
        page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
        found += serious_in_both_themes(page, name)

    assert found == []


def windows_of(open_window, scene: Scene, **options) -> dict[object, Page]:
    """One window for each person who looks."""
    people = {user for _address, user in pages_of(scene).values()}
    return {user: open_window(user=user, **options) for user in people}


def test_nothing_scrolls_sideways_at_any_width(open_window, scene):
    windows = windows_of(open_window, scene)
    faults = []
    for name, (address, user) in pages_of(scene).items():
        page = windows[user]
        page.goto(address)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if wider > 0:
                faults.append(f"{name} at {width}: {wider} px too wide")

    assert faults == []


@pytest.mark.parametrize("width", [360, 1440])
def test_nothing_jumps_while_a_page_comes(open_window, scene, width):
    windows = windows_of(open_window, scene, width=width, height=800)
    faults = []
    for name, (address, user) in pages_of(scene).items():
        windows[user].goto(address, wait_until="networkidle")
        shift = layout_shift(windows[user])
        if shift > MOST_SHIFT:
            faults.append(f"{name}: {shift:.3f}")

    assert faults == []


def layout_shift(page: Page) -> float:
    """The cumulative layout shift since the page began to load."""
    return page.evaluate(
        """() => new Promise(done => {
            let sum = 0;
            new PerformanceObserver(list => { for (const shift of list.getEntries()) sum += shift.value; })
                .observe({type: "layout-shift", buffered: true});
            requestAnimationFrame(() => requestAnimationFrame(() => done(sum)));
        })"""
    )


def test_no_page_carries_inline_style_or_script_or_asks_another_host(client, scene):
    for name, (address, user) in pages_of(scene).items():
        if user is not None:
            client.force_login(user)
        text = client.get(address).content.decode()
        client.logout()

        assert not re.search(r"<[^>]+\sstyle=", text), name
        assert not re.search(r"<[^>]+\son[a-z]+=", text), name
        assert not re.search(r"<style|<script(?![^>]*\ssrc=)(?![^>]*application/(?:ld\+)?json)", text), name
        assert not re.search(r"<(?:script|link|img|source|use)[^>]+(?:https?:)?//(?!testserver)", text), name


# Keys -----------------------------------------------------------------------------------------------------------


def test_the_first_tab_skips_to_the_content(open_window, scene):
    page = open_window()
    page.goto("/models")

    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("main")).to_be_focused()


def test_a_slash_searches_and_a_question_mark_lists_the_keys(open_window, scene):
    page = open_window()
    page.goto("/models")

    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.type("basalt?")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"/models\?q=basalt%3F$"))
    expect(page.locator(".model-card")).to_have_count(1)


def test_the_menu_opens_and_closes_by_keyboard_and_gives_the_focus_back(open_window, scene):
    page = open_window(user=scene.author)
    page.goto("/")
    summary = page.locator(".bar .menu > summary")

    summary.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="mira.k").first).to_be_focused()
    page.keyboard.press("Escape")

    expect(page.locator(".menu__list")).to_be_hidden()
    expect(summary).to_be_focused()


def test_every_stop_of_the_tab_key_on_a_models_page_is_seen(open_window, scene):
    """No trap, and the focus is never invisible: each stop has an outline, a size and a place in the window."""
    page = open_window(user=scene.author)
    page.goto(scene.model.get_absolute_url())

    stops = []
    for _press in range(120):
        page.keyboard.press("Tab")
        stop = page.evaluate(
            """() => {
                const element = document.activeElement;
                if (element === document.body) return null;
                const box = element.getBoundingClientRect();
                const outlined = getComputedStyle(element.closest(".model-card") ?? element).outlineStyle !== "none";
                return {
                    html: element.outerHTML.slice(0, 90),
                    shown: element.matches(":focus-visible") && outlined,
                    inside: box.bottom > 0 && box.top < innerHeight && box.width > 0,
                };
            }"""
        )
        if stop is None:
            break
        stops.append(stop)

    assert 15 < len(stops) < 120
    assert [stop["html"] for stop in stops if not (stop["shown"] and stop["inside"])] == []


# What scripts add -----------------------------------------------------------------------------------------------


def test_copying_puts_the_words_on_the_clipboard_and_says_so(open_window, scene):
    page = open_window()
    page.goto(scene.model.get_absolute_url())

    page.get_by_role("button", name="tidewater").first.click()

    expect(page.get_by_role("status").filter(has_text="Copied")).to_have_count(1)
    assert page.evaluate("navigator.clipboard.readText()") == "tidewater"


def test_a_theme_is_chosen_at_once_and_kept_by_the_server(open_window, scene):
    page = open_window(theme="light")
    page.goto("/models")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")

    page.locator(".bar .menu > summary").click()
    with page.expect_response("**/settings/theme"):
        page.get_by_role("button", name="Dark").click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    text = page.goto("/").text()

    assert light != dark
    assert '<html lang="en" data-theme="dark">' in text
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark


def test_a_filter_is_applied_when_it_is_chosen_and_taken_away_by_its_chip(open_window, scene):
    page = open_window()
    page.goto("/models")

    page.get_by_role("checkbox", name="VAE").check()
    expect(page).to_have_url(re.compile(r"/models\?type=vae$"))
    expect(page.locator(".model-card")).to_have_count(1)
    page.get_by_role("link", name="Remove the filter: VAE").click()

    expect(page).to_have_url(re.compile(r"/models$"))


def test_the_list_goes_on_when_its_end_comes_into_view(open_window, scene):
    fill(30)
    page = open_window()
    page.goto("/models?type=upscaler")
    expect(page.locator(".model-card")).to_have_count(24)

    page.locator(".pagination").scroll_into_view_if_needed()

    expect(page.locator(".model-card")).to_have_count(30)
    expect(page.locator(".pagination")).to_have_count(0)


@transaction.atomic
def fill(count: int) -> None:
    """Put so many public upscalers on the site."""
    for number in range(count):
        model = RegisteredModelFactory(public=True, title=f"Upscaler {number}", type="upscaler")
        version = ModelVersionFactory(published=True, model=model)
        ModelFileFactory(version=version, blob=BlobFactory(), is_primary=True)
        refresh_listing(model)


def test_a_file_that_is_judged_changes_on_the_page_by_itself(open_window, scene):
    file = scene.draft.files.get(name="salt-print.safetensors")
    blob, upload = file.blob, file.upload
    upload.state, upload.blob, file.blob = "inspecting", None, None
    upload.save()
    file.save()
    page = open_window(user=scene.author)
    page.goto(scene.draft.get_absolute_url())
    expect(page.get_by_text("1.07 GB · Being inspected")).to_be_visible()

    file.blob = blob
    file.save()

    expect(page.get_by_role("link", name=re.compile("^Download · "))).to_be_visible(timeout=10_000)


# Without scripts ------------------------------------------------------------------------------------------------


def test_the_site_is_read_searched_and_downloaded_from_without_scripts(open_window, scene):
    fill(30)
    page = open_window(scripts=False)
    page.goto("/")
    page.get_by_label("Search models, or paste a hash").fill("tidewater")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Tidewater Ink", exact=True).first.click()
    expect(page.get_by_role("heading", name="Tidewater Ink")).to_be_visible()
    assert page.get_by_role("link", name=re.compile("^Download · ")).get_attribute("href").startswith("/files/")

    page.goto("/models?type=upscaler")
    page.get_by_role("link", name="Next page").click()
    expect(page.locator(".model-card")).to_have_count(6)

    page.goto("/models")
    page.get_by_role("checkbox", name="VAE").check()
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".model-card")).to_have_count(1)

    page.locator(".bar .menu > summary").click()
    page.get_by_role("button", name="Light").click()
    assert page.locator("html").get_attribute("data-theme") == "light"


def test_the_bar_is_whole_at_360_pixels(open_window, scene):
    page = open_window(width=360, height=740)
    page.goto("/")

    for part in ("link[name=Models]", "link[name=Upload]"):
        role, name = re.fullmatch(r"(\w+)\[name=(\w+)\]", part).groups()
        expect(page.locator(".bar").get_by_role(role, name=name)).to_be_in_viewport()
    page.locator(".bar .menu > summary").click()
    for name in ("Log in", "Sign up"):
        expect(page.locator(".menu__list").get_by_role("link", name=name)).to_be_in_viewport()
    box = page.locator(".menu__list").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
