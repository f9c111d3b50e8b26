"""Small model files with the structure of real ones. Their numbers are random, or taken from the tiny checkpoint.

Each has the names and widths by which tools of the field know its kind; layers are left out to keep it small.
"""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from registry.demo.ldm_names import TEXT, UNET, VAE
from registry.demo.tensorfile import Tensor, read_tensors, write_tensors
from registry.demo.torchfile import write_torch

DATA: Final = Path(__file__).parent / "data"

# The high byte of a half-precision number with any sign and fraction, and an exponent that makes it about 0.01.
_SMALL: Final = bytes((byte & 0x83) | 0x20 for byte in range(256))
# Where cross attention stands in Stable Diffusion 1, and how wide it is there.
_SD1_ATTENTION: Final = [
    *((f"down_blocks_{block}_attentions_{place}", 320 << block) for block in range(3) for place in range(2)),
    ("mid_block_attentions_0", 1280),
    *((f"up_blocks_{block}_attentions_{place}", 1280 >> (block - 1)) for block in (1, 2, 3) for place in range(3)),
]
_SDXL_ATTENTION: Final = [
    (f"down_blocks_{block}_attentions_{place}", 640 * block) for block in (1, 2) for place in (0, 1)
]


Words = tuple[str, ...]


class Numbers:
    """Random tensors; the same seed gives the same bytes."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - not a secret

    def half(self, *shape: int) -> Tensor:
        """A tensor of small half-precision numbers."""
        data = bytearray(self._random.randbytes(2 * math.prod(shape)))
        data[1::2] = data[1::2].translate(_SMALL)
        return Tensor("F16", shape, bytes(data))


def _alpha(value: float) -> Tensor:
    return Tensor("F16", (), struct.pack("<e", value))


def _training(name: str, network: str, rank: int, base: str, words: Words) -> dict[str, str]:
    """What the common trainer writes beside the tensors."""
    tags = ",".join(f'"{word}": {40 - 3 * place}' for place, word in enumerate(words))
    return {
        "ss_base_model_version": base,
        "ss_network_alpha": str(rank),
        "ss_network_dim": str(rank),
        "ss_network_module": network,
        "ss_output_name": name,
        "ss_resolution": "(512, 512)" if base.startswith("sd_v1") else "(1024, 1024)",
        "ss_tag_frequency": f'{{"40_{name}": {{{tags}}}}}',
    }


def _pair(numbers: Numbers, name: str, into: int, out: int, rank: int) -> Iterator[tuple[str, Tensor]]:
    yield f"{name}.lora_down.weight", numbers.half(rank, into)
    yield f"{name}.lora_up.weight", numbers.half(out, rank)
    yield f"{name}.alpha", _alpha(rank)


def _cross_attention(numbers: Numbers, places: list[tuple[str, int]], width: int, rank: int) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for place, own in places:
        for part in ("to_k", "to_v"):
            name = f"lora_unet_{place}_transformer_blocks_0_attn2_{part}"
            tensors |= dict(_pair(numbers, name, width, own, rank))
    return tensors


def sd1_lora(name: str, words: Words, rank: int = 4) -> bytes:
    """A LoRA for Stable Diffusion 1, as the common trainer names it."""
    tensors = _cross_attention(Numbers(name), _SD1_ATTENTION, 768, rank)
    return write_tensors(tensors, _training(name, "networks.lora", rank, "sd_v1", words))


def sd1_lora_fp32(name: str, words: Words) -> bytes:
    """The LoRA of the same name without `-fp32`, each number written in single precision."""
    tensors, metadata = read_tensors(sd1_lora(name.removesuffix("-fp32"), words))
    return write_tensors({key: _widened(tensor) for key, tensor in tensors.items()}, metadata)


def sd1_locon(name: str, words: Words, rank: int = 4) -> bytes:
    """The same with convolutions."""
    numbers = Numbers(name)
    tensors = _cross_attention(numbers, _SD1_ATTENTION[:6], 768, rank)
    for block, width in ((0, 320), (1, 640)):
        conv = f"lora_unet_down_blocks_{block}_resnets_1_conv1"
        tensors |= {
            f"{conv}.lora_down.weight": numbers.half(rank, width, 3, 3),
            f"{conv}.lora_up.weight": numbers.half(width, rank, 1, 1),
            f"{conv}.alpha": _alpha(rank),
        }
    return write_tensors(tensors, _training(name, "lycoris.kohya", rank, "sd_v1", words))


def sdxl_dora(name: str, words: Words, rank: int = 4) -> bytes:
    """A LoRA for Stable Diffusion XL with magnitudes of its own."""
    numbers = Numbers(name)
    tensors = _cross_attention(numbers, _SDXL_ATTENTION, 2048, rank)
    for key in [key for key in tensors if key.endswith(".lora_up.weight")]:
        tensors[key.replace("lora_up.weight", "dora_scale")] = numbers.half(tensors[key].shape[0], 1)
    return write_tensors(tensors, _training(name, "lycoris.kohya", rank, "sdxl_base_v1-0", words))


def sdxl_lora(name: str, words: Words, rank: int = 8) -> bytes:
    """A LoRA for Stable Diffusion XL."""
    tensors = _cross_attention(Numbers(name), _SDXL_ATTENTION, 2048, rank)
    return write_tensors(tensors, _training(name, "networks.lora", rank, "sdxl_base_v1-0", words))


def flux_lora(name: str, words: Words, rank: int = 4) -> bytes:
    """A LoRA for Flux.1."""
    numbers = Numbers(name)
    tensors: dict[str, Tensor] = {}
    for block in range(3):
        for stream in ("img", "txt"):
            place = f"lora_unet_double_blocks_{block}_{stream}_attn"
            tensors |= dict(_pair(numbers, f"{place}_qkv", 3072, 9216, rank))
            tensors |= dict(_pair(numbers, f"{place}_proj", 3072, 3072, rank))
    return write_tensors(tensors, _training(name, "networks.lora_flux", rank, "flux1", words))


def sd1_embedding(name: str, words: Words, vectors: int = 4) -> bytes:
    """A textual inversion in the first tool's own layout: a pickle."""
    tensor = Numbers(name).half(vectors, 768)
    return write_torch(
        {
            "string_to_token": {"*": 265},
            "string_to_param": {"*": tensor},
            "name": name,
            "step": 900,
            "sd_checkpoint": None,
            "sd_checkpoint_name": None,
        },
        name,
    )


