"""Stored prompts rendered for versions that come out."""

import pytest

from community.errors import InvalidInput, NotAllowed
from inference.models import RenderedPreview, RenderJob
from inference.prompts.request import read_request
from inference.services.defaults import set_default
from inference.services.previewing import (
    ask_for_previews,
    preview_request,
    queue_previews,
    side_by_side,
    why_not_previewed,
)
from inference.services.promptsets import StoredPrompt, create_set, house_revision
from registry.models import Picture, VersionPreview
from registry.services.publishing import publish_version
from tests.factories import ModelFileFactory, ModelVersionFactory, ModeratorFactory, UserFactory
from tests.inference.renders.conftest import renderable

pytestmark = pytest.mark.django_db


def all_done(render_next):
    while render_next() is not None:
        pass
    Picture.objects.update(state=Picture.State.READY)


def asked_of(version) -> list:
    rows = version.rendered_previews.select_related("job").order_by("index")
    return [read_request(row.job.request) for row in rows]


def test_publishing_a_checkpoint_has_the_houses_prompts_rendered_and_put_on_it(render_next):
    file = ModelFileFactory(
        version__model__type="checkpoint", version__base_model="Safelight Tiny", version__model__license="CC0-1.0",
        version__model__permissions=0, name="mine.safetensors", blob__verdict="safe",
    )  # fmt: skip
    author = file.version.model.owner

    version = publish_version(file.version, by=author)
    all_done(render_next)

    previews = list(version.previews.order_by("position"))
    assert [preview.alt for preview in previews][:2] == ["A red apple.", "Smiling face with sunglasses."]
    assert len(previews) == 12
    row = previews[2].rendered
    assert (row.revision, row.index) == (house_revision("tiny"), 2)
    assert row.result.receipt.body


def test_the_authors_own_set_is_rendered_too_and_comes_first(checkpoint, render_next):
    create_set("Mine", "tiny", [StoredPrompt("a fox", alt="A fox.", width=64, height=64)], by=checkpoint.model.owner)

    queue_previews(checkpoint)
    all_done(render_next)

    assert checkpoint.previews.order_by("position").first().alt == "A fox."
    assert checkpoint.previews.count() == 13


@pytest.mark.parametrize("type", ["lora", "locon", "dora", "embedding", "hypernetwork", "vae", "controlnet"])
def test_what_is_added_to_a_checkpoint_is_rendered_on_its_base_models_default(type, checkpoint):
    set_default("Safelight Tiny", checkpoint, by=None)
    pickled = type == "hypernetwork"  # these exist as pickles alone
    file = {"name": "inky.pt", "blob__format": "torch-zip"} if pickled else {"name": "inky.safetensors"}
    version = renderable(type, version__trained_words=["inky style"], **file).version

    assert queue_previews(version) == 12

    first = asked_of(version)[0]
    assert (first.version, first.width, first.seed) == (checkpoint.pk, 64, 1)
    assert version.pk in first.versions
    assert first.prompt == {"embedding": "inky, a red apple"}.get(type, "inky style, a red apple")
    if type in ("lora", "locon", "dora"):
        assert first.loras[0].weight == 0.8
    if type == "controlnet":
        assert Picture.objects.filter(blob_id=first.control.picture).exists()


def test_a_second_call_adds_nothing_and_a_failed_render_is_tried_again(checkpoint):
    queue_previews(checkpoint)
    failed = checkpoint.rendered_previews.get(index=3)
    RenderJob.objects.filter(pk=failed.job_id).update(state="failed", finished_at=failed.created_at)

    again = queue_previews(checkpoint)

    assert again == 1
    assert queue_previews(checkpoint) == 0
    assert RenderedPreview.objects.filter(version=checkpoint).count() == 12
    assert checkpoint.rendered_previews.get(index=3).job_id != failed.job_id


@pytest.mark.parametrize(
    ("type", "base", "code"),
    [
        ("upscaler", "Safelight Tiny", "type_not_rendered"),
        ("motion_module", "SD 1.5", "type_not_rendered"),
        ("text_encoder", "SDXL 1.0", "type_not_rendered"),
        ("checkpoint", "Qwen", "family_not_rendered"),
        ("lora", "SD 1.5", "no_default_checkpoint"),
        ("vae", "SDXL 1.0", "no_default_checkpoint"),
    ],
)
def test_what_is_not_rendered_says_why_and_comes_out_all_the_same(type, base, code):
    version = ModelVersionFactory(published=True, model__type=type, base_model=base)

    assert why_not_previewed(version).code == code
    assert queue_previews(version).code == code
    assert not version.rendered_previews.exists()


def test_a_file_that_no_worker_may_load_is_a_reason_and_leaves_nothing_queued(checkpoint):
    set_default("Safelight Tiny", checkpoint, by=None)
    version = renderable("lora", name="odd.safetensors", blob__verdict="check").version

    assert queue_previews(version).code == "no_safe_file"
    assert not version.rendered_previews.exists()


def test_its_author_and_the_staff_may_ask_for_what_is_missing(checkpoint):
    assert ask_for_previews(checkpoint, by=checkpoint.model.owner) == 12
    assert ask_for_previews(checkpoint, by=ModeratorFactory()) == 0
    with pytest.raises(NotAllowed):
        ask_for_previews(checkpoint, by=UserFactory())
    draft = ModelFileFactory(version__base_model="Safelight Tiny").version
    with pytest.raises(InvalidInput):
        ask_for_previews(draft, by=draft.model.owner)


def test_a_version_that_is_gone_takes_no_picture(checkpoint, render_next):
    queue_previews(checkpoint)
    checkpoint.delete()

    all_done(render_next)

    assert not VersionPreview.objects.exists()


def test_two_versions_are_compared_where_prompt_and_seed_are_the_same(checkpoint, render_next):
    later = renderable(name="tiny2.safetensors", version__model=checkpoint.model).version
    for version in (checkpoint, later):
        queue_previews(version)
    all_done(render_next)
    viewer = UserFactory()

    pairs = side_by_side(later, later.previews.for_display(), viewer=viewer)

    assert len(pairs) == 12
    before, after = pairs[4]
    assert (before.version, after.version, before.alt) == (checkpoint, later, after.alt)
    assert side_by_side(checkpoint, checkpoint.previews.for_display(), viewer=viewer) == []


def test_a_changed_prompt_is_not_compared(checkpoint, render_next):
    author = checkpoint.model.owner
    create_set("Mine", "tiny", [StoredPrompt("a fox", seed=1, width=64, height=64)], by=author)
    revision = author.prompt_sets.get().current

    request = preview_request(checkpoint, revision.prompts.get())

    assert (request.prompt, request.seed, request.steps) == ("tidewater, a fox", 1, 20)
