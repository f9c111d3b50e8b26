"""The pages on which people render: the form, one render, the list, grids, styles and prompt sets."""

import re

import pytest
from django.urls import reverse

from inference.models import Grid, PromptSet, RenderJob, Style
from inference.services.defaults import set_default
from inference.services.grids import read_axis, submit_grid
from inference.services.previewing import queue_previews
from inference.services.promptsets import StoredPrompt, create_set
from inference.services.working import announce_worker
from registry.models import Picture
from tests.factories import UploadFactory, UserFactory
from tests.inference.renders.conftest import renderable

pytestmark = pytest.mark.django_db


@pytest.fixture
def pages(client, person):
    client.force_login(person)
    return client


def field(answer, name: str) -> str:
    """What stands in a field of a page."""
    form = answer.context["form"]
    return str(form[name].value())


def filled(checkpoint, **values) -> dict:
    return {"version": checkpoint.pk, "prompt": "a red apple", "width": 64, "height": 64, "steps": 4, **values}


def test_the_form_begins_with_what_the_checkpoints_family_is_used_to(pages, checkpoint):
    answer = pages.get("/render")

    assert [field(answer, name) for name in ("version", "width", "steps", "cfg_scale")] == [
        str(checkpoint.pk), "64", "20", "4.0",
    ]  # fmt: skip


def test_a_filled_form_queues_a_render_and_leads_to_it(pages, checkpoint, engine):
    answer = pages.post("/render", filled(checkpoint, seed=str(2**64 - 1)))

    job = RenderJob.objects.get()
    assert answer.status_code == 302
    assert answer.url == f"/renders/{job.pk}"
    assert job.request["seed"] == str(2**64 - 1)
    assert "No worker can run this" in pages.get(answer.url).content.decode()
    announce_worker("render@here/1", engine.device)
    assert "Number 1 in the queue" in pages.get(answer.url).content.decode()


@pytest.mark.parametrize("seed", ["", "-1"])
def test_a_seed_is_drawn_where_none_is_typed(pages, checkpoint, seed):
    for _time in range(2):
        pages.post("/render", filled(checkpoint, seed=seed, variation_seed=seed, variation_strength="0.5"))

    one, other = RenderJob.objects.all()
    assert one.request["seed"] != other.request["seed"]
    assert one.request["variation"]["seed"] != other.request["variation"]["seed"]


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"steps": "5000"}, "steps"),
        ({"width": "65"}, "width"),
        ({"seed": "minus one"}, "seed"),
        ({"sampler": "Wobble"}, "sampler"),
        ({"prompt": "a" * 100_000}, "prompt"),
        ({"prompt": "<lora:nobody:1>"}, "prompt"),
        ({"version": "999999"}, "version"),
        ({"init": "ab" * 32}, "init"),
        ({"init": "not an id"}, "init"),
        ({"hires": "on", "hires_scale": "9"}, "hires_scale"),
        ({"cfg_scale": "nan"}, "cfg_scale"),
    ],
)
def test_what_cannot_be_rendered_is_said_at_its_field_and_nothing_typed_is_lost(pages, checkpoint, values, name):
    answer = pages.post("/render", {**filled(checkpoint, negative="kept"), **values})

    assert answer.status_code == 422
    assert answer.context["form"].errors[name]
    assert field(answer, "negative") == "kept"
    assert not RenderJob.objects.exists()


def test_a_lora_of_another_family_is_refused_at_the_prompt(pages, checkpoint):
    renderable("lora", name="other.safetensors", version__base_model="SD 1.5")

    answer = pages.post("/render", filled(checkpoint, prompt="a cat <lora:other:0.8>"))

    assert answer.status_code == 422
    assert "does not work with" in str(answer.context["form"].errors["prompt"])


def test_coming_from_a_lora_begins_on_its_base_models_default_with_its_words(pages, checkpoint):
    set_default("Safelight Tiny", checkpoint, by=None)
    lora = renderable("lora", name="inky.safetensors", version__trained_words=["inky style"]).version

    answer = pages.get(f"/render?version={lora.pk}")

    assert field(answer, "version") == str(checkpoint.pk)
    assert field(answer, "prompt") == "<lora:inky:0.8>, inky style"
    assert "&lt;lora:inky:0.8&gt;" in answer.content.decode()


