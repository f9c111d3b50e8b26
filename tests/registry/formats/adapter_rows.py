"""A file for every kind, spelling and base model of adapters, and for embeddings."""

from tests.registry.formats import layouts as net
from tests.registry.formats.layouts import Row, f16

SD, SDXL = net.SD_PLACES, net.SDXL_PLACES
SELF_ATTENTION = [(n, o, i) for n, o, i in net.attention(net.SD_DIFFUSERS, 768) if "attn1" in n]


def one(layer: str, out: int = 640, width: int = 2048) -> list[tuple[str, int, int]]:
    return [(layer, out, width)]


K = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
FACTORS = {"hada_w1_a": (640, 4), "hada_w1_b": (4, 2048), "hada_w2_a": (640, 4), "hada_w2_b": (4, 2048)}

ADAPTERS = {
    # Embeddings
    "A1111 embedding": Row(f16(**{"string_to_param.*": (2, 768)}), "embedding", "SD 1.5", {"vectors": 2}),
    "emb_params": Row(f16(emb_params=(4, 768)), "embedding", "SD 1.5", {"vectors": 4}),
    "embedding under its token": Row({"<cat>": ("F32", (768,))}, "embedding", "SD 1.5", {"vectors": 1}),
    "SD 2 embedding": Row(f16(emb_params=(8, 1024)), "embedding", "SD 2.1", {"vectors": 8}),
    "SDXL embedding": Row(f16(clip_l=(5, 768), clip_g=(5, 1280)), "embedding", "SDXL 1.0", {"vectors": 5}),
    "embedding with T5": Row(f16(clip_l=(1, 768), t5xxl=(1, 4096)), "embedding", None),
    "tiny embedding": Row(f16(emb_params=(1, 128)), "embedding", "Safelight Tiny"),
    # Adapters by spelling
    "kohya SD 1": Row(net.kohya(net.attention(net.SD_DIFFUSERS, 768), 32), "lora", "SD 1.5", {"rank": 32}),
    "kohya SD 2": Row(net.kohya(net.attention(net.SD_DIFFUSERS, 1024)), "lora", "SD 2.1", {"rank": 16}),
    "kohya SDXL, LDM names": Row(net.kohya(net.attention(SDXL, 2048)), "lora", "SDXL 1.0"),
    "kohya tiny": Row(net.kohya(net.attention({"down_blocks.1.attentions.0": (96, 1)}, 128)), "lora", "Safelight Tiny"),
    "kohya with both text encoders": Row(
        {
            **net.kohya(net.attention(SDXL, 2048)),
            **net.kohya(net.text_layers(768), prefix="lora_te1_"),
            **net.kohya(net.text_layers(1280), prefix="lora_te2_"),
        },
        "lora",
        "SDXL 1.0",
        {"parts": ("denoiser", "text_encoder", "text_encoder_2")},
    ),
    "peft": Row(net.peft(net.attention(net.SDXL_DIFFUSERS, 2048)), "lora", "SDXL 1.0", {"rank": 8}),
    "peft, adapter default (case 15a)": Row(
        {
            "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.default.weight": ("F16", (8, 2048)),
            "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_B.default.weight": ("F16", (640, 8)),
        },
        "lora",
        "SDXL 1.0",
        {"rank": 8},
    ),
    "peft, adapter painter (case 15b)": Row(
        net.peft(net.attention(net.SDXL_DIFFUSERS, 2048), adapter="painter"), "lora", "SDXL 1.0", {"rank": 8}
    ),
    "early diffusers (case 15c)": Row(
        {
            "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.processor.to_k_lora.down.weight": (
                "F16",
                (4, 768),
            ),
            "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.processor.to_k_lora.up.weight": (
                "F16",
                (320, 4),
            ),
            "text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_linear_layer.down.weight": (
                "F16",
                (4, 768),
            ),
            "text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_linear_layer.up.weight": ("F16", (768, 4)),
        },
        "lora",
        "SD 1.5",
        {"rank": 4, "parts": ("denoiser", "text_encoder")},
    ),
    "text-encoder half alone (case 15d)": Row(
        {
            "text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_linear_layer.down.weight": (
                "F16",
                (4, 768),
            ),
            "text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_linear_layer.up.weight": ("F16", (768, 4)),
        },
        "lora",
        None,
        {"rank": 4, "parts": ("text_encoder",), "base_candidates": ("SD 1.5", "SDXL 1.0", "SD 3", "Flux.1 D")},
    ),
    "two adapters in one file (case 15e)": Row(
        {
            **net.peft(net.attention(net.SDXL_DIFFUSERS, 2048), prefix="base_model.model.unet.", adapter="a"),
            **net.peft(net.attention(net.SDXL_DIFFUSERS, 2048), prefix="base_model.model.unet.", adapter="b"),
        },
        "lora",
        "SDXL 1.0",
        {"rank": 8, "note": "several_adapters"},
    ),
    "old diffusers suffix": Row(
        {
            "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k.lora.down.weight": ("F32", (4, 1024)),
            "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k.lora.up.weight": ("F32", (1280, 4)),
        },
        "lora",
        "SD 2.1",
    ),
    "SD 2 text encoder alone": Row(net.kohya(net.text_layers(1024), prefix="lora_te_"), "lora", "SD 2.1"),
    # Adapters without cross-attention
    "slider, SDXL": Row(
        net.kohya([(n, o, i) for n, o, i in net.attention(net.SDXL_DIFFUSERS, 2048) if "attn1" in n]),
        "lora",
        "SDXL 1.0",
    ),
    "slider, SD 1 or 2": Row(net.kohya(SELF_ATTENTION), "lora", None, {"base_candidates": ("SD 1.5", "SD 2.1")}),
    "slider with convolved projections": Row(
        {
            **net.kohya(SELF_ATTENTION),
            "lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight": ("F16", (16, 320, 1, 1)),
            "lora_unet_down_blocks_0_attentions_0_proj_in.lora_up.weight": ("F16", (320, 16, 1, 1)),
        },
        "lora",
        "SD 1.5",
    ),
    "slider with plain projections": Row(
        {**net.kohya(SELF_ATTENTION), **net.kohya(one("down_blocks.0.attentions.0.proj_in", 320, 320))},
        "lora",
        "SD 2.1",
    ),
    # Adapters by kind
    "LoHa": Row(
        {f"{K}.{part}": ("F16", shape) for part, shape in FACTORS.items()},
        "locon",
        "SDXL 1.0",
        {"rank": 4, "format": "loha"},
    ),
    "LoKr": Row(
        {f"{K}.lokr_w1": ("F16", (16, 16)), f"{K}.lokr_w2_a": ("F16", (40, 4)), f"{K}.lokr_w2_b": ("F16", (4, 128))},
        "locon",
        "SDXL 1.0",
        {"rank": 4, "format": "lokr"},
    ),
    "LoKr, whole factors": Row(
        {f"{K}.lokr_w1": ("F16", (16, 16)), f"{K}.lokr_w2": ("F16", (40, 48))}, "locon", "SD 1.5", {"rank": None}
    ),
    "OFT": Row({f"{K}.oft_blocks": ("F16", (8, 80, 80))}, "locon", None, {"format": "oft"}),
    "GLoRA": Row(
        {f"{K}.a1.weight": ("F16", (4, 2048)), f"{K}.a2.weight": ("F16", (640, 4))}, "locon", None, {"format": "glora"}
    ),
    "IA3": Row({f"{K}.on_input": ("F16", ()), f"{K}.weight": ("F16", (640,))}, "locon", None, {"format": "ia3"}),
    "full difference": Row({f"{K}.diff": ("F16", (640, 2048))}, "locon", "SDXL 1.0", {"format": "full"}),
    "LoCon": Row(
        {
            **net.kohya(net.attention(net.SD_DIFFUSERS, 768)),
            "lora_unet_down_blocks_0_resnets_0_conv1.lora_down.weight": ("F16", (8, 320, 3, 3)),
            "lora_unet_down_blocks_0_resnets_0_conv1.lora_up.weight": ("F16", (320, 8, 1, 1)),
        },
        "locon",
        "SD 1.5",
        {"rank": 16, "rank_varies": True, "note": "rank_varies"},
    ),
    "Tucker": Row(
        {
            **net.kohya(net.attention(net.SD_DIFFUSERS, 768)),
            "lora_unet_down_blocks_0_resnets_0_conv1.lora_down.weight": ("F16", (16, 320, 1, 1)),
            "lora_unet_down_blocks_0_resnets_0_conv1.lora_mid.weight": ("F16", (16, 16, 3, 3)),
        },
        "locon",
        "SD 1.5",
    ),
    "DoRA": Row(
        {**net.kohya(net.attention(SDXL, 2048)), f"{K}.dora_scale": ("F16", (640, 1))},
        "dora",
        "SDXL 1.0",
        {"variants": ("dora",)},
    ),
    "DoRA, peft": Row(
        {
            **net.peft(net.attention(net.SD_DIFFUSERS, 768)),
            "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k.lora_magnitude_vector": ("F32", (1280,)),
        },
        "dora",
        "SD 1.5",
    ),
    "norm layers too": Row(
        {
            **net.kohya(net.attention(net.SD_DIFFUSERS, 768)),
            "lora_unet_down_blocks_0_resnets_0_norm1.w_norm": ("F16", (320,)),
        },
        "lora",
        "SD 1.5",
        {"note": "norm_layers"},
    ),
    # Adapters of transformers
    "Flux.1 LoRA, kohya": Row(net.kohya(net.flux_layers()), "lora", "Flux.1 D"),
    "Flux.1 LoRA, diffusers": Row(
        net.peft(
            [
                ("single_transformer_blocks.3.attn.to_q", 3072, 3072),
                ("transformer_blocks.0.attn.add_k_proj", 3072, 3072),
            ],
            prefix="transformer.",
        ),
        "lora",
        "Flux.1 D",
    ),
    "Flux.1 LoRA, ComfyUI": Row(net.peft(net.flux_layers(), prefix="diffusion_model."), "lora", "Flux.1 D"),
    "Flux.2 LoRA": Row(net.kohya(net.flux_layers(6144, 48)), "lora", "Flux.2 D"),
    "Hunyuan Video LoRA": Row(
        net.kohya([*net.flux_layers(), ("double_blocks.0.img_mod.linear", 18432, 3072)]), "lora", "Hunyuan Video"
    ),
    "Chroma LoRA": Row(
        net.kohya([*net.flux_layers(), ("distilled_guidance_layer.layers.0.in_layer", 5120, 5120)]), "lora", "Chroma"
    ),
    "SD 3 LoRA": Row(
        net.peft(one("transformer_blocks.0.attn.add_k_proj", 1536, 1536), prefix="transformer."), "lora", "SD 3"
    ),
    "SD 3.5 Large LoRA": Row(
        net.peft(
            [("transformer_blocks.0.attn.add_k_proj", 2432, 2432), ("transformer_blocks.0.attn.to_q", 2432, 2432)],
            prefix="transformer.",
        ),
        "lora",
        "SD 3.5 Large",
    ),
    "SD 3 LoRA, kohya": Row(net.kohya(one("joint_blocks.0.x_block.attn.qkv", 4608, 1536)), "lora", "SD 3"),
    "Qwen-Image LoRA": Row(
        net.peft(
            [("transformer_blocks.0.attn.add_k_proj", 3072, 3072), ("transformer_blocks.0.img_mlp.net.2", 3072, 12288)],
            prefix="transformer.",
        ),
        "lora",
        "Qwen",
    ),
    "AuraFlow LoRA": Row(
        net.peft(one("joint_transformer_blocks.0.attn.to_q", 3072, 3072), prefix="transformer."), "lora", "AuraFlow"
    ),
    "HiDream LoRA": Row(
        net.peft(one("double_stream_blocks.0.block.attn1.to_q", 2560, 2560), prefix="diffusion_model."),
        "lora",
        "HiDream",
    ),
    "Wan LoRA": Row(
        net.peft(
            [("blocks.0.cross_attn.k", 5120, 5120), ("blocks.0.self_attn.q", 5120, 5120)], prefix="diffusion_model."
        ),
        "lora",
        "Wan Video",
    ),
    "Z-Image LoRA": Row(
        net.peft(one("layers.0.attention.to_q", 3840, 3840), prefix="diffusion_model."), "lora", "ZImageTurbo"
    ),
    "Lumina LoRA": Row(
        net.peft(one("layers.0.attention.qkv", 6912, 2304), prefix="diffusion_model."), "lora", "Lumina"
    ),
    "PixArt LoRA": Row(
        net.peft(one("transformer_blocks.0.attn2.to_k", 1152, 1152), prefix="transformer."), "lora", None
    ),
}
