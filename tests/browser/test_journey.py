"""What a newcomer does, from the first page to the same bytes again, on a real site with each store.

`JOURNEY_PICTURES=/tmp/journey` keeps a picture of every page that was passed.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Download, Locator, Request, expect

from tests.browser.conftest import windows_on
from tests.browser.visitor import Visitor
from tests.registry.inspecting.bytes import safetensors
from tests.registry.pictures.build import saved, scene
from tests.registry.storage.seaweed import ACCESS, S3Server, allow_browsers, start_s3
from tests.site.running import ROOT, RunningSite

pytestmark = [pytest.mark.site, pytest.mark.browser]

PART = 16 << 20
# Not all of it ASCII: a store repeats the name of a download in a header.
FILE_NAME = "tidewater ínk v1.safetensors"
SAYS = {"modelspec.title": "Tidewater Ink", "modelspec.trigger_phrase": "tidewater, wet edge"}


@dataclass(frozen=True)
class Home:
    """A running site, and the origin at which it keeps bytes."""

    site: RunningSite
    store: str

    def password_of_owner(self) -> str:
        """What `--admin warden` printed."""
        (line,) = (line for line in self.site.output.read_text().splitlines() if "Password" in line)
        return line.rpartition(" ")[2]


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = start_s3(tmp_path_factory.mktemp("weed") / "store")
    yield server
    server.stop()


@pytest.fixture(scope="module", params=["disk", pytest.param("s3", marks=pytest.mark.s3)])
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    server = request.getfixturevalue("s3") if request.param == "s3" else None
    environment = {**ACCESS, "STORAGE_URL": server.url("journey")} if server else {}
    site = RunningSite(tmp_path_factory.mktemp(request.param) / "data", "--admin", "warden", environment=environment)
    if server:
        allow_browsers(server, site.url)
    site.start()
    try:
        yield Home(site.ready(), server.endpoint if server else site.url)
    finally:
        site.stop()


@pytest.fixture
def visit(chromium: Browser, home: Home) -> Iterator[Callable[[], Visitor]]:
    """Windows of the site. A fault of a page that one of them passed fails the test."""
    visitors: list[Visitor] = []
    with windows_on(chromium, home.site.url) as open_window:

        def open_one() -> Visitor:
            visitors.append(Visitor(open_window()))
            return visitors[-1]

        yield open_one
    assert [fault for visitor in visitors for fault in visitor.faults] == []


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA of two parts."""
    path = tmp_path_factory.mktemp("files") / FILE_NAME
    path.write_bytes(safetensors(metadata=SAYS, rank=8_000))
    assert PART < path.stat().st_size < 2 * PART
    return path


@pytest.fixture(scope="module")
def picture_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "harbor.png"
    path.write_bytes(saved(scene(640, 896), "PNG"))
    return path


def test_a_newcomers_model_is_sent_inspected_published_found_and_taken_away_again(
    home, visit, model_file, picture_file
):
    author = visit()
    author.page.goto("/")
    author.look("first page, nothing here")
    author.sign_up("mira")
    puts = sent_parts(author)

    send_model(author, model_file)
    make_draft(author)
    add_picture(author, picture_file)
    publish(author)
    author.log_out()
    taken = find_and_download(author, hashlib.sha256(model_file.read_bytes()).hexdigest())

    assert [origin_of(put.url) for put in puts] == [home.store] * 3  # two parts of the model, one of the picture
    assert taken.suggested_filename == FILE_NAME
    assert origin_of(taken.url) == home.store
    assert Path(taken.path()).read_bytes() == model_file.read_bytes()


@pytest.mark.parametrize("home", ["disk"], indirect=True)
def test_people_talk_about_a_model_and_a_moderator_removes_words_with_a_reason(home, visit, tmp_path):
    author, guest, moderator = visit(), visit(), visit()
    author.sign_up("nora")
    address = publish_by_script(home.site, "nora", tmp_path / "kiln.safetensors")

    guest.sign_up("ozan")
    guest.page.goto(address)
    say(guest, "Your comment", "Does it want a **trigger word**?", "Comment")
    say(guest, "Your comment", "Buy my prompts at example.org", "Comment")
    guest.look("comments, a guest")
    author.page.goto(address)
    asked = comment(author, "Does it want a trigger word?")
    asked.get_by_text("Answer", exact=False).first.click()
    say(author, "Your answer", "No. Use it at 0.6.", "Answer")
    author.look("comments, the author answered")
    remove_as_moderator(moderator, home, address, "Buy my prompts", "Advertising")

    guest.page.reload()
    expect(guest.page.get_by_text("A moderator removed this comment: Advertising")).to_be_visible()
    expect(guest.page.get_by_text("Buy my prompts")).to_have_count(0)
    expect(comment(guest, "Does it want a trigger word?").get_by_text("No. Use it at 0.6.")).to_be_visible()
    expect(guest.page.get_by_role("heading", name="2 comments")).to_be_visible()


