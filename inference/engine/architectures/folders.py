"""Architectures as folders of configurations and tokenizers, the form in which diffusers and transformers read them."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from inference.engine.architectures.tables import ARCHITECTURES, Architecture

HERE: Final = Path(__file__).resolve().parent
TINY: Final = "tiny"  # ships as a folder: its tokenizer is its own
VERSION: Final = 1  # of what is written: a new number makes every folder anew
_SPECIAL: Final = ("<|startoftext|>", "<|endoftext|>")
_LAST: Final = _SPECIAL[1]


def architecture_folder(name: str, root: Path) -> Path:
    """The folder of an architecture, made below `root` where it is not there yet. KeyError for an unknown name.

    Several processes may ask at once: whoever is first makes it, whole or not at all.
    """
    if name == TINY:
        return HERE / TINY
    architecture = ARCHITECTURES[name]
    folder = root / f"{name}-{VERSION}"
    if not folder.is_dir():
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".making-") as scratch:
            made = write_architecture(architecture, Path(scratch) / name)
            _move_into_place(made, folder)
    return folder


def _move_into_place(made: Path, folder: Path) -> None:
    try:
        os.rename(made, folder)  # noqa: PTH104 - the error that tells "another was first" is the same in both
    except OSError:
        if not folder.is_dir():
            raise


def write_architecture(
    architecture: Architecture, folder: Path, vocabularies: Mapping[str, Callable[[Path], None]] | None = None
) -> Path:
    """Write the configurations and tokenizers. `vocabularies` says how to write those that are not the shipped ones."""
    folder.mkdir(parents=True)
    index: dict[str, Any] = {"_class_name": architecture.pipeline, **architecture.more}
    for name, config in architecture.parts.items():
        index[name] = _place_of(config)
        if config is not None:
            (folder / name).mkdir()
            file = "scheduler_config.json" if name == "scheduler" else "config.json"
            _write_json(folder / name / file, config)
    write = {"clip": write_clip_tokenizer, "t5": write_t5_tokenizer, **(vocabularies or {})}
    for name, vocabulary in architecture.vocabulary.items():
        index[name] = ["transformers", "CLIPTokenizer" if vocabulary == "clip" else "T5Tokenizer"]
        write[vocabulary](folder / name)
    _write_json(folder / "model_index.json", index)
    return folder


def _place_of(config: Mapping[str, Any] | None) -> list[str | None]:
    """Library and class of a part, as `model_index.json` has them."""
    if config is None:
        return [None, None]
    if "_class_name" in config:
        return ["diffusers", str(config["_class_name"])]
    return ["transformers", str(config["architectures"][0])]


def clip_merges() -> list[str]:
    """The byte-pair merges of CLIP's tokenizer, first to last."""
    return gzip.decompress((HERE / "data" / "clip_merges.txt.gz").read_bytes()).decode().splitlines()


def write_clip_tokenizer(folder: Path) -> None:
    """CLIP's tokenizer. One serves every encoder: what differs between them is the padding, which we do ourselves."""
    write_bpe_tokenizer(folder, clip_merges())


def write_bpe_tokenizer(folder: Path, merges: list[str]) -> None:
    """A tokenizer of CLIP's kind: bytes, bytes that end a word, one entry for each merge, two marks."""
    letters = _byte_letters()
    entries = [*letters, *(letter + "</w>" for letter in letters)]
    entries += list(dict.fromkeys("".join(merge.split()) for merge in merges))
    folder.mkdir()
    _write_json(folder / "vocab.json", {entry: number for number, entry in enumerate([*entries, *_SPECIAL])})
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
    marks = {"bos_token": _SPECIAL[0], "eos_token": _LAST, "unk_token": _LAST, "pad_token": _LAST}
    _write_json(folder / "special_tokens_map.json", marks)
    more = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "do_lower_case": True}
    _write_json(folder / "tokenizer_config.json", {**more, **marks})


def _byte_letters() -> list[str]:
    """A printable letter for each of the 256 bytes, in the order of their ids: byte-level BPE's alphabet."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = 256 - len(printable)
    return [chr(byte) for byte in printable] + [chr(256 + number) for number in range(others)]


def write_t5_tokenizer(folder: Path) -> None:
    """T5's tokenizer."""
    folder.mkdir()
    with gzip.open(HERE / "data" / "t5_tokenizer.json.gz") as packed, (folder / "tokenizer.json").open("wb") as file:
        shutil.copyfileobj(packed, file)
    marks = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    _write_json(folder / "tokenizer_config.json", {"tokenizer_class": "T5Tokenizer", "model_max_length": 512, **marks})


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
