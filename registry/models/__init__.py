"""Tables of models, files, bytes and trust."""

from registry.models.catalog import ModelRedirect, ModelVersion, RegisteredModel
from registry.models.conversions import Conversion
from registry.models.files import Blob, BlobHash, DownloadBatch, ModelFile, Tombstone, TombstoneHash
from registry.models.inspections import Finding, Inspection, Waiver
from registry.models.opinions import EngineOpinion
from registry.models.pictures import Picture, Rendition, VersionPreview
from registry.models.reviews import Review
from registry.models.search import ModelSearch, SearchWord
from registry.models.tags import Tag
from registry.models.uploads import Upload

__all__ = [
    "Blob",
    "BlobHash",
    "Conversion",
    "DownloadBatch",
    "EngineOpinion",
    "Finding",
    "Inspection",
    "ModelFile",
    "ModelRedirect",
    "ModelSearch",
    "ModelVersion",
    "Picture",
    "RegisteredModel",
    "Rendition",
    "Review",
    "SearchWord",
    "Tag",
    "Tombstone",
    "TombstoneHash",
    "Upload",
    "VersionPreview",
    "Waiver",
]
