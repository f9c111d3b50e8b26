"""The workbench on which a post is made.

With a script each field is saved as it is left, by the API (`static/js/gallery_bench.js`). Without one the page is a
single form that goes to the same services: whichever of its buttons is pressed, all that was written is kept first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from community.errors import InvalidInput, SafelightError
from community.models import User
from community.ratings import RATING_NAMES
from gallery.forms import MomentForm
from gallery.models import Image, Post
from gallery.services.arriving import send_pictures
from gallery.services.classifying import proposal_of
from gallery.services.posting import edit_image, edit_post, order_images, rate_all, remove_image
from gallery.services.publishing import PostNotReady, publish_post, unschedule_post
from gallery.services.resources import confirm_resource, remove_resource, weigh_resource
from gallery.views.bench_rows import Workbench
from gallery.views.posts import bench_words, own_post
from registry.forms import RefusableForm


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def post_edit(request: HttpRequest, post_id: int) -> HttpResponse:
    """The workbench of a post. A POST keeps all that it says, then does what its button says."""
    post = own_post(request, post_id)
    if request.method != "POST":
        return _page(request, Workbench.of(post))
    _take_files(request, post)
    bench = Workbench.of(post, request.POST)
    act, _sign, number = request.POST.get("do", "").partition(":")
    if not _kept(bench, request.user):
        return _page(request, bench, status=400)
    try:
        _act(bench, act, int(number) if number.isascii() and number.isdigit() else 0, request.user)
    except SafelightError as refusal:
        # What was written is kept; drawn anew it stands there still, with the moment that is kept nowhere.
        again = Workbench.of(own_post(request, post_id))
        again.moment = bench.moment
        again.faults = [{"text": refusal.detail, "href": "#checks"}]
        return _page(request, again, status=refusal.status)
    if act == "publish":
        return redirect(post)
    messages.success(request, _("Saved"))
    return redirect(_back(post, act, number, request.POST))


def _page(request: HttpRequest, bench: Workbench, status: int = 200) -> HttpResponse:
    context = {**bench.context(request), **bench_words(request)}
    return render(request, "gallery/post_edit.html", context, status=status)


def _back(post: Post, act: str, number: str, data: QueryDict) -> str:
    """The workbench, at the picture that the button stood by; with the moment that was written and is kept nowhere."""
    moment = data.get("publish_at", "")[:40]
    address = reverse("gallery:post-edit", args=[post.pk]) + (f"?{urlencode({'publish_at': moment})}" if moment else "")
    return f"{address}#image-{number}" if act in ("earlier", "later", "as-read", "propose") else address


def _take_files(request: HttpRequest, post: Post) -> None:
    """Pictures join at once, whatever is wrong with the words: a browser would not send the files again by itself."""
    for refusal in send_pictures(post, request.FILES.getlist("pictures"), by=request.user):
        messages.error(request, refusal)


def _kept(bench: Workbench, by: User) -> bool:
    """Whether all that was written could be kept; else nothing is, and each fault stands at its field."""
    if not bench.is_valid():
        bench.list_faults()
        return False
    with transaction.atomic():
        _keep_words(bench, by)
        _keep_order(bench, by)
        bench.list_faults()
        if bench.faults:
            transaction.set_rollback(True)
    return not bench.faults


def _keep_words(bench: Workbench, by: User) -> None:
    if changes := bench.form.changes():
        _tried(bench.form, lambda: edit_post(bench.post, by=by, **changes))
    for image in bench.images:
        form = bench.forms[image.pk]
        if changes := form.changes():
            _tried(form, lambda image=image, changes=changes: edit_image(image, by=by, **changes))
        for row in image.resources.all():
            if (weight := bench.weights[row.pk]).has_new_weight():
                given = weight.cleaned_data["weight"]
                _tried(weight, lambda row=row, given=given: weigh_resource(row, given, by=by))
    if rating := RATING_NAMES.get(bench.data.get("rate_all", "")):
        _tried(bench.form, lambda: rate_all(bench.post, rating, by=by))


def _tried(form: RefusableForm, act: Any) -> None:
    try:
        with transaction.atomic():
            act()
    except SafelightError as refusal:
        form.refuse(refusal)


def _keep_order(bench: Workbench, by: User) -> None:
    """By the numbers that were written. Of two with the same number the one that was moved goes where it was sent."""
    if not bench.has_new_places():
        return
    ids = [image.pk for image in sorted(bench.images, key=bench.place_of)]
    _tried(bench.form, lambda: order_images(bench.post, ids, by=by))


def _act(bench: Workbench, act: str, number: int, by: User) -> None:
    if act == "publish":
        _publish(bench, by)
    elif act == "unschedule":
        unschedule_post(bench.post, by=by)
    elif act in _RESOURCE_ACTS:
        rows = [row for image in bench.images for row in image.resources.all() if row.pk == number]
        for row in rows:
            _RESOURCE_ACTS[act](row, by=by)
    else:
        for image in bench.images:
            if image.pk == number:
                _act_on_image(bench, image, act, by)


_RESOURCE_ACTS: Final[dict[str, Callable[..., object]]] = {"confirm": confirm_resource, "unlink": remove_resource}


def _act_on_image(bench: Workbench, image: Image, act: str, by: User) -> None:
    if act in ("earlier", "later"):
        ids = list(bench.post.images.order_by("position", "pk").values_list("pk", flat=True))
        place = ids.index(image.pk)
        other = min(max(place + (1 if act == "later" else -1), 0), len(ids) - 1)
        ids[place], ids[other] = ids[other], ids[place]
        order_images(bench.post, ids, by=by)
    elif act == "remove":
        remove_image(image, by=by)
    elif act == "as-read":
        edit_image(image, by=by, generation=None)
    elif act == "propose" and (rating := proposal_of(image)) is not None:
        edit_image(image, by=by, rating=rating)


def _publish(bench: Workbench, by: User) -> None:
    moment = MomentForm(bench.data)
    if not moment.is_valid():
        raise InvalidInput(_("Publish at: write a day and a time."), field="publish_at")
    try:
        publish_post(bench.post, by=by, at=moment.cleaned_data["publish_at"])
    except PostNotReady as refusal:
        refusal.detail = _("Saved, but not published. %(why)s") % {"why": refusal.detail}
        raise
