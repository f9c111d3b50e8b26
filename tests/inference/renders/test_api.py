"""Renders for programs: ask, look, call off, read the receipt; each one's own and nobody else's."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from inference.models import RenderJob, RenderResult
from inference.policies import can_see_receipt
from inference.services.working import announce_worker
from registry.models import Blob, ModelVersion
from tests.factories import ModeratorFactory, PictureFactory, UploadFactory, UserFactory
from tests.inference.renders.conftest import renderable
from tests.registry.api.client import Program

pytestmark = pytest.mark.django_db

SMALL = {"width": 64, "height": 64, "steps": 4}


def path_of(address: str) -> str:
    """An absolute address without the part that a test client knows."""
    return address.removeprefix("http://testserver")


@pytest.fixture
def mine(person) -> Program:
    return Program(person, ("renders:write",))


@pytest.fixture
def posted(mine, checkpoint):
    """The id of a render that was asked for."""
    return mine.post("renders", {"version": checkpoint.pk, "prompt": "a red apple", **SMALL}).json()["id"]


def test_a_render_is_queued_and_its_place_is_told(mine, checkpoint, worker):
    answers = [mine.post("renders", {"version": checkpoint.pk, **SMALL}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert [answer.json()["position"] for answer in answers] == [1, 2]
    assert answers[0].json()["state"] == "queued"


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({}, id="left out"),
        pytest.param({"seed": None}, id="null"),
        pytest.param({"seed": -1}, id="minus one"),
        pytest.param({"seed": "-1"}, id="minus one as text"),
    ],
)
def test_a_seed_that_nobody_chose_is_drawn_and_told(mine, checkpoint, worker, render_next, asked):
    answers = [mine.post("renders", {"version": checkpoint.pk, **SMALL, "batch_count": 2, **asked}) for _ in range(2)]

    one, other = (answer.json()["seed"] for answer in answers)
    assert one != other
    assert 0 <= int(one) < 2**32
    render_next()
    shown = mine.get(f"renders/{answers[0].json()['id']}").json()
    assert [shown["seed"], shown["request"]["seed"]] == [one, one]
    assert [result["seed"] for result in shown["results"]] == [one, str(int(one) + 1)]


@pytest.mark.parametrize("seed", ["0", "18446744073709551615", 42])
def test_a_seed_that_was_chosen_stays(mine, checkpoint, seed):
    answer = mine.post("renders", {"version": checkpoint.pk, **SMALL, "seed": seed})

    assert answer.json()["seed"] == str(seed)


@pytest.mark.parametrize("seed", [-2, "-2", "", "any", 2**64, [], {}, True, 0.5])
def test_what_is_no_seed_is_refused_by_its_field(mine, checkpoint, seed):
    answer = mine.post("renders", {"version": checkpoint.pk, **SMALL, "seed": seed})

    assert (answer.status_code, answer.json()["field"]) == (400, "seed")


def test_the_seed_of_a_variation_is_drawn_too(mine, checkpoint):
    for _ in range(2):
        answer = mine.post("renders", {"version": checkpoint.pk, **SMALL, "variation": {"seed": -1, "strength": 0.2}})
        assert answer.status_code == 202

    one, other = (job.request["variation"]["seed"] for job in RenderJob.objects.all())
    assert one != other


def test_a_finished_render_names_its_picture_and_receipt(mine, posted, render_next):
    render_next()

    shown = mine.get(f"renders/{posted}").json()
    receipt = mine.get(f"renders/{posted}/receipt").json()

    assert (shown["state"], shown["step"], shown["steps"], shown["error"]) == ("done", 4, 4, None)
    assert receipt["request"]["prompt"] == "a red apple"
    assert shown["receipt"].endswith(f"renders/{posted}/receipt")
    answer = mine.get(path_of(shown["picture"]))
    assert answer.getvalue().startswith(b"\x89PNG")
    assert answer["Cache-Control"] == "private, no-cache"


def test_the_pages_addresses_of_a_result_are_its_makers_alone(client, ask, render_next, person):
    ask(prompt="a red apple")
    result = render_next().results.for_display().get()
    addresses = (result.original_address, reverse("inference:result-receipt", args=[result.pk]))

    for who, status in ((None, 404), (UserFactory(), 404), (ModeratorFactory(), 404), (person, 200)):
        client.logout()
        if who is not None:
            client.force_login(who)
        assert [client.head(address).status_code for address in addresses] == [status, status]

    assert client.get(addresses[1]).content.decode() == result.receipt.body


@pytest.mark.parametrize(
    ("state", "sees"), [pytest.param("published", True, id="published"), pytest.param("draft", False, id="draft")]
)
def test_a_receipt_that_a_preview_shows_is_everybodys_unless_it_names_a_draft(ask, render_next, state, sees):
    ask()
    result = render_next().results.for_display().get()
    RenderJob.objects.update(maker=None, kind="preview")
    ModelVersion.objects.update(state=state)

    shown = RenderResult.objects.select_related("job").get(pk=result.pk)

    assert can_see_receipt(UserFactory(), shown) is sees


def test_a_failed_render_says_what_was_wrong_and_no_traceback(mine, checkpoint, render_next):
    asked = mine.post("renders", {"version": checkpoint.pk, "prompt": "bad vae", **SMALL}).json()
    render_next()

    shown = mine.get(f"renders/{asked['id']}").json()

    assert shown["error"]["code"] == "bad_ingredient"
    assert shown["error"]["field"] == "vae"
    assert "“broken”" in shown["error"]["detail"]
    assert "Traceback" not in json.dumps(shown)


def test_history_is_read_page_by_page(mine, checkpoint):
    ids = [mine.post("renders", {"version": checkpoint.pk, **SMALL}).json()["id"] for _ in range(5)]

    first = mine.get("renders?limit=3").json()
    second = mine.get(path_of(first["next"])).json()

    assert [row["id"] for row in first["results"] + second["results"]] == ids[::-1]
    assert second["next"] is None


def test_deleting_calls_it_off_and_twice_is_harmless(mine, posted):
    assert [mine.delete(f"renders/{posted}").status_code for _ in range(2)] == [204, 204]

    assert mine.get(f"renders/{posted}").json()["state"] == "cancelled"


def test_what_has_ended_cannot_be_called_off(mine, posted, render_next):
    render_next()

    refusal = mine.delete(f"renders/{posted}")

    assert (refusal.status_code, refusal.json()["code"]) == (409, "ended")


@pytest.mark.parametrize("other", [UserFactory, ModeratorFactory], ids=["a stranger", "a moderator"])
def test_a_render_is_nobody_elses_to_see(posted, mine, render_next, other):
    render_next()
    addresses = mine.get(f"renders/{posted}").json()
    person = other()
    program = Program(person, ("renders:write",))
    program.client.force_login(person)

    assert program.get(f"renders/{posted}").status_code == 404
    assert program.get(f"renders/{posted}/receipt").status_code == 404
    assert program.delete(f"renders/{posted}").status_code == 404
    assert program.get("renders").json()["results"] == []
    for address in (addresses["picture"], addresses["receipt"]):
        assert program.get(path_of(address)).status_code == 404


def test_a_picture_that_was_blocked_is_not_served(mine, posted, render_next, person, client):
    render_next()
    address = path_of(mine.get(f"renders/{posted}").json()["picture"])
    Blob.objects.filter(format="png").update(verdict="blocked")
    client.force_login(person)

    assert mine.get(address).status_code == 404
    assert client.get(RenderResult.objects.get().original_address).status_code == 404


def test_a_token_without_the_scope_starts_nothing(person, checkpoint):
    program = Program(person, ("models:write",))

    assert program.post("renders", {"version": checkpoint.pk}).status_code == 403
    assert not RenderJob.objects.exists()


BAD = {
    "no object": ([1], None, None),
    "no version": ({}, "missing", "version"),
    "a version that is not": ({"version": 10**9}, "unknown_version", "version"),
    "an unknown sampler": ({"sampler": "Magic"}, "unknown_sampler", "sampler"),
    "5,000 steps": ({"steps": 5000}, "too_large", "steps"),
    "a prompt of 100,000 characters": ({"prompt": "x" * 100_000}, "too_long", "prompt"),
    "a side that is too long": ({"width": 8192}, "too_large", "width"),
    "a value that there is not": ({"size": 3}, "unknown_field", "size"),
    "a picture that is not there": ({"init": "0" * 64}, "unknown_picture", "init"),
    "a LoRA that is not there": ({"prompt": "<lora:nothing:1>"}, "unknown_network", "prompt"),
    "an embedding that is not there": ({"prompt": "embedding:nothing"}, "unknown_embedding", "prompt"),
    "not a number": (b'{"version": 1, "cfg_scale": NaN}', None, None),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_meant_is_refused_with_its_field_and_queues_nothing(mine, checkpoint, name):
    given, code, field = BAD[name]
    body = {"version": checkpoint.pk, **given} if isinstance(given, dict) and name != "no version" else given

    refusal = mine.post("renders", body)

    assert refusal.status_code == 400
    if code:
        assert (refusal.json()["code"], refusal.json()["field"]) == (code, field)
    assert not RenderJob.objects.exists()


def _own_picture(person, width: int, height: int) -> str:
    picture = PictureFactory(width=width, height=height, blob__size=1_000_000)
    UploadFactory(owner=person, blob=picture.blob)
    return picture.blob.sha256


def test_a_mask_of_another_size_is_refused(mine, person, checkpoint):
    init, mask = _own_picture(person, 96, 96), _own_picture(person, 96, 72)
    ask = {"version": checkpoint.pk, "init": init, **SMALL}

    refusal = mine.post("renders", {**ask, "mask": mask})

    assert (refusal.json()["code"], refusal.json()["field"]) == ("mask_size", "mask")
    assert "96 x 72 instead of 96 x 96" in refusal.json()["detail"]
    assert mine.post("renders", {**ask, "mask": init}).status_code == 202


def test_a_picture_of_somebody_else_is_no_ones_to_begin_with(mine, checkpoint):
    theirs = _own_picture(UserFactory(), 64, 64)

    refusal = mine.post("renders", {"version": checkpoint.pk, "init": theirs, **SMALL})

    assert (refusal.json()["code"], refusal.json()["field"]) == ("unknown_picture", "init")


def test_why_it_waits_is_told(mine, checkpoint, engine):
    asked = {"version": checkpoint.pk, "width": 512, "height": 512, "steps": 150}
    nobody = mine.post("renders", asked).json()
    announce_worker("render@here/1", engine.device)
    too_slow = mine.post("renders", asked).json()

    assert nobody["waiting"] == "No worker can run this: none is running."
    assert nobody["position"] is None
    assert "No worker can run this: it would take about" in too_slow["waiting"]


def test_quotas_are_told_with_their_reason(mine, checkpoint, settings):
    settings.RENDER_OPEN_JOBS, settings.RENDER_DAILY_PICTURES = 2, 10
    ask = {"version": checkpoint.pk, **SMALL}
    for _ in range(2):
        mine.post("renders", ask)

    too_open = mine.post("renders", ask)
    settings.RENDER_OPEN_JOBS = 8
    too_many = mine.post("renders", {**ask, "batch_count": 8, "seed": 1}), mine.post("renders", {**ask, "seed": 9})

    assert (too_open.status_code, too_open.json()["code"]) == (403, "too_many_open")
    assert (too_many[0].status_code, too_many[1].json()["code"]) == (202, "daily_pictures")


@pytest.mark.parametrize(
    ("file", "code"),
    [
        pytest.param({"version__model__render_here": False}, "render_not_allowed", id="not allowed by its author"),
        pytest.param({"version__model__render_here": None}, "render_not_allowed", id="nothing chosen"),
        pytest.param({"blob__verdict": "check"}, "no_safe_file", id="a check file"),
        pytest.param({"type": "vae"}, "not_of_this_kind", id="no checkpoint"),
        pytest.param({"version__state": "draft"}, "unknown_version", id="another's draft"),
    ],
)
def test_a_version_that_is_not_to_be_rendered_with_is_refused(mine, file, code):
    version = renderable(**file).version

    refusal = mine.post("renders", {"version": version.pk, **SMALL})

    assert (refusal.json()["code"], refusal.json()["field"]) == (code, "version")


def test_a_waived_check_file_is_not_loaded_either(mine):
    from registry.models import Waiver

    file = renderable(blob__verdict="check")
    Waiver.objects.create(file=file, granted_by=ModeratorFactory(), reason="Known.")

    assert mine.post("renders", {"version": file.version_id, **SMALL}).json()["code"] == "no_safe_file"


def test_ones_own_draft_may_be_rendered_with(mine, person, render_next):
    version = renderable(version__model__owner=person, version__state="draft").version

    answer = mine.post("renders", {"version": version.pk, **SMALL})

    assert answer.status_code == 202
    assert render_next().state == "done"


def test_an_adapter_of_another_family_is_refused(mine, checkpoint):
    renderable("lora", name="other.safetensors", version__base_model="SDXL 1.0")

    refusal = mine.post("renders", {"version": checkpoint.pk, "prompt": "<lora:other:1>", **SMALL})

    assert refusal.json()["code"] == "other_family"
    assert refusal.json()["field"] == "loras"
