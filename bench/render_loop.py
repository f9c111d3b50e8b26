"""The peers of `bench.render`, each a process of its own: a bare diffusers loop, and one picture from nothing.

python -m bench.render_loop loop COUNT OUT     COUNT pictures after three to warm up; prints a JSON line of seconds
python -m bench.render_loop once OUT           imports, loads, renders one picture, writes it, ends
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline

from inference.prompts.samplers import find_sampler, resolved_schedule
from registry.demo.samples import DATA

ARCHITECTURE = Path(__file__).resolve().parents[1] / "inference" / "engine" / "architectures" / "tiny"
SETTINGS = {"width": 64, "height": 64, "num_inference_steps": 20, "guidance_scale": 4.0}


def pipeline() -> StableDiffusionPipeline:
    """The tiny checkpoint as diffusers loads it, with the sampler that the request names."""
    torch.set_num_threads(1)
    pipe = StableDiffusionPipeline.from_single_file(
        str(DATA / "safelight-tiny.safetensors"),
        config=str(ARCHITECTURE),
        local_files_only=True,
        torch_dtype=torch.float32,
    )
    sampler, schedule = find_sampler("DPM++ 2M")
    settings = {**sampler.settings, **resolved_schedule(sampler, schedule).settings}
    pipe.scheduler = DPMSolverMultistepScheduler.from_config(pipe.scheduler.config, **settings)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def picture(pipe: StableDiffusionPipeline, seed: int, out: Path) -> None:
    generator = torch.Generator("cpu").manual_seed(seed)
    with torch.inference_mode():
        image = pipe("a red apple", negative_prompt="", generator=generator, **SETTINGS).images[0]
    image.save(out / f"{seed}.png", compress_level=6)


def timed(pipe: StableDiffusionPipeline) -> list[float]:
    """Seconds that the networks' own calls take, one after another, from now on."""
    seconds: list[float] = []

    def watch(owner: Any, name: str) -> None:
        call = getattr(owner, name)

        def watched(*given: Any, **named: Any) -> Any:
            began = time.monotonic()
            try:
                return call(*given, **named)
            finally:
                seconds.append(time.monotonic() - began)

        setattr(owner, name, watched)

    watch(pipe.text_encoder, "forward")
    watch(pipe.unet, "forward")
    watch(pipe.vae, "decode")
    return seconds


def main() -> None:
    if sys.argv[1] == "once":
        picture(pipeline(), 1, Path(sys.argv[2]))
        return
    count, out = int(sys.argv[2]), Path(sys.argv[3])
    pipe = pipeline()
    for seed in range(3):
        picture(pipe, seed, out)
    networks = timed(pipe)
    wall, cpu = time.monotonic(), time.process_time()
    for seed in range(100, 100 + count):
        picture(pipe, seed, out)
    spent = {"wall": time.monotonic() - wall, "cpu": time.process_time() - cpu, "networks": sum(networks)}
    print(json.dumps(spent))


if __name__ == "__main__":
    main()
