"""What the networks learn from: emoji out of packages, their captions, the recipe."""

from __future__ import annotations

import json

import numpy as np
import pytest
from transformers import CLIPTokenizer

from inference.training.captions import caption, drawn_texts
from inference.training.catalog import Drawn, load_catalog
from inference.training.recipe import read_recipe
from inference.training.sources import read_emoji, read_vectors
from inference.training.tokenizer import WORDS, make_tokenizer

RECIPE = read_recipe()
HEART = Drawn("red heart", ("love", "black heart", "emotion"), "flat")


def draws(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def emoji_row(sign: str, code: str, name: str, group: int, **more: object) -> dict[str, object]:
    return {"emoji": sign, "hexcode": code, "label": name, "group": group, **more}


def test_the_recipe_speaks_of_things_and_styles_that_there_are():
    assert len(RECIPE.concepts) == 283
    assert RECIPE.often.keys() | RECIPE.aliases.keys() <= RECIPE.concepts
    assert RECIPE.styles.keys() == {"flat", "3d", "contrast"}
    assert RECIPE.stages.keys() == {"vae", "decoder", "text", "unet", "lora", "embedding", "hypernetwork"}


def test_emoji_come_without_flags_clocks_and_variants_of_people(tmp_path):
    rows = [
        emoji_row("❤️", "2764-FE0F", "red heart", 0, tags=["love"]),
        emoji_row("🇻🇳", "1F1FB-1F1F3", "flag: Vietnam", 9),
        emoji_row("🕜", "1F55C", "one-thirty", 5),
        emoji_row("👩‍🚀", "1F469-200D-1F680", "woman astronaut", 1),
        emoji_row("😎", "1F60E", "smiling face with sunglasses", 0),
    ]
    for name, content in (
        ("emojibase-data/en/data.json", rows),
        ("emojilib/dist/emoji-en-US.json", {"❤": ["red_heart", "i_love_you", "<3", "heart"]}),
    ):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(json.dumps(content))

    found = list(read_emoji(tmp_path))

    assert [emoji.name for emoji in found] == ["red heart", "smiling face with sunglasses"]
    assert found[0].code == "2764"
    assert found[0].keywords == ("love", "i love you")


def test_vectors_are_found_through_their_aliases(tmp_path):
    folder = tmp_path / "@iconify-json" / "fluent-emoji-flat"
    folder.mkdir(parents=True)
    icons = {
        "width": 128,
        "height": 128,
        "icons": {"rocket": {"body": '<path fill="currentColor"/>'}},
        "aliases": {"ship-in-space": {"parent": "rocket"}},
    }
    (folder / "icons.json").write_text(json.dumps(icons))
    (folder / "chars.json").write_text(json.dumps({"1F680": "ship-in-space", "1F681": "not-there"}))

    found = read_vectors(tmp_path, "fluent-emoji-flat")

    assert found.keys() == {"1f680"}
    assert 'viewBox="0 0 128 128"' in found["1f680"]
    assert 'fill="#000"' in found["1f680"]


def test_no_caption_gives_a_thing_another_color():
    texts = {caption(HEART, RECIPE, draws(seed)) for seed in range(200)}

    assert len(texts) > 10
    assert not [text for text in texts if "black" in text]


@pytest.mark.parametrize(("named", "share"), [pytest.param(1.0, 200, id="always"), pytest.param(0.0, 0, id="never")])
def test_captions_say_the_style_as_often_as_asked(named, share):
    texts = [caption(HEART, RECIPE, draws(seed), named=named) for seed in range(200)]

    assert sum("flat" in text for text in texts) == share


def test_a_tenth_of_the_texts_is_empty_and_the_same_numbers_give_the_same_texts():
    texts = drawn_texts([HEART], [0] * 1000, RECIPE, draws())

    assert 60 < texts.count("") < 140
    assert texts == drawn_texts([HEART], [0] * 1000, RECIPE, draws())


def test_pictures_of_a_run_are_read_as_they_were_written(run, catalog):
    again = load_catalog(run.work)

    assert again.pictures == catalog.pictures
    assert np.array_equal(again.pixels, catalog.pixels)


def test_transparent_paper_becomes_white(catalog):
    white = catalog.only({"flat"}, {"red heart"}).on_white()

    assert white.shape == (1, 3, 64, 64)
    assert white[0, :, 0, 0].tolist() == [1.0, 1.0, 1.0]
    assert white[0, 0, 32, 32] > 0 > white[0, 1, 32, 32]


def test_a_choice_that_leaves_no_picture_is_refused(catalog):
    with pytest.raises(ValueError, match="teapot"):
        catalog.only({"flat"}, {"teapot"})


def test_what_the_recipe_asks_for_often_is_drawn_more_often(catalog):
    chances = catalog.only({"flat"}).chances(RECIPE)

    by_name = dict(zip([picture.name for picture in catalog.only({"flat"}).pictures], chances, strict=True))
    assert chances.sum() == pytest.approx(1)
    assert by_name["rocket"] == pytest.approx(7 * by_name["orange heart"])


def test_a_tokenizer_is_read_by_clip_and_made_the_same_again(run):
    make_tokenizer(run)
    first = (run.work / "tokenizer/vocab.json").read_bytes()
    make_tokenizer(run)

    tokenizer = CLIPTokenizer.from_pretrained(run.work / "tokenizer")
    ids = tokenizer("A red heart").input_ids
    assert (run.work / "tokenizer/vocab.json").read_bytes() == first
    assert len(tokenizer) <= WORDS
    assert (ids[0], ids[-1]) == (len(tokenizer) - 2, len(tokenizer) - 1)
    assert tokenizer.decode(ids, skip_special_tokens=True).strip() == "a red heart"
