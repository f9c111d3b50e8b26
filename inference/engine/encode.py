"""From prompts to what the denoiser reads: our own reading of A1111's language, for one or two CLIP encoders.

For a plain prompt the result equals that of diffusers' pipelines to the bit. A weight multiplies the token's state, and
the chunk is then scaled so that its mean is what it was ("Original" emphasis). A clip skip of n takes the n-th state
from the end and applies the last norm; SD 2 and SDXL always take the one before the last.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import nn

from inference.engine.chunks import MAX_CHUNKS, Chunk, Words, cut, empty_chunk, words_of
from inference.engine.embeddings import EmbeddingVectors
from inference.engine.errors import BadIngredient
from inference.engine.loading import Model

_KEPT_CHUNKS: Final = 256
_LEAST_MEAN: Final = 1e-6  # below it the ratio of two means says nothing


@dataclass(frozen=True, eq=False)
class Reading:
    """A prompt, read: the states of each chunk (77, width), and the pooled vector of the first where there is one."""

    chunks: tuple[torch.Tensor, ...]
    pooled: torch.Tensor | None


class Reader:
    """Reads prompts with the encoders of a model. Valid as long as their weights stay as they are."""

    def __init__(self, model: Model, embeddings: Mapping[str, EmbeddingVectors], clip_skip: int) -> None:
        self._is_pair = "text_encoder_2" in model.networks
        keys = [key for key in ("text_encoder", "text_encoder_2") if key in model.networks]
        if not keys:
            raise BadIngredient("missing_part", "checkpoint", name=model.name, reason="text_encoder")
        self._encoders = [_Encoder(model, key, embeddings, clip_skip) for key in keys]
        self._notes = dict.fromkeys(_clip_skip_notes(model, clip_skip))

    @property
    def notes(self) -> tuple[str, ...]:
        """What was asked for and not done so far."""
        return tuple(self._notes)

    def read(self, text: str) -> Reading:
        """Read a prompt that has no edits and no networks left in it."""
        parts = [encoder.read(text) for encoder in self._encoders]
        chunks = tuple(torch.cat(states, -1) for states in zip(*(part.chunks for part in parts), strict=True))
        if len(chunks) == MAX_CHUNKS:
            self._notes[f"a prompt was read to its chunk {MAX_CHUNKS} and no further"] = None
        return Reading(chunks, parts[-1].pooled)

    def read_negative(self, text: str) -> Reading:
        """Read what is not wanted. Two encoders were trained with zeros where nothing is said."""
        reading = self.read(text)
        if text or not self._is_pair:
            return reading
        pooled = reading.pooled
        zeros = tuple(torch.zeros_like(chunk) for chunk in reading.chunks)
        return Reading(zeros, torch.zeros_like(pooled) if pooled is not None else None)

    def states(self, reading: Reading, count: int) -> torch.Tensor:
        """The states of `count` chunks in one row (1, 77 · count, width), filled up with empty ones."""
        missing = count - len(reading.chunks)
        filler = torch.cat([encoder.empty() for encoder in self._encoders], -1) if missing > 0 else None
        more = [filler] * missing if filler is not None else []
        return torch.cat([*reading.chunks, *more], 0)[None]


class _Encoder:
    def __init__(self, model: Model, key: str, embeddings: Mapping[str, EmbeddingVectors], clip_skip: int) -> None:
        self._network = model.networks[key]
        wrapped: Any = self._network  # with a projection the text model is wrapped, without one it is not
        self._core: Any = getattr(wrapped, "text_model", None) or wrapped
        self._table: nn.Embedding = self._core.embeddings.token_embedding
        second = key == "text_encoder_2"
        self._vectors = {word: _fitting(item, word, self._table, second) for word, item in embeddings.items()}
        counts = {word: len(vectors) for word, vectors in self._vectors.items()}
        pad = 0 if second or model.family.id == "sd2" else None
        self._words: Words = words_of(model.tokenizers[key], pad=pad, counts=counts)
        self._state = _state_reader(model, self._core, clip_skip)
        self._kept: OrderedDict[Chunk, Reading] = OrderedDict()

    def read(self, text: str) -> Reading:
        parts = [self._chunk(chunk) for chunk in cut(text, self._words)]
        return Reading(tuple(part.chunks[0] for part in parts), parts[0].pooled)

    def empty(self) -> torch.Tensor:
        return self._chunk(empty_chunk(self._words)).chunks[0]

    def _chunk(self, chunk: Chunk) -> Reading:
        reading = self._kept.pop(chunk, None) or self._encode(chunk)
        self._kept[chunk] = reading
        if len(self._kept) > _KEPT_CHUNKS:
            self._kept.popitem(last=False)
        return reading

    def _encode(self, chunk: Chunk) -> Reading:
        ids = torch.tensor([chunk.ids], device=self._table.weight.device)
        handle = self._table.register_forward_hook(self._replacing(chunk)) if chunk.fixes else None
        try:
            output = self._network(ids, output_hidden_states=True)
        finally:
            if handle is not None:
                handle.remove()
        states = _weighed(self._state(output), chunk.weights)
        pooled = getattr(output, "text_embeds", None)
        return Reading((states[0],), pooled)

    def _replacing(self, chunk: Chunk) -> Callable[[Any, Any, torch.Tensor], torch.Tensor]:
        def replace(_table: Any, _given: Any, output: torch.Tensor) -> torch.Tensor:
            output = output.clone()
            for place, word in chunk.fixes:
                vectors = self._vectors[word]
                output[0, place : place + len(vectors)] = vectors.to(output)
            return output

        return replace


def _state_reader(model: Model, core: Any, clip_skip: int) -> Callable[[Any], torch.Tensor]:
    """Which of the encoder's states the denoiser was trained on."""
    if model.family.id == "sdxl":
        return lambda output: output.hidden_states[-2]  # no norm
    skip = min(clip_skip, int(core.config.num_hidden_layers))
    if model.family.id == "sd2" or skip <= 1:
        return lambda output: output.last_hidden_state
    return lambda output: core.final_layer_norm(output.hidden_states[-skip])


def _weighed(states: torch.Tensor, weights: tuple[float, ...]) -> torch.Tensor:
    """Multiply each token's state, and give the chunk its mean back. A plain chunk stays as it is, to the bit."""
    if all(weight == 1.0 for weight in weights):
        return states
    before = states.float().mean()
    factors = torch.tensor(weights, device=states.device, dtype=states.dtype)[None, :, None]
    weighed = states * factors
    after = weighed.float().mean()
    if bool(before.abs() > _LEAST_MEAN) and bool(after.abs() > _LEAST_MEAN):
        weighed = weighed * (before / after).to(states.dtype)
    return weighed


def _fitting(item: EmbeddingVectors, word: str, table: nn.Embedding, second: bool) -> torch.Tensor:
    vectors = item.clip_g if second else item.clip_l
    width = int(table.weight.shape[1])
    if vectors is None or vectors.shape[1] != width:
        found = 0 if vectors is None else int(vectors.shape[1])
        raise BadIngredient("other_width", "embedding", name=word, wanted=width, found=found)
    return vectors


def _clip_skip_notes(model: Model, clip_skip: int) -> tuple[str, ...]:
    if clip_skip > 1 and model.family.id in ("sd2", "sdxl"):
        return (f"clip skip {clip_skip}: this family always takes the layer before the last",)
    return ()
