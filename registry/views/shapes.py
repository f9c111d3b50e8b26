"""From loaded rows to what the templates of models draw. Runs no query beyond what its callers have prefetched."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from registry import policies
from registry.formats.catalog import BASE_MODELS, TOOLS, model_type
from registry.forms import RENDER_WORDS, RIGHT_WORDS
from registry.licenses.catalog import LICENSES, OWN_LICENSE, License
from registry.licenses.effective import DUTIES, Source, effective_rights
from registry.licenses.permissions import Permissions
from registry.models import Blob, Conversion, ModelFile, ModelVersion, RegisteredModel
from registry.models.files import HashKind
from registry.services.conversions import may_become
from registry.templatetags.safelight import base_label, or_list, short_hash, type_label

# The digests in the order in which people of the field look for them.
_HASH_ORDER = (
    HashKind.AUTOV2,
    HashKind.SHA256,
    HashKind.AUTOV1,
    HashKind.AUTOV3,
    HashKind.BLAKE3,
    HashKind.CRC32,
)
_HASH_LABELS = {HashKind.SHA256: "SHA-256"}
_FORMATS = {"safetensors": "SafeTensors", "pickle": "Pickle", "torch-zip": "PickleTensor", "gguf": "GGUF"}
# What a render can be made with; of others nobody asks.
_RENDERED_TYPES = frozenset({"checkpoint", "lora", "locon", "dora", "embedding", "hypernetwork", "vae", "controlnet"})
# The one "folder" that is a page of the program.
_PAGES = frozenset({"Model Manager"})


@dataclass(frozen=True)
class ShownConversion:
    """What was made of a file, or will be. `reason` says why not, to those who can do something about it."""

    conversion: Conversion
    name: str
    facts: str
    serving: policies.Serving
    download: str
    hash: str
    reason: str


@dataclass(frozen=True)
class ShownFile:
    """A file with what a row of it says."""

    file: ModelFile
    facts: str
    serving: policies.Serving
    download: str
    conversions: Sequence[ShownConversion] = ()


@dataclass(frozen=True)
class ShownFact:
    name: str
    value: str


@dataclass(frozen=True)
class ShownRight:
    """One line of "What you may do"; `because` says who refuses, where it is not the author."""

    allowed: bool
    text: Any
    because: str


@dataclass(frozen=True)
class ShownRights:
    lines: tuple[ShownRight, ...]
    duties: tuple[str, ...]


@dataclass(frozen=True)
class ShownHash:
    label: str
    value: str
    shown: str


@dataclass(frozen=True)
class Place:
    """Where a program looks for a file."""

    tool: str
    folder: str
    is_page: bool


def shown_files(files: Iterable[ModelFile], request: HttpRequest) -> list[ShownFile]:
    return [
        ShownFile(
            file=file,
            facts=file_facts(file),
            serving=policies.can_serve(file, request.user),
            download=reverse("registry:download", args=[file.pk, file.name]),
        )
        for file in files
    ]


def shown_with_conversions(files: Iterable[ModelFile], request: HttpRequest) -> list[ShownFile]:
    """The same with what was made of each; needs `with_conversions`."""
    return [replace(shown, conversions=conversions_of(shown.file, request)) for shown in shown_files(files, request)]


def conversions_of(file: ModelFile, request: HttpRequest) -> list[ShownConversion]:
    """What was made of a file's bytes; failures only for those who may ask again."""
    rows = file.blob.conversions.all() if file.blob else []
    may_ask = policies.can_convert(request.user, file)
    return [_shown_conversion(file, row, request) for row in rows if may_ask or not row.error]


def _shown_conversion(file: ModelFile, conversion: Conversion, request: HttpRequest) -> ShownConversion:
    name, result = conversion.name_for(file.name), conversion.result
    digests = {row.kind: row.value.upper() for row in result.hashes.all()} if result else {}
    return ShownConversion(
        conversion=conversion,
        name=name,
        facts=blob_facts(result) if result else "",
        serving=policies.can_serve_conversion(file, conversion, request.user),
        download=reverse("registry:conversion-download", args=[file.pk, conversion.kind, name]),
        hash=digests.get(HashKind.AUTOV2, ""),
        reason=conversion.refusal,
    )


def wishes_of(file: ModelFile, shown: ShownFile) -> list[tuple[str, str]]:
    """Kinds of conversion that may still be asked for, with their words: those not there, and those that failed."""
    there = {row.conversion.kind for row in shown.conversions if not row.reason}
    words = {
        Conversion.Kind.FULL: _("Convert to safetensors"),
        Conversion.Kind.PRUNED_FP16: _("Make a pruned fp16 safetensors"),
    }
    return [(kind, words[kind]) for kind in words if kind not in there and may_become(file.blob, kind)]


def file_facts(file: ModelFile) -> str:
    """What the bytes are, in a few words: "SafeTensors, fp16, pruned"."""
    return blob_facts(file.blob) if file.blob else ""


