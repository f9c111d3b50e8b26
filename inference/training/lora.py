"""Train the LoRA `Ink Contrast` on the high-contrast pictures, which the checkpoint has never seen.

    python -m inference.training.lora --checkpoint FILE
    python -m inference.training.lora --checkpoint FILE --start LORA     to go on from one of an earlier checkpoint

Writes `ink-contrast.safetensors` with the names of the common trainer (kohya).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file
from torch import Tensor

from inference.training.captions import drawn_texts
from inference.training.catalog import load_catalog
from inference.training.command import Run, run_step
from inference.training.export import write_safetensors
from inference.training.loop import Training
from inference.training.networks import Diffusion, encode_pictures, freeze, read_checkpoint, token_ids

STYLE: Final = "contrast"
RANK: Final = 8
_LAYERS: Final = ["to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2"]


def train_lora(run: Run) -> None:
    """Half of the captions name the style: it shows without a trigger word too."""
    pipeline = read_checkpoint(Path(run.options.checkpoint)).to(run.device)
    text, unet, tokenizer = pipeline.text_encoder, pipeline.unet, pipeline.tokenizer
    freeze(pipeline.vae, text, unet)
    torch.manual_seed(run.recipe.seed)
    unet.add_adapter(LoraConfig(r=RANK, lora_alpha=RANK, init_lora_weights="gaussian", target_modules=_LAYERS))
    if run.options.start:
        _begin_at(unet, load_file(run.options.start))
    pictures = load_catalog(run.work).only({STYLE}, run.recipe.concepts)
    latents, chances = encode_pictures(pipeline.vae, pictures.on_white()), pictures.chances(run.recipe)
    training, diffusion = Training("lora", run, {"unet": unet}), Diffusion(unet, run.device)

    def loss(draw: np.random.Generator) -> Tensor:
        chosen = draw.choice(len(latents), training.stage.batch, p=chances)
        texts = drawn_texts(pictures.pictures, chosen, run.recipe, draw)
        with torch.autocast(run.device.type, torch.bfloat16):
            with torch.no_grad():
                states = text(token_ids(tokenizer, texts, run.device))[0]
            return diffusion.loss(latents[chosen], states, draw.integers(0, 1000, len(chosen)))

    training.run(loss)
    metadata = {
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(RANK),
        "ss_network_alpha": str(RANK),
        "ss_base_model_version": "sd_v1",
        "ss_output_name": "ink-contrast",
    }
    named = kohya_names(get_peft_model_state_dict(unet))
    write_safetensors(run.work / "ink-contrast.safetensors", named, metadata)


def _begin_at(unet: Any, weights: Mapping[str, Tensor]) -> None:
    """Raises KeyError where the file lacks a layer of this LoRA."""
    own = get_peft_model_state_dict(unet)
    set_peft_model_state_dict(unet, {key: weights[_kohya_name(key)].float() for key in own})


def kohya_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """From peft's names (`down_blocks.1.….to_q.lora_A.weight`) to the common trainer's, with an alpha for each."""
    named = {}
    for key, value in weights.items():
        name = _kohya_name(key)
        named[name] = value
        named[f"{name.partition('.')[0]}.alpha"] = torch.tensor(float(RANK))
    return named


def _kohya_name(key: str) -> str:
    layer, _, side = key.rpartition(".lora_")
    name = layer.removeprefix("unet.").replace(".", "_")
    return f"lora_unet_{name}.lora_{'down' if side.startswith('A') else 'up'}.weight"


if __name__ == "__main__":
    run_step(train_lora, __doc__, checkpoint="registry/demo/data/safelight-tiny.safetensors", start="")