def test_without_scripts_what_fits_is_shown_for_the_checkpoint_just_chosen(pages, checkpoint):
    other = renderable(name="sd.safetensors", version__base_model="SD 1.5").version
    renderable("lora", name="for_sd.safetensors", version__base_model="SD 1.5")

    answer = pages.post("/render", filled(other, prompt="kept", refit="1"))

    assert not RenderJob.objects.exists()
    assert field(answer, "prompt") == "kept"
    assert "lora:for_sd:0.8" in answer.content.decode()


def test_somebody_elses_upload_is_no_picture_to_begin_with(pages, checkpoint):
    upload = UploadFactory(owner=UserFactory(), state="done")

    answer = pages.post("/render", filled(checkpoint, init=str(upload.pk)))

    assert answer.context["form"].errors["init"] == ["You have no upload with this id."]


def test_a_render_goes_on_on_its_page_and_ends_with_picture_and_receipt(pages, ask, render_next):
    job = ask(prompt="a red apple", seed=7)
    waiting = pages.get(f"/renders/{job.pk}").content.decode()
    render_next()

    done = pages.get(f"/renders/{job.pk}").content.decode()

    assert 'hx-trigger="every 1s"' in waiting
    assert "hx-trigger" not in done.split('id="job"')[1].split(">")[0]
    result = job.results.get()
    for name in ("result-original", "result-receipt", "verify"):
        assert reverse(f"inference:{name}", args=[result.pk]) in done


def test_a_render_for_which_memory_was_short_says_so(pages, ask, render_next):
    plenty, short = ask(), ask(prompt="much memory")
    render_next(), render_next()

    told = ["Memory was short" in pages.get(f"/renders/{job.pk}").content.decode() for job in (plenty, short)]

    assert told == [False, True]


def test_a_failed_render_says_why(pages, ask, render_next):
    job = ask(prompt="bad vae")
    render_next()

    assert "could not be used" in pages.get(f"/renders/{job.pk}").content.decode()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        pytest.param({"hires": {"scale": 2.0, "denoise": 0.5}}, "<dt>Scale</dt><dd>× 2.0</dd>", id="hires fix"),
        pytest.param(
            {"variation": {"seed": "7", "strength": 0.25}}, "<dt>Variation strength</dt><dd>0.25</dd>", id="variation"
        ),
    ],
)
def test_a_renders_page_tells_all_that_it_is_made_with(pages, ask, values, told):
    job = ask(**values)

    assert told in pages.get(f"/renders/{job.pk}").content.decode()


def test_several_pictures_of_one_render_stand_beside_each_other(pages, ask, render_next):
    one, several = ask(), ask(batch_count=2)
    render_next()
    render_next()

    assert 'class="results"' not in pages.get(f"/renders/{one.pk}").content.decode()
    assert 'class="results"' in pages.get(f"/renders/{several.pk}").content.decode()


def test_every_page_of_rendering_leads_to_the_others_and_the_bar_to_the_first(pages, checkpoint):
    rooms = ["/render", "/renders", "/grids", "/styles", "/prompt-sets"]

    for room in rooms:
        text = pages.get(room).content.decode()
        nav = text[text.index('aria-label="Rendering"') :].partition("</nav>")[0]
        assert re.findall(r'href="([^"]+)"', nav) == rooms
        assert f'href="{room}" aria-current="page"' in nav
    bar = pages.get("/").content.decode().partition("</header>")[0]
    assert '<a href="/render">Render</a>' in bar
    assert 'href="/renders"' in bar


def test_a_waiting_render_is_called_off_on_its_page(pages, ask):
    job = ask()

    pages.post(f"/renders/{job.pk}/cancel")

    job.refresh_from_db()
    assert job.state == RenderJob.State.CANCELLED


def test_a_result_is_rendered_again_and_compared(pages, ask, render_next):
    job = ask(prompt="a cat")
    render_next()

    pages.post(reverse("inference:verify", args=[job.results.get().pk]))
    render_next()

    assert "identical, pixel for pixel" in pages.get(f"/renders/{job.pk}").content.decode()


