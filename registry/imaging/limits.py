"""How large a picture may be, and how much it may cost. Bytes, pixels and seconds."""

from typing import Final

MAX_BYTES: Final = 50_000_000
MAX_PIXELS: Final = 64_000_000
MAX_SIDE: Final = 16_384
# All frames together, at the canvas's size: what a browser draws while the animation runs once.
MAX_ANIMATION_PIXELS: Final = 600_000_000
MAX_FRAMES: Final = 4_000
# Chunks, segments, blocks or boxes of one file: walking them costs time before anything is known.
MAX_PARTS: Final = 200_000

# Clips. A frame of 4096 × 2160, 240 a second, with what sound and subtitles add.
MAX_CLIP_SECONDS: Final = 60
MAX_CLIP_PIXELS: Final = 9_000_000
MAX_CLIP_STREAMS: Final = 16
MAX_CLIP_FRAMES: Final = 14_400
# Pictures a second that a file may claim; what is beyond is a mistake of its own.
MAX_CLIP_RATE: Final = 1_000
MAX_CLIP_PACKETS: Final = 60_000
# Decoded in search of one that is not black.
MAX_POSTER_FRAMES: Final = 150
MAX_POSTER_PIXELS: Final = 600_000_000

RENDITION_WIDTHS: Final = (320, 640, 1280)
# WebP cannot hold a longer side than 16,383.
MAX_RENDITION_SIDE: Final = 8_192
MAX_RENDITION_BYTES: Final = 16_000_000
