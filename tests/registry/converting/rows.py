"""Conversions as the services would have left them, and the way through the services."""

from __future__ import annotations

import hashlib

from django.utils import timezone

from registry.models import Blob, Conversion, ModelFile, ModelVersion
from registry.services.converting import convert_blob
from registry.services.files import attach_file
from registry.services.inspecting import inspect_upload
from registry.storage import blob_key, blob_store
from tests.factories import BlobFactory, ModelVersionFactory
from tests.registry.converting.build import Parts, checkpoint, singles
from tests.registry.downloads.stored import stored_file
from tests.registry.inspecting.conftest import send


def made_of(
    file: ModelFile, content: bytes = b"made of it", *, kind: str = "full", verdict: str = "safe"
) -> Conversion:
    """A finished conversion whose bytes the store holds."""
    key = blob_key(hashlib.sha256(content).hexdigest())
    blob_store().put(key, content, "application/octet-stream")
    result = BlobFactory(content=content, key=key, verdict=verdict)
    values = {"state": "done", "result": result, "report": {"tensors": 1}, "finished_at": timezone.now()}
    return Conversion.objects.update_or_create(source=file.blob, kind=kind, defaults=values)[0]


def pickle_of(seed: int = 1) -> bytes:
    """A small torch file that holds two tensors and a number."""
    parts = Parts()
    return parts.zipped({"state_dict": {"a": parts.tensor(singles(6, seed), (2, 3)), "note": "x"}, "epoch": 3})


def checkpoint_file() -> bytes:
    """A torch file with the names of a whole checkpoint, averages among them."""
    parts = Parts()
    return parts.zipped({"state_dict": checkpoint(parts)})


def sent_file(data: bytes, *, name: str = "ink.ckpt", version: ModelVersion | None = None) -> ModelFile:
    """Bytes sent, attached and inspected, by the services that the API calls."""
    version = version or ModelVersionFactory(model__type="checkpoint")
    owner = version.model.owner
    upload = send(data, name=name, by=owner)
    file = attach_file(version, upload, name, by=owner)
    inspect_upload(str(upload.pk))
    return ModelFile.objects.select_related("blob", "version__model__owner").get(pk=file.pk)


def converted_file(data: bytes | None = None) -> ModelFile:
    """The same, converted by a worker."""
    file = sent_file(data or pickle_of())
    convert_blob(Conversion.objects.get(source=file.blob).pk)
    return file


def published_file() -> ModelFile:
    """A published pickle with a result, without the work."""
    file = stored_file(b"a pickle", name="ink.ckpt")
    Blob.objects.filter(pk=file.blob_id).update(format="torch-zip", facts={"tensors": 1})
    file.blob.refresh_from_db()
    made_of(file)
    return file
