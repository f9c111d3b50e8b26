"""Samplers and schedules by the names that people and tools write, and the settings they stand for.

The names are those of AUTOMATIC1111's web UI; the classes those of diffusers 0.42 (by name only: this room imports
nothing of it), whose documentation names the k-diffusion sampler that each of them stands for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

AUTOMATIC: Final = "Automatic"


@dataclass(frozen=True, slots=True)
class Sampler:
    """One way to walk from noise to a picture.

    `scheduler` is a class of diffusers and `settings` what it is built with, beside the model's own configuration.
    `calls` are the denoiser's calls for n steps: "n", "n+1" or "2n-1". `schedule` is what "Automatic" means for it.
    `seeded` names a setting that takes the seed where the class does not listen to a generator.
    """

    name: str
    scheduler: str
    settings: Mapping[str, object] = field(default_factory=dict)
    calls: str = "n"
    schedule: str = AUTOMATIC
    comfy: str = ""
    seeded: str = ""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How the noise levels are spread over the steps."""

    name: str
    settings: Mapping[str, object]
    comfy: str = ""


def _solver(algorithm: str, order: int, kind: str = "") -> dict[str, object]:
    settings: dict[str, object] = {"algorithm_type": algorithm, "solver_order": order}
    return settings | ({"solver_type": kind} if kind else {})


_MULTISTEP = "DPMSolverMultistepScheduler"
SAMPLERS: Final[Mapping[str, Sampler]] = MappingProxyType(
    {
        sampler.name: sampler
        for sampler in (
            Sampler("Euler a", "EulerAncestralDiscreteScheduler", comfy="euler_ancestral"),
            Sampler("Euler", "EulerDiscreteScheduler", comfy="euler"),
            Sampler("LMS", "LMSDiscreteScheduler", comfy="lms"),
            Sampler("Heun", "HeunDiscreteScheduler", calls="2n-1", comfy="heun"),
            Sampler("DPM2", "KDPM2DiscreteScheduler", calls="2n-1", schedule="Karras", comfy="dpm_2"),
            Sampler(
                "DPM2 a", "KDPM2AncestralDiscreteScheduler", calls="2n-1", schedule="Karras", comfy="dpm_2_ancestral"
            ),
            Sampler("DPM++ 2M", _MULTISTEP, _solver("dpmsolver++", 2), schedule="Karras", comfy="dpmpp_2m"),
            Sampler(
                "DPM++ 2M SDE",
                _MULTISTEP,
                _solver("sde-dpmsolver++", 2, "midpoint"),
                schedule="Exponential",
                comfy="dpmpp_2m_sde",
            ),
            Sampler(
                "DPM++ 2M SDE Heun",
                _MULTISTEP,
                _solver("sde-dpmsolver++", 2, "heun"),
                schedule="Exponential",
                comfy="dpmpp_2m_sde_heun",
            ),
            Sampler(
                "DPM++ 3M SDE", _MULTISTEP, _solver("sde-dpmsolver++", 3), schedule="Exponential", comfy="dpmpp_3m_sde"
            ),
            Sampler(
                "DPM++ SDE",
                "DPMSolverSDEScheduler",
                calls="2n-1",
                schedule="Karras",
                comfy="dpmpp_sde",
                seeded="noise_sampler_seed",
            ),
            Sampler(
                "DPM++ 2S a",
                "DPMSolverSinglestepScheduler",
                _solver("dpmsolver++", 2),
                schedule="Karras",
                comfy="dpmpp_2s_ancestral",
            ),
            Sampler("DDIM", "DDIMScheduler", {"set_alpha_to_one": False}, comfy="ddim"),
            Sampler(
                "PLMS", "PNDMScheduler", {"skip_prk_steps": True, "set_alpha_to_one": False}, calls="n+1", comfy="plms"
            ),
            Sampler("UniPC", "UniPCMultistepScheduler", {"solver_order": 2}, comfy="uni_pc"),
            Sampler("DEIS", "DEISMultistepScheduler", comfy="deis"),
            Sampler("DDPM", "DDPMScheduler", comfy="ddpm"),
            Sampler("LCM", "LCMScheduler", comfy="lcm"),
            Sampler("TCD", "TCDScheduler", comfy="tcd"),
        )
    }
)
SCHEDULES: Final[Mapping[str, Schedule]] = MappingProxyType(
    {
        schedule.name: schedule
        for schedule in (
            Schedule(AUTOMATIC, {}),
            Schedule("Uniform", {"timestep_spacing": "leading"}),
            Schedule("Karras", {"use_karras_sigmas": True}, "karras"),
            Schedule("Exponential", {"use_exponential_sigmas": True}, "exponential"),
            Schedule("Beta", {"use_beta_sigmas": True}, "beta"),
            Schedule("SGM Uniform", {"timestep_spacing": "trailing"}, "sgm_uniform"),
            Schedule("Simple", {"timestep_spacing": "trailing"}, "simple"),
            Schedule("Normal", {"timestep_spacing": "linspace"}, "normal"),
            Schedule("DDIM", {"timestep_spacing": "leading"}, "ddim_uniform"),
        )
    }
)
# Spellings of other tools; the endings below are taken off first.
_ALIASES: Final = {
    "k_euler": "Euler",
    "k_euler_a": "Euler a",
    "k_euler_ancestral": "Euler a",
    "k_lms": "LMS",
    "k_heun": "Heun",
    "k_dpm_2": "DPM2",
    "k_dpm_2_a": "DPM2 a",
    "k_dpmpp_2m": "DPM++ 2M",
    "k_dpmpp_2s_a": "DPM++ 2S a",
    "k_dpmpp_sde": "DPM++ SDE",
    "uni_pc_bh2": "UniPC",
    "uni-pc": "UniPC",
    "unipc": "UniPC",
    "dpm++ 2s ancestral": "DPM++ 2S a",
    "euler ancestral": "Euler a",
    "euler_a": "Euler a",
}
_BY_NAME: Final = (
    {name.lower(): name for name in SAMPLERS}
    | {sampler.comfy: sampler.name for sampler in SAMPLERS.values() if sampler.comfy}
    | _ALIASES
)
_SCHEDULE_BY_NAME: Final = {name.lower(): name for name in SCHEDULES} | {
    schedule.comfy: schedule.name for schedule in SCHEDULES.values() if schedule.comfy
}
# No scheduler of diffusers is one of these; a picture may still name them.
FOREIGN_SAMPLERS: Final = ("DPM fast", "DPM adaptive", "Restart")