def blob_facts(blob: Blob) -> str:
    """The same for bytes that need not be a file's."""
    found = blob.facts.get("recognition") or {}
    pruned = found.get("pruned")
    words = [
        _FORMATS.get(blob.format, blob.format),
        found.get("precision") or "",
        "" if pruned is None else _("pruned") if pruned else _("full"),
    ]
    return ", ".join(word for word in words if word)


def recognition_of(file: ModelFile | None) -> dict[str, Any]:
    """What the inspection recognized in a file's tensors; empty where it could not tell."""
    if file is None or file.blob is None:
        return {}
    return file.blob.facts.get("recognition") or {}


def contents_of(file: ModelFile) -> list[ShownFact]:
    """What the inspection read of a file's tensors, for its report."""
    if file.blob is None:
        return []
    facts, found = file.blob.facts, recognition_of(file)
    shares = ", ".join(f"{name} {share:.0%}" for name, share in (facts.get("dtypes") or {}).items())
    rows = [
        (_("Format"), _FORMATS.get(file.blob.format, file.blob.format)),
        (_("Looks like"), type_label(found.get("model_type") or "")),
        (_("Base model"), base_label(found.get("base_model") or "")),
        (_("Tensors"), intcomma(facts.get("tensors") or "")),
        (_("Parameters"), intcomma(facts.get("parameters") or "")),
        (_("Number types, by bytes"), shares),
        (_("Rank"), found.get("rank") or ""),
    ]
    return [ShownFact(name, str(value)) for name, value in rows if value]


def primary_of(files: Sequence[ShownFile]) -> ShownFile | None:
    """The file to offer first: the author's choice where it may be served, else the first that may."""
    servable = [shown for shown in files if shown.serving.allowed]
    return next((shown for shown in servable if shown.file.is_primary), servable[0] if servable else None)


def hashes_of(file: ModelFile | None) -> list[ShownHash]:
    """A file's digests as tools write them."""
    if file is None or file.blob is None:
        return []
    known = {row.kind: row.value.upper() for row in file.blob.hashes.all()}
    return [
        ShownHash(_HASH_LABELS.get(kind, kind.value), known[kind], short_hash(known[kind]))
        for kind in _HASH_ORDER
        if kind in known
    ]


def rights_of(rights: ModelVersion | RegisteredModel, base_model_id: str) -> ShownRights | None:
    """What one may do by the author's permissions, the license and that of the base; None while nothing is chosen."""
    if rights.permissions is None or not rights.license:
        return None
    base = BASE_MODELS.get(base_model_id)
    bases = [base.license] if base else []
    effective = effective_rights(Permissions.from_bits(rights.permissions), rights.license, bases)
    words = {key: place for place, key in enumerate(RIGHT_WORDS)}
    lines = sorted(effective.lines, key=lambda line: (not line.allowed, words[line.key]))
    shown = [ShownRight(line.allowed, RIGHT_WORDS[line.key], _because(line.refused_by)) for line in lines]
    model = rights if isinstance(rights, RegisteredModel) else rights.model
    if model.type in _RENDERED_TYPES:
        shown.append(ShownRight(bool(model.render_here), RENDER_WORDS, ""))
    return ShownRights(
        tuple(sorted(shown, key=lambda line: not line.allowed)),
        tuple(_(DUTIES[duty.code]) for duty in effective.duties),
    )


def _because(refused_by: Sequence[Source]) -> str:
    """The licenses that refuse a use, by name; empty where the author alone does."""
    if any(source.kind == "author" for source in refused_by):
        return ""
    return or_list([LICENSES[source.license].label for source in refused_by if source.license in LICENSES])


def license_of(id: str) -> License | None:
    row = LICENSES.get(id)
    return License(row.id, _("The author’s own license")) if row and id == OWN_LICENSE else row


def places_of(model: RegisteredModel) -> list[Place]:
    """Where each program looks for files of this type."""
    folders = model_type(model.type).folders
    return [Place(TOOLS[tool], folder, folder in _PAGES) for tool, folder in folders.items()]


def prompt_text(model: RegisteredModel, file: ModelFile | None) -> str:
    """How the file is written into a prompt, by its own name; empty where its type is not."""
    return model_type(model.type).prompt_text(PurePosixPath(file.name).stem) if file else ""


def curl_line(request: HttpRequest, shown: ShownFile | None) -> str:
    """A line for a terminal that fetches a file everybody may have, under its name."""
    if shown is None or not shown.serving.is_public:
        return ""
    return f"curl -fLO -C - {shlex.quote(request.build_absolute_uri(shown.download))}"


def differing_type(model: RegisteredModel, file: ModelFile | None) -> str:
    """The type that the file looks like, where it is another than the declared one."""
    found = recognition_of(file).get("model_type") or ""
    return found if found not in ("", "other", model.type) else ""


def differing_bases(version: ModelVersion, file: ModelFile | None) -> list[str]:
    """The base models that the file looks like, where the declared one is none of them."""
    found = recognition_of(file)
    likely = [found["base_model"]] if found.get("base_model") else list(found.get("base_candidates") or ())[:3]
    possible = {*likely, *(found.get("base_candidates") or ())}
    return likely if version.base_model and likely and version.base_model not in possible else []
