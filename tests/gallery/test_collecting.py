"""Collections, and what people do with images: react, talk, follow, hide."""

from __future__ import annotations

import pytest
from django.urls import reverse

from community.errors import Conflict, InvalidInput, NotAllowed
from community.models import Notice, Subject
from community.ratings import Rating
from community.services.following import find_subject, follow, hide, subject_of_person
from community.services.notifications import tell_all_waiting
from gallery.models import Collection, CollectionItem, Image
from gallery.search import ImageQuery, search_images
from gallery.services import collecting
from gallery.services.collecting import (
    add_to_collection,
    collections_of,
    create_collection,
    delete_collection,
    edit_collection,
    find_collection,
    items_page,
    move_item,
    order_items,
    take_from_collection,
)
from gallery.services.publishing import delete_post
from registry.services.reviewing import review_version
from tests.community.test_notifications import at_once
from tests.factories import ModelVersionFactory, ModeratorFactory, RegisteredModelFactory, SubjectFactory, UserFactory
from tests.gallery.rows import drafted, first, posted
from tests.registry.api.client import Program

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner():
    return UserFactory(username="mira")


@pytest.fixture
def model():
    model = RegisteredModelFactory(public=True, owner=UserFactory(username="ola"), name="ink", title="Ink")
    ModelVersionFactory(published=True, model=model)
    return model


def made(owner, visibility="public", *subjects):
    collection = create_collection("Lanterns", "For **later**", visibility, by=owner)
    for subject in subjects:
        add_to_collection(collection, subject, by=owner)
    return collection


def titles(collection, viewer):
    return [item.subject.title for item in items_page(collection, viewer).items]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"text": "x" * 4_001}, "text"),
        ({"text": "x" * 1_000_000}, "text"),
        ({"visibility": "secret"}, "visibility"),
    ],
    ids=["no-title", "long-title", "long-text", "a-megabyte", "visibility"],
)
def test_a_bad_collection_is_refused_by_field(owner, given, field):
    with pytest.raises(InvalidInput) as refusal:
        create_collection(**{"title": "T", **given}, by=owner)

    assert refusal.value.field == field
    assert not Collection.objects.exists()


def test_it_holds_models_and_images_once_each_in_their_order(owner, model):
    image = first(posted(title="Harbour"))
    collection = made(owner, "public", model.subject, image.subject, model.subject)

    assert titles(collection, UserFactory()) == ["Ink", "Harbour"]


@pytest.mark.parametrize("kind", ["topic", "person", "tag", "collection"])
def test_it_holds_nothing_else(owner, kind):
    with pytest.raises(InvalidInput):
        made(owner, "public", SubjectFactory(kind=kind))


@pytest.mark.parametrize(
    ("limit", "act"),
    [
        ("MAX_ITEMS", lambda collection, subject, by: add_to_collection(collection, subject, by=by)),
        ("MAX_COLLECTIONS", lambda collection, subject, by: create_collection("One more", by=by)),
    ],
    ids=["items", "collections"],
)
def test_there_is_an_end_to_it(owner, model, monkeypatch, limit, act):
    collection = made(owner)
    monkeypatch.setattr(collecting, limit, 0)

    with pytest.raises(Conflict):
        act(collection, model.subject, owner)


# (anonymous, stranger, owner, moderator): whether they reach it by its address, and whether lists name it to them.
REACHED = {"public": (1, 1, 1, 1), "unlisted": (1, 1, 1, 1), "private": (0, 0, 1, 1)}
LISTED = {"public": (1, 1, 1, 1), "unlisted": (0, 0, 1, 1), "private": (0, 0, 1, 1)}


@pytest.mark.parametrize("visibility", REACHED)
def test_who_sees_which_collection(client, owner, visibility):
    collection = made(owner, visibility)
    people = (None, UserFactory(), owner, ModeratorFactory())
    reached, listed, in_api, subject = [], [], [], []
    for person in people:
        if person is not None:
            client.force_login(person)
        reached.append(int(client.get(collection.get_absolute_url()).status_code == 200))
        listed.append(
            int("Lanterns" in client.get(reverse("gallery:person-collections", args=["mira"])).content.decode())
        )
        program = Program(person, ("social:write", "models:write")) if person else Program()
        in_api.append(int(program.get(f"collections/{collection.code}").status_code == 200))
        subject.append(
            int(
                Subject.objects.visible_to(person or client.get("/").wsgi_request.user)
                .filter(pk=collection.subject_id)
                .exists()
            )
        )
        client.logout()

    assert tuple(reached) == tuple(in_api) == REACHED[visibility]
    assert tuple(listed) == tuple(subject) == LISTED[visibility]


