"""Default checkpoints of base models."""

import pytest

from community.errors import InvalidInput, NotAllowed
from inference.services.defaults import clear_default, default_checkpoint, set_default
from tests.factories import ModelVersionFactory, ModeratorFactory, UserFactory

pytestmark = pytest.mark.django_db


def checkpoint(**changes):
    values = {"published": True, "base_model": "SD 1.5", "model__type": "checkpoint", "model__render_here": True}
    return ModelVersionFactory(**{**values, **changes})


def test_the_staff_chooses_and_the_family_shares():
    version, staff = checkpoint(), ModeratorFactory()

    set_default("SD 1.5", version, by=staff)

    assert default_checkpoint("SD 1.5") == version
    assert default_checkpoint("SD 1.5 LCM") == version
    assert default_checkpoint("SDXL 1.0") is None
    assert default_checkpoint("No such") is None
    clear_default("SD 1.5", by=staff)
    assert default_checkpoint("SD 1.5") is None


def test_a_member_of_its_own_comes_before_the_familys():
    leader, own = checkpoint(), checkpoint(base_model="SD 1.5 LCM")
    set_default("SD 1.5", leader, by=None)
    set_default("SD 1.5 LCM", own, by=None)

    assert default_checkpoint("SD 1.5 LCM") == own


def test_a_default_that_was_withdrawn_since_is_none():
    version = checkpoint()
    set_default("SD 1.5", version, by=None)
    version.state = "withdrawn"
    version.save()

    assert default_checkpoint("SD 1.5") is None


@pytest.mark.parametrize(
    ("base", "changes", "field"),
    [
        ("SD 9", {}, "base_model"),
        ("SD 1.5", {"published": False}, "version"),
        ("SD 1.5", {"model__type": "lora"}, "version"),
        ("SDXL 1.0", {}, "version"),
        ("SD 1.5", {"model__render_here": None}, "version"),
    ],
    ids=["unknown base", "draft", "no checkpoint", "other family", "not allowed"],
)
def test_what_cannot_be_a_default_is_refused(base, changes, field):
    with pytest.raises(InvalidInput) as refusal:
        set_default(base, checkpoint(**changes), by=ModeratorFactory())

    assert refusal.value.field == field


def test_members_do_not_choose():
    with pytest.raises(NotAllowed):
        set_default("SD 1.5", checkpoint(), by=UserFactory())
    with pytest.raises(NotAllowed):
        clear_default("SD 1.5", by=UserFactory())
