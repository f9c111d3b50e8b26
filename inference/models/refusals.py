"""Why a render is refused, waits or failed, in sentences. The codes come from the prompts, the engine and the queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

# What was asked for.
_ASKED: Final = {
    "not_an_object": _("This must be an object with named values."),
    "unknown_field": _("There is no such value. Leave it out."),
    "missing": _("This is missing."),
    "not_text": _("This must be text without NUL characters."),
    "too_long": _("This is too long; at most %(most)s characters are possible."),
    "not_whole": _("This must be a whole number."),
    "not_a_number": _("This must be a number."),
    "too_small": _("This must be at least %(least)s."),
    "too_large": _("This must be at most %(most)s."),
    "not_a_multiple": _("This must be a multiple of %(step)s."),
    "not_a_hash": _("This must be the SHA-256 of a picture, 64 hexadecimal digits."),
    "unknown_choice": _("This must be one of: %(choices)s."),
    "not_a_list": _("This must be a list."),
    "too_many": _("At most %(most)s entries are possible."),
    "unknown_sampler": _("This sampler is not known here."),
    "foreign_sampler": _("This sampler is known from other programs, but this site does not have it."),
    "unknown_schedule": _("This schedule is not known, or the sampler does not take it."),
    "mask_without_init": _("A mask needs a picture to lie over. Give “init” too, or leave the mask out."),
    "hires_with_init": _("The enlarging pass works from text alone. Leave out “init” or “hires”."),
    "unknown_version": _("There is no such version that you may see."),
    "unknown_network": _("No model with the file name “%(name)s” is here that you may render with."),
    "unknown_embedding": _("No embedding with the file name “%(name)s” is here that you may render with."),
    "render_not_allowed": _("The author of “%(name)s” does not allow rendering with it here."),
    "not_of_this_kind": _("“%(name)s” is no %(wanted)s. It is: %(found)s."),
    "no_safe_file": _("“%(name)s” has no file that the scanner calls safe, and nothing else is ever loaded."),
    "unknown_picture": _("You have no picture with this SHA-256 here. Upload it first."),
    "picture_refused": _("The picture cannot be used: it could not be read."),
}
# What does not go together, or not here: `inference.engine.checks` says these before anything is queued.
_UNSUPPORTED: Final = {
    "family_not_rendered": _("Models of the base model “%(base_model)s” cannot be rendered here."),
    "unloadable_format": _("“%(name)s” is a file of the format %(format)s, which is not loaded for rendering."),
    "other_family": _("“%(name)s” was made for %(found)s and does not work with %(wanted)s."),
    "sampler_not_for_family": _("This base model is rendered with these samplers alone: %(samplers)s."),
    "schedule_not_for_family": _("This base model has a schedule of its own. Take “Automatic”."),
    "not_for_family": _("This does not work with the base model “%(base_model)s”. Leave it out."),
    "prompt_too_large": _("The prompt changes too often, or takes too many parts. Write it shorter."),
}
# What only the bytes tell: the engine says these of a file that it could not use.
_FILES: Final = {
    "bad_ingredient": _("The file “%(name)s” could not be used: it is not what it says it is."),
    "file_changed": _("The stored bytes of a file are not those that were judged. Tell the people of the site."),
    "unreadable_file": _("“%(name)s” cannot be read as a file of tensors."),
    "not_of_kind": _("“%(name)s” is not what it says: its tensors are those of a %(found)s, not of a %(wanted)s."),
    "not_a_vae": _("“%(name)s” is no VAE: the tensors of one are missing."),
    "not_a_controlnet": _("“%(name)s” is no ControlNet: the tensors of one are missing."),
    "not_a_hypernetwork": _("“%(name)s” is no hypernetwork: the tensors of one are missing."),
    "not_an_embedding": _("“%(name)s” is no embedding: the tensors of one are missing."),
    "unknown_variant": _("“%(name)s” is of a variant that cannot be rendered here: %(variant)s."),
    "missing_part": _("“%(name)s” lacks a part that it needs."),
    "missing_tensor": _("“%(name)s” lacks tensors that it needs."),
    "missing_pair": _("“%(name)s” lacks the other half of a pair of tensors."),
    "incomplete": _("“%(name)s” lacks tensors that it needs."),
    "no_vae": _("“%(name)s” has no VAE inside. Choose one beside it."),
    "tokenizer_mismatch": _("The text encoder of “%(name)s” does not fit its tokenizer."),
    "wrong_shape": _("“%(name)s” holds a tensor of a shape that does not fit."),
    "wrong_dtype": _("“%(name)s” holds a tensor of a number type that cannot be used."),
    "false_size": _("“%(name)s” holds a tensor that is smaller than it claims."),
    "unknown_key": _("“%(name)s” holds a tensor of an unknown name."),
    "unknown_activation": _("“%(name)s” asks for an unknown activation: %(activation)s."),
    "not_finite": _("“%(name)s” holds numbers that are not finite (NaN or infinite)."),
    "overflow": _("“%(name)s” at this strength gives numbers that are too large. Take a smaller weight."),
    "nothing_applies": _("Nothing in “%(name)s” belongs to this checkpoint."),
    "other_width": _("The embedding “%(name)s” was made for another text encoder."),
    "not_finite_picture": _("The numbers became infinite on the way, so there is no picture. Change the settings."),
    "unreadable_picture": _("The picture could not be read."),
    "picture_too_large": _("The picture is too large to begin with."),
    "mask_size": _("The mask has another size than the picture: %(found)s instead of %(wanted)s."),
}
# What came in between.
_FAILED: Final = {
    "deadline": _("The render took longer than %(seconds)s seconds and was stopped. Ask for fewer steps or pixels."),
    "out_of_memory": _("No worker has enough memory for this. Ask for a smaller picture."),
    "device_fault": _("The device failed twice while it rendered this. Try again later."),
    "worker_lost": _("The worker went away %(count)s times while it rendered this. Try again later."),
    "broke_off": _("The render broke off. The people of the site can read why."),
    "file_gone": _("A file that this needs is no longer here."),
    "no_longer_allowed": _("A model that this needs may no longer be rendered with here."),
    "not_safe": _("A file that this needs is no longer called safe by the scanner."),
    "store_unavailable": _("The store of files did not answer."),
}
# Why it waits.
_WAITING: Final = {
    "position": _("Number %(position)s in the queue."),
    "no_worker": _("No worker can run this: none is running."),
    "too_much_memory": _(
        "No worker can run this: it needs about %(needed)s GB, and the largest device has room for %(most)s GB."
    ),
    "too_slow": _("No worker can run this: it would take about %(seconds)s seconds, and %(limit)s are the most here."),
    "pictures": _("The picture that it begins with is still being read."),
    "elsewhere": _("A device failed. The render waits for another worker, or a minute."),
}
SENTENCES: Final = {**_ASKED, **_UNSUPPORTED, **_FILES, **_FAILED, **_WAITING}
_TENSOR: Final = _("Tensor: %(key)s.")
_UNKNOWN: Final = _("This cannot be rendered (%(code)s).")


def explain_render(code: str, params: Mapping[str, Any] | None = None) -> str:
    """The sentence of a code, in the reader's language."""
    values = dict(params or {})
    try:
        sentence = str(SENTENCES[code]) % values
    except (KeyError, TypeError, ValueError):  # a code of a newer engine, or one with other parameters
        return str(_UNKNOWN) % {"code": code}
    return f"{sentence} {_TENSOR % values}" if values.get("key") else sentence
