"""Train the tokenizer: byte pairs as CLIP has them, 2,048 words and parts of words.

    python -m inference.training.tokenizer

Writes `tokenizer/` into the folder of the run. The weights belong to one tokenizer: a new one starts everything anew.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

from tokenizers import Regex, normalizers, pre_tokenizers

from inference.training.captions import with_article
from inference.training.catalog import Drawn, load_catalog
from inference.training.command import Run, run_step
from inference.training.recipe import Recipe

WORDS: Final = 2048
BEGIN: Final = "<|startoftext|>"
END: Final = "<|endoftext|>"
_PIECES: Final = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
_WORD_END: Final = "</w>"
_COMMON: Final = (
    "a an the of on in with and emoji icon picture photo image render style background white black red orange yellow "
    "green blue purple pink brown grey gray small big large best quality masterpiece low blurry bad ugly detailed"
)
logger = logging.getLogger(__name__)


def make_tokenizer(run: Run) -> None:
    """Train it on the captions and write it in CLIP's two files."""
    words = _counted_words(_texts(load_catalog(run.work).pictures, run.recipe))
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    write_tokenizer(run.work / "tokenizer", letters, learn_merges(words, WORDS - 2 * len(letters) - 2))


def _counted_words(texts: Iterable[str]) -> Counter[tuple[str, ...]]:
    """How often each word comes, as its letters, the last with the mark of an end."""
    split = pre_tokenizers.Split(Regex(_PIECES), "removed", invert=True)
    pieces = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    clean = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    words = (word for text in texts for word, _ in pieces.pre_tokenize_str(clean.normalize_str(text)))
    return Counter((*word[:-1], word[-1] + _WORD_END) for word in words)


def learn_merges(words: Counter[tuple[str, ...]], room: int) -> list[tuple[str, str]]:
    """The pairs to merge, the most common first, as many as give `room` new words.

    Of pairs that are equally common the first by the alphabet: the libraries' own trainers take any.
    """
    merges: list[tuple[str, str]] = []
    seen: set[str] = set()
    spelled = dict(words)
    while len(seen) < room:
        pairs: Counter[tuple[str, str]] = Counter()
        for letters, count in spelled.items():
            for pair in pairwise(letters):
                pairs[pair] += count
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        seen.add("".join(best))
        spelled = _merged(spelled, best)
    return merges


def _merged(spelled: dict[tuple[str, ...], int], pair: tuple[str, str]) -> dict[tuple[str, ...], int]:
    again: Counter[tuple[str, ...]] = Counter()
    for letters, count in spelled.items():
        if pair[0] not in letters or pair[1] not in letters:
            again[letters] += count
            continue
        parts: list[str] = []
        for letter in letters:
            if parts and letter == pair[1] and parts[-1] == pair[0]:
                parts[-1] += letter
            else:
                parts.append(letter)
        again[tuple(parts)] += count
    return again


def _texts(pictures: tuple[Drawn, ...], recipe: Recipe) -> Iterator[str]:
    for picture in pictures:
        yield from [with_article(picture.name)] * 3
        yield ", ".join(picture.keywords)
        yield recipe.styles[picture.style].words[0]
    yield from [_COMMON] * 50


def write_tokenizer(folder: Path, letters: list[str], merges: list[tuple[str, str]]) -> None:
    """The files that CLIP's tokenizer is read from. The end of a text has the highest number, as in CLIP."""
    words = letters + [letter + _WORD_END for letter in letters]
    words = [*dict.fromkeys([*words, *("".join(pair) for pair in merges)]), BEGIN, END]
    special = {"bos_token": BEGIN, "eos_token": END, "unk_token": END, "pad_token": END}
    behavior = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": 77,
        "do_lower_case": True,
        "add_prefix_space": False,
        "errors": "replace",
    }
    folder.mkdir(parents=True, exist_ok=True)
    numbers = {word: number for number, word in enumerate(words)}
    (folder / "vocab.json").write_text(json.dumps(numbers, indent=2, ensure_ascii=False) + "\n")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(" ".join(pair) + "\n" for pair in merges))
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(behavior | special, indent=2) + "\n")
    logger.info("%d words", len(words))


if __name__ == "__main__":
    run_step(make_tokenizer, __doc__)
