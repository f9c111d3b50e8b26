"""Fields that take what they say and nothing near it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers


class StrictBoolean(serializers.BooleanField):
    """`true` or `false`. A choice that binds somebody is not to be guessed from "yes", 1 or "maybe"."""

    default_error_messages = {"invalid": _("Must be true or false.")}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class StrictText(serializers.CharField):
    """Text and only text, with a longest length. `lines=False` refuses line breaks and other control characters."""

    default_error_messages = {
        "invalid": _("Must be text."),
        "control": _("Must be one line without control characters."),
    }

    def __init__(self, *, max_length: int, lines: bool = False, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, **kwargs)
        self.lines = lines

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text = super().to_internal_value(data)
        if not self.lines and any(ord(sign) < 32 or ord(sign) == 127 for sign in text):
            self.fail("control")
        return text


class StrictInteger(serializers.IntegerField):
    """A JSON number without a fraction, from 0 to 2⁶³ − 1 unless said otherwise."""

    default_error_messages = {"invalid": _("Must be a whole number.")}

    def __init__(self, *, min_value: int = 0, max_value: int = 2**63 - 1, **kwargs: Any) -> None:
        super().__init__(min_value=min_value, max_value=max_value, **kwargs)

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return data
