"""Find the layers of loaded networks under every name that adapter files use for them.

diffusers keeps some networks in another cut than those the adapters were trained on: U-Nets are numbered otherwise, and
Flux and SD 3 had query, key and value in one matrix. A layer is therefore a list of parts: rows of modules' weights.
Sources: the original layouts of Stable Diffusion (CompVis), SDXL and SD 3 (Stability), Flux (Black Forest Labs) as
their checkpoints show them, and diffusers' module names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from torch import nn

from inference.engine.lora_keys import LayerName


@dataclass(frozen=True, slots=True)
class Part:
    """Rows `start` to `stop` of a module's weight and bias; all of them where both are None."""

    module: nn.Module
    start: int | None = None
    stop: int | None = None

    @property
    def rows(self) -> slice:
        return slice(self.start, self.stop)


Layer = tuple[Part, ...]

_TEXT_SIDES: Final = ("text_encoder", "text_encoder_2", "text_encoder_3")


class LayerIndex:
    """The layers of a pipeline's networks by name. `modules` is keyed unet, transformer, text_encoder[_2|_3]."""

    def __init__(self, modules: Mapping[str, nn.Module]) -> None:
        self._sides = {side: _text_layers(modules[side]) for side in _TEXT_SIDES if side in modules}
        self._sides["denoiser"] = {}
        if "unet" in modules:
            self._sides["denoiser"] |= _unet_layers(modules["unet"])
        if "transformer" in modules:
            self._sides["denoiser"] |= _transformer_layers(modules["transformer"])
        if "text_encoder_3" not in self._sides and hasattr(modules.get("text_encoder_2"), "shared"):
            # Flux keeps T5 second; trainers number it third, as SD 3 does.
            self._sides["text_encoder_3"] = self._sides["text_encoder_2"]

    def find(self, name: LayerName) -> Layer | None:
        """The layer of that name, or None when these networks have none."""
        return self._sides.get(name.side, {}).get(name.plain)


