"""A request with everything it names found: what a worker needs to render it without asking anybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from inference.prompts.request import Limits, RenderRequest, read_request

Role = Literal["checkpoint", "vae", "lora", "embedding", "hypernet", "controlnet"]
ROLES: Final[tuple[Role, ...]] = ("checkpoint", "vae", "lora", "embedding", "hypernet", "controlnet")


@dataclass(frozen=True, slots=True)
class Ingredient:
    """One file of a render. `name` is its stem, as prompts write it; `format` the blob's (safetensors, torch-zip …).

    `base_model` is an id of the base-model list, `type` one of the model-type list; `autov2` and `autov3` are the short
    hashes by which other tools know the file.
    """

    role: Role
    version: int
    sha256: str
    size: int
    key: str
    format: str
    name: str
    type: str
    base_model: str
    family: str
    autov2: str = ""
    autov3: str = ""


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture that a request takes in. `key` says where the store holds its bytes."""

    sha256: str
    size: int
    key: str


@dataclass(frozen=True, slots=True)
class RenderPlan:
    """The request, its ingredients (checkpoint first) and its pictures. `prediction` is "epsilon", "v" or empty.

    `prediction` comes from the file's facts or from its author where the tensors cannot tell; empty: the family's own.
    """

    request: RenderRequest
    ingredients: tuple[Ingredient, ...]
    pictures: tuple[StoredPicture, ...] = ()
    prediction: str = ""

    @property
    def checkpoint(self) -> Ingredient:
        """The file that everything else is added to."""
        return self.ingredients[0]

    def of(self, role: Role, version: int) -> Ingredient:
        """The file of a version in that role. KeyError where the plan has none."""
        for item in self.ingredients:
            if item.role == role and item.version == version:
                return item
        raise KeyError(version)

    def picture(self, sha256: str) -> StoredPicture:
        """A picture of the request. KeyError where the plan has none."""
        for item in self.pictures:
            if item.sha256 == sha256:
                return item
        raise KeyError(sha256)

    def written(self) -> dict[str, Any]:
        """As JSON; `read_plan` gives it back."""
        return {
            "request": self.request.written(),
            "ingredients": [asdict(item) for item in self.ingredients],
            "pictures": [asdict(item) for item in self.pictures],
            "prediction": self.prediction,
        }


def read_plan(data: Mapping[str, Any]) -> RenderPlan:
    """The plan that our own `written` made."""
    return RenderPlan(  # its own limits were asked at submission, and may have changed since
        request=read_request(data["request"], Limits(steps=10_000, side=100_000, batch=10_000)),
        ingredients=tuple(Ingredient(**item) for item in data["ingredients"]),
        pictures=tuple(StoredPicture(**item) for item in data["pictures"]),
        prediction=str(data["prediction"]),
    )
