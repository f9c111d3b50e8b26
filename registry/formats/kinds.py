"""What kind of model a file is: recognisers in their order, each answering for its own kind or passing.

The order matters: an adapter of a ControlNet has a ControlNet's keys, and a checkpoint a VAE's. Tests from the
published layouts of each kind.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from registry.formats.adapter_bases import adapter_base
from registry.formats.adapters import Adapter, read_adapter
from registry.formats.catalog import BASE_MODELS, base_model_of_width
from registry.formats.denoisers import PREFIXES, input_channels, transformer_base, unet_base
from registry.formats.finding import UNKNOWN, Base, Finding, of_family, one_of
from registry.formats.names import NameIndex
from registry.formats.tensors import TensorInfo

_MAX_EMBEDDING_TENSORS: Final = 12
_MAX_BARE_VECTORS: Final = 4
_MAX_VECTORS: Final = 256  # a prompt has 75 places; longer embeddings exist, but not this long
_EMBEDDING_NAMES: Final = ("emb_params", "string_to_param", "clip_l", "clip_g", "t5xxl")
_EMBEDDING_WIDTHS: Final = frozenset({128, 768, 1024, 1280})
# A hypernetwork's dict of width -> two networks of layers, flattened by whichever sign its reader joins keys with.
_HYPERNETWORK: Final = re.compile(r"(\d{2,5})[./]([01])[./]linear")
_FULL_EMA_KEYS: Final = 100


@dataclass(frozen=True, slots=True)
class Subject:
    """What the recognisers look at."""

    index: NameIndex
    adapter: Adapter | None


def find_kind(index: NameIndex) -> Finding:
    """The answer of the first recogniser that knows the file."""
    subject = Subject(index, read_adapter(index))
    for recogniser in _RECOGNISERS:
        if (finding := recogniser(subject)) is not None:
            return finding
    return Finding("other", notes=["not_a_model"], confidence="low")


def _found(model_type: str, format: str, base: Base, *notes: str) -> Finding:
    finding = Finding(model_type, format, notes=list(notes))
    base.apply_to(finding)
    return finding


def _control_lora(subject: Subject) -> Finding | None:
    index = subject.index
    hinted = index.has("input_hint_block.") and (subject.adapter is not None or index.ends(".up", ".down"))
    if not hinted and not index.has("lora_controlnet"):
        return None
    downs = [t for t in index.containing("attn2.to_k") if t.name.endswith((".down", ".down.weight")) and t.shape]
    row = base_model_of_width(downs[0].shape[-1]) if downs else None
    return _found("controlnet", "control-lora", of_family(row.family) if row else UNKNOWN, "control_lora")


def _ip_adapter(subject: Subject) -> Finding | None:
    if not subject.index.has("image_proj.") or not subject.index.has("ip_adapter."):
        return None
    widths = {t.shape[-1] for t in subject.index.containing("to_k_ip") if len(t.shape) == 2}
    row = base_model_of_width(widths.pop()) if len(widths) == 1 else None
    return _found("controlnet", "ip-adapter", of_family(row.family) if row else UNKNOWN, "ip_adapter")


def _adapter(subject: Subject) -> Finding | None:
    adapter = subject.adapter
    if adapter is None:
        return None
    finding = _found(adapter.model_type, adapter.kind, adapter_base(adapter))
    finding.parts = adapter.sides
    if ranks := adapter.ranks():
        finding.rank = ranks.most_common(1)[0][0]
        finding.rank_varies = len(ranks) > 1
    facts = {
        "rank_varies": finding.rank_varies,
        "several_adapters": len(adapter.adapter_names) > 1,
        "text_encoder_only": "denoiser" not in adapter.sides,
        "norm_layers": adapter.has_norms,
    }
    finding.notes.extend(note for note, holds in facts.items() if holds)
    if adapter.is_dora:
        finding.variants.append("dora")
    return finding


def _embedding(subject: Subject) -> Finding | None:
    index = subject.index
    if not 0 < len(index) <= _MAX_EMBEDDING_TENSORS:
        return None
    vectors = [t for t in index.tensors if _is_vectors(t)]
    is_named = index.starts(*_EMBEDDING_NAMES)
    if not vectors or not (is_named or _are_bare_vectors(vectors, len(index))):
        return None
    finding = _found("embedding", "textual-inversion", _embedding_base(vectors))
    finding.vectors = max(t.shape[0] if len(t.shape) == 2 else 1 for t in vectors)
    return finding


def _is_vectors(tensor: TensorInfo) -> bool:
    return len(tensor.shape) == 1 or (len(tensor.shape) == 2 and tensor.shape[0] <= _MAX_VECTORS)


def _are_bare_vectors(vectors: list[TensorInfo], tensor_count: int) -> bool:
    """Whether the file is a few vectors of known widths under names of the author's own, not a network's layers."""
    return len(vectors) == tensor_count <= _MAX_BARE_VECTORS and all(
        t.shape[-1] in _EMBEDDING_WIDTHS and not t.name.endswith((".weight", ".bias")) for t in vectors
    )


def _embedding_base(vectors: list[TensorInfo]) -> Base:
    widths = {t.shape[-1] for t in vectors}
    if 4096 in widths:
        return one_of("SD 3", "Flux.1 D")
    if 1280 in widths:
        return of_family("sdxl")
    rows = {row.id: row for width in widths if (row := base_model_of_width(width))}
    return of_family(next(iter(rows.values())).family) if len(rows) == 1 else UNKNOWN


def _hypernetwork(subject: Subject) -> Finding | None:
    widths = {int(match[1]) for t in subject.index.tensors if (match := _HYPERNETWORK.match(t.name))}
    if not widths:
        return None
    # 320, 640 and 1280 are the U-Net's own widths, which every family shares; the text width tells.
    rows = {row.id: row for width in widths if (row := base_model_of_width(width))}
    base = of_family(next(iter(rows.values())).family) if len(rows) == 1 else UNKNOWN
    return _found("hypernetwork", "hypernetwork", base)


def _controlnet(subject: Subject) -> Finding | None:
    index = subject.index
    marks = (
        "control_model.",
        "input_hint_block.",
        "controlnet_cond_embedding.",
        "controlnet_down_blocks.",
        "controlnet_blocks.",
        "controlnet_x_embedder.",
    )
    if not index.has(*marks):
        return None
    if base := transformer_base(index):
        return _found("controlnet", "controlnet", _any_member(base))
    base = unet_base(index) or UNKNOWN
    # A ControlNet holds half a U-Net: what its absent half would tell of a distilled one says nothing here.
    return _found("controlnet", "controlnet", of_family("sdxl") if "distilled" in base.variants else base)


def _any_member(base: Base) -> Base:
    """The same family without the member: a ControlNet works with each of them."""
    return of_family(BASE_MODELS[base.base].family) if base.base else UNKNOWN


def _motion_module(subject: Subject) -> Finding | None:
    index = subject.index
    if not index.has("motion_modules."):
        return None
    # SD 1.x has four levels, SDXL three.
    return _found("motion_module", "animatediff", of_family("sd1" if index.has("down_blocks.3.") else "sdxl"))


def _t2i_adapter(subject: Subject) -> Finding | None:
    index = subject.index
    if not index.starts("adapter.body.", "body.0.in_conv", "body.0.resnets", "body.0.block1"):
        return None
    shape = index.shape_ending("conv_in.weight")
    # The picture is folded by 8 for SD 1.x and by 16 for SDXL, so that its channels become 64 or 256 times as many.
    families = {64: "sd1", 192: "sd1", 256: "sdxl", 768: "sdxl"}
    family = families.get(shape[1]) if shape and len(shape) == 4 else None
    return _found("controlnet", "t2i-adapter", of_family(family) if family else UNKNOWN, "t2i_adapter")


def _checkpoint(subject: Subject) -> Finding | None:
    index = subject.index
    is_whole = index.starts("model.diffusion_model.")
    transformer = transformer_base(index)
    base = transformer or (unet_base(index) if is_whole or _is_bare_unet(index) else None)
    if base is None and not is_whole:
        return None
    parts = ("transformer" if transformer else "unet", *_other_parts(index))
    is_checkpoint = is_whole or len(parts) > 1
    finding = _found(
        "checkpoint" if is_checkpoint else "unet", "single-file" if is_whole else "diffusers", base or UNKNOWN
    )
    finding.parts = parts
    finding.pruned = index.count_prefix("model_ema.") <= _FULL_EMA_KEYS if is_checkpoint else None
    if len(parts) == 1:
        finding.notes.append("denoiser_only")
    elif "vae" not in parts:
        finding.notes.append("no_vae")
    elif "text_encoder" not in parts:
        finding.notes.append("no_text_encoder")
    return finding


def _is_bare_unet(index: NameIndex) -> bool:
    return input_channels(index) is not None and index.starts(
        *(f"{prefix}{block}" for prefix in PREFIXES for block in ("input_blocks.", "down_blocks."))
    )


def _other_parts(index: NameIndex) -> tuple[str, ...]:
    tests = {
        "text_encoder": index.starts("cond_stage_model.", "conditioner.embedders.", "text_encoders.", "text_encoder."),
        "t5": index.has("t5xxl."),
        "vae": index.starts("first_stage_model.", "vae."),
        "ema": index.count_prefix("model_ema.") > _FULL_EMA_KEYS,
    }
    return tuple(part for part, holds in tests.items() if holds)


def _vae(subject: Subject) -> Finding | None:
    index = subject.index
    if index.has("encoder.") and index.has("decoder.conv1.weight") and index.has("decoder.middle.0.residual."):
        return _found("vae", "wan", of_family("wan"))
    shape = index.shape_ending("decoder.conv_in.weight")
    if shape is not None and index.has("encoder."):
        channels = shape[1] if len(shape) >= 2 else 0
        bases = {
            4: one_of("SD 1.5", "SD 2.1", "SDXL 1.0"),
            16: one_of("SD 3", "Flux.1 D"),
            32: of_family("flux2"),
        }
        return _found("vae", "diffusers" if index.has("encoder.down_blocks.") else "ldm", bases.get(channels, UNKNOWN))
    if index.starts("taesd", "decoder.layers.0.", "encoder.layers.0.conv"):
        return _found("vae", "taesd", UNKNOWN, "tiny_vae")
    return None


def _upscaler(subject: Subject) -> Finding | None:
    marks = ("RDB1.conv1", "rdb1.conv1", "residual_group", "upconv1.")
    if not subject.index.has(*marks) and not subject.index.starts("conv_first.weight", "params_ema.conv_first."):
        return None
    finding = Finding("upscaler", "esrgan" if subject.index.has("RDB1", "rdb1") else "super-resolution")
    finding.base, finding.is_exact, finding.candidates = "Other", True, ("Other",)
    return finding


_TEXT_ENCODERS: Final = (
    ("encoder.block.0.layer.0.SelfAttention.", "t5", "t5_text_encoder"),
    ("text_model.encoder.layers.", "clip", "clip_text_encoder"),
    ("transformer.resblocks.", "open-clip", "clip_text_encoder"),
    ("layers.0.self_attn.q_proj.", "language-model", "language_model"),
)


def _text_encoder(subject: Subject) -> Finding | None:
    index = subject.index
    for mark, format, note in _TEXT_ENCODERS:
        if index.has(mark):
            return Finding("text_encoder", format, notes=[note])
    if index.has("vision_model.encoder.layers."):
        return Finding("other", "clip-vision", notes=["vision_encoder"], confidence="medium")
    return None


_RECOGNISERS: Final[tuple[Callable[[Subject], Finding | None], ...]] = (
    _control_lora,
    _ip_adapter,
    _adapter,
    _embedding,
    _hypernetwork,
    _controlnet,
    _motion_module,
    _t2i_adapter,
    _checkpoint,
    _vae,
    _upscaler,
    _text_encoder,
)
