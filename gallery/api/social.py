"""Talk, reactions and collections: `/images/{id}/comments`, `/images/{id}/reactions/{kind}`, `/collections`."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from community.api.comments import CommentListView
from community.api.common.paging import next_address, read_size
from community.api.common.serializers import StrictInteger, StrictText
from community.api.reactions import ReactionView
from community.api.subjects import SubjectSerializer
from community.errors import InvalidInput, NotAllowed
from community.models import Subject, User
from community.services.following import find_subject
from gallery.models import Collection, CollectionItem, Image
from gallery.services import collecting

_PAGE = [OpenApiParameter("cursor", OpenApiTypes.STR), OpenApiParameter("limit", OpenApiTypes.INT)]
_SCOPES = {"GET": "social:read", "POST": "social:write", "PATCH": "social:write", "DELETE": "social:write"}
_COUNTED_BY_THE_SERVICE = {"POST": "", "PATCH": ""}


def _image_subject(request: Request, image_id: int) -> Subject:
    return get_object_or_404(Image.objects.visible_to(request.user).select_related("subject"), pk=image_id).subject


class ImageCommentsView(CommentListView):
    """GET, POST images/<id>/comments"""

    def get_subject(self, request: Request, **parts: Any) -> Subject:
        return _image_subject(request, parts["image_id"])


class ImageReactionView(ReactionView):
    """PUT, DELETE images/<id>/reactions/<kind>"""

    def get_subject(self, request: Request, **parts: Any) -> Subject:
        return _image_subject(request, parts["image_id"])


class CollectionShape(serializers.ModelSerializer):
    """A collection. `id` is the part of its address that nobody can guess."""

    id = serializers.CharField(source="code")
    owner = serializers.CharField(source="owner.username")
    address = serializers.CharField(source="get_absolute_url")

    class Meta:
        model = Collection
        fields = ["id", "owner", "title", "text", "visibility", "address", "created_at", "updated_at"]


class CollectionPage(serializers.Serializer):
    results = CollectionShape(many=True)
    next = serializers.CharField(allow_null=True)


class ItemShape(serializers.ModelSerializer):
    """`subject` names what it is: kind and id, as in `follows/{kind}/{id}`."""

    subject = SubjectSerializer()

    class Meta:
        model = CollectionItem
        fields = ["id", "subject", "added_at"]


class CollectionItemPage(serializers.Serializer):
    results = ItemShape(many=True)
    next = serializers.CharField(allow_null=True)
    hidden = serializers.IntegerField(help_text="Public things that your settings leave out.")


class NewCollection(serializers.Serializer):
    # The service says how long each may be: one sentence for the page and for programs.
    title = StrictText(max_length=100 * collecting.MAX_TITLE)
    text = StrictText(max_length=2_000_000, lines=True, trim_whitespace=False, default="", allow_blank=True)
    visibility = serializers.CharField(default=Collection.Visibility.PRIVATE.value, max_length=20)


class ChangedCollection(serializers.Serializer):
    title = StrictText(max_length=100 * collecting.MAX_TITLE, required=False)
    text = StrictText(max_length=2_000_000, lines=True, trim_whitespace=False, required=False, allow_blank=True)
    visibility = serializers.CharField(required=False, max_length=20)


class NewItem(serializers.Serializer):
    kind = StrictText(max_length=24, help_text="models or images")
    id = StrictText(max_length=300, help_text="owner/name of a model, the number of an image")


class ItemOrder(serializers.Serializer):
    items = serializers.ListField(child=StrictInteger(), max_length=collecting.MAX_ITEMS)


class CollectionsView(APIView):
    """GET collections: one's own, or with `owner` somebody's that lists name; POST makes one."""

    scopes = _SCOPES
    rates = _COUNTED_BY_THE_SERVICE
    public_reads = True

    @extend_schema(
        operation_id="collections_list", parameters=[OpenApiParameter("owner", str), *_PAGE], responses=CollectionPage
    )
    def get(self, request: Request) -> Response:
        size = read_size(request, default=collecting.PAGE_SIZE, most=100)
        cursor = request.query_params.get("cursor", "")
        page = collecting.collections_of(_owner(request), request.user, cursor=cursor, size=size)
        found = CollectionShape(page.items, many=True).data
        return Response({"results": found, "next": next_address(request, page.next)})

    @extend_schema(request=NewCollection, responses={201: CollectionShape})
    def post(self, request: Request) -> Response:
        given = _read(NewCollection, request)
        return Response(CollectionShape(collecting.create_collection(**given, by=request.user)).data, status=201)


def _owner(request: Request) -> User:
    name = request.query_params.get("owner", "")
    if not name:
        if not request.user.is_authenticated:
            raise InvalidInput(_("Say whose collections: owner=name."), field="owner")
        return request.user
    if "\0" in name:
        raise Http404
    return get_object_or_404(User, username__iexact=name[:200], is_active=True)


class CollectionView(APIView):
    """GET, PATCH, DELETE collections/<id>"""

    scopes = _SCOPES
    rates = _COUNTED_BY_THE_SERVICE
    public_reads = True

    @extend_schema(responses=CollectionShape)
    def get(self, request: Request, code: str) -> Response:
        return Response(CollectionShape(_find(request, code)).data)

    @extend_schema(request=ChangedCollection, responses=CollectionShape)
    def patch(self, request: Request, code: str) -> Response:
        collection = _own(request, code)
        changed = collecting.edit_collection(collection, by=request.user, **_read(ChangedCollection, request))
        return Response(CollectionShape(changed).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, code: str) -> Response:
        collecting.delete_collection(_own(request, code), by=request.user)
        return Response(status=204)


class CollectionItemsView(APIView):
    """GET, POST collections/<id>/items: what it holds, as far as the asker may and wants to see it."""

    scopes = _SCOPES
    rates = _COUNTED_BY_THE_SERVICE
    public_reads = True

    @extend_schema(parameters=_PAGE, responses=CollectionItemPage)
    def get(self, request: Request, code: str) -> Response:
        collection = _find(request, code)
        size = read_size(request, default=collecting.PAGE_SIZE, most=100)
        cursor = request.query_params.get("cursor", "")
        page = collecting.items_page(collection, request.user, cursor=cursor, size=size)
        found = ItemShape(page.items, many=True).data
        return Response({"results": found, "next": next_address(request, page.next), "hidden": page.hidden})

    @extend_schema(request=NewItem, responses={201: ItemShape})
    def post(self, request: Request, code: str) -> Response:
        collection, given = _own(request, code), _read(NewItem, request)
        subject = find_subject(given["kind"], given["id"], request.user)
        if subject is None:
            raise InvalidInput(_("There is no such thing that you may see."), field="id")
        item = collecting.add_to_collection(collection, subject, by=request.user)
        return Response(ItemShape(item).data, status=201)


class CollectionOrderView(APIView):
    """POST collections/<id>/items/order {items}: every item's id, in the order they shall have."""

    scopes = _SCOPES

    @extend_schema(request=ItemOrder, responses={204: None})
    def post(self, request: Request, code: str) -> Response:
        collecting.order_items(_own(request, code), _read(ItemOrder, request)["items"], by=request.user)
        return Response(status=204)


class CollectionItemView(APIView):
    """DELETE collections/<id>/items/<number>: take it out."""

    scopes = _SCOPES

    @extend_schema(responses={204: None})
    def delete(self, request: Request, code: str, item_id: int) -> Response:
        collecting.take_from_collection(_own(request, code), item_id, by=request.user)
        return Response(status=204)


class CollectionCommentsView(CommentListView):
    """GET, POST collections/<id>/comments"""

    def get_subject(self, request: Request, **parts: Any) -> Subject:
        return _find(request, parts["code"]).subject


def _find(request: Request, code: str) -> Collection:
    collection = collecting.find_collection(code, request.user)
    if collection is None:
        raise Http404
    return collection


def _own(request: Request, code: str) -> Collection:
    collection = _find(request, code)
    if collection.owner_id != request.user.pk:
        raise NotAllowed(_("This is somebody else's collection."))
    return collection


def _read(serializer: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    return given.validated_data
