"""Refusals of this app. The shapes and their tree stand in `community.errors`."""

from __future__ import annotations

from community.errors import Conflict, InvalidInput, NotAllowed, SafelightError


class RegistryError(SafelightError):
    """Base for refusals that only the registry makes."""


class NotReadyToPublish(Conflict):
    """A version does not meet every check. `extra["unmet"]` lists {code, field, detail} for each."""

    code = "not_ready_to_publish"


class NotServable(NotAllowed):
    """A file whose bytes have no passing verdict; its report may still be read."""

    code = "not_servable"


class NeedsConfirmation(NotAllowed):
    """A waived file: whoever downloads it must say yes first."""

    code = "needs_confirmation"


class UploadRefused(InvalidInput):
    """Parts or declarations of an upload that cannot be accepted."""

    code = "upload_refused"


class BytesMissing(RegistryError):
    """The store does not hold what the database says it holds. Trouble of the site, and said to be one."""

    status = 503
    code = "bytes_missing"
