"""What a file's metadata declares about its training. Every value is hostile text until cleaned here.

Keys: kohya's `ss_*` and Stability's ModelSpec 1.0.1 `modelspec.*`. All values are texts; JSON inside them is read with
bounds, and what is wrong is left out rather than refused, since metadata never decides whether a file is right.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MAX_TEXT: Final = 400
MAX_LONG_TEXT: Final = 4_000
MAX_JSON: Final = 4 << 20
MAX_TAGS: Final = 50
MAX_TAG_LENGTH: Final = 100
MAX_TRIGGER_WORDS: Final = 20
_MAX_COUNT: Final = 10**9
_FOLDER: Final = re.compile(r"\d{1,6}_(.{1,200})", re.DOTALL)
_NOTHING: Final = frozenset({"", "none", "null", "undefined"})


@dataclass(frozen=True, slots=True)
class Training:
    """Declared facts, cleaned: no control or direction signs, cut to a length. None where nothing is declared."""

    title: str | None = None
    author: str | None = None
    description: str | None = None
    license: str | None = None
    date: str | None = None
    architecture: str | None = None
    prediction_type: str | None = None
    trigger_phrase: str | None = None
    resolution: str | None = None
    usage_hint: str | None = None
    merged_from: str | None = None
    base_version: str | None = None
    base_name: str | None = None
    output_name: str | None = None
    network_module: str | None = None
    network_dim: str | None = None
    network_alpha: str | None = None
    clip_skip: str | None = None
    epoch: str | None = None
    images: str | None = None
    declared_hash: str | None = None
    is_sd2: bool = False
    tags: tuple[tuple[str, int], ...] = ()
    concepts: tuple[str, ...] = ()

    @property
    def trigger_words(self) -> tuple[str, ...]:
        """Suggestions, best first: the declared phrase, the concepts that folders name, the commonest tags."""
        phrase = [word.strip() for word in (self.trigger_phrase or "").split(",")]
        words = [*phrase, *self.concepts, *(tag for tag, _ in self.tags)]
        unique: dict[str, str] = {}
        for word in filter(None, words):
            unique.setdefault(word.casefold(), word)
        return tuple(unique.values())[:MAX_TRIGGER_WORDS]


# Field of Training -> the keys that may hold it, the first that does wins.
_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "title": ("modelspec.title",),
    "author": ("modelspec.author",),
    "license": ("modelspec.license",),
    "date": ("modelspec.date",),
    "architecture": ("modelspec.architecture",),
    "prediction_type": ("modelspec.prediction_type",),
    "trigger_phrase": ("modelspec.trigger_phrase",),
    "resolution": ("modelspec.resolution", "ss_resolution"),
    "usage_hint": ("modelspec.usage_hint",),
    "merged_from": ("modelspec.merged_from",),
    "base_version": ("ss_base_model_version",),
    "base_name": ("ss_sd_model_name",),
    "output_name": ("ss_output_name",),
    "network_module": ("ss_network_module",),
    "network_dim": ("ss_network_dim",),
    "network_alpha": ("ss_network_alpha",),
    "clip_skip": ("ss_clip_skip", "modelspec.encoder_layer"),
    "epoch": ("ss_epoch",),
    "images": ("ss_num_train_images",),
    "declared_hash": ("sshs_model_hash", "modelspec.hash_sha256"),
}


def read_training(metadata: Mapping[str, str]) -> Training:
    """The declared facts of a file's metadata. Never raises, and takes time linear in the texts."""
    found = {field: _first(metadata, keys, MAX_TEXT) for field, keys in _KEYS.items()}
    tags, concepts = _tag_frequency(metadata.get("ss_tag_frequency", ""))
    return Training(
        **found,
        description=_first(metadata, ("modelspec.description",), MAX_LONG_TEXT),
        is_sd2=metadata.get("ss_v2", "").strip().lower() == "true",
        tags=tags,
        concepts=concepts,
    )


def clean_text(text: str, limit: int) -> str:
    """A text fit to store and show: NFC, no control, direction or private signs, blanks joined, cut to `limit`."""
    # Cut before the work: some ten signs of source may be needed for one that stays.
    source = unicodedata.normalize("NFC", text[: limit * 10])
    kept = "".join(sign if unicodedata.category(sign)[0] != "C" else " " for sign in source)
    joined = " ".join(kept.split())
    return joined if len(joined) <= limit else joined[: limit - 1].rstrip() + "…"


def _first(metadata: Mapping[str, str], keys: tuple[str, ...], limit: int) -> str | None:
    for key in keys:
        text = clean_text(metadata.get(key, ""), limit)
        if text.casefold() not in _NOTHING:
            return text
    return None


def _tag_frequency(text: str) -> tuple[tuple[tuple[str, int], ...], tuple[str, ...]]:
    """kohya's `{folder: {tag: count}}`: the commonest tags, and the concepts of folders named `repeats_concept`."""
    if not 2 <= len(text) <= MAX_JSON:
        return (), ()
    try:
        folders = json.loads(text)
    except (ValueError, RecursionError):
        return (), ()
    if not isinstance(folders, dict):
        return (), ()
    counts: Counter[str] = Counter()
    for tags in folders.values():
        for tag, count in tags.items() if isinstance(tags, dict) else ():
            if type(count) is int and 0 < count < _MAX_COUNT:
                counts[tag[:MAX_TEXT]] += count
    cleaned = ((clean_text(tag, MAX_TAG_LENGTH), count) for tag, count in counts.most_common(MAX_TAGS))
    concepts = (match[1] for match in map(_FOLDER.fullmatch, list(folders)[:MAX_TAGS]) if match)
    return (
        tuple((tag, count) for tag, count in cleaned if tag),
        tuple(filter(None, (clean_text(concept, MAX_TAG_LENGTH) for concept in concepts))),
    )
