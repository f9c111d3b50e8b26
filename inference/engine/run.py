"""The one door of the engine: a plan goes in, pictures come out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import nn

from inference.engine import flow, painting
from inference.engine.blobcache import BlobCache, suffix_for
from inference.engine.checks import unsupported
from inference.engine.controlnet import load_controlnet
from inference.engine.denoise import Control
from inference.engine.devices import environment, memory_faults
from inference.engine.economy import sliced_attention
from inference.engine.embeddings import EmbeddingVectors, read_embedding
from inference.engine.encode import Reader
from inference.engine.errors import BadIngredient, RenderCancelled
from inference.engine.families import FAMILIES
from inference.engine.hypernets import attach_hypernets, read_hypernet
from inference.engine.loading import Model, load_checkpoint, settled, vae_config
from inference.engine.loras import Folder, LoraFile
from inference.engine.pipelines import PipelineCache
from inference.engine.scripts import write_script
from inference.engine.sketches import read_control, read_init, read_mask
from inference.engine.vaes import load_vae
from inference.prompts.plan import Ingredient, RenderPlan
from inference.prompts.receipt import Environment, image_hash


@dataclass(frozen=True, eq=False)
class RenderedImage:
    """One picture: RGB pixels, the seed that it was made with, its place in the batch, and the hash of its pixels."""

    pixels: Image.Image
    seed: int
    index: int
    image_hash: str


@dataclass(frozen=True, eq=False)
class Rendered:
    """What a plan came to. `notes` name what was asked for and not applied."""

    images: list[RenderedImage]
    environment: Environment
    notes: tuple[str, ...] = ()


class Steps:
    """Counts the denoiser's calls aloud, and stops between two of them where the render is no longer wanted."""

    def __init__(self, on_step: Callable[[int, int], None], cancelled: Callable[[], bool]) -> None:
        self._on_step, self._cancelled = on_step, cancelled
        self.done, self.total = 0, 0

    def look(self) -> None:
        """Raises RenderCancelled."""
        if self._cancelled():
            raise RenderCancelled("cancelled")

    def __call__(self) -> None:
        self.done += 1
        self._on_step(self.done, max(self.total, self.done))
        self.look()


def render(
    plan: RenderPlan,
    *,
    blobs: BlobCache,
    pipelines: PipelineCache,
    on_step: Callable[[int, int], None],
    cancelled: Callable[[], bool],
    economical: bool = False,
) -> Rendered:
    """Render a plan, one picture after another, so that each equals the one that its seed alone would give.

    An `economical` run takes less memory and more time (see `economy`); the next one on the same networks is as ever.
    Raises BadIngredient, RenderCancelled, OutOfMemory or DeviceFault. The network is not touched but for what `blobs`
    brings from its store.
    """
    refused = unsupported(plan)
    if refused is not None:
        raise BadIngredient(refused.code, refused.field, **refused.params)
    steps = Steps(on_step, cancelled)
    steps.look()
    with ExitStack() as held, memory_faults(), warnings.catch_warnings():
        # diffusers' schedulers reckon with tensors through numpy in a way that numpy will give up.
        warnings.filterwarnings("ignore", "__array_", DeprecationWarning)
        held.enter_context(sliced_attention(economical=economical))
        model = held.enter_context(_lent_model(plan, blobs, pipelines))
        folded = _fold(plan, model, blobs)
        steps.look()
        images, notes = _pictures(plan, model, blobs, pipelines, steps, held, economical=economical)
    where = environment(pipelines.target, FAMILIES[plan.checkpoint.family], economical=economical)
    return Rendered(images, where, tuple(dict.fromkeys((*folded, *notes))))


@contextmanager
def _lent_model(plan: RenderPlan, blobs: BlobCache, pipelines: PipelineCache) -> Iterator[Model]:
    item = plan.checkpoint
    key = ("checkpoint", item.sha256, item.base_model, plan.prediction)

    def load() -> Model:
        with blobs.lent(item, suffix_for(item.format), role="checkpoint") as path:
            return load_checkpoint(
                path,
                family=FAMILIES[item.family],
                base_model=item.base_model,
                prediction=plan.prediction,
                name=item.name,
                root=blobs.architectures,
                target=pipelines.target,
            )

    with pipelines.lent(key, item.size, load) as model:
        yield model


def _fold(plan: RenderPlan, model: Model, blobs: BlobCache) -> tuple[str, ...]:
    """Have exactly the plan's adapters in the weights. The folder stays with the model: the next render may ask alike.

    An adapter's text side is turned off by `clip_weight`; None means the same strength on both sides.
    """
    folder = model.extras.get("folder")
    if folder is None:
        folder = model.extras["folder"] = Folder(_foldable(model))
    with ExitStack() as files:
        loras = []
        for use in plan.request.loras:
            item = plan.of("lora", use.version)
            path = files.enter_context(blobs.lent(item, suffix_for(item.format), role="lora"))
            clip = use.weight if use.clip_weight is None else use.clip_weight
            loras.append(LoraFile(path, use.weight, clip, item.sha256, item.name))
        notes: tuple[str, ...] = folder.apply(loras)
        return notes


