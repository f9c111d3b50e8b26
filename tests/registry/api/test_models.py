"""Models and versions through our own API."""

import pytest

from registry.models import ModelRedirect, ModelVersion, RegisteredModel
from tests.factories import (
    BlobFactory,
    ModelFileFactory,
    ModelVersionFactory,
    ModeratorFactory,
    RegisteredModelFactory,
    UploadFactory,
    UserFactory,
)
from tests.registry.api.client import PERMISSIONS, Program
from tests.registry.search.rows import public_model

pytestmark = pytest.mark.django_db

NEW_MODEL = {
    "name": "Tidewater Ink",
    "type": "lora",
    "description": "Brush and *water*.",
    "tags": ["ink", "wash"],
    "license": "CC0-1.0",
    "permissions": PERMISSIONS,
}


def _problem(response, status):
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    return response.json()


def test_a_script_publishes_finds_and_downloads():
    owner = UserFactory(username="mira")
    program = Program(owner)
    upload = UploadFactory(owner=owner, blob=BlobFactory(), state="done")

    made = program.post("models", NEW_MODEL)
    model = made.json()
    version = program.post("models/mira/tidewater-ink/versions", {"name": "v1", "base_model": "SD 1.5"})
    number = version.json()["id"]
    file = program.post(f"versions/{number}/files", {"upload": str(upload.pk), "name": "ink.safetensors"})
    published = program.post(f"versions/{number}/publish")
    found = Program().get("models?q=tidewater&type=lora&base_model=SD+1.5&tag=Ink&sort=newest").json()
    by_hash = Program().get(f"hashes/{upload.blob.sha256[:10]}").json()

    assert (made.status_code, model["owner"], model["title"], model["name"]) == (
        201, "mira", "Tidewater Ink", "tidewater-ink",
    )  # fmt: skip
    assert model["permissions"] == PERMISSIONS
    assert (version.status_code, file.status_code, published.status_code) == (201, 201, 200)
    assert published.json()["state"] == "published"
    assert [row["title"] for row in found["results"]] == ["Tidewater Ink"]
    assert found["next"] is None
    assert [row["name"] for row in by_hash["results"]] == ["ink.safetensors"]
    assert by_hash["tombstones"] == []


def test_a_version_says_what_is_known_of_its_files():
    blob = BlobFactory()
    version = ModelVersionFactory()
    owner = version.model.owner
    ModelFileFactory(version=version, blob=blob, name="done.safetensors", is_primary=True)
    states = {"receiving": "uploading", "complete": "waiting", "inspecting": "inspecting", "failed": "failed"}
    error = {"code": "sha256_differs", "field": "sha256", "detail": "The bytes differ."}
    for state in states:
        upload = UploadFactory(owner=owner, state=state, error=error if state == "failed" else {})
        ModelFileFactory(version=version, blob=None, upload=upload, name=state)

    files = {file["name"]: file for file in Program(owner).get(f"versions/{version.pk}").json()["files"]}

    done = files.pop("done.safetensors")
    assert (done["state"], done["verdict"], done["primary"], done["size"]) == ("done", "safe", True, blob.size)
    assert done["hashes"] == {"SHA256": blob.sha256.upper(), "AutoV2": blob.sha256[:10].upper()}
    assert {name: (file["state"], file["verdict"]) for name, file in files.items()} == {
        name: (state, "unreadable" if state == "failed" else "pending") for name, state in states.items()
    }
    assert files["failed"]["error"] == error
    assert files["receiving"]["hashes"] == {}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({"name": None}, "name", id="no title"),
        pytest.param({"name": ""}, "name", id="empty title"),
        pytest.param({"name": "x" * 10_000}, "name", id="10,000 characters"),
        pytest.param({"name": "夕凪の灯台守"}, "name", id="no letter for the address"),
        pytest.param({"name": 7}, "name", id="a number"),
        pytest.param({"name": "a\0b"}, "name", id="NUL"),
        pytest.param({"type": "Lora"}, "type", id="unknown type"),
        pytest.param({"license": ...}, "license", id="absent license"),
        pytest.param({"license": "Mine"}, "license", id="unknown license"),
        pytest.param({"permissions": ...}, "permissions", id="absent permissions"),
        pytest.param({"permissions": {**PERMISSIONS, "sell": "no"}}, "permissions.sell", id="a word for a yes"),
        pytest.param({"permissions": {"sell": True}}, "permissions.no_credit", id="one permission alone"),
        pytest.param({"permissions": []}, "permissions", id="a list of permissions"),
        pytest.param({"tags": ["x" * 61]}, "tags.0", id="a long tag"),
        pytest.param({"tags": "ink"}, "tags", id="tags as text"),
        pytest.param({"description": "x" * 40_001}, "description", id="a long description"),
        pytest.param({"title": "T", "name": "a--b"}, "name", id="no address"),
        pytest.param({"owner": "somebody"}, "owner", id="somebody else's name"),
    ],
)
def test_a_bad_model_is_refused_by_field(body, field):
    said = {name: value for name, value in {**NEW_MODEL, **body}.items() if value is not ...}

    response = Program(UserFactory()).post("models", said)

    problem = _problem(response, 403 if field == "owner" else 400)
    assert problem["field"] == field
    assert problem["detail"]
    assert not RegisteredModel.objects.exists()