def sdxl_embedding(name: str, words: Words, vectors: int = 6) -> bytes:
    """A textual inversion for both text encoders of Stable Diffusion XL."""
    numbers = Numbers(name)
    return write_tensors({"clip_g": numbers.half(vectors, 1280), "clip_l": numbers.half(vectors, 768)}, {})


def sd1_hypernetwork(name: str, words: Words) -> bytes:
    """Small networks before keys and values, by the width of what they read: a pickle."""
    numbers = Numbers(name)

    def network(width: int) -> Mapping[str | int, Tensor]:
        return {"linear.0.weight": numbers.half(width, width), "linear.0.bias": numbers.half(width)}

    return write_torch(
        {
            "step": 2000,
            "name": name,
            "layer_structure": [1, 1],
            "activation_func": "linear",
            "is_layer_norm": 0,
            "weight_initialization": "Normal",
            320: [network(320), network(320)],
            768: [network(768), network(768)],
        },
        name,
    )


def upscaler(name: str, words: Words, features: int = 32, growth: int = 16, blocks: int = 2) -> bytes:
    """Residual dense blocks between two convolutions, fourfold."""
    numbers = Numbers(name)

    def conv(name: str, into: int, out: int) -> dict[str, Tensor]:
        return {f"{name}.weight": numbers.half(out, into, 3, 3), f"{name}.bias": numbers.half(out)}

    tensors = conv("conv_first", 3, features)
    for block in range(blocks):
        for dense in (1, 2, 3):
            for layer in range(1, 6):
                into, out = features + growth * (layer - 1), features if layer == 5 else growth
                tensors |= conv(f"RRDB_trunk.{block}.RDB{dense}.conv{layer}", into, out)
    for part in ("trunk_conv", "upconv1", "upconv2", "HRconv"):
        tensors |= conv(part, features, features)
    return write_tensors(tensors | conv("conv_last", features, 3), {})


def sd1_motion_module(name: str, words: Words, width: int = 320) -> bytes:
    """One temporal transformer of each end of the U-Net."""
    numbers = Numbers(name)
    tensors: dict[str, Tensor] = {}
    for place in ("down_blocks.0", "down_blocks.3"):
        stem = f"{place}.motion_modules.0.temporal_transformer"
        tensors |= {f"{stem}.norm.weight": numbers.half(width), f"{stem}.norm.bias": numbers.half(width)}
        tensors |= {f"{stem}.proj_in.weight": numbers.half(width, width), f"{stem}.proj_in.bias": numbers.half(width)}
        for part in ("to_q", "to_k", "to_v"):
            block = f"{stem}.transformer_blocks.0.attention_blocks.0.{part}"
            tensors[f"{block}.weight"] = numbers.half(width, width)
        tensors[f"{stem}.transformer_blocks.0.attention_blocks.0.pos_encoder.pe"] = numbers.half(1, 24, width)
    return write_tensors(tensors, {})


