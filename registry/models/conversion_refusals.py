"""Why a file is not converted, in sentences. The codes come from `registry.converting`."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy

SENTENCES = {
    "not_safe": gettext_lazy("Only files that are judged safe are converted."),
    "layout": gettext_lazy("The file has another layout than those that torch.save writes."),
    "pickle_broken": gettext_lazy("The file’s pickle or its storages break off."),
    "pickle_too_large": gettext_lazy("The file’s pickle is packed oddly or too large to be read."),
    "byte_order": gettext_lazy("The numbers were written on a computer with the other byte order."),
    "no_tensors": gettext_lazy("The file holds no tensors."),
    "too_many_tensors": gettext_lazy("The file holds more than %(limit)d tensors."),
    "too_complex": gettext_lazy("The file’s objects are nested or repeated too often to be read."),
    "form": gettext_lazy("“%(tensor)s” is of a form that safetensors cannot hold (%(form)s)."),
    "dtype": gettext_lazy("“%(tensor)s” has numbers of a type that safetensors cannot hold (%(dtype)s)."),
    "outside": gettext_lazy("“%(tensor)s” reaches beyond the bytes that are stored for it."),
    "storage_missing": gettext_lazy("The bytes of “%(tensor)s” are not in the file."),
    "storage_packed": gettext_lazy("The file’s numbers are compressed. Save it anew with torch.save."),
    "storage_types": gettext_lazy("“%(tensor)s” reads bytes that another tensor reads as another type."),
    "storage_view": gettext_lazy("The file was written by a version of torch too old for this conversion."),
    "name_twice": gettext_lazy("Two tensors would have the name “%(tensor)s”."),
    "name_odd": gettext_lazy("A tensor at “%(tensor)s” has a name that safetensors cannot hold."),
    "result_too_large": gettext_lazy("The result would be many times larger than the file."),
    "not_a_checkpoint": gettext_lazy("Only whole checkpoints can be pruned."),
    "nothing_to_prune": gettext_lazy("The file is pruned and in half precision already."),
    "too_slow": gettext_lazy("Converting the file takes too long."),
    "too_much_memory": gettext_lazy("Converting the file needs too much memory."),
    "damaged": gettext_lazy("The file ends before its numbers do."),
    "conversion_failed": gettext_lazy("The site could not convert the file. Tell the people of the site."),
}
_UNKNOWN = SENTENCES["conversion_failed"]


def explain_conversion_refusal(code: str, params: Mapping[str, str | int]) -> str:
    """Why there is no `.safetensors` of a file, in the reader's language."""
    try:
        return str(SENTENCES.get(code, _UNKNOWN)) % dict(params)
    except (KeyError, TypeError, ValueError):  # a child that was taken over may have sent any parameters
        return str(_UNKNOWN)
