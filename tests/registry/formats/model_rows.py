"""A file for every kind of model that is not an adapter, and for every family of denoisers."""

from tests.registry.formats import layouts as net
from tests.registry.formats.layouts import Row, f16

SD, SDXL = net.SD_PLACES, net.SDXL_PLACES

MODELS = {
    # ControlNet and its kin
    "Control-LoRA": Row(
        {
            "lora_controlnet": ("F16", (0,)),
            "input_hint_block.0.weight": ("F16", (16, 3, 3, 3)),
            "input_blocks.4.1.transformer_blocks.0.attn2.to_k.down": ("F16", (128, 2048)),
            "input_blocks.4.1.transformer_blocks.0.attn2.to_k.up": ("F16", (640, 128)),
        },
        "controlnet",
        "SDXL 1.0",
        {"format": "control-lora"},
    ),
    "IP-Adapter": Row(
        {"image_proj.proj.weight": ("F16", (3072, 1024)), "ip_adapter.1.to_k_ip.weight": ("F16", (320, 768))},
        "controlnet",
        "SD 1.5",
        {"format": "ip-adapter"},
    ),
    "IP-Adapter SDXL": Row(
        {"image_proj.proj.weight": ("F16", (8192, 1280)), "ip_adapter.1.to_k_ip.weight": ("F16", (640, 2048))},
        "controlnet",
        "SDXL 1.0",
    ),
    "ControlNet, LDM keys": Row(
        {
            **net.unet(SD, 768, prefix="control_model."),
            "control_model.input_hint_block.0.weight": ("F16", (16, 3, 3, 3)),
        },
        "controlnet",
        "SD 1.5",
    ),
    "ControlNet, diffusers keys": Row(
        {**net.unet(net.SDXL_DIFFUSERS, 2048), "controlnet_cond_embedding.conv_in.weight": ("F16", (16, 3, 3, 3))},
        "controlnet",
        "SDXL 1.0",
    ),
    "ControlNet SD 2": Row({**net.unet(SD, 1024, prefix="control_model.")}, "controlnet", "SD 2.1"),
    "ControlNet Flux.1": Row(
        {
            "controlnet_blocks.0.weight": ("BF16", (3072, 3072)),
            "transformer_blocks.0.attn.add_k_proj.weight": ("BF16", (3072, 3072)),
            "single_transformer_blocks.0.attn.to_q.weight": ("BF16", (3072, 3072)),
        },
        "controlnet",
        "Flux.1 D",
    ),
    "T2I-Adapter": Row(
        {
            "adapter.body.0.resnets.0.block1.weight": ("F16", (320, 320, 3, 3)),
            "adapter.conv_in.weight": ("F16", (320, 192, 3, 3)),
        },
        "controlnet",
        "SD 1.5",
        {"format": "t2i-adapter"},
    ),
    "T2I-Adapter SDXL": Row(
        {
            "adapter.body.0.resnets.0.block1.weight": ("F16", (320, 320, 3, 3)),
            "adapter.conv_in.weight": ("F16", (320, 768, 3, 3)),
        },
        "controlnet",
        "SDXL 1.0",
    ),
    "AnimateDiff": Row(
        f16(**{f"down_blocks.{n}.motion_modules.0.temporal_transformer.proj_in.weight": (320, 320) for n in range(4)}),
        "motion_module",
        "SD 1.5",
    ),
    "AnimateDiff SDXL": Row(
        f16(**{f"down_blocks.{n}.motion_modules.0.temporal_transformer.proj_in.weight": (320, 320) for n in range(3)}),
        "motion_module",
        "SDXL 1.0",
    ),
    # Checkpoints and bare denoisers
    "SD 1": Row(
        net.checkpoint(SD, 768), "checkpoint", "SD 1.5", {"pruned": True, "parts": ("unet", "text_encoder", "vae")}
    ),
    "SD 1 inpainting": Row(net.checkpoint(SD, 768, 9), "checkpoint", "SD 1.5", {"variants": ("inpainting",)}),
    "SD 1 pix2pix": Row(net.checkpoint(SD, 768, 8), "checkpoint", "SD 1.5", {"variants": ("instruct_pix2pix",)}),
    "SD 2": Row(net.checkpoint(SD, 1024), "checkpoint", "SD 2.1", {"note": "prediction_not_told"}),
    "SD 2 depth": Row(net.checkpoint(SD, 1024, 5), "checkpoint", "SD 2.1", {"variants": ("depth",)}),
    "SDXL": Row(net.checkpoint(SDXL, 2048), "checkpoint", "SDXL 1.0", {"precision": "fp16"}),
    "SDXL v-prediction": Row(
        net.checkpoint(SDXL, 2048, v_pred=("F32", (0,)), ztsnr=("F32", (0,))),
        "checkpoint",
        "SDXL 1.0",
        {"variants": ("zero_snr", "v_prediction")},
    ),
    "SDXL inpainting": Row(net.checkpoint(SDXL, 2048, 9), "checkpoint", "SDXL 1.0", {"variants": ("inpainting",)}),
    "SDXL refiner": Row(net.checkpoint(net.REFINER_PLACES, 1280), "checkpoint", "SDXL 1.0", {"variants": ("refiner",)}),
    "SDXL distilled": Row(
        net.checkpoint(net.SSD_PLACES, 2048), "checkpoint", "SDXL Distilled", {"variants": ("distilled",)}
    ),
    "Playground": Row(net.checkpoint(SDXL, 2048, edm_mean=("F32", (1, 4, 1, 1))), "checkpoint", "Playground v2.5"),
    "Kolors": Row(
        {**net.unet(net.SDXL_DIFFUSERS, 2048), "encoder_hid_proj.weight": ("F16", (2048, 4096))}, "unet", "Kolors"
    ),
    "Safelight Tiny": Row(
        net.checkpoint({"input_blocks.3.1": (96, 1)}, 128),
        "checkpoint",
        "Safelight Tiny",
        {"variants": ("v_prediction",)},
    ),
    "U-Net of no known width": Row(
        net.checkpoint({"input_blocks.1.1": (32, 1)}, 77), "checkpoint", None, {"note": "unknown_width"}
    ),
    "U-Net alone, diffusers": Row(
        net.unet(net.SD_DIFFUSERS, 768), "unet", "SD 1.5", {"parts": ("unet",), "note": "denoiser_only"}
    ),
    "U-Net alone, LDM": Row(net.unet(SDXL, 2048), "unet", "SDXL 1.0"),
    "U-Net alone in a whole file's prefix": Row(
        net.unet(SD, 768, prefix="model.diffusion_model."), "checkpoint", "SD 1.5", {"note": "denoiser_only"}
    ),
    "without VAE": Row(
        {**net.unet(SD, 768, prefix="model.diffusion_model."), **net.clip()}, "checkpoint", "SD 1.5", {"note": "no_vae"}
    ),
    "with EMA": Row(
        {**net.checkpoint(SD, 768), **{f"model_ema.diffusion_model{n}": ("F16", (320,)) for n in range(101)}},
        "checkpoint",
        "SD 1.5",
        {"pruned": False},
    ),
    "Flux.1 dev": Row(net.flux(), "unet", "Flux.1 D", {"precision": "bf16", "parts": ("transformer",)}),
    "Flux.1 dev, whole": Row(
        {
            **net.flux("model.diffusion_model."),
            **net.vae(16, prefix="vae."),
            **net.clip("text_encoders.clip_l.transformer."),
            "text_encoders.t5xxl.transformer.encoder.block.0.layer.0.SelfAttention.q.weight": ("F16", (4096, 4096)),
        },
        "checkpoint",
        "Flux.1 D",
        {"parts": ("transformer", "text_encoder", "t5", "vae")},
    ),
    "Flux.1 schnell": Row(net.flux(guidance=False), "unet", "Flux.1 S"),
    "Flux.1 Fill": Row(net.flux(inputs=384), "unet", "Flux.1 D", {"variants": ("inpainting",)}),
    "Flux.1 Control": Row(net.flux(inputs=128), "unet", "Flux.1 D", {"variants": ("control",)}),
    "Flux.1 dev, diffusers": Row(
        {
            "x_embedder.weight": ("BF16", (3072, 64)),
            "transformer_blocks.0.attn.add_k_proj.weight": ("BF16", (3072, 3072)),
            "single_transformer_blocks.0.attn.to_q.weight": ("BF16", (3072, 3072)),
            "time_text_embed.guidance_embedder.linear_1.weight": ("BF16", (3072, 256)),
        },
        "unet",
        "Flux.1 D",
    ),
    "Flux.2": Row(
        {**net.flux(width=6144), "single_stream_modulation.lin.weight": ("BF16", (18432, 6144))}, "unet", "Flux.2 D"
    ),
    "Chroma": Row(
        {**net.flux(guidance=False), "distilled_guidance_layer.in_proj.weight": ("BF16", (5120, 64))}, "unet", "Chroma"
    ),
    "Hunyuan Video": Row(
        {**net.flux(), "txt_in.individual_token_refiner.blocks.0.norm1.weight": ("BF16", (3072,))},
        "unet",
        "Hunyuan Video",
    ),
    "SD 3": Row(net.sd3(24, 36_864, 1536, "model.diffusion_model."), "checkpoint", "SD 3"),
    "SD 3.5 Medium": Row(net.sd3(24, 147_456, 1536, dual=True), "unet", "SD 3.5 Medium"),
    "SD 3.5 Large": Row(net.sd3(38, 36_864, 2432), "unet", "SD 3.5 Large"),
    "AuraFlow": Row({"double_layers.0.attn.w2q.weight": ("F16", (3072, 3072))}, "unet", "AuraFlow"),
    "Qwen-Image": Row({"transformer_blocks.0.img_mod.1.weight": ("BF16", (18432, 3072))}, "unet", "Qwen"),
    "Z-Image": Row(
        {"cap_embedder.1.weight": ("BF16", (3840, 2560)), "layers.0.adaLN_modulation.0.weight": ("BF16", (15360, 256))},
        "unet",
        "ZImageTurbo",
    ),
    "Lumina": Row(
        {"cap_embedder.1.weight": ("BF16", (2304, 2304)), "layers.0.adaLN_modulation.1.weight": ("BF16", (9216, 1024))},
        "unet",
        "Lumina",
    ),
    "PixArt alpha": Row(
        {
            "blocks.0.cross_attn.q_linear.weight": ("F16", (1152, 1152)),
            "csize_embedder.mlp.0.weight": ("F16", (384, 256)),
        },
        "unet",
        "PixArt a",
    ),
    "PixArt sigma": Row({"blocks.0.cross_attn.q_linear.weight": ("F16", (1152, 1152))}, "unet", "PixArt E"),
    "Hunyuan 1": Row(
        {"mlp_t5.0.weight": ("F16", (8192, 2048)), "text_embedding_padding": ("F16", (333, 1024))}, "unet", "Hunyuan 1"
    ),
    "HiDream": Row({"double_stream_blocks.0.block.attn1.to_q.weight": ("BF16", (2560, 2560))}, "unet", "HiDream"),
    "Wan 1.3B": Row(
        {
            "head.modulation": ("F16", (1, 2, 1536)),
            "blocks.0.cross_attn.k.weight": ("F16", (1536, 1536)),
            "patch_embedding.weight": ("F16", (1536, 16, 1, 2, 2)),
        },
        "unet",
        "Wan Video 1.3B t2v",
    ),
    "Wan 14B i2v": Row(
        {
            "head.modulation": ("F16", (1, 2, 5120)),
            "blocks.0.cross_attn.k.weight": ("F16", (5120, 5120)),
            "patch_embedding.weight": ("F16", (5120, 36, 1, 2, 2)),
        },
        "unet",
        "Wan Video 14B i2v 480p",
        {"note": "member_not_told"},
    ),
    "Stable Cascade": Row({"clip_txt_mapper.weight": ("BF16", (2048, 1280))}, "unet", "Stable Cascade"),
    # The rest
    "VAE": Row(net.vae(), "vae", None, {"base_candidates": ("SD 1.5", "SD 2.1", "SDXL 1.0")}),
    "VAE with a checkpoint's prefix": Row(net.vae(prefix="first_stage_model."), "vae", None),
    "VAE, diffusers": Row(net.vae(levels="down_blocks.0.resnets.0.norm1"), "vae", None, {"format": "diffusers"}),
    "VAE of 16 channels": Row(net.vae(16), "vae", None, {"base_candidates": ("SD 3", "Flux.1 D")}),
    "VAE of 32 channels": Row(net.vae(32), "vae", "Flux.2 D"),
    "TAESD": Row(
        f16(**{"decoder.layers.0.weight": (64, 4, 3, 3), "encoder.layers.0.weight": (64, 3, 3, 3)}),
        "vae",
        None,
        {"format": "taesd"},
    ),
    "ESRGAN": Row(
        f16(**{"conv_first.weight": (64, 3, 3, 3), "body.0.rdb1.conv1.weight": (32, 64, 3, 3)}), "upscaler", "Other"
    ),
    "old ESRGAN": Row(f16(**{"model.1.sub.0.RDB1.conv1.0.weight": (32, 64, 3, 3)}), "upscaler", "Other"),
    "SwinIR": Row(
        f16(**{"conv_first.weight": (180, 3, 3, 3), "layers.0.residual_group.blocks.0.norm1.weight": (180,)}),
        "upscaler",
        "Other",
    ),
    "CLIP": Row(net.clip(prefix=""), "text_encoder", None, {"format": "clip"}),
    "OpenCLIP": Row(f16(**{"transformer.resblocks.0.ln_1.weight": (1280,)}), "text_encoder", None),
    "T5": Row(
        f16(**{"encoder.block.0.layer.0.SelfAttention.q.weight": (4096, 4096)}), "text_encoder", None, {"format": "t5"}
    ),
    "language model": Row(f16(**{"model.layers.0.self_attn.q_proj.weight": (3584, 3584)}), "text_encoder", None),
    "vision encoder": Row(f16(**{"vision_model.encoder.layers.0.mlp.fc1.weight": (4096, 1024)}), "other", None),
    "hypernetwork": Row(
        f16(**{f"{w}.{i}.linear.0.weight": (2 * w, w) for w in (320, 640, 768, 1280) for i in (0, 1)}),
        "hypernetwork",
        "SD 1.5",
    ),
    "hypernetwork SD 2": Row(f16(**{"1024.0.linear.0.weight": (2048, 1024)}), "hypernetwork", "SD 2.1"),
    "old hypernetwork": Row(f16(**{"768.0.linear1.weight": (1536, 768)}), "hypernetwork", "SD 1.5"),
    "nothing": Row({}, "other", None, {"precision": None, "note": "not_a_model"}),
    "an optimizer's state": Row(f16(**{f"state.{n}.exp_avg": (10, 10) for n in range(20)}), "other", None),
    "one matrix": Row(f16(w=(5000, 768)), "other", None),
}
