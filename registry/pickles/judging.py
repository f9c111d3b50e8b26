"""From evidence to findings: what each thing seen means under a set of rules. It needs no bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from registry.pickles import evidence as ev
from registry.pickles.calls import COMPUTED
from registry.pickles.evidence import Evidence
from registry.pickles.levels import Verdict, gravest
from registry.pickles.messages import FACTS, REASONED, template_of
from registry.pickles.rules import Rules, Ruling, current_rules, subject_of

MAX_FINDINGS = 200
PLAIN_CODECS = {
    "latin1",
    "latin-1",
    "latin_1",
    "iso-8859-1",
    "iso8859-1",
    "utf-8",
    "utf8",
    "utf_8",
    "ascii",
    "us-ascii",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason for a verdict. `rule` and `params` give the sentence; `message` is that sentence in English."""

    rule: str
    level: Verdict
    member: str
    offset: int | None
    opcode: str
    subject: str
    preview: str
    message: str
    params: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "level": str(self.level),
            "member": self.member,
            "offset": self.offset,
            "opcode": self.opcode,
            "subject": self.subject,
            "preview": self.preview,
            "message": self.message,
            "params": dict(self.params),
        }


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its reasons, the gravest first. `more` counts findings beyond those kept."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    more: int
    rules_version: str


class Judge:
    """Takes evidence piece by piece and keeps the findings, bounded, one for each rule, subject and member."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or current_rules()
        self.verdict = Verdict.SAFE
        self._kept: dict[Verdict, dict[tuple[str, ...], Finding]] = {level: {} for level in Verdict}
        self._beyond = 0

    def consider(self, evidence: Evidence) -> None:
        found = judge_one(evidence, self.rules)
        if found is None:
            return
        self.verdict = gravest(self.verdict, found.level)
        kept = self._kept[found.level]
        key = (found.rule, found.subject, found.member, found.message if evidence.use == ev.FACT else "")
        if key in kept:
            return
        if len(kept) >= MAX_FINDINGS:
            self._beyond += 1
        else:
            kept[key] = found

    def judgement(self) -> Judgement:
        order = sorted(Verdict, key=lambda level: -level.gravity)
        findings = [finding for level in order for finding in self._kept[level].values()]
        more = self._beyond + max(0, len(findings) - MAX_FINDINGS)
        return Judgement(self.verdict, tuple(findings[:MAX_FINDINGS]), more, self.rules.version)


def judge(evidence: Iterable[Evidence], rules: Rules | None = None) -> Judgement:
    """Judge stored evidence again, under the current rules or others. Says nothing about evidence that was cut."""
    bench = Judge(rules)
    for piece in evidence:
        bench.consider(piece)
    return bench.judgement()


def judge_one(evidence: Evidence, rules: Rules) -> Finding | None:
    """The finding that one piece of evidence gives, or None when it is what model files do."""
    if evidence.use == ev.FACT:
        level = FACTS[evidence.name][0] if evidence.name in FACTS else Verdict.CHECK
        params = dict(evidence.params)
        rule = evidence.name
        if rule in REASONED and "reason" in params:
            rule = f"{rule.removesuffix('_broken')}_{params['reason'].removeprefix('gguf_')}"
        return _finding(evidence, rule, level, params)
    ruling = rules.rule_on(evidence.module, evidence.name)
    if ruling.level is Verdict.SAFE:
        outcome = _ALLOWED_USES[evidence.use](evidence, ruling, rules)
    else:
        outcome = _judge_unallowed(evidence, ruling)
    if outcome is None:
        return None
    rule, level, params = outcome
    params["subject"] = subject_of(evidence.module, evidence.name)
    return _finding(evidence, rule, level, params)


Outcome = tuple[str, Verdict, dict[str, str]]


def _finding(evidence: Evidence, rule: str, level: Verdict, params: dict[str, str]) -> Finding:
    params.setdefault("preview", evidence.preview or "()")
    template = template_of(rule)
    try:
        message = template % params
    except (KeyError, ValueError):  # evidence stored by an older version may lack a parameter
        message = template
    return Finding(
        rule=rule,
        level=level,
        member=evidence.member,
        offset=evidence.offset,
        opcode=evidence.opcode,
        subject=params.get("subject", ""),
        preview=evidence.preview,
        message=message,
        params=params,
    )


def _judge_unallowed(evidence: Evidence, ruling: Ruling) -> Outcome:
    if evidence.use == ev.IMPORT:
        return ruling.rule, ruling.level, {"why": ruling.why}
    ending = "blocked" if ruling.level is Verdict.BLOCKED else "unusual"
    use = {ev.CALL: "call", ev.OLD_CALL: "call", ev.STATE: "state", ev.ITEMS: "items"}[evidence.use]
    argument = evidence.arguments[0] if evidence.arguments else ""
    return f"{use}_{ending}", ruling.level, {"argument": argument}


def _judge_import(evidence: Evidence, ruling: Ruling, rules: Rules) -> Outcome | None:
    return None


def _judge_call(evidence: Evidence, ruling: Ruling, rules: Rules) -> Outcome | None:
    if ruling.use == "ref":
        return "call_of_constant", Verdict.BLOCKED, {}
    if ruling.use == "trampoline":
        return _judge_trampoline(evidence, rules)
    if ruling.use == "codec":
        return _judge_codec(evidence)
    return None


def _judge_old_call(evidence: Evidence, ruling: Ruling, rules: Rules) -> Outcome:
    return _judge_call(evidence, ruling, rules) or ("call_old_style", Verdict.CHECK, {})


def _judge_trampoline(evidence: Evidence, rules: Rules) -> Outcome | None:
    target = evidence.arguments[0] if evidence.arguments else ""
    if not target:
        return None  # no function given, or a constant, which fails
    if target == COMPUTED:
        return "call_through", Verdict.BLOCKED, {"argument": "…"}
    module, _, name = target.removeprefix("name:").rpartition(".")
    ruling = rules.rule_on(module, name)
    if ruling.level is Verdict.SAFE and ruling.use in ("call", "class"):
        return None
    level = Verdict.BLOCKED if ruling.level is Verdict.SAFE else ruling.level
    return "call_through", level, {"argument": subject_of(module, name)}


def _judge_codec(evidence: Evidence) -> Outcome | None:
    codec = evidence.arguments[1] if len(evidence.arguments) > 1 else "text:utf-8"
    if codec.removeprefix("text:").lower() in PLAIN_CODECS:
        return None
    return "codec_not_text", Verdict.BLOCKED, {"argument": codec.removeprefix("text:").removeprefix("name:")}


def _judge_state(evidence: Evidence, ruling: Ruling, rules: Rules) -> Outcome | None:
    return None if ruling.takes_state else ("state_not_taken", Verdict.BLOCKED, {})


def _judge_items(evidence: Evidence, ruling: Ruling, rules: Rules) -> Outcome | None:
    kind = evidence.arguments[0] if evidence.arguments else ""
    return None if kind in ruling.takes_items else ("items_unusual", Verdict.CHECK, {"argument": kind})


_ALLOWED_USES = {
    ev.IMPORT: _judge_import,
    ev.CALL: _judge_call,
    ev.OLD_CALL: _judge_old_call,
    ev.STATE: _judge_state,
    ev.ITEMS: _judge_items,
}
