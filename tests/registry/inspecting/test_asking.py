"""The inspection asks other engines, stores what they say, and blocks on a virus scanner's hit."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from registry.models import EngineOpinion
from tests.registry.engines.clamd import daemon
from tests.registry.inspecting.bytes import evil_pickle, plain_pickle, safetensors

pytestmark = pytest.mark.django_db


def test_picklescan_is_asked_about_pickles_alone(inspected):
    tensors = inspected(safetensors(), name="a.safetensors")
    pickled = inspected(evil_pickle(), name="a.ckpt")

    assert not tensors.blob.opinions.exists()
    opinion = pickled.blob.opinions.get()
    assert (opinion.engine, opinion.outcome, opinion.details) == ("picklescan", "hit", ["posix.system"])
    assert opinion.version


def test_a_hit_of_clamav_blocks(inspected, settings, tmp_path):
    with daemon(tmp_path / "clamd") as settings.CLAMAV_ADDRESS:
        upload = inspected(safetensors(metadata={"note": "EICAR"}), name="a.safetensors")

    assert upload.blob.verdict == "blocked"
    assert EngineOpinion.objects.get(engine="ClamAV").details == ["Eicar-Test-Signature"]


def test_an_engine_that_is_down_is_said_and_decides_nothing(inspected, settings):
    settings.CLAMAV_ADDRESS = "unix:/nonexistent/clamd"

    upload = inspected(plain_pickle(), name="a.pkl")

    assert upload.blob.verdict == "safe"
    assert EngineOpinion.objects.get(engine="ClamAV").outcome == "failed"


def test_reinspect_reads_named_files_anew(inspected):
    blob = inspected(evil_pickle(), name="a.ckpt").blob
    blob.verdict = "safe"
    blob.save()
    said = io.StringIO()

    call_command("reinspect", blob.pk, stdout=said)

    assert said.getvalue() == f"{blob.pk} safe -> blocked\n1 judged, 1 changed\n"


def test_reinspect_wants_to_know_what():
    with pytest.raises(CommandError, match="--rules"):
        call_command("reinspect")
    with pytest.raises(CommandError, match="No file"):
        call_command("reinspect", "0" * 64)
