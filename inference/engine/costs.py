"""What a render will take, as far as can be told before it begins. Imports neither torch nor Django.

Seconds come from the operations of the networks and what a device does of them in a second. For a CPU that was measured
with Safelight Tiny; everything else is estimated from it and from published throughputs, and is meant to keep the
hopeless out, not to promise anything. A worker that has measured its own speed knows better.
"""

from __future__ import annotations

from typing import Final, Literal

from inference.engine.families import FAMILIES, Family
from inference.prompts.plan import RenderPlan
from inference.prompts.request import RenderRequest
from inference.prompts.samplers import find_sampler
from inference.prompts.schedule import split_strands

DeviceKind = Literal["cpu", "cuda"]

_FLOPS: Final[dict[DeviceKind, float]] = {"cpu": 3.5e10, "cuda": 6e13}  # a core in float32; a card in float16
_CALL: Final[dict[DeviceKind, float]] = {"cpu": 4e-3, "cuda": 2.5e-2}  # seconds of a call beside its arithmetic
_DECODE_FLOPS_A_PIXEL: Final = 9.6e6  # of the autoencoders of SD, SDXL, SD 3 and Flux, which share their shape
_DECODE_TINY: Final = 1.3e5
_READING: Final = 2e8  # floating-point operations for a character of the prompt
_ACTIVATIONS: Final = 320  # numbers alive for each pixel of a picture while a VAE of full width decodes it
_ACTIVATIONS_TINY: Final = 96
_AROUND: Final = 64 << 20


def estimate(plan: RenderPlan, device: DeviceKind, *, cores: int = 1) -> float:
    """Seconds for a warm worker. KeyError for a family that is not rendered."""
    family, request = FAMILIES[plan.checkpoint.family], plan.request
    speed = _FLOPS[device] * (cores if device == "cpu" else 1)
    flops, calls = 0.0, 0
    for pixels, steps in _passes(request):
        count = _calls(request, steps)
        flops += count * _passes_a_call(plan) * _flops_a_pass(family, pixels)
        flops += pixels * (_DECODE_TINY if family.id == "tiny" else _DECODE_FLOPS_A_PIXEL)
        calls += count
    flops += (len(request.prompt) + len(request.negative)) * _READING * (family.dense / 1e9)
    return (flops / speed + calls * _CALL[device]) * request.batch_count


def memory_needed(plan: RenderPlan, bytes_a_number: int) -> int:
    """Bytes for weights of that many bytes a number, and for the largest pass. KeyError as in `estimate`."""
    family = FAMILIES[plan.checkpoint.family]
    others = sum({item.sha256: item.size for item in plan.ingredients[1:]}.values())
    pixels = max(pixels for pixels, _ in _passes(plan.request))
    alive = _ACTIVATIONS_TINY if family.id == "tiny" else _ACTIVATIONS
    return int(family.weights * bytes_a_number + others + pixels * alive * 4) + _AROUND


def _passes(request: RenderRequest) -> list[tuple[float, float]]:
    """Pixels and steps of each pass over one picture."""
    pixels = float(request.width * request.height)
    first = request.steps * (request.denoise if request.init is not None else 1.0)
    passes = [(pixels, max(first, 1.0))]
    if request.hires is not None:
        steps = (request.hires.steps or request.steps) * request.hires.denoise
        passes.append((pixels * request.hires.scale**2, max(steps, 1.0)))
    return passes


def _calls(request: RenderRequest, steps: float) -> int:
    calls = find_sampler(request.sampler)[0].calls
    return max(1, round({"n": steps, "n+1": steps + 1, "2n-1": 2 * steps - 1}[calls]))


def _passes_a_call(plan: RenderPlan) -> float:
    """How often the denoiser runs over the latents for one call: without the prompt, and once for each strand."""
    request, family = plan.request, FAMILIES[plan.checkpoint.family]
    strands = len(split_strands(request.prompt))
    guided = 0 if family.id == "flux1" or (request.cfg_scale == 1.0 and strands == 1) else 1
    return (strands + guided) * (1.4 if request.control is not None else 1.0)


def _flops_a_pass(family: Family, pixels: float) -> float:
    """Attention grows with the square of the pixels; at the native size it is about an eighth of the whole."""
    ratio = pixels / family.native**2
    return family.teraflops * 1e12 * (0.87 * ratio + 0.13 * ratio**2)
