"""A model, its first version and the files that were sent for it: all of them, or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from community.errors import SafelightError
from community.models import User
from registry.models import ModelVersion, Upload
from registry.services.catalog import create_model, create_version
from registry.services.files import attach_file

# Stands before the field of a refusal that is about the version and not about the model.
VERSION = "version."


@transaction.atomic
def begin_draft(
    *, by: User, model: Mapping[str, Any], version: Mapping[str, Any], uploads: Iterable[Upload] = ()
) -> ModelVersion:
    """A new model of `by` with a draft that holds these uploads, under the names that they were sent by.

    Raises what `create_model`, `create_version` and `attach_file` raise; the field of a refusal of the version begins
    with "version.".
    """
    made = create_model(by=by, **model)
    try:
        draft = create_version(made, by=by, **version)
    except SafelightError as refusal:
        refusal.field = VERSION + refusal.field
        raise
    for upload in uploads:
        attach_file(draft, upload, upload.name, by=by)
    return draft
