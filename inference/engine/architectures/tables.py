"""The networks of each published architecture, by the names of diffusers' and transformers' configurations.

Every number is a fact about a published architecture; together they give the published parameter counts, which a test
holds. `folders` writes them in the layout that both libraries read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Config = dict[str, Any]


@dataclass(frozen=True)
class Architecture:
    """A whole model: the pipeline's class, and a configuration for each of its parts.

    `vocabulary` says which words each tokenizer knows: "clip" or "t5". A part that is None has an empty place.
    """

    name: str
    pipeline: str
    parts: Mapping[str, Config | None]
    vocabulary: Mapping[str, str]
    more: Mapping[str, Any] = field(default_factory=dict)


# The noise that SD 1, 2 and XL were trained with.
SCHEDULE: Final[Config] = {
    "_class_name": "DDIMScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "steps_offset": 1,
    "timestep_spacing": "leading",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "prediction_type": "epsilon",
}
_VELOCITY: Final[Config] = {**SCHEDULE, "prediction_type": "v_prediction"}


def _clip(width: int, layers: int, heads: int, act: str, projection: int, *, projected: bool = False) -> Config:
    return {
        "architectures": ["CLIPTextModelWithProjection" if projected else "CLIPTextModel"],
        "model_type": "clip_text_model",
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "hidden_act": act,
        "projection_dim": projection,
        "vocab_size": 49408,
        "max_position_embeddings": 77,
        "layer_norm_eps": 1e-5,
        "attention_dropout": 0.0,
        # These three are what the published files say. The encoder takes an end token of 2 as "the largest id".
        "bos_token_id": 0,
        "eos_token_id": 2,
        "pad_token_id": 1,
    }


_CLIP_L: Final = _clip(768, 12, 12, "quick_gelu", 768)
_CLIP_L_PROJECTED: Final = _clip(768, 12, 12, "quick_gelu", 768, projected=True)
_CLIP_H: Final = _clip(1024, 23, 16, "gelu", 512)  # of 24 layers the last is not used
_CLIP_G: Final = _clip(1280, 32, 20, "gelu", 1280, projected=True)
_T5_XXL: Final[Config] = {
    "architectures": ["T5EncoderModel"],
    "model_type": "t5",
    "d_model": 4096,
    "d_ff": 10240,
    "d_kv": 64,
    "num_layers": 24,
    "num_heads": 64,
    "vocab_size": 32128,
    "feed_forward_proj": "gated-gelu",
    "relative_attention_num_buckets": 32,
    "relative_attention_max_distance": 128,
    "is_encoder_decoder": True,
    "tie_word_embeddings": False,
    "layer_norm_epsilon": 1e-6,
    "use_cache": False,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "decoder_start_token_id": 0,
}


def _vae(scale: float, size: int, **more: Any) -> Config:
    return {
        "_class_name": "AutoencoderKL",
        "in_channels": 3,
        "out_channels": 3,
        "latent_channels": 4,
        "block_out_channels": [128, 256, 512, 512],
        "layers_per_block": 2,
        "act_fn": "silu",
        "norm_num_groups": 32,
        "down_block_types": ["DownEncoderBlock2D"] * 4,
        "up_block_types": ["UpDecoderBlock2D"] * 4,
        "sample_size": size,
        "scaling_factor": scale,
        **more,
    }


_VAE_SD: Final = _vae(0.18215, 512)
_VAE_XL: Final = _vae(0.13025, 1024, force_upcast=True)
_SIXTEEN: Final[Config] = {"latent_channels": 16, "use_quant_conv": False, "use_post_quant_conv": False}
_VAE_SD3: Final = _vae(1.5305, 1024, shift_factor=0.0609, force_upcast=True, **_SIXTEEN)
_VAE_FLUX: Final = _vae(0.3611, 1024, shift_factor=0.1159, force_upcast=True, **_SIXTEEN)


def _unet(size: int, widths: Sequence[int], attends: Sequence[bool], cross: int, heads: Any, **more: Any) -> Config:
    """`attends` says level by level whether it reads the text."""
    return {
        "_class_name": "UNet2DConditionModel",
        "sample_size": size,
        "in_channels": 4,
        "out_channels": 4,
        "block_out_channels": list(widths),
        "down_block_types": ["CrossAttnDownBlock2D" if reads else "DownBlock2D" for reads in attends],
        "up_block_types": ["CrossAttnUpBlock2D" if reads else "UpBlock2D" for reads in reversed(attends)],
        "layers_per_block": 2,
        "cross_attention_dim": cross,
        "attention_head_dim": heads,
        "norm_num_groups": 32,
        **more,
    }


_LEVELS_SD: Final = ((320, 640, 1280, 1280), (True, True, True, False))
_UNET_SD1: Final = _unet(64, *_LEVELS_SD, 768, 8)
_UNET_SD2: Final = _unet(64, *_LEVELS_SD, 1024, [5, 10, 20, 20], use_linear_projection=True)
_UNET_SD2_V: Final[Config] = {**_UNET_SD2, "sample_size": 96, "upcast_attention": True}
_SIZES: Final[Config] = {"addition_embed_type": "text_time", "addition_time_embed_dim": 256}
_UNET_XL: Final = _unet(
    128,
    (320, 640, 1280),
    (False, True, True),
    2048,
    [5, 10, 20],
    use_linear_projection=True,
    transformer_layers_per_block=[1, 2, 10],
    projection_class_embeddings_input_dim=2816,
    **_SIZES,
)
_UNET_REFINER: Final = _unet(
    128,
    (384, 768, 1536, 1536),
    (False, True, True, False),
    1280,
    [6, 12, 24, 24],
    use_linear_projection=True,
    transformer_layers_per_block=4,
    projection_class_embeddings_input_dim=2560,
    **_SIZES,
)


def _inpainting(unet: Config) -> Config:
    """Beside the noise it reads the mask and the picture without what the mask covers."""
    return {**unet, "in_channels": 9}


def _sd3_transformer(layers: int, positions: int, **more: Any) -> Config:
    return {
        "_class_name": "SD3Transformer2DModel",
        "sample_size": 128,
        "patch_size": 2,
        "in_channels": 16,
        "out_channels": 16,
        "num_layers": layers,
        "num_attention_heads": layers,
        "attention_head_dim": 64,
        "joint_attention_dim": 4096,
        "caption_projection_dim": 64 * layers,
        "pooled_projection_dim": 2048,
        "pos_embed_max_size": positions,
        **more,
    }


def _flux_transformer(*, guided: bool) -> Config:
    return {
        "_class_name": "FluxTransformer2DModel",
        "patch_size": 1,
        "in_channels": 64,
        "num_layers": 19,
        "num_single_layers": 38,
        "attention_head_dim": 128,
        "num_attention_heads": 24,
        "joint_attention_dim": 4096,
        "pooled_projection_dim": 768,
        "guidance_embeds": guided,
        "axes_dims_rope": [16, 56, 56],
    }


_FLOW: Final[Config] = {"_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000, "shift": 3.0}
_FLOW_DEV: Final[Config] = {
    **_FLOW,
    "use_dynamic_shifting": True,
    "base_shift": 0.5,
    "max_shift": 1.15,
    "base_image_seq_len": 256,
    "max_image_seq_len": 4096,
}
_ALONE: Final[Mapping[str, str]] = {"tokenizer": "clip"}
_TWO: Final[Mapping[str, str]] = {"tokenizer": "clip", "tokenizer_2": "clip"}


def _sd(name: str, unet: Config, text: Config, schedule: Config) -> Architecture:
    kind = "StableDiffusionInpaintPipeline" if unet["in_channels"] == 9 else "StableDiffusionPipeline"
    parts = {"unet": unet, "vae": _VAE_SD, "text_encoder": text, "scheduler": schedule}
    nothing = [None, None]
    more = {"safety_checker": nothing, "feature_extractor": nothing, "image_encoder": nothing}
    return Architecture(name, kind, parts, _ALONE, {**more, "requires_safety_checker": False})


def _xl(name: str, pipeline: str, unet: Config, first: Config | None) -> Architecture:
    parts: dict[str, Config | None] = {
        "unet": unet,
        "vae": _VAE_XL,
        "text_encoder": first,
        "text_encoder_2": _CLIP_G,
        "scheduler": SCHEDULE,
    }
    more: dict[str, Any] = {"force_zeros_for_empty_prompt": first is not None}
    if first is None:
        more |= {"tokenizer": [None, None], "requires_aesthetics_score": True}
    return Architecture(name, pipeline, parts, _TWO if first is not None else {"tokenizer_2": "clip"}, more)


def _sd3(name: str, transformer: Config) -> Architecture:
    parts = {
        "transformer": transformer,
        "vae": _VAE_SD3,
        "text_encoder": _CLIP_L_PROJECTED,
        "text_encoder_2": _CLIP_G,
        "text_encoder_3": _T5_XXL,
        "scheduler": _FLOW,
    }
    return Architecture(name, "StableDiffusion3Pipeline", parts, {**_TWO, "tokenizer_3": "t5"})


def _flux(name: str, *, guided: bool) -> Architecture:
    parts = {
        "transformer": _flux_transformer(guided=guided),
        "vae": _VAE_FLUX,
        "text_encoder": _CLIP_L,
        "text_encoder_2": _T5_XXL,
        "scheduler": _FLOW_DEV if guided else {**_FLOW, "shift": 1.0},
    }
    return Architecture(name, "FluxPipeline", parts, {"tokenizer": "clip", "tokenizer_2": "t5"})


_ALL: Final = (
    _sd("sd1", _UNET_SD1, _CLIP_L, SCHEDULE),
    _sd("sd1_inpaint", _inpainting(_UNET_SD1), _CLIP_L, SCHEDULE),
    _sd("sd2", _UNET_SD2, _CLIP_H, SCHEDULE),
    _sd("sd2_v", _UNET_SD2_V, _CLIP_H, _VELOCITY),
    _sd("sd2_inpaint", _inpainting(_UNET_SD2), _CLIP_H, SCHEDULE),
    _xl("sdxl", "StableDiffusionXLPipeline", _UNET_XL, _CLIP_L),
    _xl("sdxl_inpaint", "StableDiffusionXLInpaintPipeline", _inpainting(_UNET_XL), _CLIP_L),
    _xl("sdxl_refiner", "StableDiffusionXLImg2ImgPipeline", _UNET_REFINER, None),
    _sd3("sd3_medium", _sd3_transformer(24, 192)),
    _sd3("sd35_medium", _sd3_transformer(24, 384, qk_norm="rms_norm", dual_attention_layers=list(range(13)))),
    _sd3("sd35_large", _sd3_transformer(38, 192, qk_norm="rms_norm")),
    _flux("flux_dev", guided=True),
    _flux("flux_schnell", guided=False),
)
ARCHITECTURES: Final[Mapping[str, Architecture]] = {item.name: item for item in _ALL}
