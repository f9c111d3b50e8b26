"""Networks of the real classes with random weights, small enough to be made in every test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    FluxTransformer2DModel,
    SD3Transformer2DModel,
    UNet2DConditionModel,
)
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

Tensors = dict[str, torch.Tensor]


def sd1_unet(seed: int = 0) -> UNet2DConditionModel:
    torch.manual_seed(seed)
    return UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(32, 64),
        layers_per_block=1,
        cross_attention_dim=24,
        attention_head_dim=4,
        norm_num_groups=8,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    ).eval()


def sdxl_unet(seed: int = 0) -> UNet2DConditionModel:
    torch.manual_seed(seed)
    return UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(16, 32, 32),
        layers_per_block=2,
        cross_attention_dim=40,
        attention_head_dim=(2, 4, 4),
        transformer_layers_per_block=(1, 1, 2),
        use_linear_projection=True,
        norm_num_groups=8,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=8 * 6 + 40,
    ).eval()


def text_encoder(width: int = 24, *, projection: bool = False) -> nn.Module:
    torch.manual_seed(width)
    config = CLIPTextConfig(
        vocab_size=100,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=2,
        projection_dim=width,
        bos_token_id=98,
        eos_token_id=99,
        pad_token_id=0,
    )
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(config).eval()


def flux_transformer() -> FluxTransformer2DModel:
    torch.manual_seed(0)
    return FluxTransformer2DModel(
        in_channels=4,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=16,
        pooled_projection_dim=16,
        axes_dims_rope=(2, 2, 4),
    ).eval()


def sd3_transformer() -> SD3Transformer2DModel:
    torch.manual_seed(0)
    return SD3Transformer2DModel(
        sample_size=8,
        in_channels=4,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=16,
        caption_projection_dim=16,
        pooled_projection_dim=16,
        out_channels=4,
    ).eval()


def sd1_noise(unet: UNet2DConditionModel, width: int = 24) -> torch.Tensor:
    """What the U-Net makes of one fixed input."""
    drawn = torch.Generator().manual_seed(5)
    latents, states = torch.randn(1, 4, 8, 8, generator=drawn), torch.randn(1, 7, width, generator=drawn)
    with torch.no_grad():
        return unet(latents, 500, states).sample


def states(encoder: nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return encoder(torch.tensor([[98, 5, 6, 7, 99]])).last_hidden_state


def weights(*networks: nn.Module) -> list[torch.Tensor]:
    return [parameter.detach().clone() for network in networks for parameter in network.parameters()]


def written(path: Path, tensors: Mapping[str, torch.Tensor], metadata: dict[str, str] | None = None) -> Path:
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata)
    return path


def drawn(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.3


def kohya_pairs(
    network: nn.Module, prefix: str, wanted: Callable[[str, nn.Module], bool], *, rank: int = 4, alpha: float = 2.0
) -> Tensors:
    """A LoRA in kohya's keys for every wanted layer, matrices and convolutions alike."""
    tensors: Tensors = {}
    for number, (name, module) in enumerate(network.named_modules()):
        if not isinstance(module, nn.Linear | nn.Conv2d) or not wanted(name, module):
            continue
        key = prefix + name.removeprefix("text_model.").replace(".", "_")
        out, inputs, *kernel = module.weight.shape
        tensors[f"{key}.lora_down.weight"] = drawn(rank, inputs, *kernel, seed=number)
        tensors[f"{key}.lora_up.weight"] = drawn(out, rank, *(1 for _ in kernel), seed=number + 1000)
        tensors[f"{key}.alpha"] = torch.tensor(alpha)
    return tensors


def is_attention(name: str, module: nn.Module) -> bool:
    return name.rsplit(".", 1)[-1] in ("to_q", "to_k", "to_v") or name.endswith("to_out.0")


def is_text_layer(name: str, module: nn.Module) -> bool:
    return name.endswith(("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"))


def autoencoder() -> AutoencoderKL:
    torch.manual_seed(0)
    return AutoencoderKL(
        block_out_channels=(16, 32),
        down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
        up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D"),
        norm_num_groups=8,
        layers_per_block=1,
    ).eval()


def control_network(unet: UNet2DConditionModel, channels: tuple[int, ...] = (8, 8, 16, 16)) -> ControlNetModel:
    """With random numbers everywhere: the fresh zeros of its last convolutions would hide a wrong load."""
    network = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=channels)
    with torch.no_grad():
        for number, parameter in enumerate(network.parameters()):
            parameter.add_(0.1 * drawn(*parameter.shape, seed=number))
    return network.eval()