def test_the_address_of_an_unlisted_one_cannot_be_guessed_nor_walked(owner):
    codes = {made(owner, "unlisted").code for _more in range(20)}

    assert len(codes) == 20
    assert all(len(code) == 16 and code.isalnum() for code in codes)


@pytest.mark.parametrize("address", ["x", "a" * 16, "a" * 17, "é" * 16, "-" * 16, "a" * 300])
def test_a_made_up_address_finds_nothing(address):
    assert find_collection(address, UserFactory()) is None


def test_another_ending_of_the_address_leads_to_the_one(client, owner):
    collection = made(owner)

    assert client.get(f"/collections/{collection.code}-other")["Location"] == collection.get_absolute_url()


def test_each_viewer_is_shown_what_they_may_see_and_told_of_no_private_thing(owner, model):
    wild = first(posted(rating=Rating.XXX, title="Wild"))
    draft = first(drafted(owner, title="Draft"))
    withdrawn = RegisteredModelFactory(title="Hidden model")
    collection = made(owner, "public", model.subject, wild.subject, draft.subject, withdrawn.subject)
    modest, open_minded = UserFactory(browsing_level=1), UserFactory(browsing_level=31)

    seen = {
        name: (titles(collection, viewer), items_page(collection, viewer).hidden)
        for name, viewer in {"modest": modest, "open": open_minded}.items()
    }

    assert seen == {"modest": (["Ink"], 1), "open": (["Ink", "Wild"], 0)}


def test_what_one_hides_is_left_out_of_collections_and_counted(owner, model):
    image = first(posted(title="Harbour", tags=["spiders"]))
    collection = made(owner, "public", model.subject, image.subject)
    by_owner, by_tag = UserFactory(), UserFactory()
    hide(subject_of_person(model.owner), by=by_owner)
    hide(find_subject("tags", "Spiders", by_tag), by=by_tag)

    assert titles(collection, by_owner) == ["Harbour"]
    assert titles(collection, by_tag) == ["Ink"]
    assert items_page(collection, by_tag).hidden == 1


def test_items_are_moved_taken_out_and_put_in_order(owner):
    subjects = [first(posted(title=title)).subject for title in "abc"]
    collection = made(owner, "public", *subjects)
    ids = [item.pk for item in collection.items.order_by("position")]

    move_item(collection, ids[0], 1, by=owner)
    moved = titles(collection, owner)
    order_items(collection, ids[::-1], by=owner)
    ordered = titles(collection, owner)
    take_from_collection(collection, ids[1], by=owner)

    assert (moved, ordered) == (["b", "a", "c"], ["c", "b", "a"])
    assert titles(collection, owner) == ["c", "a"]
    with pytest.raises(InvalidInput):
        order_items(collection, ids, by=owner)


def test_a_long_collection_is_read_to_its_end(owner):
    subjects = [first(posted()).subject for _more in range(5)]
    collection = made(owner, "public", *subjects)

    one = items_page(collection, owner, size=3)
    two = items_page(collection, owner, cursor=one.next, size=3)

    assert len({item.pk for item in [*one.items, *two.items]}) == 5
    assert two.next == ""


@pytest.mark.parametrize(
    "act",
    [
        lambda collection, by: edit_collection(collection, by=by, title="x"),
        lambda collection, by: delete_collection(collection, by=by),
        lambda collection, by: add_to_collection(collection, SubjectFactory(), by=by),
        lambda collection, by: take_from_collection(collection, 1, by=by),
        lambda collection, by: order_items(collection, [], by=by),
    ],
    ids=["edit", "delete", "add", "take", "order"],
)
def test_somebody_elses_collection_is_theirs_even_from_a_moderator(owner, act):
    with pytest.raises(NotAllowed):
        act(made(owner), ModeratorFactory())