def test_a_title_without_letters_comes_with_a_name():
    response = Program(UserFactory()).post("models", {**NEW_MODEL, "title": "夕凪の灯台守", "name": "Keeper"})

    assert response.status_code == 201
    assert (response.json()["title"], response.json()["name"]) == ("夕凪の灯台守", "Keeper")


def test_license_and_permissions_may_be_left_for_later_but_not_out():
    owner = UserFactory(username="mira")
    program = Program(owner)
    made = program.post("models", {"name": "Later", "type": "vae", "license": "", "permissions": None, "owner": "MIRA"})
    version = program.post("models/mira/later/versions", {"name": "v1", "trained_words": None, "notes": None})

    problem = _problem(program.post(f"versions/{version.json()['id']}/publish"), 409)

    assert made.status_code == 201
    assert problem["code"] == "not_ready_to_publish"
    assert [unmet["code"] for unmet in problem["unmet"]] == [
        "license_missing", "permissions_missing", "base_model_missing", "files_missing",
    ]  # fmt: skip
    assert all(unmet["field"] and unmet["detail"] for unmet in problem["unmet"])


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b'{"name": NaN}'])
def test_a_body_that_is_no_object_is_refused(body):
    response = Program(UserFactory()).post("models", body)

    _problem(response, 400)


def test_text_comes_back_as_it_went_in():
    text = "  a < b & \r\n\r\n<script>\t“x” 🦢  "
    program = Program(UserFactory(username="mira"))
    program.post("models", {**NEW_MODEL, "description": text})

    assert program.get("models/mira/tidewater-ink").json()["description"] == text


def test_a_model_is_changed_in_part():
    model = RegisteredModelFactory(title="One", description="Keep", owner__username="mira", name="one")
    program = Program(model.owner)

    response = program.patch(
        "models/MIRA/One", {"title": "Two", "tags": ["a"], "name": "two", "permissions": PERMISSIONS, "license": None}
    )

    said = response.json()
    assert (said["title"], said["name"], said["tags"], said["description"]) == ("Two", "two", ["a"], "Keep")
    assert (said["permissions"], said["license"]) == (PERMISSIONS, "")


def test_a_former_address_leads_to_the_model():
    model = public_model("Harbor", name="harbor", owner=UserFactory(username="mira"))
    Program(model.owner).patch("models/mira/harbor", {"name": "port"})

    assert ModelRedirect.objects.count() == 1
    assert Program().get("models/mira/harbor").json()["name"] == "port"
    assert Program().get("models/mira/port/versions").json()["results"][0]["state"] == "published"


def test_a_former_address_of_a_hidden_model_leads_nowhere():
    model = RegisteredModelFactory(owner__username="mira", name="new")
    ModelRedirect.objects.create(owner=model.owner, name="old", model=model)

    assert Program(UserFactory()).get("models/mira/old").status_code == 404
    assert Program(model.owner).get("models/mira/old").status_code == 200


