import io
import json

from registry.pickles.scan import scan
from tests.data.pickles.build import all_cases
from tests.data.pickles.containers import Entry, legacy_torch, torch_file, torch_zip, zip_of
from tests.data.pickles.writing import STOP, dump, payload, proto, tensor

BAD = proto(2) + payload() + STOP
SAMPLES = {case.name: case.data for case in all_cases()}


def _scan(data, **options):
    return scan(io.BytesIO(data), len(data), **options)


class Trickle(io.RawIOBase):
    """A stream that gives at most 700 bytes at a time, as one over a network may."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.inner = io.BytesIO(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self.inner.seek(offset, whence)

    def tell(self) -> int:
        return self.inner.tell()

    def read(self, count: int = -1) -> bytes:
        return self.inner.read(min(count, 700) if count >= 0 else 700)


def test_a_stream_that_gives_little_at_a_time_is_judged_alike():
    for name, data in SAMPLES.items():
        whole, trickled = _scan(data, name=name), scan(Trickle(data), len(data), name=name)
        assert trickled.verdict == whole.verdict, name
        assert [f.rule for f in trickled.findings] == [f.rule for f in whole.findings], name


def test_a_name_changes_no_verdict_of_a_pickle_or_an_archive():
    for name, data in SAMPLES.items():
        if name.endswith((".pkl", ".pt", ".zip")) and data:
            assert _scan(data, name="x.safetensors").verdict == _scan(data, name="x.pkl").verdict, name


def test_reports_are_plain_json():
    for name, data in SAMPLES.items():
        report = _scan(data, name=name)
        assert json.loads(json.dumps(report.as_dict()))["verdict"] == report.verdict
        json.dumps([evidence.as_dict() for evidence in report.evidence])


def test_progress_grows_to_the_last_member():
    seen = []

    _scan(torch_file({f"w{n}": tensor(str(n), (64,)) for n in range(20)}), on_progress=seen.append)
    _scan(legacy_torch({f"w{n}": tensor(str(n), (64,)) for n in range(200)}), on_progress=seen.append)

    assert len(seen) >= 4
    assert all(position >= 0 for position in seen)


def test_checksums_are_computed_only_when_asked_for():
    data = SAMPLES["zip-crc-good.pt"]

    assert _scan(data).verdict == "check"
    assert _scan(data, verify_crc=False).verdict == "safe"


def test_an_archive_in_the_place_of_the_pickle_is_not_safe():
    assert _scan(zip_of([Entry("a/data.pkl", dump({"w": 1}))])).verdict == "safe"
    assert _scan(torch_zip(torch_file({"w": tensor("0", (4,))}))).verdict != "safe"


def test_a_torch_archive_without_its_tensors_is_incomplete():
    whole = torch_file({"w": tensor("0", (4, 4))})
    pickle = whole[whole.index(b"\x80\x02") : whole.index(b"PK\x03\x04", 10)]
    short = zip_of([Entry("a/data.pkl", pickle), Entry("a/data/0", b"1234")])

    assert {f.rule for f in _scan(torch_zip(pickle)).findings} == {"storage_missing"}
    assert {f.rule for f in _scan(short).findings} == {"storage_too_small"}


def test_tensor_bytes_that_look_like_a_pickle_are_no_finding():
    data, bad = torch_file({"w": tensor("0", (16,))}), BAD.ljust(64, b"\0")[:64]
    start = data.index(b"archive/data/0") + len("archive/data/0")
    data = data[:start] + bad + data[start + 64 :]

    report = _scan(data)

    assert "call_blocked" not in {finding.rule for finding in report.findings}


def test_what_was_not_looked_at_is_said_and_never_safe():
    for name in ("zip-encrypted.pt", "zip-method.pt", "seven.bin", "weights.bin", "model.h5", "zip-bomb.zip"):
        report = _scan(SAMPLES[name], name=name)
        assert report.skipped, name
        assert report.verdict != "safe"


def test_an_honest_file_names_no_finding_and_nothing_skipped():
    report = _scan(SAMPLES["checkpoint.pt"])

    assert (report.findings, report.skipped, report.more_findings) == ((), (), 0)
    assert {f"{e.module}.{e.name}" for e in report.evidence} == {
        "torch._utils._rebuild_tensor_v2",
        "torch.FloatStorage",
        "torch.HalfStorage",
        "collections.OrderedDict",
    }
