"""Parts of addresses."""

from __future__ import annotations

from community.names import is_name, is_reserved


class OwnerConverter:
    """A person's name in an address, but for the site's own words.

    `/models` and its kind are thus left to the rooms whose pages they are, wherever those are mounted. The few people
    who bear such a word as their name are found by the catch-all at the end of `config.urls`.
    """

    regex = "[A-Za-z0-9_][A-Za-z0-9._-]{0,95}"

    def to_python(self, value: str) -> str:
        if not is_name(value) or is_reserved(value):
            raise ValueError
        return value

    def to_url(self, value: str) -> str:
        return value