def test_a_version_is_changed_withdrawn_and_deleted():
    version = ModelFileFactory(published=True).version
    program = Program(version.model.owner)

    changed = program.patch(f"versions/{version.pk}", {"trained_words": ["a", ""], "notes": "New", "name": "v1.1"})
    no_reason = program.post(f"versions/{version.pk}/withdraw", {})
    withdrawn = program.post(f"versions/{version.pk}/withdraw", {"reason": "Mislabelled"})
    deleted = program.delete(f"versions/{version.pk}")

    assert (changed.json()["trained_words"], changed.json()["notes"], changed.json()["name"]) == (["a"], "New", "v1.1")
    assert _problem(no_reason, 400)["field"] == "reason"
    assert (withdrawn.json()["state"], withdrawn.json()["withdrawn_reason"]) == ("withdrawn", "Mislabelled")
    assert (deleted.status_code, ModelVersion.objects.exists()) == (204, False)


def test_a_model_is_deleted_with_its_reason():
    file = ModelFileFactory(published=True)
    model, digest = file.version.model, file.blob.sha256

    response = Program(model.owner).delete(f"models/{model.owner.username}/{model.name}", {"reason": "Moved"})
    stone = Program().get(f"hashes/{digest}").json()["tombstones"][0]

    assert response.status_code == 204
    assert (stone["cause"], stone["reason"], stone["file"]) == ("deleted", "Moved", file.name)
    assert stone["hashes"]["SHA256"] == digest.upper()


def test_files_are_renamed_put_first_and_removed_in_a_draft():
    first = ModelFileFactory(is_primary=True)
    second = ModelFileFactory(version=first.version)
    program = Program(first.version.model.owner)

    renamed = program.patch(f"files/{second.pk}", {"name": "better.safetensors", "primary": True})
    removed = program.delete(f"files/{first.pk}")

    assert (renamed.json()["name"], renamed.json()["primary"]) == ("better.safetensors", True)
    assert removed.status_code == 204
    assert [row["id"] for row in program.get(f"versions/{second.version.pk}/files").json()["results"]] == [second.pk]


def test_files_of_a_published_version_answer_409():
    file = ModelFileFactory(published=True)
    program = Program(file.version.model.owner)
    upload = UploadFactory(owner=file.version.model.owner, state="complete")

    for answer in (
        program.delete(f"files/{file.pk}"),
        program.patch(f"files/{file.pk}", {"name": "x"}),
        program.post(f"versions/{file.version.pk}/files", {"upload": str(upload.pk), "name": "late"}),
    ):
        _problem(answer, 409)


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        pytest.param({"upload": "FOREIGN", "name": "a"}, 404, "upload", id="somebody else's upload"),
        pytest.param({"upload": "nonsense", "name": "a"}, 404, "upload", id="no id"),
        pytest.param({"name": "a"}, 400, "upload", id="no upload"),
        pytest.param({"upload": "OWN"}, 400, "name", id="no name"),
        pytest.param({"upload": "OWN", "name": 7}, 400, "name", id="a number for a name"),
        pytest.param({"upload": "OWN", "name": "x" * 10_000}, 400, "name", id="10,000-character name"),
        pytest.param({"upload": "OWN", "name": "a\r\nb"}, 400, "name", id="line break"),
        pytest.param({"upload": "OWN", "name": "../x"}, 400, "name", id="another folder"),
        pytest.param({"upload": "RECEIVING", "name": "a"}, 409, "upload", id="not complete"),
    ],
)
def test_a_bad_attachment_is_refused_by_field(body, status, field):
    version = ModelVersionFactory()
    uploads = {
        "FOREIGN": UploadFactory(state="complete"),
        "OWN": UploadFactory(owner=version.model.owner, state="complete"),
        "RECEIVING": UploadFactory(owner=version.model.owner, state="receiving"),
    }
    if body.get("upload") in uploads:
        body = {**body, "upload": str(uploads[body["upload"]].pk)}

    problem = _problem(Program(version.model.owner).post(f"versions/{version.pk}/files", body), status)

    assert problem["field"] == field