def test_a_render_fills_the_form_again_whole(pages, ask, checkpoint):
    job = ask(prompt="a cat", negative="dog", seed=11, steps=9, sampler="Euler a", cfg_scale=3.5, batch_count=2)

    answer = pages.get(f"/render?from={job.pk}")

    names = ("prompt", "negative", "seed", "steps", "sampler", "cfg_scale", "batch_count")
    assert [field(answer, name) for name in names] == ["a cat", "dog", "11", "9", "Euler a", "3.5", "2"]


def test_a_picture_of_ones_own_is_begun_with(pages, ask, render_next, checkpoint):
    job = ask(prompt="a cat")
    render_next()
    Picture.objects.update(state="ready", width=64, height=64)
    result = job.results.get()

    answer = pages.get(f"/render?start={result.pk}")
    sent = pages.post("/render", filled(checkpoint, init=field(answer, "init"), denoise="0.4"))

    assert sent.status_code == 302
    assert RenderJob.objects.first().request["init"] == result.picture.blob_id


def test_another_persons_render_is_not_there(pages, ask):
    job = ask(by=UserFactory())
    for address in (
        f"/renders/{job.pk}",
        f"/renders/{job.pk}/parameters",
        f"/renders/{job.pk}/grid",
        f"/render?from={job.pk}",
    ):
        assert pages.get(address).status_code == 404
    assert pages.post(f"/renders/{job.pk}/cancel").status_code == 404


def test_the_parameters_are_the_text_that_other_tools_read(pages, ask):
    job = ask(prompt="a cat", seed=5)

    answer = pages.get(f"/renders/{job.pk}/parameters")

    assert answer["Content-Type"].startswith("text/plain")
    assert re.match(r"a cat\nSteps: 4, Sampler: DPM\+\+ 2M.*Seed: 5", answer.content.decode(), re.DOTALL)


def test_the_list_of_renders_can_be_read_to_its_end(pages, ask, settings, django_assert_max_num_queries):
    settings.RENDER_OPEN_JOBS = 100
    for number in range(30):
        ask(prompt=f"number {number}")

    with django_assert_max_num_queries(14):
        first = pages.get("/renders").content.decode()
    following = re.search(r'rel="next" href="([^"]+)"', first)[1]
    last = pages.get(f"/renders{following}").content.decode()

    shown = re.findall(r">number (\d+)<", first) + re.findall(r">number (\d+)<", last)
    assert shown == [str(number) for number in reversed(range(30))]
    assert 'rel="next"' not in last


def test_a_grid_is_asked_for_rendered_and_shown(pages, ask, render_next):
    job = ask(prompt="a red apple")
    render_next()

    answer = pages.post(
        f"/renders/{job.pk}/grid",
        {"x_axis": "steps", "x": "2, 3", "y_axis": "words", "y": "red\ngreen\nblue", "name": "Colors"},
    )
    while render_next() is not None:
        pass

    grid = Grid.objects.get()
    assert answer.url == f"/grids/{grid.pk}"
    assert grid.state == Grid.State.DONE
    page = pages.get(answer.url).content.decode()
    assert "6 of 6 done" in page
    assert page.count("<img ") == 6
    prompts = {job.request["prompt"] for job in RenderJob.objects.filter(kind="grid")}
    assert prompts == {"a red apple", "a green apple", "a blue apple"}
    assert pages.get("/renders").content.decode().count("<article") == 1


