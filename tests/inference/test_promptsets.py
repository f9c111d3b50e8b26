"""Stored prompts and their revisions."""

import pytest

from community.errors import Conflict, InvalidInput, NotAllowed
from inference.models import RenderedPreview
from inference.prompts import suites
from inference.services import promptsets
from inference.services.promptsets import (
    MAX_PROMPTS,
    MAX_SETS,
    StoredPrompt,
    create_set,
    delete_set,
    house_revision,
    revise_set,
    revisions_for,
    use_set,
)
from tests.factories import ModelVersionFactory, UserFactory

pytestmark = pytest.mark.django_db

CAT = StoredPrompt("a cat", seed=2**64 - 1, alt="A cat.")


def test_the_house_set_of_a_family_is_its_data_file():
    revision = house_revision("tiny")

    prompts = list(revision.prompts.order_by("index"))
    assert (revision.number, len(prompts)) == (1, 12)
    assert (prompts[0].prompt, prompts[0].alt, prompts[0].width) == ("{words}a red apple", "A red apple.", 64)
    assert house_revision("tiny") == revision


def test_a_family_without_stored_prompts_has_no_set():
    assert house_revision("wan") is None


def test_a_change_of_the_data_file_is_a_new_revision_and_the_old_one_stays(monkeypatch):
    before = house_revision("tiny")
    shorter = {**suites.HOUSE_SUITES, "tiny": suites.HOUSE_SUITES["tiny"][:3]}
    monkeypatch.setattr(promptsets, "HOUSE_SUITES", shorter)

    after = house_revision("tiny")

    assert (before.number, before.prompts.count()) == (1, 12)
    assert (after.number, after.prompts.count()) == (2, 3)


def test_a_version_is_shown_with_the_house_set_and_its_authors_own():
    author = UserFactory()
    mine = create_set("Mine", "", [CAT], by=author)
    create_set("Other family", "sdxl", [CAT], by=author)
    create_set("Somebody else's", "", [CAT], by=UserFactory())
    unused = create_set("Unused", "sd1", [CAT], by=author)
    use_set(unused, False, by=author)

    assert revisions_for("sd1", author) == [house_revision("sd1"), mine.current]


def test_a_seed_keeps_every_digit_and_equal_prompts_make_no_revision():
    author = UserFactory()
    mine = create_set("Mine", "sd1", [CAT], by=author)

    again = revise_set(mine, [CAT], by=author)
    changed = revise_set(mine, [CAT, StoredPrompt("a dog")], by=author)

    assert again.number == 1
    assert int(again.prompts.get().seed) == 2**64 - 1
    assert (changed.number, changed.prompts.count(), again.prompts.count()) == (2, 2, 1)


@pytest.mark.parametrize(
    ("prompts", "field"),
    [
        ([], "prompts"),
        ([CAT] * (MAX_PROMPTS + 1), "prompts"),
        ([CAT, StoredPrompt("a", steps=5000)], "prompts.1.steps"),
        ([StoredPrompt("a", sampler="Wobble")], "prompts.0.sampler"),
        ([StoredPrompt("a" * 100_000)], "prompts.0.prompt"),
        ([StoredPrompt("a", rating=3)], "prompts.0.rating"),
        ([StoredPrompt("a", alt="x" * 501)], "prompts.0.alt"),
    ],
    ids=["none", "many", "steps", "sampler", "long", "rating", "alt"],
)
def test_a_set_that_could_not_be_rendered_is_refused_by_its_field(prompts, field):
    with pytest.raises(InvalidInput) as refusal:
        create_set("Mine", "sd1", prompts, by=UserFactory())

    assert refusal.value.field == field


def test_names_are_ones_own_once_and_families_are_known():
    author = UserFactory()
    create_set("Mine", "sd1", [CAT], by=author)

    with pytest.raises(Conflict):
        create_set("mine", "sd1", [CAT], by=author)
    with pytest.raises(InvalidInput):
        create_set("Other", "sd9", [CAT], by=author)


def test_nobody_keeps_more_sets_than_a_page_shows():
    author = UserFactory()
    for number in range(MAX_SETS):
        create_set(f"Set {number}", "", [CAT], by=author)

    with pytest.raises(Conflict):
        create_set("One more", "", [CAT], by=author)


def test_a_set_is_changed_by_its_owner_alone_and_the_houses_by_nobody():
    author = UserFactory()
    mine = create_set("Mine", "sd1", [CAT], by=author)

    for prompt_set, person in [(mine, UserFactory()), (house_revision("sd1").set, author)]:
        for act in (lambda s, p: revise_set(s, [CAT], by=p), lambda s, p: delete_set(s, by=p)):
            with pytest.raises(NotAllowed):
                act(prompt_set, person)


def test_a_set_that_pictures_name_is_kept():
    author = UserFactory()
    named, free = (create_set(name, "sd1", [CAT], by=author) for name in ("Named", "Free"))
    RenderedPreview.objects.create(version=ModelVersionFactory(), revision=named.current, index=0)

    delete_set(free, by=author)
    with pytest.raises(Conflict):
        delete_set(named, by=author)

    assert list(author.prompt_sets.all()) == [named]