def test_the_report_is_shown_whatever_the_verdict():
    file = ModelFileFactory(blob__verdict="blocked", blob__facts={"format": "pickle"})
    file.blob.findings.create(rule="os_call", level="blocked", subject="os.system", message="It runs a program.")

    report = Program(file.version.model.owner).get(f"files/{file.pk}").json()

    assert (report["verdict"], report["facts"]) == ("blocked", {"format": "pickle"})
    assert [(row["rule"], row["subject"]) for row in report["findings"]] == [("os_call", "os.system")]


def test_lists_are_read_by_following_next():
    for number in range(30):
        public_model(f"Model {number}")
    program, address, titles = Program(), "models?sort=newest", []

    while address:
        page = program.get(address).json()
        titles += [row["title"] for row in page["results"]]
        address = page["next"] and page["next"].removeprefix("http://testserver")

    assert sorted(titles) == sorted(f"Model {number}" for number in range(30))


@pytest.mark.parametrize("query", ["cursor=x", "type=nonsense", "base_model=SD+9", "sort=best", "q=" + "x" * 201])
def test_a_program_is_told_which_parameter_makes_no_sense(query):
    problem = _problem(Program().get(f"models?{query}"), 400)

    assert problem["field"] == query.partition("=")[0]


@pytest.mark.parametrize("value", ["x", "0" * 64, "deadbeef", "夕凪", "%00", "a" * 5000])
def test_an_unknown_hash_is_404_and_never_a_fault(value):
    assert Program().get(f"hashes/{value}").status_code in (400, 404)


def test_a_drafts_hash_says_nothing_to_others():
    file = ModelFileFactory()
    twin = ModelFileFactory(blob=file.blob)

    assert Program(UserFactory()).get(f"hashes/{file.blob.sha256}").status_code == 404
    found = Program(file.version.model.owner).get(f"hashes/{file.blob.sha256}").json()
    seen = Program(ModeratorFactory()).get(f"hashes/{file.blob.sha256}").json()

    assert [row["id"] for row in found["results"]] == [file.pk]
    assert {row["id"] for row in seen["results"]} == {file.pk, twin.pk}


def test_the_hash_of_what_was_withdrawn_or_taken_down_says_why():
    withdrawn = ModelFileFactory(published=True)
    owner = withdrawn.version.model.owner
    Program(owner).post(f"versions/{withdrawn.version.pk}/withdraw", {"reason": "Old"})
    taken = ModelFileFactory(published=True)
    model = taken.version.model
    answer = Program(ModeratorFactory()).post(
        f"models/{model.owner.username}/{model.name}/take-down", {"reason": "Stolen"}
    )

    stones = [
        Program().get(f"hashes/{file.blob.sha256}").json()["tombstones"][0]
        for file in (withdrawn, taken)
    ]  # fmt: skip

    assert answer.json()["taken_down"]["reason"] == "Stolen"
    assert [(stone["cause"], stone["reason"]) for stone in stones] == [("withdrawn", "Old"), ("taken_down", "Stolen")]
    own = Program(owner).get(f"hashes/{withdrawn.blob.sha256}").json()
    assert ([row["id"] for row in own["results"]], own["tombstones"]) == ([withdrawn.pk], [])


def test_people_talk_under_a_model():
    model = public_model("Harbor")
    path = f"models/{model.owner.username}/{model.name}/comments"

    said = Program(UserFactory(username="jo")).post(path, {"text": "Lovely."})
    read = Program().get(path).json()

    assert said.status_code == 201
    assert [(row["author"], row["text"]) for row in read["results"]] == [("jo", "Lovely.")]


def test_a_token_without_the_scope_is_refused():
    user = UserFactory()

    problem = _problem(Program(user, ("models:read",)).post("models", NEW_MODEL), 403)

    assert problem["scope"] == "models:write"


def test_a_session_needs_its_csrf_token(client):
    user = UserFactory()
    client.force_login(user)
    client.handler.enforce_csrf_checks = True

    refused = client.post("/api/safelight/v1/models", NEW_MODEL, content_type="application/json")

    assert refused.status_code == 403


def test_detail_answers_cost_a_fixed_number_of_queries(django_assert_max_num_queries):
    version = ModelFileFactory(published=True).version
    for _ in range(5):
        ModelFileFactory(version=version)
    program = Program()

    with django_assert_max_num_queries(6):
        assert len(program.get(f"versions/{version.pk}").json()["files"]) == 6
