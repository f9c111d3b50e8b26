"""Bytes in an S3 bucket, of any maker. Parts and downloads go past the site, by signed addresses.

There is no rename on S3: an object keeps the key under which it was uploaded, and the blob remembers that key.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import parse_qs, urlsplit

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from community.errors import InvalidInput, StoreFull, StoreUnavailable
from registry.storage import (
    PART_SECONDS,
    UPLOADS,
    Incoming,
    PartsChanged,
    PartTarget,
    StoredObject,
    StoredPart,
    checked_key,
)

# After a seek little is read ahead; while reading goes on in order, each request asks for twice as much.
_FIRST_WINDOW: Final = 256 << 10
_LAST_WINDOW: Final = 64 << 20
_SENDING: Final = TransferConfig(multipart_threshold=64 << 20, multipart_chunksize=16 << 20, max_concurrency=4)
_SKIP_BYTES: Final = 64 << 10  # a seek this short is read over, which is cheaper than a new request
_GONE: Final = frozenset({"404", "NoSuchKey", "NoSuchUpload", "NotFound"})
# Of a store that is there but serves nobody: too many requests, credentials or a bucket that it does not know.
_CLOSED: Final = frozenset({401, 403, 429})
_OPTIONS: Final = frozenset({"endpoint", "region", "public_endpoint"})

logger = logging.getLogger(__name__)


class S3Store:
    """A `BlobStore` on a bucket. The credentials come from where every S3 tool finds them (`AWS_ACCESS_KEY_ID` …).

    `public` signs the addresses that browsers use, where they reach the bucket by another name than the site does.
    """

    def __init__(self, client: Any, bucket: str, prefix: str = "", public: Any = None) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._public = public or client

    @classmethod
    def from_url(cls, url: str) -> S3Store:
        """From `s3://bucket/prefix?endpoint=https://…&region=…&public_endpoint=https://…`."""
        parts = urlsplit(url)
        options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        if parts.scheme != "s3" or not parts.netloc or options.keys() - _OPTIONS:
            raise ImproperlyConfigured(
                "The setting STORAGE_URL must be s3://bucket/prefix?endpoint=https://…&region=…."
            )
        prefix = parts.path.strip("/")
        region = options.get("region", "us-east-1")
        public = options.get("public_endpoint")
        return cls(
            _client(options.get("endpoint"), region),
            parts.netloc,
            f"{prefix}/" if prefix else "",
            _client(public, region) if public else None,
        )

    # A file on its way in -------------------------------------------------------------------------------------

    def begin(self, name: str, size: int, part_size: int) -> Incoming:
        key = UPLOADS + name
        with _refusals(key):
            answer = self._client.create_multipart_upload(**self._at(key), ContentType="application/octet-stream")
        return Incoming(key, answer["UploadId"], size, part_size)

    def part_target(self, incoming: Incoming, number: int) -> PartTarget:
        expires_at = datetime.now(UTC) + timedelta(seconds=PART_SECONDS)
        url = self._public.generate_presigned_url(
            "upload_part",
            Params={**self._at(incoming.key), "UploadId": incoming.token, "PartNumber": number},
            ExpiresIn=PART_SECONDS,
        )
        return PartTarget(number, url, expires_at)

    def write_part(self, incoming: Incoming, number: int, read: Callable[[int], bytes]) -> str:
        wanted = incoming.length_of(number)
        body = read(wanted)  # of a part at most: the client needs to know its length and may send it again
        if len(body) != wanted:
            raise InvalidInput(
                _("The part ends %(count)d bytes too early. Send it again.") % {"count": wanted - len(body)},
                code="part_cut_short",
                field="part",
            )
        with _refusals(incoming.key):
            answer = self._client.upload_part(
                **self._at(incoming.key), UploadId=incoming.token, PartNumber=number, Body=body
            )
        return answer["ETag"].strip('"')

    def list_parts(self, incoming: Incoming) -> list[StoredPart]:
        pages = self._client.get_paginator("list_parts").paginate(**self._at(incoming.key), UploadId=incoming.token)
        try:
            with _refusals(incoming.key):
                found = [part for page in pages for part in page.get("Parts", [])]
        except FileNotFoundError:
            return []
        parts = sorted(found, key=lambda part: (part["PartNumber"], part["LastModified"]))
        return [StoredPart(part["PartNumber"], part["Size"], part["ETag"].strip('"')) for part in parts]

    def is_whole(self, incoming: Incoming) -> bool:
        return self.size(incoming.key) == incoming.size

    def complete(self, incoming: Incoming, parts: Sequence[StoredPart]) -> None:
        wanted = sorted(parts, key=lambda part: part.number)
        held = self.list_parts(incoming)
        if held and not set(wanted) <= set(held):  # not every store compares the etags itself
            raise PartsChanged
        listed = [{"PartNumber": part.number, "ETag": f'"{part.etag}"'} for part in wanted]
        try:
            with _refusals(incoming.key):
                self._client.complete_multipart_upload(
                    **self._at(incoming.key), UploadId=incoming.token, MultipartUpload={"Parts": listed}
                )
        except FileNotFoundError:
            if self.size(incoming.key) is None:  # else an earlier attempt completed it and could not say so
                raise
        except ClientError as error:
            if error.response["Error"]["Code"] in ("InvalidPart", "InvalidPartOrder", "EntityTooSmall"):
                raise PartsChanged from error
            raise
        if self.size(incoming.key) != incoming.size:
            raise PartsChanged

    def abort(self, incoming: Incoming) -> None:
        with suppress(FileNotFoundError), _refusals(incoming.key):  # completed or aborted before
            self._client.abort_multipart_upload(**self._at(incoming.key), UploadId=incoming.token)
        self.delete(incoming.key)

    # What is stored -------------------------------------------------------------------------------------------

    def open(self, key: str) -> BinaryIO:
        with _refusals(key):
            head = self._client.head_object(**self._at(key))
        reader = _RangeReader(self._client, self._at(key), head["ContentLength"], head["ETag"])
        return io.BufferedReader(reader, 64 << 10)

    def promote(self, key: str, sha256: str) -> str:
        return key

    def put(self, key: str, data: bytes, content_type: str) -> None:
        with _refusals(key):
            self._client.put_object(**self._at(key), Body=data, ContentType=content_type)

    def put_file(self, key: str, path: Path) -> None:
        # In parts where it is large. What a kill leaves of them, the sweep of unfinished uploads removes.
        kind = {"ContentType": "application/octet-stream"}
        with path.open("rb") as file, _refusals(key):
            self._client.upload_fileobj(file, **self._at(key), ExtraArgs=kind, Config=_SENDING)

    def delete(self, key: str) -> None:
        with _refusals(key):
            self._client.delete_object(**self._at(key))

    def discard(self, found: StoredObject) -> None:
        if not found.token:
            self.delete(found.key)
            return
        with suppress(FileNotFoundError), _refusals(found.key):  # gone meanwhile
            self._client.abort_multipart_upload(**self._at(found.key), UploadId=found.token)

    def size(self, key: str) -> int | None:
        try:
            with _refusals(key):
                return int(self._client.head_object(**self._at(key))["ContentLength"])
        except FileNotFoundError:
            return None

    def listing(self, prefix: str) -> Iterator[StoredObject]:
        place = {"Bucket": self._bucket, "Prefix": self._prefix + prefix}
        for item in self._listed("list_objects_v2", "Contents", place):
            yield StoredObject(item["Key"].removeprefix(self._prefix), item["Size"], item["LastModified"])
        for item in self._listed("list_multipart_uploads", "Uploads", place):
            key = item["Key"].removeprefix(self._prefix)
            yield StoredObject(key, 0, item["Initiated"], item["UploadId"])

    def _listed(self, operation: str, member: str, place: dict[str, str]) -> Iterator[dict[str, Any]]:
        pages = iter(self._client.get_paginator(operation).paginate(**place))
        while True:
            with _refusals(place["Prefix"]):  # around the question alone, not what is done with the answer
                page = next(pages, None)
            if page is None:
                return
            yield from page.get(member, [])

    def local_path(self, key: str) -> Path | None:
        return None

    def signed_url(self, key: str, *, disposition: str, content_type: str, seconds: int) -> str | None:
        wanted = {"ResponseContentDisposition": disposition, "ResponseContentType": content_type}
        url = self._public.generate_presigned_url("get_object", Params={**self._at(key), **wanted}, ExpiresIn=seconds)
        return str(url)

    def free_bytes(self) -> int | None:
        return None

    def origin(self) -> str | None:
        parts = urlsplit(self._public.meta.endpoint_url)
        return f"{parts.scheme}://{parts.netloc}"

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + checked_key(key)}


def _client(endpoint: str | None, region: str) -> Any:
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",  # stores that lack the newer checksums refuse them
        connect_timeout=10,
        read_timeout=60,
        retries={"max_attempts": 4, "mode": "standard"},
    )
    # A session of its own: the shared one is not safe among threads, and keeps the first credentials it ever saw.
    return boto3.session.Session().client("s3", endpoint_url=endpoint, region_name=region, config=config)


@contextmanager
def _refusals(key: str) -> Iterator[None]:
    """Turns the store's "no such thing", "no room" and silence into what the port promises."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        if code in _GONE or (status == 404 and code != "NoSuchBucket"):
            raise FileNotFoundError(key) from error
        if status == 507:
            raise StoreFull(_("The site's store has no room for these bytes.")) from error
        if status >= 500 or status in _CLOSED or code == "NoSuchBucket":
            raise _unavailable(error) from error
        raise
    except ParamValidationError:
        raise  # our own mistake
    except BotoCoreError as error:  # not reached, cut off, or without credentials
        raise _unavailable(error) from error


