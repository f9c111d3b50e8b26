"""A receipt put to the test: identical, close or different, and what differs in the environment."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import call_command

from community.errors import Conflict, QuotaExceeded
from inference.models import Receipt, RenderJob, Verification
from inference.prompts.receipt import canonical
from inference.services.verifying import verify_receipt
from registry.models import Blob
from tests.inference.renders import engine as small_engine

pytestmark = pytest.mark.django_db
OUTCOME = Verification.Outcome


@pytest.fixture
def result(ask, render_next):
    ask(prompt="a red apple", seed=7, batch_count=2)
    return render_next().results.for_display()[1]


@pytest.mark.parametrize(
    ("shift", "outcome"),
    [
        pytest.param(0, OUTCOME.IDENTICAL, id="the same pixels"),
        pytest.param(1, OUTCOME.CLOSE, id="one off"),
        pytest.param(60, OUTCOME.DIFFERENT, id="another picture"),
    ],
)
def test_the_outcome_and_its_measure(result, person, engine, render_next, shift, outcome):
    asked = verify_receipt(result, by=person)
    engine.shift = shift

    job = render_next()

    told = Verification.objects.get(pk=asked.pk)
    assert (told.outcome, told.job) == (outcome, job)
    assert told.mean_difference == pytest.approx(shift, abs=shift / 2)
    assert told.most_difference == shift
    assert not job.results.exists()


def test_what_differs_in_the_environment_is_told(result, person, render_next, monkeypatch):
    verify_receipt(result, by=person)
    other = replace(small_engine.ENVIRONMENT, device="another", torch="9")
    monkeypatch.setattr(small_engine.Painting.__init__, "__defaults__", (other, ()))

    render_next()

    assert Verification.objects.get().environment == {"device": ["a test", "another"], "torch": ["0", "9"]}


@pytest.mark.parametrize(
    ("prompt", "then", "differs"),
    [
        pytest.param("a red apple", "a red apple", {}, id="enough both times"),
        pytest.param("much memory", "much memory", {}, id="short both times"),
        pytest.param("a red apple", "much memory", {"economical": [False, True]}, id="short this time"),
    ],
)
def test_a_receipt_is_tested_with_the_economy_it_was_made_with(ask, person, engine, render_next, prompt, then, differs):
    ask(prompt=prompt)
    made = render_next().results.get()
    engine.fresh_calls = 0
    asked = verify_receipt(made, by=person)
    RenderJob.objects.filter(pk=asked.job_id).update(
        plan=asked.job.plan | {"request": asked.job.request | {"prompt": then}}
    )

    render_next()

    asked.refresh_from_db()
    assert asked.environment == differs
    assert engine.fresh_calls == bool(differs)  # a test of an economical receipt begins with little memory


def test_a_receipt_from_before_economy_was_noted_differs_in_nothing(result, person, render_next):
    body = json.loads(result.receipt.body)
    del body["environment"]["economical"]
    Receipt.objects.filter(pk=result.pk).update(body=canonical(body))
    verify_receipt(result, by=person)

    render_next()

    assert Verification.objects.get().environment == {}


def test_a_test_that_is_under_way_is_not_begun_again(result, person):
    assert verify_receipt(result, by=person) == verify_receipt(result, by=person)


def test_a_test_that_could_not_be_rendered_says_so(result, person, render_next):
    verify_receipt(result, by=person)
    Blob.objects.exclude(format="png").update(verdict="blocked")

    render_next()

    assert Verification.objects.get().outcome == OUTCOME.FAILED


def test_a_test_counts_as_a_render_of_whoever_asks(result, person, settings):
    settings.RENDER_DAILY_PICTURES = 3  # two of which the render itself was

    with pytest.raises(QuotaExceeded):
        verify_receipt(result, by=person)


def test_a_receipt_whose_file_is_gone_cannot_be_tested(result, person):
    Blob.objects.exclude(format="png").update(verdict="blocked")

    with pytest.raises(Conflict):
        verify_receipt(result, by=person)


def test_the_operator_asks_at_a_terminal(result, render_next, monkeypatch):
    output = StringIO()
    monkeypatch.setattr("inference.management.commands.verify_receipt.pause", render_next)

    call_command("verify_receipt", str(result.pk), stdout=output)

    assert output.getvalue().startswith("identical")
