"""Networks named inside a prompt: `<lora:name:0.8>`, `<hypernet:name:1>` and their longer forms.

One number sets the strength for both sides; a second one is the denoiser's (`<lora:name:te:unet>`); both may be named
(`te=0.5`, `unet=1`), as in the extra networks of AUTOMATIC1111's web UI.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

MAX_NETWORKS: Final = 64
MAX_WEIGHT: Final = 1000.0
_OPENING: Final = re.compile(r"<(\w{1,32}):")
_NUMBER: Final = re.compile(r"[+-]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})\Z")


@dataclass(frozen=True, slots=True)
class Network:
    """A network that the prompt asks for. Weights are strengths, 1 as trained; a negative one turns it around."""

    kind: str
    name: str
    text_weight: float = 1.0
    image_weight: float = 1.0

    def written(self) -> str:
        """As it stands in a prompt. Reading it back gives an equal network."""
        if self.text_weight == self.image_weight:
            return f"<{self.kind}:{self.name}:{number_text(self.image_weight)}>"
        return f"<{self.kind}:{self.name}:{number_text(self.text_weight)}:{number_text(self.image_weight)}>"


def number_text(value: float) -> str:
    """A number as people write it in prompts: no exponent, no trailing zeros."""
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def extract_networks(prompt: str) -> tuple[str, tuple[Network, ...]]:
    """The prompt without its network tags, and the networks in the order they stand.

    A tag that is not understood (no name, a weight that is no number, one network too many) stays in the text, so
    that nothing a person wrote is dropped in silence.
    """
    networks: list[Network] = []
    kept: list[str] = []
    position = 0
    while opening := _OPENING.search(prompt, position):
        end = prompt.find(">", opening.end())
        if end < 0:
            break  # no tag can follow either: one look for the sign, not one a tag
        network = _network(opening[1], prompt[opening.end() : end]) if len(networks) < MAX_NETWORKS else None
        kept.append(prompt[position : opening.start()] if network else prompt[position : end + 1])
        if network:
            networks.append(network)
        position = end + 1
    kept.append(prompt[position:])
    return "".join(kept), tuple(networks)


def _network(kind: str, inside: str) -> Network | None:
    name, *arguments = inside.split(":")
    if not name.strip() or len(arguments) > 4:
        return None
    named: dict[str, float] = {}
    plain: list[float] = []
    for argument in arguments:
        key, equals, text = argument.rpartition("=")
        value = _weight(text)
        if value is None:
            return None
        if equals:
            named[key.strip()] = value
        else:
            plain.append(value)
    text_weight = named.get("te", plain[0] if plain else 1.0)
    image_weight = named.get("unet", plain[1] if len(plain) > 1 else text_weight)
    return Network(kind, name.strip(), text_weight, image_weight)


def _weight(text: str) -> float | None:
    text = text.strip()
    if not _NUMBER.match(text):
        return None
    value = float(text)
    return value if math.isfinite(value) and abs(value) <= MAX_WEIGHT else None
