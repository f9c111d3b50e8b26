"""What every step's command line has in common: the folder of the run, the time it may take, its log."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import diffusers
import torch
import transformers

from inference.training.recipe import Recipe, read_recipe


@dataclass(frozen=True)
class Run:
    """One run of a step. `minutes` ends it early, with the rate falling as if the steps had been fewer."""

    work: Path
    recipe: Recipe
    minutes: float | None
    options: argparse.Namespace

    @property
    def device(self) -> torch.device:
        """The accelerator where there is one."""
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def run_step(step: Callable[[Run], None], about: str | None, **options: str) -> None:
    """Read the command line and run the step; `options` are names of further arguments, with their defaults."""
    parser = argparse.ArgumentParser(description=(about or "").partition("\n")[0])
    parser.add_argument("--work", type=Path, default=Path("var/training"), help="folder of this run")
    parser.add_argument("--minutes", type=float, help="end after so many, though steps are left")
    for name, default in options.items():
        parser.add_argument(f"--{name}", default=default)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    for library in (diffusers, transformers):  # they tell of optional parts, once for each load
        library.logging.set_verbosity_error()
    # On a shared machine two threads wait for each other longer than they compute.
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    arguments.work.mkdir(parents=True, exist_ok=True)
    step(Run(arguments.work, read_recipe(), arguments.minutes, arguments))
