"""Words kept for later: styles, and prompt sets."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.forms import BaseFormSet, formset_factory
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from community.errors import SafelightError
from community.models import User
from inference.forms import FAMILY_LABELS, SetForm, StoredPromptForm, StyleForm
from inference.models import PromptSet, RenderJob, Style
from inference.prompts.suites import HOUSE_SUITES
from inference.services.promptsets import (
    MAX_PROMPTS,
    create_set,
    delete_set,
    house_revision,
    revise_set,
    use_set,
)
from inference.services.styles import delete_style, save_style

_SPARE = 2  # empty forms below the ones that are filled


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def styles(request: HttpRequest) -> HttpResponse:
    """`/styles`: one's own, and a form for one more; an equal name is written over. `from`: with a render's words."""
    form = StyleForm(request.POST or None, initial=_words_of(request.GET.get("from", ""), request.user))
    if request.method == "POST" and form.is_valid():
        try:
            save_style(**form.cleaned_data, by=request.user)
        except SafelightError as refusal:
            form.refuse(refusal)
        else:
            return redirect("inference:styles")
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "styles": Style.objects.of(request.user)}
    return render(request, "inference/styles.html", context, status=status)


def _words_of(job_id: str, person: User) -> dict[str, Any]:
    """What one's own render was asked for; nothing where there is none of that id."""
    try:
        job = RenderJob.objects.of(person).filter(pk=uuid.UUID(job_id)).first()
    except ValueError:
        return {}
    return {name: job.request.get(name, "") for name in ("prompt", "negative")} if job else {}


@login_required
@require_POST
def forget_style(request: HttpRequest, style_id: int) -> HttpResponse:
    delete_style(get_object_or_404(Style.objects.of(request.user), pk=style_id), by=request.user)
    return redirect("inference:styles")


@login_required
@never_cache
@require_safe
def sets(request: HttpRequest) -> HttpResponse:
    """`/prompt-sets`: the house's and one's own."""
    for family in HOUSE_SUITES:
        house_revision(family)
    own = PromptSet.objects.filter(owner=request.user)
    house = PromptSet.objects.filter(owner=None, family__in=HOUSE_SUITES)
    named = {"own": [(each, FAMILY_LABELS.get(each.family, "")) for each in own],
             "house": [(each, FAMILY_LABELS[each.family]) for each in house]}  # fmt: skip
    return render(request, "inference/sets.html", named)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def set_page(request: HttpRequest, set_id: int | None = None) -> HttpResponse:
    """`/prompt-sets/<id>`, `/prompt-sets/new`: the prompts of a set; to be changed by its owner alone."""
    prompt_set = _visible_set(request.user, set_id) if set_id is not None else None
    can_edit = prompt_set is None or prompt_set.owner_id == request.user.pk
    if request.method == "POST" and can_edit:
        return _saved(request, prompt_set)
    form = SetForm(initial={"name": prompt_set.name, "family": prompt_set.family} if prompt_set else None)
    return _set_form(request, prompt_set, form, _formset()(initial=_filled(prompt_set), prefix="prompts"), can_edit)


@login_required
@require_POST
def set_use(request: HttpRequest, set_id: int) -> HttpResponse:
    """Whether one's next publications are shown with the set."""
    use_set(_visible_set(request.user, set_id), "use" in request.POST, by=request.user)
    return redirect("inference:sets")


@login_required
@require_POST
def forget_set(request: HttpRequest, set_id: int) -> HttpResponse:
    try:
        delete_set(_visible_set(request.user, set_id), by=request.user)
    except SafelightError as refusal:
        messages.error(request, refusal.detail)
    return redirect("inference:sets")


def _saved(request: HttpRequest, prompt_set: PromptSet | None) -> HttpResponse:
    form, rows = SetForm(request.POST), _formset()(request.POST, prefix="prompts")
    if prompt_set is not None:
        form.fields["name"].required = False
    if form.is_valid() and rows.is_valid():
        prompts = [row.stored() for row in rows if row.has_changed()]
        try:
            if prompt_set is None:
                create_set(form.cleaned_data["name"], form.cleaned_data["family"], prompts, by=request.user)
            else:
                revise_set(prompt_set, prompts, by=request.user)
        except SafelightError as refusal:
            _refuse(form, rows, refusal)
        else:
            messages.success(request, _("The prompt set was saved."))
            return redirect("inference:sets")
    return _set_form(request, prompt_set, form, rows, True, status=422)


def _refuse(form: SetForm, rows: BaseFormSet, refusal: SafelightError) -> None:
    """At the prompt that it names, or above the form."""
    _prompts, _dot, place = refusal.field.partition(".")
    index, _dot, name = place.partition(".")
    changed = [row for row in rows if row.has_changed()]
    if index.isdigit() and int(index) < len(changed):
        row = changed[int(index)]
        row.add_error(name if name in row.fields else None, refusal.detail)
    else:
        form.refuse(refusal)


def _set_form(
    request: HttpRequest, prompt_set: PromptSet | None, form: SetForm, rows: Any, can_edit: bool, *, status: int = 200
) -> HttpResponse:
    family = FAMILY_LABELS.get(prompt_set.family, "") if prompt_set else ""
    context = {"form": form, "rows": rows, "set": prompt_set, "family": family, "can_edit": can_edit}
    return render(request, "inference/set.html", context, status=status)


def _formset() -> type[BaseFormSet]:
    return formset_factory(StoredPromptForm, extra=_SPARE, max_num=MAX_PROMPTS, absolute_max=MAX_PROMPTS)


def _filled(prompt_set: PromptSet | None) -> list[dict[str, Any]]:
    current = prompt_set.current if prompt_set else None
    names = tuple(StoredPromptForm.base_fields)
    return list(current.prompts.order_by("index").values(*names)) if current else []


def _visible_set(person: User, set_id: int) -> PromptSet:
    return get_object_or_404(PromptSet.objects.filter(Q(owner=person) | Q(owner=None)), pk=set_id)
