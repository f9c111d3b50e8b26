"""A grid of 4,096 pictures stays a page that one can use."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from inference.models import Grid, GridCell, RenderJob, RenderResult
from tests.factories import PictureFactory, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SIDE = 64


def large_grid(owner) -> Grid:
    values = list(range(1, SIDE + 1))
    spec = {
        "x": {"axis": "steps", "values": values},
        "y": {"axis": "seed", "values": values},
        "request": {"prompt": "a red apple"},
    }
    grid = Grid.objects.create(owner=owner, name="Large", spec=spec, state="done")
    picture = PictureFactory(state="ready", width=64, height=64)
    now = timezone.now()
    jobs = RenderJob.objects.bulk_create(
        RenderJob(maker=owner, kind="grid", request={}, plan={}, state="done", finished_at=now)
        for _cell in range(SIDE * SIDE)
    )
    RenderResult.objects.bulk_create(RenderResult(job=job, seed=1, picture=picture) for job in jobs)
    GridCell.objects.bulk_create(
        GridCell(grid=grid, x=place % SIDE, y=place // SIDE, job=job) for place, job in enumerate(jobs)
    )
    return grid


@pytest.fixture
def owner():
    return UserFactory()


def test_every_cell_is_loaded_in_a_fixed_number_of_queries(client, owner, django_assert_max_num_queries):
    grid = large_grid(owner)
    client.force_login(owner)

    with django_assert_max_num_queries(12):
        page = client.get(f"/grids/{grid.pk}").content.decode()

    assert page.count("<img ") == SIDE * SIDE
    assert "4096 of 4096 done" in page.replace(",", "")


def test_a_large_grid_is_zoomed_and_walked_with_the_keyboard(open_window, owner):
    grid = large_grid(owner)
    page = open_window(user=owner)
    page.route(re.compile(r"/media/"), lambda route: route.fulfill(status=200, content_type="image/png", body=b""))
    page.goto(f"/grids/{grid.pk}")

    expect(page.locator("td.cell")).to_have_count(SIDE * SIDE)
    page.get_by_role("button", name="Smaller").click()
    expect(page.locator("#grid")).to_have_attribute("data-zoom", "2")
    page.get_by_role("region", name="Cells").focus()
    page.keyboard.press("End")
    page.get_by_role("button", name="Larger").click()
    expect(page.locator("#grid")).to_have_attribute("data-zoom", "3")
