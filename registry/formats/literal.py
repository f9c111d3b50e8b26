"""Python literals as numpy writes them into headers: texts, whole numbers, truth values, tuples, lists, dictionaries.

Read by a small parser of its own: the standard library's goes through the compiler, which hostile text can exhaust.
"""

from __future__ import annotations

import re
from typing import Any

from registry.formats.errors import MalformedFile

MAX_DEPTH = 20
_TOKEN = re.compile(r"\s*(?:(-?\d{1,19})L?(?!\w)|('(?:[^'\\\n]|\\.)*')|(\"(?:[^\"\\\n]|\\.)*\")|(\w+)|([\[\](){},:]))")
_WORDS = {"True": True, "False": False, "None": None}
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def parse_literal(text: str) -> Any:
    """The value written in `text`. Raises MalformedFile when it is no literal or nests too deeply."""
    reader = _Reader(text)
    value = reader.value(0)
    if text[reader.position :].strip(" \n\t\r\0"):
        raise MalformedFile("literal_wrong", "something follows the header's value")
    return value


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def token(self) -> tuple[str, str]:
        match = _TOKEN.match(self.text, self.position)
        if match is None or match.lastindex is None:
            raise MalformedFile("literal_wrong", "the header is not written as expected")
        self.position = match.end()
        return ("", "number", "text", "text", "word", "sign")[match.lastindex], match[match.lastindex]

    def peek(self) -> str:
        place = self.position
        kind, text = self.token()
        self.position = place
        return text if kind == "sign" else ""

    def value(self, depth: int) -> Any:
        kind, text = self.token()
        if kind == "number":
            return int(text)
        if kind == "text":
            return text[1:-1]
        if kind == "word" and text in _WORDS:
            return _WORDS[text]
        if kind == "sign" and text in _CLOSING and depth < MAX_DEPTH:
            return self.group(text, depth + 1)
        raise MalformedFile("literal_wrong", "the header is not written as expected")

    def group(self, opening: str, depth: int) -> Any:
        closing = _CLOSING[opening]
        items: list[Any] = []
        commas = 0
        while self.peek() != closing:
            item = self.value(depth)
            if opening == "{":
                self.expect(":")
                if not isinstance(item, str):
                    raise MalformedFile("literal_wrong", "a key of the header is not a text")
                item = (item, self.value(depth))
            items.append(item)
            if self.peek() == ",":
                self.expect(",")
                commas += 1
            elif self.peek() != closing:
                raise MalformedFile("literal_wrong", "a comma is missing in the header")
        self.expect(closing)
        if opening == "{":
            return dict(items)
        if opening == "[":
            return items
        return tuple(items) if commas or not items else items[0]

    def expect(self, sign: str) -> None:
        if self.token() != ("sign", sign):
            raise MalformedFile("literal_wrong", f"'{sign}' is missing in the header")
