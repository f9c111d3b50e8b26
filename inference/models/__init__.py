"""Tables of renders, workers, prompt sets and grids."""

from inference.models.grids import Grid, GridCell
from inference.models.jobs import Receipt, RenderInput, RenderJob, RenderResult, Verification
from inference.models.sets import Prompt, PromptSet, PromptSetRevision, RenderedPreview, Style
from inference.models.workers import FamilyDefault, Worker

__all__ = [
    "FamilyDefault",
    "Grid",
    "GridCell",
    "Prompt",
    "PromptSet",
    "PromptSetRevision",
    "Receipt",
    "RenderInput",
    "RenderJob",
    "RenderResult",
    "RenderedPreview",
    "Style",
    "Verification",
    "Worker",
]
