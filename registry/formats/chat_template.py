"""Does a chat template reach for Python's internals?

A GGUF file may carry a Jinja template that a program renders. In a renderer without a sandbox such a template can walk
from any value to the interpreter's modules; a template that formats messages needs none of these words.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAX_TEMPLATE: Final = 256_000  # letters; the longest known templates have some twenty thousand

# What is found -> why it is looked for. One search each, over the whole text.
_WORDS: Final = (
    ("dunder_name", re.compile(r"__\w{1,60}"), "a name with two leading underscores"),
    (
        "escaped_underscore",
        re.compile(r"\\(?:x5f|u005f|U0000005f|137|N\{LOW LINE\})", re.IGNORECASE),
        "a hidden underscore",
    ),
    ("attr_filter", re.compile(r"\|\s{0,20}attr\b"), "access to attributes by a computed name"),
    (
        "map_attribute",
        re.compile(r"\bmap\s{0,20}\(\s{0,20}attribute\s{0,20}=\s{0,20}['\"]_"),
        "access to a private attribute",
    ),
    (
        "internals",
        re.compile(r"\b(?:globals|builtins|subclasses|mro|func_globals|gi_frame|f_back|cr_frame)\b"),
        "an internal of Python",
    ),
    (
        "runner",
        re.compile(r"\b(?:popen|subprocess|eval|exec|[gs]etattr|importlib|os\s{0,9}\.\s{0,9}system)\b"),
        "a function that runs code",
    ),
    ("jinja_globals", re.compile(r"\b(?:lipsum|cycler|joiner)\b"), "a helper through which the interpreter is reached"),
)


@dataclass(frozen=True, slots=True)
class TemplateFinding:
    """`key` is the metadata entry, `word` what was found in it, `reason` a stable code, `message` a sentence."""

    key: str
    reason: str
    word: str
    message: str


def judge_template(key: str, template: str) -> Iterator[TemplateFinding]:
    """One finding for each kind of suspicious word. A harmless template gives none. Linear in the template."""
    key = key[:200]
    if len(template) > MAX_TEMPLATE:
        yield TemplateFinding(key, "template_too_long", "", f"The chat template has {len(template)} letters.")
        template = template[:MAX_TEMPLATE]
    for reason, pattern, meaning in _WORDS:
        if match := pattern.search(template):
            yield TemplateFinding(key, reason, match.group()[:80], f"The chat template holds {meaning}.")
