"""A reader of feeds, for tests: an XML parser that knows nothing of the site, and what Atom asks of a document."""

from __future__ import annotations

from datetime import datetime
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

ATOM = "{http://www.w3.org/2005/Atom}"


class Pictures(HTMLParser):
    """The pictures of an entry's HTML, as their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.found.append(dict(attrs))


def read_feed(client, address: str, **headers: str) -> ElementTree.Element:
    """The feed at an address, after all that RFC 4287 demands of it was looked for."""
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200, address
    assert answer["Content-Type"] == "application/atom+xml; charset=utf-8"
    assert "Cookie" not in answer.get("Vary", "")
    feed = ElementTree.fromstring(answer.content)  # noqa: S314 (our own answer)
    assert feed.tag == f"{ATOM}feed"
    _check(feed, address)
    return feed


def _check(feed: ElementTree.Element, address: str) -> None:
    assert feed.find(f"{ATOM}author/{ATOM}name") is not None
    links = {link.get("rel"): link for link in feed.findall(f"{ATOM}link")}
    assert {"self", "alternate"} <= set(links)
    assert links["self"].get("href", "").startswith("http://testserver/")
    entries = feed.findall(f"{ATOM}entry")
    for one in [feed, *entries]:
        assert text(one, "id").startswith("tag:localhost,2026:")
        assert text(one, "title")
        assert datetime.fromisoformat(text(one, "updated")).tzinfo is not None
    ids = [text(entry, "id") for entry in entries]
    assert len(ids) == len(set(ids)), address
    for entry in entries:
        assert text(entry, "author/name")
        assert entry.find(f"{ATOM}content").get("type") == "html"
        assert link(entry, "alternate").startswith("http://testserver/")


def text(element: ElementTree.Element, path: str) -> str:
    return element.findtext("/".join(f"{ATOM}{step}" for step in path.split("/"))) or ""


def link(element: ElementTree.Element, rel: str) -> str:
    """The address of the first link of this kind, or nothing."""
    return next((one.get("href", "") for one in element.findall(f"{ATOM}link") if one.get("rel") == rel), "")


def titles(feed: ElementTree.Element) -> list[str]:
    return [text(entry, "title") for entry in feed.findall(f"{ATOM}entry")]


def walk(client, address: str) -> list[str]:
    """The ids of all entries of a feed, page after page."""
    found: list[str] = []
    while address:
        feed = read_feed(client, address.removeprefix("http://testserver"))
        found += [text(entry, "id") for entry in feed.findall(f"{ATOM}entry")]
        address = link(feed, "next")
    return found


def pictures(entry: ElementTree.Element) -> list[dict[str, Any]]:
    return Pictures(text(entry, "content")).found
