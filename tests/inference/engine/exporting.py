"""Write networks of diffusers as one file of the original layout: what uploads are made of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from registry.demo.ldm_names import TEXT, UNET, text_names, unet_names, vae_names

Tensors = dict[str, torch.Tensor]
_ADDED = {"add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2"}
_OPEN = {
    "self_attn.out_proj": "attn.out_proj",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
_OPEN_TOP = {
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
    "final_layer_norm.weight": "ln_final.weight",
    "final_layer_norm.bias": "ln_final.bias",
}


def checkpoint_tensors(pipeline: Any) -> Tensors:
    """The tensors of a whole Stable Diffusion 1, 2 or XL."""
    tensors = unet_tensors(pipeline.unet) | vae_tensors(pipeline.vae)
    if hasattr(pipeline, "text_encoder_2"):
        tensors |= clip_tensors(pipeline.text_encoder, "conditioner.embedders.0.transformer.")
        tensors |= open_clip_tensors(pipeline.text_encoder_2, "conditioner.embedders.1.model.")
    elif pipeline.text_encoder.config.hidden_act == "quick_gelu":
        tensors |= clip_tensors(pipeline.text_encoder, TEXT)
    else:
        tensors |= open_clip_tensors(pipeline.text_encoder, "cond_stage_model.model.")
    return {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}


def save_checkpoint(pipeline: Any, path: Path, **more: torch.Tensor) -> Path:
    save_file(checkpoint_tensors(pipeline) | more, path)
    return path


def unet_tensors(unet: Any) -> Tensors:
    state = unet.state_dict()
    added = {name: name for name in state if name.startswith("add_embedding.")}
    names = unet_names([name for name in state if name not in added], unet.config.layers_per_block)
    names |= {name: UNET + _ADDED[name.rpartition(".")[0]] + "." + name.rpartition(".")[2] for name in added}
    return {new: state[old] for old, new in names.items()}


def vae_tensors(vae: Any) -> Tensors:
    state = vae.state_dict()
    named = {new: state[old] for old, new in vae_names(list(state), len(vae.config.block_out_channels)).items()}
    return {
        new: value[:, :, None, None] if ".attn_1." in new and value.ndim == 2 else value for new, value in named.items()
    }


def clip_tensors(encoder: Any, prefix: str) -> Tensors:
    state = encoder.state_dict()
    names = text_names(name for name in state if not name.startswith("text_projection"))
    return {prefix + new.removeprefix(TEXT): state[old] for old, new in names.items()}


def open_clip_tensors(encoder: Any, prefix: str) -> Tensors:
    state = {name.removeprefix("text_model."): value for name, value in encoder.state_dict().items()}
    found: Tensors = {}
    for name, value in state.items():
        layer = re.fullmatch(r"encoder\.layers\.(\d+)\.(.+)\.(weight|bias)", name)
        if name in _OPEN_TOP:
            found[prefix + _OPEN_TOP[name]] = value
        elif name == "text_projection.weight":
            found[prefix + "text_projection"] = value.T
        elif layer and layer[2] in _OPEN:
            found[f"{prefix}transformer.resblocks.{layer[1]}.{_OPEN[layer[2]]}.{layer[3]}"] = value
        elif layer and layer[2] == "self_attn.q_proj":
            joined = [state[f"encoder.layers.{layer[1]}.self_attn.{part}_proj.{layer[3]}"] for part in "qkv"]
            found[f"{prefix}transformer.resblocks.{layer[1]}.attn.in_proj_{layer[3]}"] = torch.cat(joined)
    return found