def test_a_deleted_collection_takes_its_talk_and_leaves_its_things(owner, model):
    collection = made(owner, "public", model.subject)

    delete_collection(collection, by=owner)

    assert not Collection.objects.exists()
    assert not CollectionItem.objects.exists()
    assert Subject.objects.filter(pk=model.subject_id).exists()


def test_followers_hear_of_additions_to_public_ones(owner, model):
    collection, person = made(owner), UserFactory()
    follow(collection.subject, by=person)

    add_to_collection(collection, model.subject, by=owner)
    tell_all_waiting()

    assert Notice.objects.get(person=person).kind == "collected"


@pytest.mark.django_db(transaction=True)
def test_many_saves_at_once_keep_one_place_each(owner):
    collection = made(owner)
    subjects = SubjectFactory.create_batch(10)

    at_once(lambda number: add_to_collection(collection, subjects[number % 10], by=owner), 20)

    assert sorted(collection.items.values_list("position", flat=True)) == list(range(10))


# Pages ----------------------------------------------------------------------------------------------------------


def test_a_thing_is_saved_from_its_card_into_an_old_or_a_new_collection(client, owner, model):
    client.force_login(owner)
    address = reverse("gallery:collect", args=[model.subject_id])

    asked = client.get(address)
    client.post(address, {"title": "Lanterns", "text": "", "visibility": "public"})
    image = first(posted())
    client.post(reverse("gallery:collect", args=[image.subject_id]), {"collection": Collection.objects.get().code})

    assert asked.status_code == 200
    assert CollectionItem.objects.count() == 2
    page = client.get(Collection.objects.get().get_absolute_url()).content.decode()
    assert "Ink" in page
    assert f"/images/{image.pk}" in page


def test_whoever_saves_from_a_list_comes_back_to_it(client, owner, model):
    client.force_login(owner)
    address = reverse("gallery:collect", args=[model.subject_id])
    led = {"Referer": "http://testserver/images?tag=ink"}
    new = {"title": "Lanterns", "text": "", "visibility": "private"}

    asked = client.get(address, headers=led).content.decode()
    refused = client.post(address, {**new, "title": "", "next": "/images?tag=ink"}).content.decode()
    saved = client.post(address, {**new, "next": "/images?tag=ink"})
    elsewhere = client.post(address, {**new, "title": "Two", "next": "//example.org/"})

    assert asked.count('name="next" value="/images?tag=ink"') == 1
    assert 'name="next" value="/images?tag=ink"' in refused
    assert saved.url == "/images?tag=ink"
    assert elsewhere.url == model.get_absolute_url()
    for page in ("https://example.org/images", f"http://testserver{address}"):
        assert (
            f'name="next" value="{model.subject.address}"'
            in client.get(address, headers={"Referer": page}).content.decode()
        )


@pytest.mark.parametrize(
    "given", [{}, {"title": ""}, {"title": "x", "visibility": "x"}], ids=["nothing", "no-title", "bad"]
)
def test_a_bad_save_is_told(client, owner, model, given):
    client.force_login(owner)
    answer = client.post(reverse("gallery:collect", args=[model.subject_id]), given)

    assert answer.status_code in (200, 400)
    assert not CollectionItem.objects.exists()


def test_nobody_saves_into_somebody_elses_collection(client, owner, model):
    collection = made(owner)
    client.force_login(UserFactory())

    answer = client.post(reverse("gallery:collect", args=[model.subject_id]), {"collection": collection.code})

    assert answer.status_code == 403


def test_what_one_may_not_see_cannot_be_saved(client, owner):
    client.force_login(owner)
    hidden = first(drafted()).subject

    assert client.get(reverse("gallery:collect", args=[hidden.pk])).status_code == 404


