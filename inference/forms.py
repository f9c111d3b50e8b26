"""Forms of renders. They shape what a person types; whether it can be rendered is the services' to say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from community.errors import SafelightError
from community.ratings import RATING_CHOICES, Rating
from inference.prompts.request import MAX_PROMPT
from inference.prompts.samplers import SAMPLERS, SCHEDULES
from inference.prompts.suites import HOUSE_SUITES
from inference.services.fitting import Fit
from inference.services.grids import AXES, read_axis
from inference.services.promptsets import StoredPrompt
from registry.formats.catalog import leading_base_model
from registry.forms import RefusableForm
from registry.models import ModelVersion

_NONE: Final = ("", _("None"))
FAMILY_LABELS: Final = {name: getattr(leading_base_model(name), "label", name) for name in HOUSE_SUITES}
# Where the answer to a part of the request is typed.
_PLACES: Final[Mapping[str, str]] = {"loras": "prompt", "embeddings": "prompt", "hypernets": "prompt"}


class RenderForm(RefusableForm):
    """What to render. Adapters are written into the prompt, as everybody writes them."""

    version = forms.TypedChoiceField(label=_("Checkpoint"), coerce=int)
    prompt = forms.CharField(
        label=_("Prompt"),
        required=False,
        max_length=MAX_PROMPT,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=_("(word:1.2) weighs, &lt;lora:name:0.8&gt; adds a LoRA, BREAK and AND divide."),
    )
    negative = forms.CharField(
        label=_("Negative prompt"),
        required=False,
        max_length=MAX_PROMPT,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
    )
    width = forms.IntegerField(label=_("Width"), min_value=8, widget=forms.NumberInput(attrs={"step": 8}))
    height = forms.IntegerField(label=_("Height"), min_value=8, widget=forms.NumberInput(attrs={"step": 8}))
    steps = forms.IntegerField(label=_("Steps"), min_value=1)
    cfg_scale = forms.FloatField(
        label=_("CFG scale"), min_value=0, max_value=100, widget=forms.NumberInput(attrs={"step": "0.5"})
    )
    sampler = forms.ChoiceField(label=_("Sampler"), choices=[(name, name) for name in SAMPLERS])
    schedule_type = forms.ChoiceField(label=_("Schedule"), choices=[(name, name) for name in SCHEDULES])
    seed = forms.CharField(
        label=_("Seed"), required=False, max_length=20, help_text=_("Leave it empty for another one each time."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )  # fmt: skip
    batch_count = forms.IntegerField(label=_("Pictures"), min_value=1)
    clip_skip = forms.IntegerField(label=_("Clip skip"), min_value=1, max_value=12)
    vae = forms.TypedChoiceField(label=_("VAE"), required=False, coerce=int, empty_value=None)
    init = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    mask = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    denoise = forms.FloatField(
        label=_("Denoising strength"), min_value=0, max_value=1, widget=forms.NumberInput(attrs={"step": "0.05"}),
        help_text=_("How much of the start picture is painted over: 0 leaves it as it is, 1 keeps nothing."),
    )  # fmt: skip
    control = forms.TypedChoiceField(label=_("ControlNet"), required=False, coerce=int, empty_value=None)
    control_picture = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    control_weight = forms.FloatField(
        label=_("ControlNet weight"), min_value=-2, max_value=2, widget=forms.NumberInput(attrs={"step": "0.05"})
    )
    hires = forms.BooleanField(label=_("Enlarge in a second pass"), required=False)
    hires_scale = forms.FloatField(
        label=_("Scale"), min_value=1, max_value=4, widget=forms.NumberInput(attrs={"step": "0.25"})
    )
    hires_denoise = forms.FloatField(
        label=_("Denoising of the second pass"),
        min_value=0,
        max_value=1,
        widget=forms.NumberInput(attrs={"step": "0.05"}),
    )
    variation_seed = forms.CharField(label=_("Variation seed"), required=False, max_length=20)
    variation_strength = forms.FloatField(
        label=_("Variation strength"), min_value=0, max_value=1, widget=forms.NumberInput(attrs={"step": "0.05"})
    )

    needed_later = frozenset({"prompt", "negative"})  # nothing is asked for, and everybody knows it

    START: Final[Mapping[str, object]] = {
        "width": 512, "height": 512, "steps": 20, "cfg_scale": 7, "sampler": "DPM++ 2M", "schedule_type": "Automatic",
        "batch_count": 1, "clip_skip": 1, "denoise": 0.75, "control_weight": 1, "hires_scale": 2, "hires_denoise": 0.5,
        "variation_strength": 0,
    }  # fmt: skip
    GROUPS: Final = {
        "size": ("width", "height", "steps", "cfg_scale", "sampler", "schedule_type"),
        "seed": ("seed", "batch_count"),
        "more": ("clip_skip", "vae", "variation_seed", "variation_strength"),
        "hires": ("hires", "hires_scale", "hires_denoise"),
    }

    def __init__(self, *args: Any, checkpoints: list[ModelVersion], fit: Fit, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["version"].choices = [(each.pk, f"{each.model.title} · {each.name}") for each in checkpoints]
        for name, found in (("vae", fit.vaes), ("control", fit.controlnets)):
            rows = [(each.version.pk, f"{each.version.model.title} · {each.version.name}") for each in found]
            self.fields[name].choices = [_NONE, *rows]
        for name, field in self.fields.items():
            if name in self.START:  # what is left out is then what a fresh form says
                field.required, field.needed_later = False, True

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name, value in self.START.items():
            if cleaned.get(name) in (None, "") and name not in self.errors:
                cleaned[name] = value
        return cleaned

    def asked(self) -> dict[str, Any]:
        """The fields of a `RenderRequest` as JSON; the seed is None where none was typed."""
        given = self.cleaned_data
        plain = ("version", "prompt", "negative", "width", "height", "steps", "cfg_scale", "sampler", "schedule_type")
        asked: dict[str, Any] = {name: given[name] for name in (*plain, "batch_count", "clip_skip", "vae")}
        asked["seed"] = given["seed"].strip() or None
        if given["init"]:
            asked |= {"init": given["init"], "mask": given["mask"] or None, "denoise": given["denoise"]}
        if given["control"]:
            asked["control"] = {
                "version": given["control"], "picture": given["control_picture"], "weight": given["control_weight"]
            }  # fmt: skip
        if given["hires"]:
            asked["hires"] = {"scale": given["hires_scale"], "denoise": given["hires_denoise"]}
        if given["variation_strength"]:
            asked["variation"] = {
                "seed": given["variation_seed"].strip() or None,
                "strength": given["variation_strength"],
            }
        return asked

    def refuse(self, refusal: SafelightError) -> None:
        head, _dot, tail = refusal.field.partition(".")
        place = _PLACES.get(head, head)
        place = {"control": "control", "hires": f"hires_{tail}", "variation": f"variation_{tail}"}.get(head, place)
        super().refuse(_at(refusal, place if place in self.fields else ""))


_AXES: Final = [(axis.id, axis.label) for axis in AXES.values()]


class GridForm(RefusableForm):
    """Which two values of a render to vary, and how."""

    name = forms.CharField(label=_("Name"), required=False, max_length=100)
    x_axis = forms.ChoiceField(label=_("Across"), choices=_AXES)
    x = forms.CharField(
        label=_("Its values"), max_length=10_000, help_text=_("Parted by commas, or one a line."),
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
    )  # fmt: skip
    y_axis = forms.ChoiceField(label=_("Down"), choices=[_NONE, *_AXES], required=False)
    y = forms.CharField(
        label=_("Its values"), max_length=10_000, required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
    )  # fmt: skip

    def axes(self) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """The two axes as `submit_grid` takes them. Raises InvalidInput that names "x" or "y"."""
        given = self.cleaned_data
        x = read_axis(given["x_axis"], given["x"], "x")
        return x, read_axis(given["y_axis"], given["y"], "y") if given["y_axis"] else None


class StyleForm(RefusableForm):
    """Words to keep."""

    name = forms.CharField(label=_("Name"), max_length=100)
    prompt = forms.CharField(
        label=_("For the prompt"), required=False, max_length=MAX_PROMPT, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("{prompt} stands for what was typed; without it, the words are put behind."),
    )  # fmt: skip
    negative = forms.CharField(
        label=_("For the negative prompt"), required=False, max_length=MAX_PROMPT,
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip


class SetForm(RefusableForm):
    """A prompt set's name, and the family that it is for."""

    name = forms.CharField(label=_("Name"), max_length=100)
    family = forms.ChoiceField(
        label=_("For models of"), required=False,
        choices=[("", _("Every base model")), *((name, FAMILY_LABELS[name]) for name in HOUSE_SUITES)],
    )  # fmt: skip