def find_sampler(name: str, schedule: str = "") -> tuple[Sampler, Schedule]:
    """Sampler and schedule by any spelling, with a schedule at the sampler's end as older texts have it.

    Raises KeyError with the part that is not known.
    """
    words = " ".join(name.split()).lower()
    for ending in ("_gpu", "_cfg_pp"):
        words = words.removesuffix(ending)
    if words not in _BY_NAME:
        words, schedule = _cut_schedule(words, schedule)
    if words not in _BY_NAME:
        raise KeyError(name)
    sampler = SAMPLERS[_BY_NAME[words]]
    wanted = " ".join(schedule.split()).lower() or AUTOMATIC.lower()
    if wanted not in _SCHEDULE_BY_NAME:
        raise KeyError(schedule)
    return sampler, SCHEDULES[_SCHEDULE_BY_NAME[wanted]]


def _cut_schedule(words: str, schedule: str) -> tuple[str, str]:
    for name in SCHEDULES:
        ending = " " + name.lower()
        if words.endswith(ending):
            return words.removesuffix(ending), schedule or name
    return words, schedule


def resolved_schedule(sampler: Sampler, schedule: Schedule) -> Schedule:
    """What "Automatic" means for this sampler; any other schedule is itself."""
    return SCHEDULES[sampler.schedule] if schedule.name == AUTOMATIC else schedule
