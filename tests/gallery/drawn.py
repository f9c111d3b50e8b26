"""The form of the workbench as a browser without scripts reads it from the page, and would send it."""

from __future__ import annotations

from html.parser import HTMLParser


class _Page(HTMLParser):
    """Fields of the form `post-form` with their values, the text within each element that has an id, and which
    element describes each field that is called invalid."""

    def __init__(self, page: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.fields: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self.described: dict[str, str] = {}
        self._open: list[tuple[str, str]] = []
        self._in_form = False
        self._writing = ""
        self._select = ""
        self._option: str | None = None
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in ("input", "br", "img", "link", "meta", "path", "use", "hr", "source"):
            self._open.append((tag, given.get("id", "")))
        if tag == "form":
            self._in_form = given.get("id") == "post-form"
        if tag == "option":
            self._option_begins(given)
        name = given.get("name", "")
        if not name or given.get("form", "post-form" if self._in_form else "") != "post-form":
            return
        if "aria-invalid" in given:
            self.described[name] = given.get("aria-describedby", "")
        if tag == "textarea":
            self._writing, self.fields[name] = name, ""
        elif tag == "select":
            self._select, self.fields[name] = name, ""
        elif tag == "input":
            self._input(name, given)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A shape of an icon: it holds nothing."""

    def _input(self, name: str, given: dict[str, str]) -> None:
        kind = given.get("type", "text")
        if kind in ("checkbox", "radio"):
            if "checked" in given:
                self.fields[name] = given.get("value", "on")
        elif kind != "file":
            self.fields[name] = given.get("value", "")

    def _option_begins(self, given: dict[str, str]) -> None:
        if self._select and "selected" in given:
            self._option = given.get("value", "")
            self.fields[self._select] = self._option

    def handle_endtag(self, tag: str) -> None:
        while any(name == tag for name, _id in self._open) and self._open.pop()[0] != tag:
            pass
        if tag == "form":
            self._in_form = False
        if tag == "textarea" and self._writing:
            text = self.fields[self._writing].removeprefix("\n")
            self.fields[self._writing], self._writing = text.replace("\n", "\r\n"), ""
        if tag == "select":
            self._select = ""
        if tag == "option":
            self._option = None

    def handle_data(self, data: str) -> None:
        if self._writing:
            self.fields[self._writing] += data
        if self._option == "" and self._select:
            self.fields[self._select] += data.strip()
        for _tag, name in self._open:
            if name:
                self.texts[name] = self.texts.get(name, "") + data


def drawn(page: bytes) -> dict[str, str]:
    """What a browser would send of the workbench if its first button were pressed."""
    return dict(_Page(page).fields)


def text_of(page: bytes, name: str) -> str:
    """The text within the element of this id; empty where there is none."""
    return " ".join(_Page(page).texts.get(name, "").split())


def what_describes(page: bytes) -> dict[str, str]:
    """The text that tells what is wrong, for each field that is called invalid."""
    read = _Page(page)
    return {name: " ".join(read.texts.get(place, "").split()) for name, place in read.described.items()}
