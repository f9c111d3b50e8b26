import io
import pickletools
from collections import Counter

import pytest

from registry.pickles.evidence import Evidence
from registry.pickles.judging import judge
from registry.pickles.messages import template_of
from registry.pickles.scan import scan
from tests.data.pickles.build import FOLDER, all_cases
from tests.data.pickles.case import Case

CASES = all_cases()


def _scan(case: Case):
    return scan(io.BytesIO(case.data), len(case.data), name=case.name)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_sample_gets_an_accepted_verdict(case):
    report = _scan(case)

    assert report.verdict in case.accept, [finding.message for finding in report.findings]
    if case.rule:
        assert case.rule in {finding.rule for finding in report.findings}
    if case.format:
        assert report.format == case.format


def test_no_harmful_sample_is_safe_and_no_honest_one_blocked():
    verdicts = {case.name: _scan(case).verdict for case in CASES}

    harmful = [case for case in CASES if "safe" not in case.accept]
    honest = [case for case in CASES if case.is_benign]
    assert len(harmful) > 250
    assert len(honest) > 50
    assert not [case.name for case in harmful if verdicts[case.name] == "safe"]
    assert not [case.name for case in honest if verdicts[case.name] != "safe"]


def test_stored_samples_are_what_the_script_makes():
    stored = {path.name: path.read_bytes() for path in FOLDER.iterdir() if path.name != "manifest.json"}

    made = {case.name: case.data for case in CASES}
    assert stored.keys() == made.keys()
    # packers of different builds may differ by a byte; what is not packed must be the same
    packed = {case.name for case in CASES if case.name.endswith((".gz", ".bz2", ".xz", ".joblib", ".lzma"))}
    packed |= {"zip-bomb.zip", "zip-deflated.pt", "zip-deflated-good.pt"}
    assert not [name for name in made if name not in packed and stored[name] != made[name]]


@pytest.mark.filterwarnings("ignore:invalid escape:DeprecationWarning")  # a sample's, which pickletools reads as well
def test_every_opcode_is_in_a_sample():
    seen: Counter[str] = Counter()
    for case in CASES:
        for start in {0, case.data.find(b"\x80")} - {-1}:
            try:
                for opcode, _argument, _position in pickletools.genops(case.data[start:]):
                    seen[opcode.name] += 1
            except (ValueError, IndexError):
                continue

    assert not {opcode.name for opcode in pickletools.opcodes} - seen.keys()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_stored_evidence_gives_the_same_judgement_without_bytes(case):
    report = _scan(case)

    stored = [Evidence.from_dict(evidence.as_dict()) for evidence in report.evidence]
    judgement = judge(stored)
    assert judgement.verdict == report.verdict
    assert {f.message for f in judgement.findings} == {f.message for f in report.findings}


def test_findings_say_where_and_what_in_a_sentence_that_can_be_translated():
    case = next(case for case in CASES if case.name == "torch-payload.pt")

    finding = next(f for f in _scan(case).findings if f.rule == "call_blocked")

    assert finding.member == "archive/data.pkl"
    assert finding.opcode == "REDUCE"
    assert finding.subject == "posix.system"
    assert "touch marker" in finding.preview
    assert case.data[case.data.index(b"\x80\x02") + finding.offset :][:1] == b"R"
    assert finding.message == template_of(finding.rule) % finding.params
    assert "touch marker" in finding.message


def test_every_message_is_a_filled_sentence():
    for case in CASES:
        for finding in _scan(case).findings:
            assert "%(" not in finding.message, (case.name, finding.rule)
            assert finding.message.isprintable()
            assert len(finding.preview) <= 400
