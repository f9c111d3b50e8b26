import io

import pytest

from registry.pickles.scan import scan
from tests.registry.formats.test_gguf import TEXT, entry, gguf, text

FILES = {
    "plain": (gguf(), "safe", []),
    "template that walks to modules": (
        gguf((entry("tokenizer.chat_template", TEXT, text("{{ ''.__class__ }}")),)),
        "check",
        ["gguf_template_code"],
    ),
    "count without room": (gguf(counts=(5, 0)), "unreadable", ["gguf_count"]),
}


@pytest.mark.parametrize(("data", "verdict", "rules"), FILES.values(), ids=FILES.keys())
def test_the_scanner_hears_what_the_reader_finds(data, verdict, rules):
    report = scan(io.BytesIO(data), len(data), name="model.gguf")

    assert (str(report.verdict), [finding.rule for finding in report.findings]) == (verdict, rules)
