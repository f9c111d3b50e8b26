"""What the demo shows: people, models, pictures, talk, read from `data/content.toml`."""

from __future__ import annotations

import io
import tomllib
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image

from registry.demo import samples, scenes
from registry.licenses.permissions import Permissions

_FORMATS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "jpg": ("JPEG", {"quality": 90, "subsampling": 0}),
    "png": ("PNG", {}),
    "webp": ("WEBP", {"quality": 88}),
    "avif": ("AVIF", {"quality": 75, "speed": 8}),
}


@dataclass(frozen=True)
class Person:
    """Somebody who has put sample content here. Nobody can sign in as them."""

    name: str
    shown_name: str
    about: str


@dataclass(frozen=True)
class SampleFile:
    """A model file and the function of `samples` that makes it."""

    name: str
    make: str

    def data(self, words: tuple[str, ...]) -> bytes:
        """The file's bytes."""
        return samples.MAKERS[self.make](self.name.rpartition(".")[0], words)


@dataclass(frozen=True)
class SamplePicture:
    """A preview: the function of `scenes` that draws it, as which kind of file it is sent, what is said about it."""

    file: str
    alt: str
    draw: str
    palette: str
    shape: str = "tall"
    show: tuple[str, ...] = ()
    rating: str = "PG"

    def data(self) -> bytes:
        """The file's bytes."""
        brief = scenes.Brief(self.file, self.palette, scenes.SHAPES[self.shape], self.show)
        drawn = scenes.SCENES[self.draw](brief)
        first, *rest = drawn if isinstance(drawn, list) else [drawn]
        return _saved(first, rest, self.file.rpartition(".")[2])


def _saved(first: Image.Image, rest: list[Image.Image], extension: str) -> bytes:
    format, options = _FORMATS[extension]
    if rest:
        options = {**options, "save_all": True, "append_images": rest, "duration": 120, "loop": 0}
    stream = io.BytesIO()
    first.save(stream, format, **options)
    return stream.getvalue()


@dataclass(frozen=True)
class SampleVersion:
    """A release: its files and its pictures."""

    name: str
    base_model: str
    files: tuple[SampleFile, ...]
    pictures: tuple[SamplePicture, ...]
    trained_words: tuple[str, ...] = ()
    notes: str = ""


@dataclass(frozen=True)
class SampleModel:
    """A work with everything around it. Comments are (who, words)."""

    owner: str
    title: str
    type: str
    description: str
    tags: tuple[str, ...]
    license: str
    permissions: Permissions
    versions: tuple[SampleVersion, ...]
    comments: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Content:
    """All of it, models in the order in which they are published."""

    people: tuple[Person, ...]
    models: tuple[SampleModel, ...]


def read_content() -> Content:
    """The demo as data. KeyError or TypeError for a line that names what there is not."""
    with (samples.DATA / "content.toml").open("rb") as file:
        rows = tomllib.load(file)
    people = tuple(Person(name, **row) for name, row in rows["people"].items())
    return Content(people, tuple(_model(row, rows["rights"], rows["random_note"]) for row in rows["models"]))


def _model(row: dict[str, Any], rights: dict[str, list[str]], random_note: str) -> SampleModel:
    given = rights[row["rights"]] if "rights" in row else None
    return SampleModel(
        owner=row["owner"],
        title=row["title"],
        type=row["type"],
        description=row["description"] + ("" if row.get("made") else random_note),
        tags=tuple(row["tags"]),
        license=row["license"],
        permissions=_permissions(given),
        versions=tuple(_version(version) for version in row["versions"]),
        comments=tuple((who, words) for who, words in row.get("comments", [])),
    )


def _permissions(given: list[str] | None) -> Permissions:
    """Those that are named, or all."""
    if given is None:
        return Permissions.from_bits(63)
    none = Permissions.from_bits(0)
    return Permissions(**{**none.__dict__, **dict.fromkeys(given, True)})


def _version(row: dict[str, Any]) -> SampleVersion:
    pictures = (
        SamplePicture(**{**picture, "show": tuple(picture.get("show", ()))}) for picture in row.get("pictures", [])
    )
    return SampleVersion(
        name=row["name"],
        base_model=row["base_model"],
        files=tuple(SampleFile(**file) for file in row["files"]),
        pictures=tuple(pictures),
        trained_words=tuple(row.get("trained_words", [])),
        notes=row.get("notes", ""),
    )
