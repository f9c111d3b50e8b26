"""What axe-core has to say of a page."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# Without `preload` axe does not fetch style sheets anew, which the pages' content policy would refuse.
_COMMON: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
_EVERYTHING = {
    **_COMMON,
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"target-size": {"enabled": True}},
}
_COLORS = {**_COMMON, "runOnly": {"type": "rule", "values": ["color-contrast"]}}
_SERIOUS = ("serious", "critical")


def serious_in_both_themes(page: Page, name: str) -> list[str]:
    """Everything in the dark theme; of the light one its colors, for nothing else differs. Leaves the page dark."""
    page.emulate_media(color_scheme="light")
    found = serious(page, f"{name}, light", _COLORS)
    page.emulate_media(color_scheme="dark")
    return serious(page, f"{name}, dark", _EVERYTHING) + found


def serious(page: Page, name: str, options: dict[str, Any] = _EVERYTHING) -> list[str]:
    """What axe-core calls serious or critical, with the first elements it is said of."""
    violations = Axe().run(page, options=options).response["violations"]
    return [
        f"{name}: {violation['id']} {[node['html'][:120] for node in violation['nodes'][:3]]}"
        for violation in violations
        if violation["impact"] in _SERIOUS
    ]