def test_a_collection_is_made_edited_and_deleted_on_pages(client, owner):
    client.force_login(owner)
    client.post(reverse("gallery:collections"), {"title": "A", "visibility": "private"})
    collection = Collection.objects.get()
    client.post(
        reverse("gallery:collection-edit", args=[collection.code]), {"title": "B", "text": "t", "visibility": "public"}
    )
    listed = client.get(reverse("gallery:collections")).content.decode()
    on_profile = client.get("/mira").content.decode()
    client.post(reverse("gallery:collection-delete", args=[collection.code]))

    assert "B" in listed
    assert collection.code in on_profile
    assert not Collection.objects.exists()


@pytest.mark.parametrize("act", ["up", "down", "remove"])
def test_items_have_their_buttons(client, owner, act):
    subjects = [first(posted(title=title)).subject for title in "abc"]
    collection = made(owner, "public", *subjects)
    middle = collection.items.get(subject=subjects[1])
    client.force_login(owner)

    client.post(reverse("gallery:collection-item", args=[collection.code, middle.pk]), {"act": act})

    wanted = {"up": ["b", "a", "c"], "down": ["a", "c", "b"], "remove": ["a", "c"]}
    assert titles(collection, owner) == wanted[act]


def test_a_page_of_a_collection_takes_a_fixed_number_of_queries(client, owner, django_assert_max_num_queries):
    collection = made(owner, "public", first(posted()).subject, RegisteredModelFactory(public=True).subject)

    def counted():
        with django_assert_max_num_queries(40) as queries:
            client.get(collection.get_absolute_url())
        return len(queries)

    few = counted()
    for _more in range(3):
        add_to_collection(collection, first(posted()).subject, by=owner)
        add_to_collection(collection, RegisteredModelFactory(public=True).subject, by=owner)

    assert counted() == few


def test_an_image_page_has_reactions_save_and_the_key(client, owner):
    image = first(posted())
    client.force_login(owner)

    page = client.get(image.get_absolute_url()).content.decode()
    client.post(reverse("community:react", args=[image.subject_id]), {"give": "like"})

    assert 'data-key="f"' in page
    assert reverse("gallery:collect", args=[image.subject_id]) in page
    image.subject.refresh_from_db()
    assert image.subject.like_count == 1


def test_a_card_is_liked_where_it_stands(client, owner):
    image = first(posted())
    client.force_login(owner)

    page = client.get(reverse("gallery:images")).content.decode()
    answer = client.post(
        reverse("community:react", args=[image.subject_id]),
        {"give": "like", "card": "1"},
        headers={"HX-Request": "true"},
    ).content.decode()

    assert f'formaction="/reactions/{image.subject_id}"' in page
    assert page.count('id="card-form"') == 1
    assert 'class="card-acts"' in answer
    assert 'name="take"' in answer


# Lists of images ------------------------------------------------------------------------------------------------


def test_images_that_one_hides_are_left_out_and_counted():
    author, person = UserFactory(), UserFactory()
    posted(author), posted(tags=["spiders"])
    kept = first(posted())
    single = first(posted())
    hide(subject_of_person(author), by=person)
    hide(find_subject("tags", "SPIDERS", person), by=person)
    hide(single.subject, by=person)

    page = search_images(ImageQuery(), person)

    assert [image.pk for image in page.results] == [kept.pk]
    assert (page.count, page.hidden) == (1, 3)


def test_followers_hear_of_a_new_post_once(owner):
    person, by_tag = UserFactory(), UserFactory()
    follow(subject_of_person(owner), by=person)
    follow(find_subject("tags", "Harbour", by_tag), by=by_tag)

    posted(owner, title="Night", tags=["harbour"])
    tell_all_waiting()

    told = Notice.objects.filter(kind="post")
    assert {notice.person for notice in told} == {person, by_tag}


def test_nobody_hears_of_a_post_beyond_their_level(owner):
    modest = UserFactory(browsing_level=1)
    follow(subject_of_person(owner), by=modest)

    posted(owner, rating=Rating.X)
    tell_all_waiting()

    assert not Notice.objects.filter(kind="post").exists()


def test_who_is_named_in_a_caption_is_told(owner):
    named = UserFactory(username="zoe")

    posted(owner, caption="for @zoe")

    assert Notice.objects.get(person=named).kind == "mention"


