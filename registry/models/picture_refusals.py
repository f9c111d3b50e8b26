"""Why a picture is not shown, in sentences. The codes come from `registry.imaging`."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy

SENTENCES = {
    "empty": gettext_lazy("The file is empty."),
    "too_many_bytes": gettext_lazy("The file is larger than %(millions)d MB. Save the picture smaller."),
    "format_not_accepted": gettext_lazy("This is a %(format)s picture. Save it as PNG, JPEG, WebP, AVIF or GIF."),
    "not_a_picture": gettext_lazy("The file is no picture (found: %(found)s). Choose a PNG, JPEG, WebP, AVIF or GIF."),
    "disguised": gettext_lazy("The file is named .%(extension)s but is no picture (found: %(found)s)."),
    "wrong_extension": gettext_lazy(
        "The file is named .%(extension)s but holds a %(format)s picture. Rename it and send it again."
    ),
    "side_too_long": gettext_lazy("A side of the picture has %(side)d pixels; at most %(limit)d are possible."),
    "too_many_pixels": gettext_lazy("The picture has %(megapixels)d megapixels; at most %(millions)d are possible."),
    "animation_too_large": gettext_lazy(
        "The animation has %(frames)d frames with %(megapixels)d megapixels in all, which is too much."
    ),
    "too_many_parts": gettext_lazy("The file consists of more than %(limit)d parts. Save the picture anew."),
    "truncated": gettext_lazy("The picture's end is missing. Save it anew, or send it again."),
    "damaged": gettext_lazy("The picture is damaged and cannot be read. Save it anew."),
    "polyglot": gettext_lazy("The file is a picture and something else at once (%(found)s). Save the picture anew."),
    "too_slow": gettext_lazy("Reading the picture takes too long. Save it anew, or smaller."),
    "too_much_memory": gettext_lazy("Reading the picture needs too much memory. Save it smaller."),
    "clip_misnamed": gettext_lazy(
        "The file is named .%(extension)s but holds a clip (%(format)s). Rename it and send it again."
    ),
    "clip_too_long": gettext_lazy("The clip lasts %(seconds)d seconds; at most %(most)d are possible. Cut it."),
    "clip_without_video": gettext_lazy("The file holds no moving picture. Choose a clip that has one."),
    "clip_codec": gettext_lazy("Browsers cannot play this clip. Save it with H.264, H.265, VP8, VP9 or AV1."),
    "clip_too_large": gettext_lazy(
        "The clip has %(width)d × %(height)d pixels; at most %(millions)d megapixels are possible. Save it smaller."
    ),
    "clip_unreadable": gettext_lazy("The clip is damaged and cannot be read. Save it anew."),
    "reading_failed": gettext_lazy("The site could not read the picture. Tell the people of the site."),
    "blocked_bytes": gettext_lazy("This picture is on the site's block list: %(reason)s"),
    "upload_gone": gettext_lazy("The upload came to nothing. Send the picture again."),
}

# What was found instead, in the words of `registry.imaging`.
_THINGS = {
    "ZIP archive": gettext_lazy("a ZIP archive"),
    "RAR archive": gettext_lazy("a RAR archive"),
    "7z archive": gettext_lazy("a 7z archive"),
    "gzip archive": gettext_lazy("a gzip archive"),
    "archive": gettext_lazy("an archive"),
    "PDF": gettext_lazy("a PDF"),
    "Windows program": gettext_lazy("a Windows program"),
    "program": gettext_lazy("a program"),
    "script": gettext_lazy("a script"),
    "video": gettext_lazy("a video"),
    "pickle": gettext_lazy("a pickle"),
    "safetensors file": gettext_lazy("a safetensors file"),
    "web page": gettext_lazy("a web page"),
    "Office document": gettext_lazy("an Office document"),
    "unknown": gettext_lazy("something unknown"),
}
_UNKNOWN = gettext_lazy("The picture cannot be shown.")


def explain_refusal(code: str, params: Mapping[str, str | int]) -> str:
    """What is wrong with a picture and what to do about it, in the reader's language."""
    values: dict[str, str | int] = dict(params)
    for name, unit in (("pixels", "megapixels"), ("limit", "millions")):
        if isinstance(value := values.get(name), int):
            values[unit] = -(-value // 1_000_000)
    values["found"] = str(_THINGS.get(str(values.get("found")), _THINGS["unknown"]))
    try:
        return str(SENTENCES.get(code, _UNKNOWN)) % values
    except (KeyError, TypeError, ValueError):  # a child that was taken over may have sent any parameters
        return str(_UNKNOWN)
