"""Why a picture is not taken, and what may go wrong with the reading itself."""

from collections.abc import Mapping


class PictureRefused(ValueError):
    """These bytes are not a picture that this site takes. `code` is stable, `params` fill the sentence made from it.

    The codes: empty, too_many_bytes, format_not_accepted {format}, not_a_picture {found}, disguised {extension, found},
    wrong_extension {extension, format}, side_too_long {side, limit}, too_many_pixels {pixels, limit},
    animation_too_large {pixels, frames, limit}, too_many_parts, truncated, damaged, polyglot {found}, too_slow,
    too_much_memory; of clips clip_misnamed {extension, format}, clip_too_long {seconds, most}, clip_without_video,
    clip_codec, clip_too_large {width, height, limit}, clip_unreadable.
    """

    def __init__(self, code: str, params: Mapping[str, str | int] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.params = dict(params or {})


class ReadingFailed(RuntimeError):
    """The site could not do its part (no disk, no process): says nothing about the picture, and may be tried again."""
