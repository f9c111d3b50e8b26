"""`manage.py up` with the bytes on S3: what it asks the store before it opens."""

import pytest

from tests.registry.storage.seaweed import ACCESS, BUCKET, allow_browsers, start_s3

pytestmark = [pytest.mark.site, pytest.mark.s3]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory):
    server = start_s3(tmp_path_factory.mktemp("weed") / "store")
    yield server
    server.stop()


def test_a_bucket_that_lets_no_browser_in_is_told_and_one_that_does_is_not(start_site, store):
    allow_browsers(store, "https://elsewhere.example")
    running = start_site(STORAGE_URL=store.url("site"), **ACCESS).ready()
    assert f"Browsers may not send files to the store from {running.url}" in running.output.read_text()
    running.stop()

    allow_browsers(store, running.url)
    (running.data / "cache" / "setup.json").unlink()  # as any change of the code does
    running.output.write_text("")
    running.start().ready()

    assert "Browsers may not" not in running.output.read_text()


def test_pages_may_reach_the_store_and_nothing_else(start_site, store):
    running = start_site(STORAGE_URL=store.url("site"), **ACCESS).ready()

    policy = running.headers("/accounts/login/")["Content-Security-Policy"]

    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["connect-src"].split() == ["'self'", store.endpoint]
    assert store.endpoint in rules["img-src"].split()
    assert "http" not in rules["script-src"] + rules["style-src"] + rules["default-src"]


@pytest.mark.parametrize(
    ("bucket", "secret", "said"),
    [
        pytest.param(BUCKET, "not-the-secret", "SignatureDoesNotMatch", id="a wrong secret"),
        pytest.param("not-made", ACCESS["AWS_SECRET_ACCESS_KEY"], "NoSuchBucket", id="no such bucket"),
    ],
)
def test_a_store_that_serves_nobody_stops_the_start(start_site, store, bucket, secret, said):
    address = store.url("site").replace(BUCKET, bucket)

    running = start_site(STORAGE_URL=address, **{**ACCESS, "AWS_SECRET_ACCESS_KEY": secret})
    running.process.wait(90)

    assert running.process.returncode == 1
    (sentence,) = (line for line in running.output.read_text().splitlines() if "STORAGE_URL" in line)
    assert sentence.startswith("Safelight cannot run: The store of STORAGE_URL cannot be used: ")
    assert said in sentence