def _foldable(model: Model) -> dict[str, nn.Module]:
    return {key: network for key, network in model.networks.items() if key != "vae"}


def _pictures(
    plan: RenderPlan,
    model: Model,
    blobs: BlobCache,
    pipelines: PipelineCache,
    steps: Steps,
    held: ExitStack,
    *,
    economical: bool,
) -> tuple[list[RenderedImage], tuple[str, ...]]:
    vae = held.enter_context(_lent_vae(plan, model, blobs, pipelines))
    if not model.family.is_unet:
        with torch.inference_mode():
            return flow.paint_all(plan, model, vae, steps, _finished, economical=economical)
    _attach_hypernets(plan, model, blobs, held)
    control = held.enter_context(_lent_control(plan, model, blobs, pipelines))
    with torch.inference_mode():
        setting = _setting(plan, model, vae, control, blobs)
        setting.economical = economical
        return _painted(setting, steps)


def _painted(setting: painting.Setting, steps: Steps) -> tuple[list[RenderedImage], tuple[str, ...]]:
    request = setting.request
    images: list[RenderedImage] = []
    notes: tuple[str, ...] = ()
    for index in range(request.batch_count):
        walks = painting.walks_for(setting, request.seed + index)
        steps.total = request.batch_count * sum(len(walk.timesteps) for walk in walks)
        notes += walks[0].notes
        images.append(_finished(painting.paint(setting, request.seed + index, walks, steps), request.seed, index))
    return images, notes + setting.reader.notes


def _finished(picture: Image.Image, seed: int, index: int) -> RenderedImage:
    return RenderedImage(picture, seed + index, index, image_hash(picture.width, picture.height, picture.tobytes()))


@contextmanager
def _lent_vae(plan: RenderPlan, model: Model, blobs: BlobCache, pipelines: PipelineCache) -> Iterator[nn.Module]:
    if plan.request.vae is None:
        own = model.networks.get("vae")
        if own is None:
            raise BadIngredient("no_vae", "vae", name=model.name)
        yield own
        return
    item = plan.of("vae", plan.request.vae)

    def load() -> nn.Module:
        with blobs.lent(item, suffix_for(item.format), role="vae") as path:
            own = model.networks.get("vae")
            config = _config_of(own) if own is not None else vae_config(model, blobs.architectures)
            vae: Any = load_vae(path, config, pipelines.target.dtype_for(model.family), item.name)
            return settled(vae, pipelines.target, model.family)

    with pipelines.lent(("vae", item.sha256, model.family.id), item.size, load) as vae:
        yield vae


@contextmanager
def _lent_control(plan: RenderPlan, model: Model, blobs: BlobCache, pipelines: PipelineCache) -> Iterator[Any]:
    use = plan.request.control
    if use is None:
        yield None
        return
    item = plan.of("controlnet", use.version)

    def load() -> nn.Module:
        with blobs.lent(item, suffix_for(item.format), role="controlnet") as path:
            network: Any = load_controlnet(path, _config_of(model.denoiser), pipelines.target.dtype, item.name)
            placed: nn.Module = network.to(pipelines.target.device)
            return placed

    with pipelines.lent(("controlnet", item.sha256, plan.checkpoint.family), item.size, load) as network:
        yield network


def _config_of(network: nn.Module) -> dict[str, Any]:
    config: Any = network.config
    return dict(config)


def _attach_hypernets(plan: RenderPlan, model: Model, blobs: BlobCache, held: ExitStack) -> None:
    hypernets = []
    for use in plan.request.hypernets:
        item = plan.of("hypernet", use.version)
        with blobs.lent(item, role="hypernet") as path:
            hypernets.append((read_hypernet(path, item.name), use.weight))
    held.enter_context(attach_hypernets(model.denoiser, hypernets))


def _embeddings(plan: RenderPlan, blobs: BlobCache) -> dict[str, EmbeddingVectors]:
    vectors = {}
    for use in plan.request.embeddings:
        item: Ingredient = plan.of("embedding", use.version)
        with blobs.lent(item, suffix_for(item.format), role="embedding") as path:
            vectors[use.word] = read_embedding(path, item.name)
    return vectors


def _setting(plan: RenderPlan, model: Model, vae: nn.Module, control: Any, blobs: BlobCache) -> painting.Setting:
    request = plan.request
    try:
        script = write_script(request.prompt, request.negative, request.steps)
    except ValueError as fault:
        raise BadIngredient("prompt_too_large", "prompt", reason=str(fault)) from None
    reader = Reader(model, _embeddings(plan, blobs), request.clip_skip)
    setting = painting.Setting(request, model, vae, reader, script)
    size = (request.width, request.height)
    if request.init is not None:
        with blobs.lent(plan.picture(request.init), role="init") as path:
            setting.init, found = read_init(path, size)
        if request.mask is not None:
            with blobs.lent(plan.picture(request.mask), role="mask") as path:
                setting.mask = read_mask(path, size, found)
    if control is not None and request.control is not None:
        use = request.control
        with blobs.lent(plan.picture(use.picture), role="control") as path:
            setting.control_picture = read_control(path, size)
        setting.control = Control(control, torch.empty(0), use.weight, use.start, use.end)
    return setting
