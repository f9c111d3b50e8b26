"""Collections: one's own, one on its page, the forms, and "Save" from any card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from community.errors import InvalidInput, NotAllowed
from community.models import Subject, User
from community.views.comments import thread_of
from community.views.returning import back_to, came_from
from gallery.forms import CollectionForm
from gallery.models import Collection, CollectionItem, Image
from gallery.services import collecting
from gallery.views import linked
from gallery.views.shapes import Card as ImageCard
from gallery.views.shapes import cards_of as image_cards
from registry.models import RegisteredModel
from registry.views.cards import Card as ModelCard
from registry.views.cards import cards_of as model_cards

_ON_PROFILE = 6
_MOST_LISTED = 500
_STEPS = {"up": -1, "down": 1, "first": -collecting.MAX_ITEMS, "last": collecting.MAX_ITEMS}


@dataclass(frozen=True)
class ShownItem:
    """An item with the card of what it is."""

    item: CollectionItem
    model: ModelCard | None
    image: ImageCard | None


def shown_items(request: HttpRequest, items: Sequence[CollectionItem]) -> list[ShownItem]:
    """Cards for these items, at a fixed number of queries."""
    ids = [item.subject_id for item in items]
    models = RegisteredModel.objects.visible_to(request.user).filter(subject__in=ids).for_cards()
    images = Image.objects.visible_to(request.user).ready().filter(subject__in=ids).for_cards()
    by_model = {card.model.subject_id: card for card in model_cards(list(models), request.user)}
    by_image = {card.image.subject_id: card for card in image_cards(images)}
    shown = [ShownItem(item, by_model.get(item.subject_id), by_image.get(item.subject_id)) for item in items]
    return [one for one in shown if one.model or one.image]


@login_required
@require_http_methods(["GET", "POST"])
def own_collections(request: HttpRequest) -> HttpResponse:
    """One's collections, and where a new one is made."""
    form = CollectionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(collecting.create_collection(**form.cleaned_data, by=request.user))
        except InvalidInput as refusal:
            form.refuse(refusal)
    page = collecting.collections_of(request.user, request.user, cursor=request.GET.get("cursor", ""))
    context = {"form": form, "page": page}
    return render(request, "gallery/collections.html", context, status=400 if form.errors else 200)


@require_safe
def collection_page(request: HttpRequest, address: str) -> HttpResponse:
    """`/collections/{code}-{title}`; another ending of the address leads to the one."""
    collection = _find(request, address)
    if not collection.get_absolute_url().endswith(f"/{address}"):
        return redirect(collection)
    page = collecting.items_page(collection, request.user, cursor=request.GET.get("cursor", ""))
    is_own = request.user.is_authenticated and collection.owner_id == request.user.pk
    shown = shown_items(request, page.items)
    context = {
        "collection": collection,
        "items": shown,
        "cards": [one.model or one.image for one in shown],
        "next": page.next,
        "hidden": page.hidden,
        "is_own": is_own,
        "feed_href": _feed_of(collection),
        "share": linked.collection_share(request, collection, shown),
        "is_public": collection.subject.is_public,
        "thread": thread_of(collection.subject, request) if collection.subject.is_public else None,
    }
    return render(request, "gallery/collection.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def collection_edit(request: HttpRequest, address: str) -> HttpResponse:
    collection = _own(request, address)
    initial = {"title": collection.title, "text": collection.text, "visibility": collection.visibility}
    form = CollectionForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(collecting.edit_collection(collection, by=request.user, **form.cleaned_data))
        except InvalidInput as refusal:
            form.refuse(refusal)
    context = {"form": form, "collection": collection}
    return render(request, "gallery/collection_edit.html", context, status=400 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
def collection_delete(request: HttpRequest, address: str) -> HttpResponse:
    collection = _own(request, address)
    if request.method == "POST":
        collecting.delete_collection(collection, by=request.user)
        messages.success(request, _("The collection was deleted."))
        return redirect("gallery:collections")
    return render(request, "gallery/collection_delete.html", {"collection": collection, "form": Form()})


@login_required
@require_POST
def collection_item(request: HttpRequest, address: str, item_id: int) -> HttpResponse:
    """`act` moves an item (up, down, first, last) or takes it out (remove)."""
    collection = _own(request, address)
    act = request.POST.get("act", "")
    if act == "remove":
        collecting.take_from_collection(collection, item_id, by=request.user)
    elif act in _STEPS:
        collecting.move_item(collection, item_id, _STEPS[act], by=request.user)
    else:
        raise InvalidInput(_("There is no such act."), field="act")
    return redirect(f"{collection.get_absolute_url()}#item-{item_id}")


@login_required
@require_http_methods(["GET", "POST"])
def collect(request: HttpRequest, subject_id: int) -> HttpResponse:
    """ "Save": into one of one's collections, or into a new one; then back to where it was pressed."""
    visible = Subject.objects.visible_to(request.user).filter(kind__in=collecting.COLLECTED)
    subject = get_object_or_404(visible, pk=subject_id)
    form = CollectionForm(request.POST if "title" in request.POST else None)
    if request.method == "POST":
        collection = _chosen(request, form)
        if collection is not None:
            collecting.add_to_collection(collection, subject, by=request.user)
            messages.success(request, _("Saved in “%(title)s”.") % {"title": collection.title})
            return back_to(request, subject.address)
    held = set(CollectionItem.objects.filter(collection__owner=request.user, subject=subject).values_list("collection"))
    rows = Collection.objects.filter(owner=request.user).order_by("-updated_at", "-pk")[:_MOST_LISTED]
    context = {
        "subject": subject,
        "form": form,
        "choices": [(collection, (collection.pk,) in held) for collection in rows],
        "back": came_from(request, subject.address),
    }
    return render(request, "gallery/collect.html", context, status=400 if form.errors else 200)


def _chosen(request: HttpRequest, form: CollectionForm) -> Collection | None:
    """The collection that was picked or is made now; None where the form has something to say."""
    code = request.POST.get("collection", "")
    if code:
        return _own(request, code)
    if not form.is_valid():
        return None
    try:
        return collecting.create_collection(**form.cleaned_data, by=request.user)
    except InvalidInput as refusal:
        form.refuse(refusal)
        return None


def owner_collections(request: HttpRequest, person: User) -> SafeString | str:
    """A person's collections, for their page (`settings.PROFILE_PANELS`); nothing where there is none."""
    page = collecting.collections_of(person, request.user, size=_ON_PROFILE)
    if not page.items:
        return ""
    context = {"collections": page.items, "person": person, "has_more": bool(page.next)}
    return render_to_string("gallery/_owner_collections.html", context, request)


@require_safe
def person_collections(request: HttpRequest, name: str) -> HttpResponse:
    """All collections of a person that lists name to the viewer."""
    person = get_object_or_404(User, username__iexact=name, is_active=True)
    page = collecting.collections_of(person, request.user, cursor=request.GET.get("cursor", ""))
    return render(request, "gallery/person_collections.html", {"person": person, "page": page})


def _feed_of(collection: Collection) -> str:
    """The address of a collection's feed; a private one has none."""
    is_private = collection.visibility == Collection.Visibility.PRIVATE
    return "" if is_private else reverse("gallery:collection-feed", args=[collection.code])


def _find(request: HttpRequest, address: str) -> Collection:
    collection = collecting.find_collection(address, request.user)
    if collection is None:
        raise Http404
    return collection


def _own(request: HttpRequest, address: str) -> Collection:
    collection = _find(request, address)
    if collection.owner_id != request.user.pk:
        raise NotAllowed(_("This is somebody else's collection."))
    return collection