def test_the_cells_of_a_grid_share_a_drawn_seed_unless_seeds_are_varied(checkpoint, person):
    request = {"version": checkpoint.pk, "width": 64, "height": 64}

    grids = [submit_grid(request, read_axis(axis, values, "x"), None, by=person) for axis, values in (
        ("steps", "2, 3, 4"), ("seed", "7, -1, -1"),
    )]  # fmt: skip

    seeds = [[cell.job.request["seed"] for cell in grid.cells.order_by("x")] for grid in grids]
    assert len(set(seeds[0])) == 1
    assert grids[0].spec["request"]["seed"] == seeds[0][0]
    assert (seeds[1][0], len(set(seeds[1]))) == ("7", 3)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"x_axis": "steps", "x": "two"}, "x"),
        ({"x_axis": "steps", "x": "5000"}, "x"),
        ({"x_axis": "steps", "x": ",".join(map(str, range(1, 66)))}, "x"),
        ({"x_axis": "steps", "x": "1,2,3,4,5,6,7,8,9", "y_axis": "seed", "y": "1,2,3,4,5,6,7,8"}, "x"),
        ({"x_axis": "weight", "x": "0.5"}, "x"),
        ({"x_axis": "steps", "x": "2", "y_axis": "words", "y": "pear\ngreen"}, "y"),
        ({"x_axis": "sampler", "x": "Wobble"}, "x"),
    ],
)
def test_a_grid_that_cannot_be_rendered_queues_nothing(pages, ask, values, name):
    job = ask(prompt="a red apple")

    answer = pages.post(f"/renders/{job.pk}/grid", values)

    assert answer.status_code == 422
    assert answer.context["form"].errors
    assert RenderJob.objects.count() == 1
    assert not Grid.objects.exists()


def test_the_weight_of_a_lora_is_varied_where_the_prompt_names_it(ask, checkpoint, person):
    renderable("lora", name="inky.safetensors", version__base_model="Safelight Tiny")
    request = ask(prompt="a cat <lora:inky:0.8>").request

    grid = submit_grid(request, read_axis("weight", "0, 0.5, 1", "x"), None, by=person)

    jobs = [cell.job for cell in grid.cells.order_by("x")]
    assert [job.plan["request"]["loras"][0]["weight"] for job in jobs] == [0, 0.5, 1]


def test_a_grid_is_called_off(pages, ask, person):
    grid = submit_grid(ask().request, read_axis("steps", "2, 3", "x"), None, by=person)

    pages.post(f"/grids/{grid.pk}/cancel")

    grid.refresh_from_db()
    assert grid.state == Grid.State.CANCELLED
    assert {cell.job.state for cell in grid.cells.all()} == {"cancelled"}


def test_styles_are_kept_offered_and_forgotten(pages, checkpoint):
    pages.post("/styles", {"name": "Ink", "prompt": "{prompt}, ink", "negative": "color"})
    pages.post("/styles", {"name": "ink", "prompt": "ink wash", "negative": ""})

    style = Style.objects.get()
    assert style.prompt == "ink wash"
    assert 'data-style-prompt="ink wash"' in pages.get("/render").content.decode()
    pages.post(f"/styles/{style.pk}/forget")
    assert not Style.objects.exists()


def test_a_style_begins_with_the_words_of_a_render_of_ones_own(client, pages, ask):
    job = ask(negative="blurry")

    assert f'href="/styles?from={job.pk}"' in pages.get(f"/renders/{job.pk}").content.decode()
    begun = pages.get("/styles", {"from": str(job.pk)})
    assert (field(begun, "prompt"), field(begun, "negative")) == (job.request["prompt"], "blurry")

    client.force_login(UserFactory())
    for given in (str(job.pk), "x", ""):
        assert field(client.get("/styles", {"from": given}), "prompt") == "None"


def test_a_style_without_words_is_refused(pages):
    assert pages.post("/styles", {"name": "Nothing"}).status_code == 422


def rows(*prompts: dict) -> dict:
    data = {"prompts-TOTAL_FORMS": len(prompts), "prompts-INITIAL_FORMS": 0}
    plain = {"rating": 1, "seed": "1", "steps": 20, "cfg_scale": 7, "sampler": "DPM++ 2M"}
    for place, prompt in enumerate(prompts):
        data |= {f"prompts-{place}-{name}": value for name, value in {**plain, **prompt}.items()}
    return data


def test_a_prompt_set_is_made_changed_and_put_aside(pages, person):
    pages.post(
        "/prompt-sets/new", {"name": "Mine", "family": "tiny", **rows({"prompt": "a fox"}, {"prompt": "a hare"})}
    )
    mine = PromptSet.objects.get(owner=person)
    assert pages.get(f"/prompt-sets/{mine.pk}").status_code == 200

    pages.post(f"/prompt-sets/{mine.pk}", rows({"prompt": "a fox", "seed": str(2**64 - 1)}))
    pages.post(f"/prompt-sets/{mine.pk}/use")

    mine.refresh_from_db()
    assert mine.current.number == 2
    assert int(mine.current.prompts.get().seed) == 2**64 - 1
    assert not mine.is_used


