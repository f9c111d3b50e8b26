"""From a prompt to the chunks of 75 tokens that a CLIP encoder reads, as A1111's web UI cuts them.

Each chunk is a begin mark, 75 tokens and an end mark. Where a chunk is full and its last comma lies within the last 20
tokens, what follows the comma moves on to the next chunk. BREAK ends a chunk. An embedding takes as many places as it
has vectors and is never cut in two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from inference.prompts.emphasis import parse_emphasis

SIZE: Final = 75
BACKTRACK: Final = 20
MAX_CHUNKS: Final = 160  # 10,000 characters, each a word of its own

# Where an embedding's vectors go: the place in the chunk, and the word that stands for them.
Fix = tuple[int, str]


@dataclass(frozen=True)
class Chunk:
    """The ids and weights of one chunk, marks included, and the embeddings in it."""

    ids: tuple[int, ...]
    weights: tuple[float, ...]
    fixes: tuple[Fix, ...] = ()


@dataclass(frozen=True)
class Words:
    """How a tokenizer writes what matters here. `pad` is what fills a chunk up."""

    tokenizer: Any
    begin: int
    end: int
    pad: int
    comma: int
    # The ids of each embedding's word, longest first, with the word and how many vectors it has.
    embeddings: Sequence[tuple[tuple[int, ...], str, int]] = ()

    def ids(self, text: str) -> list[int]:
        """The ids of a text, without marks, however long."""
        return list(self.tokenizer(text, add_special_tokens=False, truncation=False, verbose=False).input_ids)


def words_of(tokenizer: Any, *, pad: int | None, counts: Mapping[str, int]) -> Words:
    """What to cut with. `counts` says how many vectors stand behind each word; `pad` None: the end mark pads."""
    begin, end = int(tokenizer.bos_token_id), int(tokenizer.eos_token_id)
    plain = Words(tokenizer, begin, end, end, -1)
    known = [(tuple(plain.ids(word)), word, count) for word, count in counts.items()]
    known = sorted((entry for entry in known if entry[0]), key=lambda entry: -len(entry[0]))
    comma = int(tokenizer.convert_tokens_to_ids(",</w>"))
    return Words(tokenizer, begin, end, end if pad is None else pad, comma, tuple(known))


def cut(text: str, words: Words) -> list[Chunk]:
    """The chunks of a prompt that has no edits and no networks left in it; at least one, at most `MAX_CHUNKS`."""
    cutter = _Cutter(words)
    for part in parse_emphasis(text):
        if len(cutter.done) >= MAX_CHUNKS:
            break
        if part.is_break:
            cutter.flush()
        else:
            cutter.add(words.ids(part.text), part.weight)
    if cutter.ids or not cutter.done:
        cutter.flush()
    return cutter.done[:MAX_CHUNKS]


def empty_chunk(words: Words) -> Chunk:
    """What stands where one prompt is shorter than the other."""
    return cut("", words)[0]


@dataclass
class _Cutter:
    words: Words
    done: list[Chunk] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    fixes: list[Fix] = field(default_factory=list)
    comma: int = -1

    def add(self, ids: Sequence[int], weight: float) -> None:
        at = 0
        while at < len(ids):
            found = self._embedding(ids, at)
            if found is None:
                self._add_token(ids[at], weight)
                at += 1
            else:
                length, word, count = found
                self._add_embedding(word, count, weight)
                at += length

    def _embedding(self, ids: Sequence[int], at: int) -> tuple[int, str, int] | None:
        for known, word, count in self.words.embeddings:
            if tuple(ids[at : at + len(known)]) == known:
                return len(known), word, count
        return None

    def _add_token(self, token: int, weight: float) -> None:
        if token == self.words.comma:
            self.comma = len(self.ids)
        elif len(self.ids) == SIZE and self.comma != -1 and len(self.ids) - self.comma <= BACKTRACK:
            self._flush_to_comma()
        if len(self.ids) == SIZE:
            self.flush()
        self.ids.append(token)
        self.weights.append(weight)

    def _flush_to_comma(self) -> None:
        keep = self.comma + 1
        ids, weights = self.ids[keep:], self.weights[keep:]
        later = [(place - keep, word) for place, word in self.fixes if place - 1 >= keep]
        self.fixes = [fix for fix in self.fixes if fix[0] - 1 < keep]
        self.ids, self.weights = self.ids[:keep], self.weights[:keep]
        self.flush()
        self.ids, self.weights, self.fixes = ids, weights, later

    def _add_embedding(self, word: str, count: int, weight: float) -> None:
        count = min(count, SIZE)
        if len(self.ids) + count > SIZE:
            self.flush()
        self.fixes.append((len(self.ids) + 1, word))
        self.ids += [0] * count
        self.weights += [weight] * count

    def flush(self) -> None:
        words, empty = self.words, SIZE - len(self.ids)
        ids = (words.begin, *self.ids, words.end, *([words.pad] * empty))
        weights = (1.0, *self.weights, *([1.0] * (empty + 1)))
        self.done.append(Chunk(ids, weights, tuple(self.fixes)))
        self.ids, self.weights, self.fixes, self.comma = [], [], [], -1
