"""Every page of models × every kind of person → status. What is hidden is 404, what is not theirs to do is 403."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.urls import reverse

from community.models import Decision
from community.services.topics import begin_topic, remove_topic
from community.sitemaps import PART_SIZE
from gallery.services.collecting import create_collection
from registry.models import ModelVersion, Review
from registry.services.listing import refresh_listing
from tests.factories import (
    BlobFactory,
    ModelFileFactory,
    ModelVersionFactory,
    ModeratorFactory,
    RegisteredModelFactory,
    UserFactory,
)
from tests.gallery.rows import standing
from tests.lasting import lasting, lay_out

pytestmark = pytest.mark.django_db

PEOPLE = ("anonymous", "stranger", "owner", "moderator")
LOGIN = 302  # to the login page, for what nobody can do without a name


def _make_site():
    """A public model, a draft, a withdrawn version, and one that was taken down, all of one owner."""
    owner = UserFactory(username="mira")
    things = {"owner": owner, "stranger": UserFactory(), "moderator": ModeratorFactory()}
    for name, state in {"public": "published", "draft": "draft", "withdrawn": "withdrawn", "down": "published"}.items():
        model = RegisteredModelFactory(owner=owner, name=name, public=state != "draft")
        published = {} if state == "draft" else {"published": True, "state": state}
        version = ModelVersionFactory(model=model, **published)
        things[name] = model
        things[f"{name}_version"] = version
        things[f"{name}_file"] = ModelFileFactory(version=version, blob=BlobFactory(), is_primary=True)
    things["down"].taken_down_at = things["down"].created_at
    things["down"].taken_down_reason = "Not yours"
    things["down"].save()
    with transaction.atomic():
        for name in ("public", "draft", "withdrawn", "down"):
            refresh_listing(things[name])
    things["topic"] = begin_topic("A topic", by=owner)
    things["removed_topic"] = begin_topic("A removed topic", by=owner)
    remove_topic(things["removed_topic"], "Because.", by=things["moderator"])
    for visibility in ("public", "unlisted", "private"):
        things[f"{visibility}_collection"] = create_collection("A collection", "", visibility, by=owner)
    things["public_image"], things["draft_image"] = standing(owner, "published"), standing(owner, "draft")
    for name in ("public", "draft"):
        version = things[f"{name}_version"]
        things[f"{name}_review"] = Review.objects.create(version=version, author=things["stranger"], recommended=True)
        ModelVersion.objects.filter(pk=version.pk).update(review_count=1, recommended_count=1)
    return things


@pytest.fixture(scope="module")
def standing_site(django_db_setup, django_db_blocker, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    with lasting(_make_site, django_db_blocker, folder) as things:
        yield things, folder


@pytest.fixture
def site(standing_site):
    things, folder = standing_site
    lay_out(folder)
    return things


def model(name):
    return lambda site: reverse("registry:model", args=["mira", name])


def model_act(act, name):
    return lambda site: reverse(f"registry:{act}", args=["mira", name])


def version_act(act, name):
    return lambda site: reverse(f"registry:{act}", args=[site[f"{name}_version"].pk])


def report(name):
    return lambda site: reverse("registry:file-report", args=[site[f"{name}_file"].pk])


def file_hash(name):
    return lambda site: reverse("registry:hash", args=[site[f"{name}_file"].blob_id])


def page(name):
    return lambda site: reverse(f"registry:{name}")


def of_community(name, *parts):
    return lambda site: reverse(f"community:{name}", args=[getattr(site.get(part), "pk", part) for part in parts])


def of_renders(name):
    return lambda _site: reverse(f"inference:{name}")


def previews(name):
    return lambda site: reverse("inference:previews-ask", args=[site[f"{name}_version"].pk])


def review_act(act, name):
    return lambda site: reverse(f"registry:{act}", args=[site[f"{name}_review"].pk])


def reactions(name):
    return lambda site: reverse("community:react", args=[site[name].subject_id])


def appeal_address():
    return reverse("community:moderation-appeal", args=[Decision.objects.get().pk])


def moderate(name, thing):
    return lambda site: reverse(f"community:{name}", args=[site[thing].subject_id])


def collection(visibility):
    return lambda site: site[f"{visibility}_collection"].get_absolute_url()


def collection_act(act, visibility):
    return lambda site: reverse(f"gallery:{act}", args=[site[f"{visibility}_collection"].code])


def workbench(name):
    return lambda site: reverse("gallery:post-edit", args=[site[f"{name}_image"].post_id])


def collection_report(visibility):
    return lambda site: reverse("community:report-named", args=["collections", site[f"{visibility}_collection"].code])


def save(name):
    return lambda site: reverse("gallery:collect", args=[site[name].subject_id])


SIGNED_IN = (LOGIN, 200, 200, 200)
EVERYBODY = (200, 200, 200, 200)
OWN_AND_MODERATORS = (404, 404, 200, 200)
OWN_WITH_A_NAME = (LOGIN, 404, 200, 200)
NOBODY = (404, 404, 404, 404)
SEEN = {
    "home": (page("home"), EVERYBODY),
    "models": (page("models"), EVERYBODY),
    "my": (page("my"), (LOGIN, 200, 200, 200)),
    "images": (lambda _site: reverse("gallery:images"), EVERYBODY),
    "new post": (lambda _site: reverse("gallery:post-new"), (LOGIN, 200, 200, 200)),
    "the workbench of a public post": (workbench("public"), (LOGIN, 403, 200, 403)),
    "the workbench of a draft": (workbench("draft"), (LOGIN, 404, 200, 403)),
    "renders, for the staff": (lambda _site: reverse("inference:staff-renders"), (LOGIN, 403, 403, 200)),
    "default checkpoints": (of_renders("staff-defaults"), (LOGIN, 403, 403, 200)),
    "render": (of_renders("render"), SIGNED_IN),
    "what fits a checkpoint": (of_renders("fit"), SIGNED_IN),
    "one's renders": (of_renders("history"), SIGNED_IN),
    "one's grids": (of_renders("grids"), SIGNED_IN),
    "one's styles": (of_renders("styles"), SIGNED_IN),
    "prompt sets": (of_renders("sets"), SIGNED_IN),
    "new prompt set": (of_renders("set-new"), SIGNED_IN),
    "public model": (model("public"), EVERYBODY),
    "draft model": (model("draft"), OWN_AND_MODERATORS),
    "withdrawn model": (model("withdrawn"), OWN_AND_MODERATORS),
    "taken down model": (model("down"), OWN_AND_MODERATORS),
    "topics that say a word": (lambda _site: f"{reverse('community:topics')}?q=topic", EVERYBODY),
    "no such model": (model("nothing"), (404, 404, 404, 404)),
    "report on a public file": (report("public"), EVERYBODY),
    "report on a draft's file": (report("draft"), OWN_AND_MODERATORS),
    "hash of a public file": (file_hash("public"), EVERYBODY),
    "hash of a draft's file": (file_hash("draft"), OWN_AND_MODERATORS),
    "hash of a withdrawn file": (file_hash("withdrawn"), EVERYBODY),
    "hash of a file that was taken down": (file_hash("down"), EVERYBODY),
    "edit a public model": (model_act("model-edit", "public"), (LOGIN, 403, 200, 403)),
    "edit a draft model": (model_act("model-edit", "draft"), (LOGIN, 404, 200, 403)),
    "delete a model": (model_act("model-delete", "public"), (LOGIN, 403, 200, 403)),
    "take a model down": (model_act("model-take-down", "public"), (LOGIN, 403, 403, 200)),
    "new version": (model_act("version-new", "public"), (LOGIN, 403, 200, 403)),
    "edit a public version": (version_act("version-edit", "public"), (LOGIN, 403, 200, 403)),
    "edit a draft": (version_act("version-edit", "draft"), (LOGIN, 404, 200, 403)),
    "withdraw a version": (version_act("version-withdraw", "public"), (LOGIN, 403, 200, 403)),
    "delete a draft": (version_act("version-delete", "draft"), (LOGIN, 404, 200, 403)),
    "publish is no page": (version_act("version-publish", "draft"), (LOGIN, 405, 405, 405)),
    "reviews of a public version": (version_act("reviews", "public"), EVERYBODY),
    "reviews of a draft": (version_act("reviews", "draft"), OWN_AND_MODERATORS),
    "write a review": (version_act("review", "public"), (LOGIN, 200, 403, 200)),
    "write a review of a draft": (version_act("review", "draft"), (LOGIN, 404, 403, 200)),
    "delete a review": (review_act("review-delete", "public"), (LOGIN, 200, 403, 403)),
    "remove a review": (review_act("review-remove", "public"), (LOGIN, 403, 403, 200)),
    "remove a review of a draft": (review_act("review-remove", "draft"), (LOGIN, 404, 403, 200)),
    "a review": (review_act("review-page", "public"), EVERYBODY),
    "one's own review of what became a draft": (review_act("review-page", "draft"), (404, 200, 200, 200)),
    "report a review": (of_community("report-named", "reviews", "public_review"), (LOGIN, 302, 302, 302)),
    "report an unlisted collection": (collection_report("unlisted"), (LOGIN, 200, 302, 302)),
    "report a private collection": (collection_report("private"), (LOGIN, 404, 302, 302)),
    "why an account is closed, without its link": (lambda _site: "/moderation/closed/x", NOBODY),
    "posts, as a feed": (lambda _site: "/posts.atom", EVERYBODY),
    "somebody's posts, as a feed": (lambda _site: "/people/mira/posts.atom", EVERYBODY),
    "notices": (of_community("notifications"), SIGNED_IN),
    "one's collections": (lambda site: reverse("gallery:collections"), SIGNED_IN),
    "somebody's collections": (lambda site: reverse("gallery:person-collections", args=["mira"]), EVERYBODY),
    "public collection": (collection("public"), EVERYBODY),
    "unlisted collection": (collection("unlisted"), EVERYBODY),
    "private collection": (collection("private"), OWN_AND_MODERATORS),
    "edit a collection": (collection_act("collection-edit", "public"), (LOGIN, 403, 200, 403)),
    "edit a private collection": (collection_act("collection-edit", "private"), (LOGIN, 404, 200, 403)),
    "delete a collection": (collection_act("collection-delete", "public"), (LOGIN, 403, 200, 403)),
    "save a public model": (save("public"), SIGNED_IN),
    "save a draft": (save("draft"), (LOGIN, 404, 200, 200)),
    "what one follows": (of_community("follows"), SIGNED_IN),
    "what one hides": (of_community("mutes"), SIGNED_IN),
    "topics": (of_community("topics"), EVERYBODY),
    "what robots may read": (lambda _site: "/robots.txt", EVERYBODY),
    "what there is to find": (lambda _site: "/sitemap.xml", EVERYBODY),
    "the models there are to find": (
        lambda site: f"/sitemap.xml?of=models&part={site['public'].pk // PART_SIZE}",
        EVERYBODY,
    ),
    "topics, as a feed": (of_community("topics-feed"), EVERYBODY),
    "models, as a feed": (page("models-feed"), EVERYBODY),
    "images, as a feed": (lambda _site: reverse("gallery:images-feed"), EVERYBODY),
    "a person, as a feed": (lambda _site: "/people/mira.atom", EVERYBODY),
    "a tag, as a feed": (lambda _site: "/tags.atom?tag=ink", EVERYBODY),
    "a public model, as a feed": (lambda _site: "/mira/public/feed.atom", EVERYBODY),
    "a public collection, as a feed": (collection_act("collection-feed", "public"), EVERYBODY),
    "an unlisted collection, as a feed": (collection_act("collection-feed", "unlisted"), EVERYBODY),
    "a private collection, as a feed": (collection_act("collection-feed", "private"), NOBODY),
    "a draft model, as a feed": (lambda _site: "/mira/draft/feed.atom", NOBODY),
    "a withdrawn model, as a feed": (lambda _site: "/mira/withdrawn/feed.atom", NOBODY),
    "a model that was taken down, as a feed": (lambda _site: "/mira/down/feed.atom", NOBODY),
    "the moderators' queue": (of_community("moderation"), (LOGIN, 403, 403, 200)),
    "the block list": (of_community("moderation-blocked"), (LOGIN, 403, 403, 200)),
    "the log": (of_community("moderation-log"), EVERYBODY),
    "a decision about a topic": (lambda _site: Decision.objects.get().get_absolute_url(), OWN_WITH_A_NAME),
    "decide about a model": (moderate("moderation-thing", "public"), (LOGIN, 403, 403, 200)),
    "report a public model": (moderate("report", "public"), SIGNED_IN),
    "report a draft": (moderate("report", "draft"), OWN_WITH_A_NAME),
    "report a draft by its name": (of_community("report-named", "models", "mira/draft"), (LOGIN, 404, 302, 302)),
    "new topic": (of_community("topic-new"), SIGNED_IN),
    "topic": (of_community("topic", "topic"), EVERYBODY),
    "removed topic": (of_community("topic", "removed_topic"), OWN_AND_MODERATORS),
    "edit a topic": (of_community("topic-edit", "topic"), (LOGIN, 403, 200, 403)),
    "edit a removed topic": (of_community("topic-edit", "removed_topic"), (LOGIN, 404, 200, 403)),
    "delete a topic": (of_community("topic-delete", "topic"), (LOGIN, 403, 200, 403)),
    "remove a topic": (of_community("topic-remove", "topic"), (LOGIN, 403, 403, 200)),
}


def answers(ask, client, site):
    """The statuses that anonymous, a stranger, the owner and a moderator get, in turn."""
    statuses = []
    for person in PEOPLE:
        if person != "anonymous":
            client.force_login(site[person])
        with transaction.atomic():
            statuses.append(ask().status_code)
            transaction.set_rollback(True)  # the next person finds the site as this one did
        client.logout()
    return tuple(statuses)


@pytest.mark.parametrize("name", SEEN)
def test_a_page_answers_each_person_as_it_should(client, site, name):
    address, statuses = SEEN[name]

    assert answers(lambda: client.get(address(site)), client, site) == statuses


DONE = {
    "edit a model": (model_act("model-edit", "public"), (LOGIN, 403, 400, 403)),
    "delete a model": (model_act("model-delete", "public"), (LOGIN, 403, 302, 403)),
    "take a model down": (model_act("model-take-down", "public"), (LOGIN, 403, 403, 302)),
    "publish a draft": (version_act("version-publish", "draft"), (LOGIN, 404, 302, 403)),
    "have a draft's pictures rendered": (previews("draft"), (LOGIN, 404, 302, 302)),
    "have a public version's pictures rendered": (previews("public"), (LOGIN, 302, 302, 302)),
    "withdraw a version": (version_act("version-withdraw", "public"), (LOGIN, 403, 302, 403)),
    "delete a version": (version_act("version-delete", "public"), (LOGIN, 403, 302, 403)),
    "review a version": (version_act("review", "public"), (LOGIN, 400, 403, 400)),
    "delete a review": (review_act("review-delete", "public"), (LOGIN, 302, 403, 403)),
    "remove a review": (review_act("review-remove", "public"), (LOGIN, 403, 403, 302)),
    "delete a collection": (collection_act("collection-delete", "public"), (LOGIN, 403, 302, 403)),
    "delete a private collection": (collection_act("collection-delete", "private"), (LOGIN, 404, 302, 403)),
    "say what a public post is": (workbench("public"), (LOGIN, 403, 302, 403)),
    "say what a draft is": (workbench("draft"), (LOGIN, 404, 302, 403)),
    "delete a topic": (of_community("topic-delete", "topic"), (LOGIN, 403, 302, 403)),
    "remove a topic": (of_community("topic-remove", "topic"), (LOGIN, 403, 403, 302)),
    "decide about a model": (moderate("moderation-thing", "public"), (LOGIN, 403, 403, 400)),
    "report a public model": (moderate("report", "public"), (LOGIN, 400, 400, 400)),
    "report a draft": (moderate("report", "draft"), (LOGIN, 404, 400, 400)),
    "appeal": (lambda _site: appeal_address(), (LOGIN, 404, 302, 403)),
    "follow a public model": (of_community("follow", "models", "mira/public"), (LOGIN, 302, 302, 302)),
    "follow a draft": (of_community("follow", "models", "mira/draft"), (LOGIN, 404, 302, 302)),
    "hide a draft": (of_community("mute", "models", "mira/draft"), (LOGIN, 404, 302, 302)),
    "hide a tag": (of_community("mute-tag"), (LOGIN, 400, 400, 400)),
    "react to a draft": (reactions("draft"), (LOGIN, 404, 400, 400)),
    "mark all notices": (of_community("notifications-read"), (LOGIN, 302, 302, 302)),
}


@pytest.mark.parametrize("name", DONE)
def test_an_act_is_its_persons_alone(client, site, name):
    address, statuses = DONE[name]

    assert answers(lambda: client.post(address(site), {"reason": "Because."}), client, site) == statuses


@pytest.mark.parametrize("name", DONE)
def test_what_was_refused_has_changed_nothing(client, site, name):
    address, _statuses = DONE[name]
    before = list(ModelVersion.objects.order_by("pk").values("pk", "state", "model__taken_down_at"))
    client.force_login(site["stranger"])

    client.post(address(site), {"reason": "Because."})

    assert list(ModelVersion.objects.order_by("pk").values("pk", "state", "model__taken_down_at")) == before
