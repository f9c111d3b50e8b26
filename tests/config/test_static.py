"""What `collectstatic` makes of our style sheet and modules, with the storage that a site uses."""

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings as site
from django.core.management import call_command
from django.test import override_settings

LARGEST_PAGE_BYTES = 60_000


@pytest.fixture(scope="module")
def collected(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("static")
    storages = {**site.STORAGES, "staticfiles": {"BACKEND": "config.static.HashedStaticFiles"}}
    with override_settings(STATIC_ROOT=root, STORAGES=storages):
        call_command("collectstatic", verbosity=0, interactive=False)
    return root


def only(root: Path, pattern: str) -> Path:
    """The one file of that pattern with a hash in its name."""
    (found,) = [path for path in root.glob(pattern) if re.search(r"\.[0-9a-f]{12}\.", path.name)]
    return found


def test_the_style_sheet_is_one_request(collected):
    sheet = only(collected, "css/site.*.css").read_text()

    assert "@import" not in sheet
    for source in (site.BASE_DIR / "static" / "css").rglob("*.css"):
        if source.name != "site.css":
            assert source.read_text() in sheet, source.name


def test_modules_ask_for_hashed_names(collected):
    main = only(collected, "js/main.*.js").read_text()

    asked = re.findall(r'from "\./([^"]+)"', main)
    assert len(asked) >= 5
    for name in asked:
        assert (collected / "js" / name).is_file()
        assert re.search(r"\.[0-9a-f]{12}\.js$", name)


def test_what_every_page_loads_is_within_the_budget(collected):
    scripts = [only(collected, f"js/{path.stem}.*.js") for path in (site.BASE_DIR / "static" / "js").glob("*.js")]
    sizes = {
        path.name: len(gzip.compress(path.read_bytes()))
        for path in [only(collected, "css/site.*.css"), only(collected, "django_htmx/htmx-2.min.*.js"), *scripts]
    }

    assert sum(sizes.values()) <= LARGEST_PAGE_BYTES, sizes


def test_text_has_a_gzip_copy_of_the_same_bytes(collected):
    sheet = only(collected, "css/site.*.css")

    assert gzip.decompress((sheet.parent / (sheet.name + ".gz")).read_bytes()) == sheet.read_bytes()


def test_collecting_again_changes_nothing(collected, settings):
    settings.STATIC_ROOT = collected
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "config.static.HashedStaticFiles"}}
    before = {path.relative_to(collected) for path in collected.rglob("*")}

    call_command("collectstatic", verbosity=0, interactive=False)

    assert {path.relative_to(collected) for path in collected.rglob("*")} == before
