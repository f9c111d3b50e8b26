"""The few things that an XMP packet may say about how a picture was made, and about who made it.

XMP is XML, but no XML reader is let at a stranger's: fields are found by their names (XMP specification, part 2;
Exif 2.32 for XMP), in time linear in the text.
"""

from __future__ import annotations

import re
from typing import Final

_FIELD: Final = "exif:UserComment"
_ENTITY: Final = re.compile(r"&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|(lt|gt|quot|apos|amp));")
_NAMED: Final = {"lt": "<", "gt": ">", "quot": '"', "apos": "'", "amp": "&"}


def user_comment(packet: str) -> str:
    """The text of `exif:UserComment`, as an attribute or as the first entry of a list; empty where there is none."""
    start = packet.find(_FIELD)
    if start < 0:
        return ""
    position = start + len(_FIELD)
    quote = packet[position + 1 : position + 2]
    if packet[position : position + 1] == "=" and quote in ('"', "'"):
        end = packet.find(quote, position + 2)
        return unescaped(packet[position + 2 : end]) if end >= 0 else ""
    close = packet.find(f"</{_FIELD}>", position)
    inside = packet[packet.find(">", position) + 1 : close if close >= 0 else len(packet)]
    entry = inside.find("<rdf:li", 0, 400)
    if entry >= 0:
        inside = inside[inside.find(">", entry) + 1 :]
        end = inside.find("</rdf:li>")
        inside = inside[:end] if end >= 0 else ""
    return unescaped(inside).strip() if "<" not in inside else ""


def unescaped(text: str) -> str:
    """XML's five names and its numbers made characters again."""
    return _ENTITY.sub(_sign, text)


def _sign(match: re.Match[str]) -> str:
    if match[3]:
        return _NAMED[match[3]]
    number = int(match[1]) if match[1] else int(match[2], 16)
    is_sign = 0 < number < 0x110000 and not 0xD800 <= number < 0xE000
    return chr(number) if is_sign else "�"