def test_a_prompt_that_cannot_be_rendered_is_said_at_its_place(pages):
    answer = pages.post(
        "/prompt-sets/new", {"name": "Mine", **rows({"prompt": "a fox"}, {"prompt": "b", "steps": 5000})}
    )

    assert answer.status_code == 422
    assert answer.context["rows"][1].errors["steps"]


def test_the_houses_sets_are_shown_and_changed_by_nobody(pages):
    page = pages.get("/prompt-sets").content.decode()
    house = PromptSet.objects.get(owner=None, family="tiny")

    assert f"/prompt-sets/{house.pk}" in page
    assert "a red apple" in pages.get(f"/prompt-sets/{house.pk}").content.decode()
    pages.post(f"/prompt-sets/{house.pk}", rows({"prompt": "mine"}))
    assert house.current.number == 1


def test_sets_are_named_by_what_people_call_their_base_model(pages, person):
    create_set("Mine", "sdxl", [StoredPrompt("a cat", seed=1)], by=person)

    text = pages.get("/prompt-sets").content.decode()
    house = PromptSet.objects.get(owner=None, family="tiny")

    assert text.count("SDXL 1.0") == 2
    assert "House suite" not in text
    assert "The house’s prompts for Safelight Tiny" in pages.get(f"/prompt-sets/{house.pk}").content.decode()


def test_another_persons_set_is_not_there(pages):
    other = PromptSet.objects.create(owner=UserFactory(), name="Theirs")

    assert pages.get(f"/prompt-sets/{other.pk}").status_code == 404


def test_a_models_page_offers_rendering_where_its_author_allows_it(client, pages, checkpoint):
    page = checkpoint.get_absolute_url()
    allowed = pages.get(page).content.decode()
    checkpoint.model.render_here = False
    checkpoint.model.save()

    assert 'id="render-prompt"' in allowed
    assert 'id="render-prompt"' not in pages.get(page).content.decode()
    pages.logout()
    assert 'id="render-prompt"' not in pages.get(page).content.decode()


def test_the_small_form_of_a_models_page_queues_a_render(pages, checkpoint):
    page = pages.get(checkpoint.get_absolute_url()).content.decode()
    form = page.split('action="/render"')[1].split("</form>")[0]
    sent = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))

    answer = pages.post("/render", {**sent, "prompt": "a cat"})

    assert answer.status_code == 302
    request = RenderJob.objects.get().request
    assert (request["version"], request["width"], request["prompt"]) == (checkpoint.pk, 64, "a cat")


def test_two_versions_stand_side_by_side(pages, checkpoint, render_next):
    later = renderable(name="tiny2.safetensors", version__model=checkpoint.model).version
    for version in (checkpoint, later):
        queue_previews(version)
    while render_next() is not None:
        pass
    Picture.objects.update(state="ready", width=64, height=64)

    assert pages.get(later.get_absolute_url()).content.decode().count('class="sides__pair"') == 12


def test_its_author_sees_how_far_the_previews_are_and_asks_for_more(client, checkpoint):
    client.force_login(checkpoint.model.owner)
    client.post(f"/versions/{checkpoint.pk}/previews")

    page = client.get(checkpoint.get_absolute_url()).content.decode()

    assert "0 of 12 stored prompts are rendered." in page
    assert "12 wait for a worker." in page


def test_a_version_that_is_not_rendered_says_why_to_its_author(client):
    version = renderable("upscaler", name="up.safetensors").version
    client.force_login(version.model.owner)

    assert (
        "Pictures are not rendered for this type: Upscaler." in client.get(version.get_absolute_url()).content.decode()
    )


def test_the_empty_forms_below_the_filled_ones_are_left_out(pages, person):
    page = pages.get("/prompt-sets/new").context["rows"]
    shown = {f"prompts-1-{name}": field.initial or "" for name, field in page[1].fields.items()}

    answer = pages.post(
        "/prompt-sets/new", {"name": "Mine", **rows({"prompt": "a fox"}), "prompts-TOTAL_FORMS": 2, **shown}
    )

    assert answer.status_code == 302
    assert PromptSet.objects.get(owner=person).current.prompts.count() == 1
