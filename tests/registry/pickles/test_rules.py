import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.pickles.evidence import CALL, IMPORT, Evidence
from registry.pickles.judging import judge
from registry.pickles.levels import Verdict, gravest
from registry.pickles.messages import FACTS, NAME_TEMPLATES, TEMPLATES
from registry.pickles.rules import DATA, Rules, current_rules

STORED = json.loads(DATA.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("module", "name", "level", "rule"),
    [
        ("collections", "OrderedDict", "safe", ""),
        ("torch._utils", "_rebuild_tensor_v2", "safe", ""),
        ("__builtin__", "set", "safe", ""),
        ("__builtin__", "xrange", "safe", ""),
        ("torch", "float8_e4m3fn", "safe", ""),
        ("torch._utils", "_rebuild_tensor_v9", "blocked", "import_known_danger"),
        ("collections", "namedtuple", "blocked", "import_known_danger"),
        ("collections", "abc", "blocked", "import_standard_library"),
        ("torch.nn.parameter", "os", "blocked", "import_dangerous_name"),
        ("numpy._core.multiarray", "fromstring", "blocked", "import_sibling"),
        ("torch", "utils.collect_env.run", "blocked", "import_known_danger"),
        ("posix", "system", "blocked", "import_known_danger"),
        ("zoneinfo", "ZoneInfo", "blocked", "import_standard_library"),
        ("telnetlib", "Telnet", "blocked", "import_known_danger"),
        ("audioop", "add", "blocked", "import_standard_library"),
        ("commands", "getoutput", "blocked", "import_known_danger"),
        ("pathlib", "os.system", "blocked", "import_through_module"),
        ("foo", "bar.sys.exit", "blocked", "import_through_module"),
        ("foo", "Bar.__init__", "blocked", "import_special_name"),
        ("foo.__main__", "x", "blocked", "import_special_name"),
        ("foo", "eval", "blocked", "import_dangerous_name"),
        ("foo.bar", "Baz.popen", "blocked", "import_dangerous_name"),
        ("foo", "Bar", "check", "import_unknown"),
        ("foo bar", "Baz", "check", "import_malformed"),
        ("fóo", "Bar", "check", "import_not_ascii"),
        ("ｏｓ", "system", "blocked", "import_known_danger"),
        ("argparse", "Namespace", "check", "import_unusual"),
        ("argparse", "ArgumentParser", "blocked", "import_standard_library"),
        ("omegaconf.dictconfig", "DictConfig", "check", "import_unusual"),
        ("torch.nn.modules.linear", "Linear", "check", "import_unusual"),
        ("torch.nn.modules.container", "Sequential", "check", "import_unusual"),
        ("numpy.random._pickle", "__randomstate_ctor", "check", "import_unusual"),
        ("ultralytics.nn.tasks", "DetectionModel", "check", "import_unusual"),
        ("transformers.dynamic_module_utils", "x", "blocked", "import_known_danger"),
        ("", "", "check", "import_malformed"),
    ],
    ids=lambda value: value or "empty",
)
def test_a_name_is_ruled_on(module, name, level, rule):
    ruling = current_rules().rule_on(module, name)

    assert (ruling.level, ruling.rule) == (level, rule)


def test_every_entry_of_the_lists_has_a_reason_and_a_known_use():
    assert STORED["version"]
    for part in ("allow", "check", "block"):
        assert all(entry["why"].strip() for entry in STORED[part])
    assert {entry["as"] for entry in STORED["allow"]} <= {"ref", "call", "class", "trampoline", "codec"}


def test_no_allowed_name_is_on_the_other_lists():
    rules = current_rules()
    for entry in STORED["allow"]:
        for module in entry["modules"]:
            for name in entry["names"]:
                assert rules.rule_on(module, name).level == "safe", (module, name)


def test_a_verdict_does_not_depend_on_the_deny_list():
    bare = Rules({**STORED, "block": []})

    for entry in STORED["block"]:
        ruling = bare.rule_on(entry["module"], entry["names"][0] if entry["names"] != ["*"] else "anything")
        assert ruling.level != "safe"


def test_stored_evidence_is_judged_anew_by_new_rules():
    evidence = [Evidence(IMPORT, "newlib", "Thing"), Evidence(CALL, "newlib", "Thing")]
    allowing = {"modules": ["newlib"], "names": ["Thing"], "as": "call", "why": "now known"}
    newer = Rules({**STORED, "version": "2", "allow": [*STORED["allow"], allowing]})
    stricter = Rules(
        {**STORED, "block": [*STORED["block"], {"module": "newlib", "names": ["*"], "below": True, "why": "x"}]}
    )

    assert judge(evidence).verdict == "check"
    assert judge(evidence, newer).verdict == "safe"
    assert judge(evidence, newer).rules_version == "2"
    assert judge(evidence, stricter).verdict == "blocked"


def test_the_gravest_finding_decides():
    assert [str(level) for level in sorted(Verdict, key=lambda level: level.gravity)] == [
        "safe",
        "unreadable",
        "check",
        "blocked",
    ]
    assert gravest(Verdict.CHECK, Verdict.UNREADABLE) == "check"


def test_every_rule_has_a_sentence():
    assert set(TEMPLATES) == set(NAME_TEMPLATES) | set(FACTS)
    assert all(text[0].isupper() or text.startswith("%(") for text in TEMPLATES.values())
    assert all(text.rstrip().endswith((".", "%(why)s", "%(what)s")) for text in TEMPLATES.values())
    assert not any("!" in text for text in TEMPLATES.values())


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_name_at_all_gets_a_ruling(module, name):
    ruling = current_rules().rule_on(module, name)

    assert ruling.level in Verdict
    assert ruling.level == "safe" or ruling.rule in TEMPLATES