def tiny_checkpoint(name: str, words: Words) -> bytes:
    """The trained one, whole."""
    return (DATA / "safelight-tiny.safetensors").read_bytes()


def tiny_checkpoint_pickle(name: str, words: Words) -> bytes:
    """The same numbers in the older layout: a pickle."""
    return write_torch({"state_dict": _tiny()}, name)


def ink_contrast(name: str, words: Words) -> bytes:
    """The trained LoRA."""
    return (DATA / "ink-contrast.safetensors").read_bytes()


def tiny_vae_sharp(name: str, words: Words) -> bytes:
    """The autoencoder whose decoder was trained further."""
    return (DATA / "safelight-tiny-sharp.safetensors").read_bytes()


def ember_heart(name: str, words: Words) -> bytes:
    """The trained embedding."""
    return (DATA / "ember-heart.safetensors").read_bytes()


def cyanotype(name: str, words: Words) -> bytes:
    """The trained hypernetwork: a pickle."""
    return (DATA / "cyanotype.pt").read_bytes()


def tiny_vae(name: str, words: Words) -> bytes:
    """The checkpoint's autoencoder alone."""
    return write_tensors(_part(VAE), {"modelspec.title": "Safelight Tiny VAE", "modelspec.license": "MIT"})


def tiny_text_encoder(name: str, words: Words) -> bytes:
    """The checkpoint's text encoder alone."""
    return write_tensors(_part(TEXT), {"modelspec.title": "Safelight Tiny text encoder", "modelspec.license": "MIT"})


def tiny_controlnet(name: str, words: Words) -> bytes:
    """A ControlNet as training begins with it: half of the U-Net, and convolutions of zeros after each step."""
    unet, numbers = _part(UNET), Numbers("controlnet")
    halves = ("time_embed.", "input_blocks.", "middle_block.")
    tensors = {f"control_model.{name}": tensor for name, tensor in unet.items() if name.startswith(halves)}
    widths = [(3, 16), (16, 16), (16, 32), (32, 32), (32, 64), (64, 64)]  # two of them halve a side: f = 4
    for place, (into, out) in enumerate(widths):
        stem = f"control_model.input_hint_block.{2 * place}"
        tensors |= {f"{stem}.weight": numbers.half(out, into, 3, 3), f"{stem}.bias": numbers.half(out)}
    for place, width in enumerate((64, 64, 64, 96, 96, 96)):
        tensors |= _zeros(f"control_model.zero_convs.{place}.0", width)
    tensors |= _zeros("control_model.middle_block_out.0", 96)
    return write_tensors(tensors, {})


def _zeros(name: str, width: int) -> dict[str, Tensor]:
    return {
        f"{name}.weight": Tensor("F16", (width, width, 1, 1), bytes(2 * width * width)),
        f"{name}.bias": Tensor("F16", (width,), bytes(2 * width)),
    }


def _widened(tensor: Tensor) -> Tensor:
    count = len(tensor.data) // 2
    values = struct.unpack(f"<{count}e", tensor.data)
    return Tensor("F32", tensor.shape, struct.pack(f"<{count}f", *values))


def _part(prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in _tiny().items() if name.startswith(prefix)}


@cache
def _tiny() -> dict[str, Tensor]:
    tensors, _ = read_tensors((DATA / "safelight-tiny.safetensors").read_bytes())
    return tensors


MAKERS: Final[Mapping[str, Callable[[str, Words], bytes]]] = MappingProxyType(
    {
        maker.__name__: maker
        for maker in (
            sd1_lora, sd1_lora_fp32, sd1_locon, sdxl_dora, sdxl_lora, flux_lora, sd1_embedding, sdxl_embedding,
            sd1_hypernetwork, upscaler, sd1_motion_module, tiny_checkpoint, tiny_checkpoint_pickle, ink_contrast,
            tiny_vae, tiny_vae_sharp, tiny_text_encoder, tiny_controlnet, ember_heart, cyanotype,
        )
    }
)  # fmt: skip
