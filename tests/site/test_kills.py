"""What is killed while bytes come in or are looked at: the work ends all the same, with the right bytes and verdict."""

import hashlib
from pathlib import Path

import psycopg
import pytest

from config import locations
from tests.site.running import RunningSite, descendants, eventually, kill
from tests.site.sending import Sender, make_model

pytestmark = pytest.mark.site


@pytest.fixture(scope="module")
def busy_site(tmp_path_factory: pytest.TempPathFactory):
    """A site that gives a lost inspection back soon, and may be asked often."""
    data = tmp_path_factory.mktemp("kills") / "data"
    settings = {"INSPECTION_LEASE_SECONDS": "5", "RATE_POLL": "100/s"}
    running = RunningSite(data, "--admin", "admin", environment=settings).start()
    try:
        yield running.ready()
    finally:
        running.stop()


@pytest.fixture(scope="module")
def sender(busy_site: RunningSite) -> Sender:
    token = busy_site.manage("create_token", "admin", "--scopes", "models:write").split()[-1]
    return Sender(busy_site, token)


def kill_part(site: RunningSite, part: str) -> None:
    """A part with all its processes; `everything` is as a power cut. Ready again afterwards."""
    if part == "everything":
        site.kill_everything()
        site.start().ready()
        return
    pid = site.pid(part)
    for each in [pid, *descendants(pid)]:
        kill(each)
    eventually(lambda: f"{part}: ended" in site.output.read_text(), f"{part} is seen to have ended")
    site.ready()


def stored(site: RunningSite, file: Path) -> tuple[str, str]:
    """Verdict of the file's blob, and the digest of the bytes that lie in its place."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    with psycopg.connect(locations.database_url(site.data)) as connection:
        (verdict,) = connection.execute("SELECT verdict FROM registry_blob WHERE sha256 = %s", [digest]).fetchone()
    blob = site.data / "blobs" / digest[:2] / digest[2:4] / digest
    return verdict, hashlib.sha256(blob.read_bytes()).hexdigest()


def is_done(sender: Sender, upload: dict) -> bool:
    answer = sender.ask("GET", f"uploads/{upload['id']}")
    assert answer["state"] in ("complete", "inspecting", "done"), answer
    return answer["state"] == "done"


@pytest.mark.parametrize("part", ["web", "valkey", "postgres", "everything"])
def test_an_upload_goes_on_after_a_kill_in_the_middle_of_a_part(busy_site, sender, tmp_path, part):
    file = make_model(tmp_path / "cut-off.safetensors", 40)
    upload = sender.begin(file)
    sender.send_part(upload, file, 1)
    cut = sender.half_a_part(upload, file, 2)

    kill_part(busy_site, part)
    cut.close()

    assert sender.received(upload) == [1]
    sender.send_all(upload, file)
    sender.complete(upload)
    eventually(lambda: is_done(sender, upload), "the upload is inspected", 120)
    assert stored(busy_site, file) == ("safe", hashlib.sha256(file.read_bytes()).hexdigest())


@pytest.mark.parametrize("part", ["io", "valkey", "postgres", "everything"])
def test_an_inspection_ends_after_a_kill_in_the_middle_of_it(busy_site, sender, tmp_path, part):
    file = make_model(tmp_path / "looked-at.safetensors", 400)
    upload = sender.begin(file)
    sender.send_all(upload, file)
    sender.complete(upload)
    with psycopg.connect(locations.database_url(busy_site.data), autocommit=True) as connection:
        running = "SELECT 1 FROM registry_inspection WHERE upload_id = %s AND state = 'running' AND bytes_read > 0"
        eventually(lambda: connection.execute(running, [upload["id"]]).fetchone(), "the inspection runs")

    kill_part(busy_site, part)

    eventually(lambda: is_done(sender, upload), "the inspection is done", 120)
    assert stored(busy_site, file) == ("safe", hashlib.sha256(file.read_bytes()).hexdigest())
    with psycopg.connect(locations.database_url(busy_site.data)) as connection:
        query = "SELECT tries FROM registry_inspection WHERE upload_id = %s"
        (tries,) = connection.execute(query, [upload["id"]]).fetchone()
    if part in ("io", "everything"):
        assert tries == 2, "the kill came too late: the first try had ended"