def _unavailable(error: Exception) -> StoreUnavailable:
    logger.error("the store does not serve: %s", error)  # whoever asked cannot do anything about it, the operator can
    return StoreUnavailable(_("The site's store does not answer now. Try again later."))


class _RangeReader(io.RawIOBase):
    """An object read in ranges, one open answer at a time. Refuses to go on when the object changes meanwhile."""

    def __init__(self, client: Any, at: dict[str, str], size: int, etag: str) -> None:
        super().__init__()
        self._client, self._at, self._size, self._etag = client, at, size, etag
        self._position = 0
        self._body: Any = None
        self._body_ends = 0
        self._window = _FIRST_WINDOW

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        target = base + offset
        if target < 0:
            raise ValueError("negative position")
        ahead = target - self._position
        if self._body is not None and 0 < ahead <= _SKIP_BYTES and target < self._body_ends:
            while self._position < target:
                self._position += len(self._read(target - self._position))
        elif ahead:
            self._drop()
            self._window = _FIRST_WINDOW
            self._position = target
        return target

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._size - self._position)
        if wanted <= 0:
            return 0
        if self._body is None:
            self._ask(wanted)
        data = self._read(min(wanted, self._body_ends - self._position))
        buffer[: len(data)] = data
        self._position += len(data)
        if self._position == self._body_ends:
            self._drop()
        return len(data)

    def close(self) -> None:
        self._drop()
        super().close()

    def _ask(self, wanted: int) -> None:
        end = min(self._size, self._position + max(wanted, self._window))
        self._window = min(self._window * 2, _LAST_WINDOW)
        with _refusals(self._at["Key"]):
            answer = self._client.get_object(**self._at, Range=f"bytes={self._position}-{end - 1}", IfMatch=self._etag)
        self._body, self._body_ends = answer["Body"], end

    def _read(self, most: int) -> bytes:
        """Not as an OSError: readers of archives take that for a fault of the file."""
        with _refusals(self._at["Key"]):
            data: bytes = self._body.read(most)
        if not data:
            raise _unavailable(EOFError("it ended an answer too early"))
        return data

    def _drop(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None
