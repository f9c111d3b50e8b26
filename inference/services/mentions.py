"""Versions that a prompt names: `<lora:name:0.8>`, `<hypernet:name:1>`, `embedding:name`, and one's own embeddings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from django.db.models.functions import Lower

from community.models import User
from inference.prompts.networks import Network, extract_networks
from inference.prompts.plan import Role
from inference.prompts.request import MAX_EXTRAS, EmbeddingUse, HypernetUse, LoraUse, RenderRequest
from inference.services.ingredients import ROLE_TYPES, base_model_of, render_refusal, stem_of
from registry.formats.catalog import BASE_MODELS
from registry.models import ModelFile, ModelVersion
from registry.models.files import Verdict

# Names of files are matched with each of these endings, so that an index finds them.
_ENDINGS: Final = (".safetensors", ".pt", ".ckpt", ".bin", ".pth")
_KINDS: Final[Mapping[str, Role]] = {"lora": "lora", "lyco": "lora", "hypernet": "hypernet"}
_MAX_WORDS: Final = 400
_MAX_FOUND: Final = 500
_NAMED_EMBEDDING: Final = re.compile(r"\bembedding:([^\s,:()\[\]|<>]{1,100})")
_WORD: Final = re.compile(r"[^\s,:()\[\]|<>]{2,100}")


def with_named(request: RenderRequest, by: User) -> RenderRequest:
    """The request with the networks and embeddings that its texts name as uses of versions, and the tags taken out."""
    family = _family_of(request.version, by)
    prompt, networks = extract_networks(request.prompt)
    loras, hypernets = list(request.loras), list(request.hypernets)
    for network in networks:
        if network.kind not in _KINDS:
            raise render_refusal("unknown_network", "prompt", {"name": f"{network.kind}:{network.name}"[:120]})
        version = _named(network.name, _KINDS[network.kind], by, family)
        if version is None:
            raise render_refusal("unknown_network", "prompt", {"name": network.name[:100]})
        if _KINDS[network.kind] == "lora":
            loras.append(_lora_use(network, version))
        else:
            hypernets.append(HypernetUse(version, network.image_weight))
    if max(len(loras), len(hypernets)) > MAX_EXTRAS:
        raise render_refusal("too_many", "prompt", {"most": MAX_EXTRAS})
    named = replace(request, prompt=prompt.strip(), loras=tuple(loras), hypernets=tuple(hypernets))
    return _with_embeddings(named, by, family)


def _lora_use(network: Network, version: int) -> LoraUse:
    both = network.text_weight == network.image_weight
    return LoraUse(version, network.image_weight, None if both else network.text_weight)


def _family_of(version_id: int, by: User) -> str:
    """The family that names in the prompt should be of; empty where the version is not there."""
    base = ModelVersion.objects.visible_to(by).filter(pk=version_id).values_list("base_model", flat=True).first()
    return BASE_MODELS[base].family if base in BASE_MODELS else ""


def _named(name: str, role: Role, by: User, family: str) -> int | None:
    """The version whose file has that stem: of the checkpoint's family before others, one's own before another's."""
    found = _files_named([name], role, by)
    return min(found, key=lambda file: _nearness(file, by, family)).version_id if found else None


def _files_named(names: Iterable[str], role: Role, by: User) -> list[ModelFile]:
    wanted = [f"{name.lower()}{ending}" for name in names for ending in _ENDINGS]
    files = ModelFile.objects.alias(low=Lower("name")).filter(
        low__in=wanted,
        version__in=ModelVersion.objects.renderable_by(by),
        version__model__type__in=ROLE_TYPES[role],
        blob__verdict=Verdict.SAFE,
    )
    return list(files.select_related("version__model", "blob").order_by("pk")[:_MAX_FOUND])


def _nearness(file: ModelFile, by: User, family: str) -> tuple[bool, bool, int, int]:
    row = BASE_MODELS.get(base_model_of(file))
    other = row is None or row.family != family
    return other, file.version.model.owner_id != by.pk, -file.version.download_count, -file.version_id


def _with_embeddings(request: RenderRequest, by: User, family: str) -> RenderRequest:
    """The request with its embeddings found: one's own by their bare word, everybody's by `embedding:word`.

    Bare words find nobody else's: whoever named an embedding “apple” would be in everybody's pictures of apples.
    """
    texts = f"{request.prompt}\n{request.negative}"
    named = dict.fromkeys(_NAMED_EMBEDDING.findall(texts))
    bare = dict.fromkeys(_WORD.findall(_NAMED_EMBEDDING.sub(" ", texts)))
    used = {use.word.lower() for use in request.embeddings}
    own = [file for file in _files_named(list(bare)[:_MAX_WORDS], "embedding", by) if _is_own(file, by, family)]
    uses = {word: None for word in named if word.lower() not in used}
    files = _files_named(uses, "embedding", by)
    found: dict[str, ModelFile] = {stem_of(file.name).lower(): file for file in own}
    for word in uses:
        same = [file for file in files if stem_of(file.name).lower() == word.lower()]
        if not same:
            raise render_refusal("unknown_embedding", "prompt", {"name": word})
        found[word.lower()] = min(same, key=lambda file: _nearness(file, by, family))
    words = {word.lower(): word for word in (*bare, *named)}
    added = [EmbeddingUse(file.version_id, words[word]) for word, file in found.items() if word not in used]
    embeddings = (*request.embeddings, *added)
    if len(embeddings) > MAX_EXTRAS:
        raise render_refusal("too_many", "embeddings", {"most": MAX_EXTRAS})
    prompt, negative = (_NAMED_EMBEDDING.sub(r"\1", text) for text in (request.prompt, request.negative))
    return replace(request, prompt=prompt, negative=negative, embeddings=embeddings)


def _is_own(file: ModelFile, by: User, family: str) -> bool:
    row = BASE_MODELS.get(base_model_of(file))
    return file.version.model.owner_id == by.pk and row is not None and row.family == family