def test_a_review_shows_pictures_that_its_author_posted_to_the_version(client, model):
    version, person = model.versions.get(), UserFactory()
    image = first(posted(person, version=version))
    review = review_version(version, recommended=True, text="", pictures=[image.subject_id], by=person)

    page = client.get(version.get_absolute_url()).content.decode()
    delete_post(image.post, by=person)
    later = client.get(version.get_absolute_url()).content.decode()

    assert list(review.pictures.all()) == [image.subject]
    assert f'<a class="thumb" href="/images/{image.pk}"' in page
    assert 'class="thumb"' not in later


# Programs -------------------------------------------------------------------------------------------------------


def test_programs_collect(owner, model):
    program, image = Program(owner, ("social:write",)), first(posted())
    code = program.post("collections", {"title": "Lanterns", "visibility": "public"}).json()["id"]

    added = [
        program.post(f"collections/{code}/items", {"kind": "models", "id": "ola/ink"}),
        program.post(f"collections/{code}/items", {"kind": "images", "id": str(image.pk)}),
    ]
    items = Program().get(f"collections/{code}/items").json()
    ids = [item["id"] for item in items["results"]]
    ordered = program.post(f"collections/{code}/items/order", {"items": ids[::-1]}).status_code
    taken = program.delete(f"collections/{code}/items/{ids[0]}").status_code
    changed = program.patch(f"collections/{code}", {"title": "New"}).json()["title"]
    listed = Program().get("collections?owner=mira").json()["results"]

    assert [answer.status_code for answer in added] == [201, 201]
    assert [(item["subject"]["kind"], item["subject"]["id"]) for item in items["results"]] == [
        ("models", "ola/ink"),
        ("images", str(image.pk)),
    ]
    assert (ordered, taken, changed) == (204, 204, "New")
    assert [one["id"] for one in listed] == [code]
    assert program.delete(f"collections/{code}").status_code == 204


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("POST", "collections", {}, 400, "title"),
        ("POST", "collections", {"title": "x", "visibility": "x"}, 400, "visibility"),
        ("POST", "collections/{code}/items", {"kind": "models", "id": "no/such"}, 400, "id"),
        ("POST", "collections/{code}/items", {"kind": "people", "id": "mira"}, 400, "kind"),
        ("POST", "collections/{code}/items/order", {"items": [7]}, 400, "items"),
        ("GET", "collections/{code}/items?cursor=x", None, 400, "cursor"),
    ],
    ids=["no-title", "visibility", "unknown-thing", "a-person", "foreign-item", "cursor"],
)
def test_a_bad_question_is_refused_by_field(owner, method, path, body, status, field):
    code = made(owner).code

    answer = Program(owner, ("social:write",)).ask(method, path.format(code=code), body)

    assert (answer.status_code, answer.json()["field"]) == (status, field)


def test_programs_react_to_and_talk_about_images(owner):
    image = first(posted())
    program = Program(owner, ("social:write", "models:write"))

    put = program.ask("PUT", f"images/{image.pk}/reactions/heart").json()
    said = program.post(f"images/{image.pk}/comments", {"text": "nice"}).status_code
    hidden = first(posted(rating=Rating.XXX))
    read = Program().get(f"images/{image.pk}").json()

    assert (put["heart"], put["mine"], said) == (1, ["heart"], 201)
    assert (read["reactions"]["heart"], read["comments"]) == (1, 1)
    assert program.ask("PUT", f"images/{hidden.pk}/reactions/heart").status_code == 404
    assert program.get(f"images/{hidden.pk}/comments").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_fifty_programs_that_react_at_once_are_counted_exactly():
    image = first(posted())
    programs = [Program(person, ("social:write",)) for person in UserFactory.create_batch(50)]

    at_once(lambda number: programs[number].ask("PUT", f"images/{image.pk}/reactions/like"), 50)

    image.subject.refresh_from_db()
    assert (image.subject.like_count, image.subject.reaction_count) == (50, 50)
    assert Image.objects.get(pk=image.pk).subject.reactions.count() == 50


def test_lists_of_collections_name_no_private_one(owner):
    for visibility in ("public", "unlisted", "private"):
        made(owner, visibility)

    assert len(collections_of(owner, UserFactory()).items) == 1
    assert len(collections_of(owner, owner).items) == 3
