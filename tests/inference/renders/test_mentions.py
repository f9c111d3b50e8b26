"""Names in a prompt become uses of versions: whose, of which family, at what strength."""

from __future__ import annotations

import pytest

from community.errors import InvalidInput
from inference.prompts.plan import read_plan
from inference.prompts.request import EmbeddingUse, HypernetUse, LoraUse
from tests.factories import UserFactory
from tests.inference.renders.conftest import renderable

pytestmark = pytest.mark.django_db


def planned(job):
    return read_plan(job.plan).request


@pytest.mark.parametrize(
    ("tag", "weight", "clip_weight"),
    [
        pytest.param("<lora:reed:0.7>", 0.7, None, id="one weight"),
        pytest.param("<lora:Reed>", 1.0, None, id="no weight, other case"),
        pytest.param("<lora:reed:0.5:0.8>", 0.8, 0.5, id="text and image"),
        pytest.param("<lyco:reed:-1>", -1.0, None, id="the other word for it"),
    ],
)
def test_a_lora_is_found_by_its_files_name(ask, tag, weight, clip_weight):
    version = renderable("lora", name="reed.safetensors").version

    job = ask(prompt=f"a pond {tag}")

    assert planned(job).loras == (LoraUse(version.pk, weight, clip_weight),)
    assert planned(job).prompt == "a pond"
    assert job.request["prompt"] == f"a pond {tag}"
    assert job.versions[1:] == [version.pk]


def test_a_hypernetwork_is_found_by_its_files_name(ask):
    version = renderable("hypernetwork", name="glow.pt", blob__format="torch-zip").version

    assert planned(ask(prompt="<hypernet:glow:0.4> a pond")).hypernets == (HypernetUse(version.pk, 0.4),)


def test_of_several_the_checkpoints_family_and_ones_own_come_first(ask, person):
    renderable("lora", name="reed.safetensors", version__base_model="SDXL 1.0", version__download_count=900)
    renderable("lora", name="reed.safetensors", version__download_count=500)
    own = renderable("lora", name="reed.safetensors", version__model__owner=person, version__model__render_here=None)

    assert planned(ask(prompt="<lora:reed:1>")).loras[0].version == own.version_id


@pytest.mark.parametrize(
    "file",
    [
        pytest.param({"version__model__render_here": False}, id="not allowed"),
        pytest.param({"version__state": "draft"}, id="another's draft"),
        pytest.param({"blob__verdict": "check"}, id="not safe"),
        pytest.param({"type": "embedding"}, id="of another kind"),
    ],
)
def test_what_may_not_be_rendered_with_is_not_found_by_name(ask, file):
    renderable(**{"type": "lora", "name": "secret.safetensors", **file})

    with pytest.raises(InvalidInput) as refusal:
        ask(prompt="<lora:secret:1>")

    assert (refusal.value.code, refusal.value.field) == ("unknown_network", "prompt")


def test_an_embedding_is_named_outright_or_is_ones_own(ask, person):
    others = renderable("embedding", name="apple.pt").version
    own = renderable("embedding", name="muted.pt", version__model__owner=person).version

    bare = planned(ask(prompt="an apple, muted"))
    named = planned(ask(prompt="an (embedding:apple:1.2)", negative="muted"))

    assert bare.embeddings == (EmbeddingUse(own.pk, "muted"),)
    assert set(named.embeddings) == {EmbeddingUse(others.pk, "apple"), EmbeddingUse(own.pk, "muted")}
    assert named.prompt == "an (apple:1.2)"


def test_the_picture_tells_other_tools_what_was_used(ask, render_next):
    from inference.services.pngs import parameters_of

    renderable("lora", name="reed.safetensors")
    renderable("hypernetwork", name="glow.pt", blob__format="torch-zip")
    job = ask(prompt="a pond <lora:reed:0.7> <hypernet:glow:0.4>")

    text = parameters_of(read_plan(job.plan), 1)

    assert text.startswith("a pond <lora:reed:0.7> <hypernet:glow:0.4>\n")
    assert '"lora:reed"' in text
    assert '"hypernet:glow"' in text


def test_a_long_prompt_of_words_costs_one_question(ask, django_assert_max_num_queries):
    words = " ".join(f"word{number}" for number in range(1500))[:10_000]

    with django_assert_max_num_queries(40):
        ask(prompt=words, by=UserFactory())