class StoredPromptForm(forms.Form):
    """One prompt of a set."""

    prompt = forms.CharField(label=_("Prompt"), max_length=MAX_PROMPT, widget=forms.Textarea(attrs={"rows": 2}))
    negative = forms.CharField(label=_("Negative prompt"), required=False, max_length=MAX_PROMPT)
    alt = forms.CharField(
        label=_("What it shows"), required=False, max_length=500, help_text=_("For people who do not see it.")
    )
    # As text, which is how it comes back: a form that nobody touched is then seen to be one.
    rating = forms.TypedChoiceField(label=_("Rating"), coerce=int, choices=RATING_CHOICES, initial=str(int(Rating.PG)))
    seed = forms.CharField(label=_("Seed"), max_length=20, initial="1")
    steps = forms.IntegerField(label=_("Steps"), min_value=1, initial=20)
    cfg_scale = forms.FloatField(label=_("CFG scale"), min_value=0, max_value=100, initial=7)
    sampler = forms.ChoiceField(label=_("Sampler"), choices=[(name, name) for name in SAMPLERS], initial="DPM++ 2M")

    def clean_seed(self) -> int:
        seed = self.cleaned_data["seed"].strip()
        if not (seed.isascii() and seed.isdigit()):
            raise forms.ValidationError(_("This must be a whole number."))
        return int(seed)

    def stored(self) -> StoredPrompt:
        return StoredPrompt(**self.cleaned_data)


def _at(refusal: SafelightError, field: str) -> SafelightError:
    refusal.field = field
    return refusal


def start_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """What the form is filled with to ask for a written request again. Adapters stand in the prompt already."""
    simple = {
        key: value
        for key, value in request.items()
        if key in RenderForm.base_fields and key not in {"control", "hires"}
    }
    if control := request.get("control"):
        simple |= {
            "control": control["version"],
            "control_picture": control["picture"],
            "control_weight": control["weight"],
        }
    if hires := request.get("hires"):
        simple |= {"hires": True, "hires_scale": hires["scale"], "hires_denoise": hires["denoise"]}
    if variation := request.get("variation"):
        simple |= {"variation_seed": variation["seed"], "variation_strength": variation["strength"]}
    return simple
