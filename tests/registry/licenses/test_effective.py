import itertools

import pytest

from registry.formats.catalog import BASE_MODELS
from registry.licenses.catalog import LICENSES, OWN_LICENSE
from registry.licenses.effective import DUTIES, RIGHTS, Source, effective_rights
from registry.licenses.permissions import Permissions

ALL = Permissions.from_bits(63)
NONE = Permissions.from_bits(0)
COMMERCIAL = {"commercial_images", "commercial_service", "sell"}


def refused(license_id, *bases, permissions=ALL):
    return {line.key for line in effective_rights(permissions, license_id, bases).lines if not line.allowed}


FORBIDDEN = {
    "CC0-1.0": set(),
    "MIT": set(),
    "Apache-2.0": set(),
    "BSD-3-Clause": set(),
    "public-domain": set(),
    "CC-BY-4.0": {"no_credit"},
    "CC-BY-SA-4.0": {"no_credit", "relicense"},
    "CC-BY-ND-4.0": {"no_credit", "merges", "relicense"},
    "CC-BY-NC-4.0": {"no_credit"} | COMMERCIAL,
    "CC-BY-NC-SA-4.0": {"no_credit", "relicense"} | COMMERCIAL,
    "CC-BY-NC-ND-4.0": set(RIGHTS),
    "GPL-3.0-only": {"relicense"},
    "AGPL-3.0-only": {"relicense"},
    "CreativeML-OpenRAIL-M": set(),
    "CreativeML-OpenRAIL++-M": set(),
    "FAIPL-1.0-SD": {"relicense"},
    "NoobAI": {"relicense"} | COMMERCIAL,
    "FLUX.1-dev-NC": {"commercial_service", "sell", "relicense"},
    "Stability-AI-Community": {"relicense"},
    "Stability-AI-NC-Community": {"relicense"} | COMMERCIAL,
    OWN_LICENSE: set(),
}


@pytest.mark.parametrize(("license_id", "forbidden"), FORBIDDEN.items(), ids=FORBIDDEN.keys())
def test_a_license_limits_an_author_who_allows_all(license_id, forbidden):
    assert refused(license_id) == forbidden


@pytest.mark.parametrize("license_id", LICENSES)
def test_no_license_gives_what_the_author_refuses(license_id):
    assert refused(license_id, permissions=NONE) == set(RIGHTS)
    assert effective_rights(NONE, license_id).bits == 0


PAIRS = list(itertools.permutations(["CC-BY-NC-4.0", "GPL-3.0-only", "MIT", "FLUX.1-dev-NC"], 2))


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_every_ancestor_can_refuse_and_none_can_give(one, other):
    assert refused(one, other) == refused(one) | refused(other)
    assert refused("CC0-1.0", one, other) == refused(one) | refused(other)


def test_a_line_names_all_who_refuse_it():
    rights = effective_rights(Permissions.from_bits(63 & ~8), "CC-BY-NC-4.0", ["FLUX.1-dev-NC"])

    sell = next(line for line in rights.lines if line.key == "sell")

    assert sell.refused_by == (
        Source("author"),
        Source("license", "CC-BY-NC-4.0"),
        Source("base_license", "FLUX.1-dev-NC"),
    )


def test_the_lines_stand_in_one_order_and_make_the_bits():
    rights = effective_rights(ALL, "FAIPL-1.0-SD")

    assert [line.key for line in rights.lines] == list(RIGHTS)
    assert rights.permissions == Permissions(True, True, True, True, True, relicense=False)
    assert rights.bits == 31


@pytest.mark.parametrize("license_id", ["", "MIT ", "mit", "Beerware"])
def test_a_license_that_is_not_on_the_list_allows_nothing(license_id):
    rights = effective_rights(ALL, license_id)

    assert rights.bits == 0
    assert [duty.code for duty in rights.duties] == ["unknown_license"]


def test_an_unknown_license_of_a_base_is_said_and_limits_nothing():
    rights = effective_rights(ALL, "MIT", [None])

    assert rights.bits == 63
    assert [duty.code for duty in rights.duties] == ["keep_notice", "base_license_unknown"]


def test_duties_are_listed_once_with_all_who_ask():
    rights = effective_rights(Permissions.from_bits(62), "CC-BY-4.0", ["MIT", "MIT"])

    assert [(duty.code, [source.license for source in duty.sources]) for duty in rights.duties] == [
        ("credit", ["", "CC-BY-4.0"]),
        ("keep_notice", ["CC-BY-4.0", "MIT"]),
    ]


def test_a_license_of_ones_own_is_to_be_read():
    assert [duty.code for duty in effective_rights(ALL, OWN_LICENSE).duties] == ["read_text"]


@pytest.mark.parametrize("row", LICENSES.values(), ids=LICENSES.keys())
def test_every_row_speaks_of_known_uses_and_duties(row):
    assert row.forbids <= set(RIGHTS)
    assert set(row.duties) <= DUTIES.keys()
    assert row.label
    assert len(row.id) <= 64
    assert row.url.startswith("https://") or row.id in ("public-domain", OWN_LICENSE)


@pytest.mark.parametrize("row", LICENSES.values(), ids=LICENSES.keys())
def test_a_license_that_asks_for_credit_does_not_allow_use_without_it(row):
    assert ("credit" in row.duties) == ("no_credit" in row.forbids)


@pytest.mark.parametrize("row", BASE_MODELS.values(), ids=BASE_MODELS.keys())
def test_the_license_of_every_base_model_is_on_the_list(row):
    assert row.license is None or row.license in LICENSES
