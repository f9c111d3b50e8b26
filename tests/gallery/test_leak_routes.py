"""Every address of the site is asked for leaks of images: in the table of `test_leaks`, or it says where else."""

from __future__ import annotations

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from community.ratings import Rating
from tests.gallery.test_leaks import API, PATHS, WORDLESS, Scene

pytestmark = pytest.mark.django_db

# Addresses that answer with no picture, name or count of an image, or that another table asks as thoroughly.
ELSEWHERE = {
    "models, versions and files: tests/api/test_routes.py, tests/pages/test_routes.py": (
        "api-model api-model-comments api-model-versions api-version api-version-files api-file"
        " api-file-download api-file-conversions api-file-conversion-download api-version-pictures api-picture"
        " registry:my registry:upload registry:file-report registry:download"
        " registry:file-conversions registry:conversion-download registry:preview-original registry:preview-rendition"
    ),
    "acts, which answer with nothing but what their person has just sent or owns: the same two tables": (
        "api-comment api-comment-remove api-follow api-mute api-mutes api-notifications-read api-reports"
        " api-model-take-down api-model-restore api-version-publish api-version-withdraw api-file-waiver"
        " api-version-picture-order api-react api-review-remove api-recognize api-uploads api-upload api-upload-parts"
        " api-upload-complete api-posts api-post-publish api-post-restore api-post-images api-post-image-order"
        " api-image-resources api-image-resource api-image-react api-collection-order api-collection-item"
        " community:comment-edit community:comment-delete community:comment-remove community:notice"
        " community:notifications-read community:unsubscribe community:follow community:mutes community:mute-tag"
        " community:mute community:react community:token-revoke community:invitation-end community:change-role"
        " gallery:read-picture gallery:collection-edit gallery:collection-delete gallery:collection-item"
        " gallery:post-new gallery:post-render gallery:post-publish gallery:post-unschedule gallery:post-delete"
        " gallery:post-restore registry:set-theme registry:set-language registry:part registry:file-waiver"
        " registry:version-edit registry:version-publish registry:version-withdraw registry:version-delete"
        " registry:review-delete registry:review-remove registry:model-edit registry:model-delete"
        " registry:model-take-down registry:version-new inference:cancel inference:grid-begin inference:verify"
        " inference:previews-ask inference:grid-cancel inference:style-forget"
        " inference:set-use inference:set-forget inference:keep inference:grid-keep"
    ),
    "the workbench of one's own post: tests/gallery/test_workbench.py": "gallery:post-edit gallery:image-workflow",
    "renders are their maker's alone, as the table shows of one: tests/inference": (
        "api-renders inference:render inference:fit inference:history inference:parameters inference:grids"
        " inference:grid inference:styles inference:sets inference:set-new inference:set inference:staff-renders"
        " inference:staff-defaults"
    ),
    "moderators alone: tests/community/test_moderation_pages.py": (
        "community:moderation community:moderation-case community:moderation-thing community:moderation-settle"
        " community:moderation-blocked community:moderation-unblock registry:files-to-look-at"
    ),
    "what was decided, told to its owner and moderators: tests/community/test_reporting.py": (
        "community:decision community:moderation-appeal community:closed"
    ),
    "collections by their titles, without what is in them: tests/gallery/test_collecting.py": (
        "api-collections api-collection api-collection-comments gallery:collections gallery:person-collections"
    ),
    "topics, which show no pictures: tests/community/test_topics.py": (
        "api-topics api-topic api-topic-comments api-topic-remove community:topic-new"
        " community:topic community:topic-edit community:topic-delete community:topic-remove"
    ),
    "oneself and the site": (
        "healthz api-schema api-me community:settings community:settings-profile community:tokens community:invitations"
    ),
}
_CHECKED_APART = (
    *WORDLESS,
    "/notifications",
    f"{API}/notifications",
    f"/hashes/{'0' * 64}",
    f"{API}/hashes/{'0' * 64}",
)


def _routes(patterns: list[URLPattern | URLResolver], space: str = "") -> set[str]:
    found = set()
    for each in patterns:
        if isinstance(each, URLResolver):
            found |= _routes(each.url_patterns, f"{each.namespace}:" if each.namespace else space)
        else:
            found.add(f"{space}{each.name}" if each.name else "community:profile")
    return found


def test_every_address_stands_in_the_table_or_says_where_else_it_is_asked():
    scene = Scene("published", Rating.PG)
    tabled = {resolve(path.address(scene).partition("?")[0]).view_name for path in PATHS.values()}
    tabled |= {resolve(address.partition("?")[0]).view_name for address in _CHECKED_APART}
    elsewhere = {name for names in ELSEWHERE.values() for name in names.split()}
    allauth = {name for name in _routes(get_resolver().url_patterns) if name.startswith(("account_", "mfa_"))}

    assert tabled & elsewhere == set()
    assert tabled | elsewhere | allauth == _routes(get_resolver().url_patterns)