def _weighted(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, module in network.named_modules():
        if isinstance(getattr(module, "weight", None), nn.Parameter):
            yield name, module


def _plain_layers(network: nn.Module) -> dict[str, Layer]:
    return {name.replace(".", "_"): (Part(module),) for name, module in _weighted(network)}


def _text_layers(network: nn.Module) -> dict[str, Layer]:
    return {name.removeprefix("text_model_"): layer for name, layer in _plain_layers(network).items()}


# Inside a residual block: diffusers' name -> the original's. Blocks of attention have the same names in both.
_RESIDUAL: Final = {
    "norm1": "in_layers_0",
    "conv1": "in_layers_2",
    "time_emb_proj": "emb_layers_1",
    "norm2": "out_layers_0",
    "conv2": "out_layers_3",
    "conv_shortcut": "skip_connection",
}
_UNET_ENDS: Final = {
    "conv_in": "input_blocks_0_0",
    "time_embedding.linear_1": "time_embed_0",
    "time_embedding.linear_2": "time_embed_2",
    "add_embedding.linear_1": "label_emb_0_0",
    "add_embedding.linear_2": "label_emb_0_2",
    "conv_norm_out": "out_0",
    "conv_out": "out_2",
}


def _unet_layers(unet: nn.Module) -> dict[str, Layer]:
    """Layers under diffusers' names and under the original's."""
    layers = _plain_layers(unet)
    places = sorted(_unet_places(unet), key=lambda place: len(place[0]), reverse=True)
    for name, module in _weighted(unet):
        original = _UNET_ENDS.get(name)
        for ours, theirs in () if original else places:
            if name == ours or name.startswith(ours + "."):
                rest = name.removeprefix(ours).removeprefix(".")
                inner = _RESIDUAL.get(rest, rest) if ".resnets." in ours else rest
                original = "_".join(filter(None, (theirs, inner.replace(".", "_"))))
                break
        if original:
            layers.setdefault(original, (Part(module),))
    return layers


def _unet_places(unet: nn.Module) -> Iterator[tuple[str, str]]:
    """(diffusers' name, the original's) of every block: those are numbered through from one end to the other."""
    count = 0
    for level, block in enumerate(getattr(unet, "down_blocks", ())):
        for place in range(len(block.resnets)):
            count += 1
            yield f"down_blocks.{level}.resnets.{place}", f"input_blocks_{count}_0"
            yield f"down_blocks.{level}.attentions.{place}", f"input_blocks_{count}_1"
        if getattr(block, "downsamplers", None):
            count += 1
            yield f"down_blocks.{level}.downsamplers.0.conv", f"input_blocks_{count}_0_op"
    yield from (
        ("mid_block.resnets.0", "middle_block_0"),
        ("mid_block.attentions.0", "middle_block_1"),
        ("mid_block.resnets.1", "middle_block_2"),
    )
    count = -1
    for level, block in enumerate(getattr(unet, "up_blocks", ())):
        for place in range(len(block.resnets)):
            count += 1
            yield f"up_blocks.{level}.resnets.{place}", f"output_blocks_{count}_0"
            yield f"up_blocks.{level}.attentions.{place}", f"output_blocks_{count}_1"
        if getattr(block, "upsamplers", None):
            slot = 2 if getattr(block, "attentions", None) else 1
            yield f"up_blocks.{level}.upsamplers.0.conv", f"output_blocks_{count}_{slot}_conv"


def _attention(stream: str) -> dict[str, tuple[str, ...]]:
    """Of one stream of a joint attention (Flux: img, txt; SD 3: x_block, context_block)."""
    if stream in ("img", "x_block"):
        return {"qkv": ("attn.to_q", "attn.to_k", "attn.to_v"), "proj": ("attn.to_out.0",)}
    return {"qkv": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"), "proj": ("attn.to_add_out",)}


_FLUX_DOUBLE: Final[dict[str, tuple[str, ...]]] = {
    **{f"img_attn_{name}": parts for name, parts in _attention("img").items()},
    **{f"txt_attn_{name}": parts for name, parts in _attention("txt").items()},
    "img_mlp_0": ("ff.net.0.proj",),
    "img_mlp_2": ("ff.net.2",),
    "txt_mlp_0": ("ff_context.net.0.proj",),
    "txt_mlp_2": ("ff_context.net.2",),
    "img_mod_lin": ("norm1.linear",),
    "txt_mod_lin": ("norm1_context.linear",),
}
_FLUX_SINGLE: Final[dict[str, tuple[str, ...]]] = {
    "linear1": ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"),
    "linear2": ("proj_out",),
    "modulation_lin": ("norm.linear",),
}
_FLUX_ENDS: Final[dict[str, tuple[str, ...]]] = {
    "img_in": ("x_embedder",),
    "txt_in": ("context_embedder",),
    "time_in_in_layer": ("time_text_embed.timestep_embedder.linear_1",),
    "time_in_out_layer": ("time_text_embed.timestep_embedder.linear_2",),
    "vector_in_in_layer": ("time_text_embed.text_embedder.linear_1",),
    "vector_in_out_layer": ("time_text_embed.text_embedder.linear_2",),
    "guidance_in_in_layer": ("time_text_embed.guidance_embedder.linear_1",),
    "guidance_in_out_layer": ("time_text_embed.guidance_embedder.linear_2",),
    "final_layer_linear": ("proj_out",),
}
_SD3_JOINT: Final[dict[str, tuple[str, ...]]] = {
    **{f"x_block_attn_{name}": parts for name, parts in _attention("x_block").items()},
    **{f"context_block_attn_{name}": parts for name, parts in _attention("context_block").items()},
    "x_block_attn2_qkv": ("attn2.to_q", "attn2.to_k", "attn2.to_v"),
    "x_block_attn2_proj": ("attn2.to_out.0",),
    "x_block_mlp_fc1": ("ff.net.0.proj",),
    "x_block_mlp_fc2": ("ff.net.2",),
    "context_block_mlp_fc1": ("ff_context.net.0.proj",),
    "context_block_mlp_fc2": ("ff_context.net.2",),
    "x_block_adaLN_modulation_1": ("norm1.linear",),
    "context_block_adaLN_modulation_1": ("norm1_context.linear",),
}
_SD3_ENDS: Final[dict[str, tuple[str, ...]]] = {
    "x_embedder_proj": ("pos_embed.proj",),
    "context_embedder": ("context_embedder",),
    "t_embedder_mlp_0": ("time_text_embed.timestep_embedder.linear_1",),
    "t_embedder_mlp_2": ("time_text_embed.timestep_embedder.linear_2",),
    "y_embedder_mlp_0": ("time_text_embed.text_embedder.linear_1",),
    "y_embedder_mlp_2": ("time_text_embed.text_embedder.linear_2",),
    "final_layer_linear": ("proj_out",),
}


_Table = tuple[str, str, Mapping[str, tuple[str, ...]]]  # the original's prefix, diffusers' prefix, names under both


def _flux_tables(transformer: nn.Module) -> list[_Table]:
    doubles, singles = _count(transformer, "transformer_blocks"), _count(transformer, "single_transformer_blocks")
    return [
        ("", "", _FLUX_ENDS),
        *((f"double_blocks_{place}_", f"transformer_blocks.{place}.", _FLUX_DOUBLE) for place in range(doubles)),
        *((f"single_blocks_{place}_", f"single_transformer_blocks.{place}.", _FLUX_SINGLE) for place in range(singles)),
    ]


def _sd3_tables(transformer: nn.Module) -> list[_Table]:
    blocks = _count(transformer, "transformer_blocks")
    joints = ((f"joint_blocks_{place}_", f"transformer_blocks.{place}.", _SD3_JOINT) for place in range(blocks))
    return [("", "", _SD3_ENDS), *joints]


def _count(network: nn.Module, attribute: str) -> int:
    return len(getattr(network, attribute, ()))


def _transformer_layers(transformer: nn.Module) -> dict[str, Layer]:
    """Layers of a diffusion transformer under diffusers' names and, for Flux and SD 3, the original's."""
    layers = _plain_layers(transformer)
    weighted = dict(_weighted(transformer))
    is_flux = hasattr(transformer, "single_transformer_blocks")
    tables = _flux_tables(transformer) if is_flux else _sd3_tables(transformer)
    for theirs, ours, table in tables:
        for name, parts in table.items():
            found = [weighted[ours + part] for part in parts if ours + part in weighted]
            if len(found) == len(parts):
                layers.setdefault(theirs + name, tuple(Part(module) for module in found))
    return layers | _swapped(transformer, weighted, is_flux)


def _swapped(transformer: nn.Module, weighted: Mapping[str, nn.Module], is_flux: bool) -> dict[str, Layer]:
    """Final modulations: the originals keep (shift, scale), diffusers' AdaLayerNormContinuous (scale, shift)."""
    names = {"final_layer_adaLN_modulation_1": "norm_out.linear"}
    last = _count(transformer, "transformer_blocks") - 1
    if not is_flux and last >= 0:
        theirs = f"joint_blocks_{last}_context_block_adaLN_modulation_1"
        names[theirs] = f"transformer_blocks.{last}.norm1_context.linear"
    layers: dict[str, Layer] = {}
    for theirs, ours in names.items():
        if (module := weighted.get(ours)) is not None:
            half = len(module.get_parameter("weight")) // 2
            layers[theirs] = (Part(module, half, None), Part(module, 0, half))
    return layers
