"""How prompts are cut and read, against diffusers' own encoders where those can read them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from inference.engine.chunks import MAX_CHUNKS, SIZE, Words, cut, words_of
from inference.engine.devices import choose_target
from inference.engine.embeddings import EmbeddingVectors
from inference.engine.encode import Reader
from inference.engine.errors import BadIngredient
from inference.engine.families import FAMILIES
from inference.engine.loading import Model, model_of
from inference.engine.scripts import write_script


@pytest.fixture(autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.inference_mode():
        yield


def _model(workshop, name: str, family: str) -> Model:
    return model_of(workshop.pipeline(name), FAMILIES[family], name, name, choose_target("cpu"))


@pytest.fixture
def sd1(workshop) -> Model:
    return _model(workshop, "sd1", "sd1")


@pytest.fixture
def words(workshop) -> Words:
    return words_of(workshop.pipeline("sd1").tokenizer, pad=None, counts={})


def _ours(model: Model, text: str, clip_skip: int = 1, embeddings=None) -> torch.Tensor:
    reader = Reader(model, embeddings or {}, clip_skip)
    reading = reader.read(text)
    return reader.states(reading, len(reading.chunks))


@pytest.mark.parametrize("text", ["", "a cat", "A red CAT, of dogs", "wow! 42 cats…"])
@pytest.mark.parametrize(("name", "family"), [("sd1", "sd1"), ("sd2", "sd2")])
def test_plain_prompt_is_read_as_diffusers_reads_it(workshop, name, family, text):
    pipeline = workshop.pipeline(name)
    if family == "sd2":  # padded with the id 0, which diffusers' folders say by another pad token
        pipeline.tokenizer.pad_token_id = 0
    theirs = pipeline.encode_prompt(text, "cpu", 1, False)[0]
    pipeline.tokenizer.pad_token_id = pipeline.tokenizer.eos_token_id

    ours = _ours(_model(workshop, name, family), text)

    assert torch.equal(ours, theirs)


def test_two_encoders_are_read_as_diffusers_reads_them(workshop):
    pipeline = workshop.pipeline("sdxl")
    pipeline.tokenizer_2.pad_token_id = 0
    theirs = pipeline.encode_prompt("a cat", device="cpu", num_images_per_prompt=1, do_classifier_free_guidance=True)
    pipeline.tokenizer_2.pad_token_id = pipeline.tokenizer_2.eos_token_id
    reader = Reader(_model(workshop, "sdxl", "sdxl"), {}, 1)

    wanted, unwanted = reader.read("a cat"), reader.read_negative("")

    assert torch.equal(reader.states(wanted, 1), theirs[0])
    assert torch.equal(reader.states(unwanted, 1), theirs[1])
    assert torch.equal(wanted.pooled, theirs[2])
    assert torch.equal(unwanted.pooled, theirs[3])


@pytest.mark.parametrize("skip", [2, 3])
def test_clip_skip_takes_an_earlier_state_and_the_last_norm(workshop, sd1, skip):
    encoder = workshop.pipeline("sd1").text_encoder
    (chunk,) = cut("a cat", words_of(workshop.pipeline("sd1").tokenizer, pad=None, counts={}))
    states = encoder(torch.tensor([chunk.ids]), output_hidden_states=True).hidden_states
    core = getattr(encoder, "text_model", None) or encoder

    assert torch.equal(_ours(sd1, "a cat", skip), core.final_layer_norm(states[-skip]))
    assert not torch.equal(_ours(sd1, "a cat", skip), _ours(sd1, "a cat"))


def test_clip_skip_beyond_the_layers_takes_the_first(sd1):
    assert torch.equal(_ours(sd1, "a cat", 12), _ours(sd1, "a cat", 3))


def test_clip_skip_that_a_family_does_not_take_is_said(workshop):
    assert Reader(_model(workshop, "sdxl", "sdxl"), {}, 2).notes
    assert not Reader(_model(workshop, "sdxl", "sdxl"), {}, 1).notes


def test_weight_multiplies_states_and_keeps_the_mean_of_the_chunk(sd1):
    plain, weighed = _ours(sd1, "a cat"), _ours(sd1, "a (cat:1.5)")

    ratio = weighed / plain
    assert torch.allclose(plain.mean(), weighed.mean(), atol=1e-6)
    assert torch.allclose(ratio[0, 2] / ratio[0, 1], torch.tensor(1.5), atol=1e-3)  # "cat" against "a"


def test_weights_of_one_change_no_bit(sd1):
    assert torch.equal(_ours(sd1, "a (cat:1.0)"), _ours(sd1, "a cat"))


def test_chunks_hold_75_tokens_between_two_marks(words):
    chunks = cut("cat " * 200, words)

    assert [sum(token == words.ids("cat")[0] for token in chunk.ids) for chunk in chunks] == [75, 75, 50]
    assert all(len(chunk.ids) == len(chunk.weights) == SIZE + 2 for chunk in chunks)
    assert all((chunk.ids[0], chunk.ids[-1]) == (words.begin, words.end) for chunk in chunks)


@pytest.mark.parametrize(
    ("before", "moved"),
    [pytest.param(60, 15, id="comma near the end"), pytest.param(40, 0, id="comma far from the end")],
)
def test_words_after_a_late_comma_move_to_the_next_chunk_together(words, before, moved):
    after = 74 - before + 10
    first, second = cut("cat " * before + ", " + "dog " * after, words)

    dog = words.ids("dog")[0]
    assert sum(token == dog for token in second.ids) == 10 + (74 - before if moved else 0)
    assert sum(token == dog for token in first.ids) == (0 if moved else 74 - before)


def test_break_ends_a_chunk(words):
    assert len(cut("cat BREAK dog", words)) == 2
    assert len(cut("cat break dog", words)) == 1


def test_number_of_chunks_is_bounded(words):
    assert len(cut("cat BREAK " * 900, words)) == MAX_CHUNKS


def test_prompt_that_is_not_read_to_its_end_is_said(sd1):
    reader = Reader(sd1, {}, 1)

    reader.read("cat BREAK " * 20)
    before = reader.notes
    reader.read("cat BREAK " * 900)

    assert before == ()
    assert str(MAX_CHUNKS) in reader.notes[0]


def test_embedding_takes_the_place_of_its_word(sd1, workshop):
    vectors = torch.randn(2, 768)
    table = (getattr(sd1.networks["text_encoder"], "text_model", None) or sd1.networks["text_encoder"]).embeddings
    known = table.token_embedding.weight[sd1.tokenizers["text_encoder"]("dog", add_special_tokens=False).input_ids]

    with_vectors = _ours(sd1, "a Swirl cat", embeddings={"swirl": EmbeddingVectors(vectors)})
    as_a_word = _ours(sd1, "a swirl cat", embeddings={"swirl": EmbeddingVectors(known.clone())})

    assert torch.equal(as_a_word, _ours(sd1, "a dog cat"))
    assert not torch.equal(with_vectors, _ours(sd1, "a Swirl cat"))
    assert torch.equal(_ours(sd1, "a dog cat"), _ours(sd1, "a dog cat", embeddings={"x": EmbeddingVectors(vectors)}))


def test_embedding_is_never_cut_in_two(workshop):
    words = words_of(workshop.pipeline("sd1").tokenizer, pad=None, counts={"swirl": 10})
    first, second = cut("cat " * 70 + "swirl", words)

    assert (first.fixes, second.fixes) == ((), ((1, "swirl"),))


def test_longer_word_of_two_embeddings_wins(workshop):
    words = words_of(workshop.pipeline("sd1").tokenizer, pad=None, counts={"big": 1, "big swirl": 2})

    assert cut("a big swirl", words)[0].fixes == ((2, "big swirl"),)


def test_embedding_of_another_width_is_refused(sd1):
    with pytest.raises(BadIngredient) as refused:
        Reader(sd1, {"swirl": EmbeddingVectors(torch.zeros(1, 1024))}, 1)

    assert refused.value.code == "other_width"


def test_embedding_for_two_encoders_needs_both_halves(workshop):
    model = _model(workshop, "sdxl", "sdxl")

    with pytest.raises(BadIngredient) as refused:
        Reader(model, {"swirl": EmbeddingVectors(torch.zeros(1, 768))}, 1)

    assert refused.value.code == "other_width"
    assert Reader(model, {"swirl": EmbeddingVectors(torch.zeros(1, 768), torch.zeros(1, 1280))}, 1).read("swirl").chunks


def test_shorter_prompt_is_filled_up_with_empty_chunks(sd1):
    reader = Reader(sd1, {}, 1)

    states = reader.states(reader.read("cat"), 3)

    assert torch.equal(states[:, 77:154], _ours(sd1, ""))
    assert torch.equal(states[:, 154:], _ours(sd1, ""))


@pytest.mark.parametrize(
    ("prompt", "texts"),
    [
        pytest.param("a [cat:dog:2]", ["a cat", "a cat", "a cat", "a dog"], id="step number, counted as A1111 does"),
        pytest.param("a [cat:dog:0.5]", ["a cat", "a cat", "a cat", "a dog"], id="share of the steps"),
        pytest.param("[cat|dog]", ["cat", "cat", "dog", "cat"], id="alternation"),
        pytest.param("cat <lora:x:1>", ["cat "] * 4, id="networks are taken out"),
    ],
)
def test_script_says_a_text_for_each_step(prompt, texts):
    script = write_script(prompt, "", 4)

    assert [script.at(step)[0][0][1].strip() for step in range(4)] == [text.strip() for text in texts]


def test_strands_have_weights_and_stages_of_their_own():
    wanted, unwanted = write_script("a [cat:dog:1] AND a tree :0.5", "red AND blue", 4).at(3)

    assert wanted == ((1.0, "a dog"), (0.5, "a tree"))
    assert unwanted == "red AND blue"


def test_too_many_strands_are_refused():
    with pytest.raises(ValueError, match="AND"):
        write_script(" AND ".join("cat" for _ in range(9)), "", 4)
