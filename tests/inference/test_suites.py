"""The house's stored prompts."""

import pytest

from inference.prompts.request import RenderRequest, read_request
from inference.prompts.suites import HOUSE_SUITES, with_words
from registry.formats.catalog import BASE_MODELS


@pytest.mark.parametrize("family", HOUSE_SUITES)
def test_a_family_has_twelve_prompts_that_can_be_rendered(family):
    suite = HOUSE_SUITES[family]

    assert len(suite) == 12
    assert len({entry.seed for entry in suite}) == 12
    for entry in suite:
        request = RenderRequest(1, entry.prompt, entry.negative, entry.seed, entry.width, entry.height, entry.steps)
        assert read_request(request.written()) == request


def test_every_family_of_them_is_one_of_the_base_models():
    assert set(HOUSE_SUITES) <= {row.family for row in BASE_MODELS.values()}


@pytest.mark.parametrize(
    ("prompt", "words", "outcome"),
    [
        ("{words}a cat", "inky", "inky, a cat"),
        ("{words}a cat", " ", "a cat"),
        ("a cat, {words}night", "inky", "a cat, inky, night"),
        ("a cat", "inky", "inky, a cat"),
    ],
)
def test_trigger_words_go_where_the_prompt_has_room_for_them(prompt, words, outcome):
    assert with_words(prompt, words) == outcome