def publish_by_script(site: RunningSite, owner: str, file: Path) -> str:
    """Have a model published as docs/examples/publish.py does; answers with its address."""
    file.write_bytes(safetensors(seed=7))
    token = site.manage("create_token", owner, "--scopes", "models:write").split()[-1]
    done = subprocess.run(
        [
            sys.executable, ROOT / "docs/examples/publish.py", "--site", site.url, "--token", token,
            "--title", "Kiln Portrait", "--base-model", "SD 1.5", "--license", "CC0-1.0", file,
        ],
        text=True, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split()[-1]


def say(visitor: Visitor, field: str, text: str, button: str) -> None:
    """Write a comment and see it stand on the page, which does not come anew."""
    page = visitor.page
    words = text.replace("*", "")
    page.get_by_label(field).filter(visible=True).first.fill(text)
    page.get_by_role("button", name=button, exact=True).filter(visible=True).first.click()
    expect(page.locator(".comment .prose").filter(has_text=words)).to_be_visible()


def comment(visitor: Visitor, words: str) -> Locator:
    return visitor.page.locator(".comment").filter(has_text=words).first


def remove_as_moderator(moderator: Visitor, home: Home, address: str, words: str, reason: str) -> None:
    page = moderator.page
    page.goto(address)
    page.get_by_role("link", name="Log in to comment").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    moderator.look("log in")
    moderator.log_in("warden", home.password_of_owner())
    comment(moderator, words).get_by_role("link", name="Remove").click()
    page.get_by_label("Reason").fill(reason)
    moderator.look("remove a comment")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text(f"A moderator removed this comment: {reason}")).to_be_visible()
    moderator.look("comments, one removed")


def sent_parts(visitor: Visitor) -> list[Request]:
    """The requests that carry parts, as they end."""
    puts: list[Request] = []
    visitor.page.on("requestfinished", lambda done: puts.append(done) if done.method == "PUT" else None)
    return puts


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def send_model(author: Visitor, file: Path) -> None:
    page = author.page
    page.get_by_role("banner").get_by_role("link", name="Upload").click()
    expect(page.get_by_role("heading", name="Upload a model")).to_be_visible()
    author.look("upload, nothing sent")
    page.set_input_files("#pick-files", file)
    expect(page.get_by_label("Title")).to_have_value("Tidewater Ink")
    expect(page.get_by_label("Type")).to_have_value("lora")
    expect(page.get_by_label("Base model")).to_have_value("SD 1.5")
    expect(page.get_by_label("Trigger words")).to_have_value("tidewater\nwet edge")
    row = page.locator(".sending-row")
    expect(row.get_by_text("Safe", exact=True)).to_be_visible(timeout=30_000)
    author.look("upload, file inspected")


def make_draft(author: Visitor) -> None:
    page = author.page
    page.get_by_label("Tags").fill("ink, landscape")
    page.get_by_label("Description").fill("Brush-and-wash **landscapes** with honest paper grain.")
    page.get_by_label("License", exact=True).select_option("CC0-1.0")
    for question in page.locator(".yes-no").all():
        question.get_by_label("Yes").check()
    page.get_by_role("button", name="Make the draft").click()
    expect(page.get_by_role("heading", name="Ready to be published")).to_be_visible()
    author.look("draft")


def add_picture(author: Visitor, file: Path) -> None:
    page = author.page
    author.drop(file, "image/png")
    row = page.locator(".sending-row", has_text=file.name)
    row.get_by_label("What it shows").fill("A harbor at night")
    row.get_by_label("Rating").select_option("PG")
    expect_shown(page.locator("[data-picture] img"))
    author.look("draft with a picture")


def publish(author: Visitor) -> None:
    page = author.page
    page.get_by_role("button", name="Publish").click()
    expect(page).to_have_url(re.compile(r"/mira/tidewater-ink\b"))
    author.look("model, its author")
    page.goto("/my")
    author.look("my work")


def find_and_download(visitor: Visitor, sha256: str) -> Download:
    page = visitor.page
    visitor.look("first page, one model")
    visitor.search("tidewater")
    expect(page).to_have_url(re.compile(r"/models\?q=tidewater$"))
    visitor.look("found by a word")
    page.get_by_role("link", name="Tidewater Ink", exact=True).click()
    expect_shown(page.get_by_role("img", name="A harbor at night"))
    visitor.look("model")
    visitor.search(sha256)
    expect(page).to_have_url(re.compile(rf"/hashes/{sha256}$"))
    visitor.look("found by its hash")
    page.get_by_role("link", name="Tidewater Ink").click()
    with page.expect_download() as coming:
        page.get_by_role("link", name="Download ·").click()
    return coming.value


def expect_shown(picture: Locator) -> None:
    """A picture that is there, and whose bytes are one."""
    expect(picture).to_be_visible(timeout=30_000)
    expect(picture).to_have_js_property("complete", value=True)
    expect(picture).not_to_have_js_property("naturalWidth", value=0)
