"""What our own API says of models, versions and files, and what it takes."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.reverse import reverse

from community.api.common.serializers import StrictBoolean, StrictText
from community.ratings import RATING_NAMES, Rating
from registry.formats.catalog import MODEL_TYPES
from registry.licenses.permissions import Permissions
from registry.models import ModelFile, ModelVersion, RegisteredModel
from registry.models.files import Verdict
from registry.policies import has_waiver
from registry.search import hashes_of

FILE_STATES = ["uploading", "waiting", "inspecting", "done", "failed"]


class PermissionsSerializer(serializers.Serializer):
    """What others may do. Each of the six is answered; none has a default."""

    no_credit = StrictBoolean(help_text=_("Use it without naming the author."))
    commercial_images = StrictBoolean(help_text=_("Sell images made with it."))
    commercial_service = StrictBoolean(help_text=_("Offer it on a paid service."))
    sell = StrictBoolean(help_text=_("Sell it, or merges of it."))
    merges = StrictBoolean(help_text=_("Share merges of it."))
    relicense = StrictBoolean(help_text=_("Give merges other permissions."))

    def to_internal_value(self, data: Any) -> Permissions:
        return Permissions(**super().to_internal_value(data))

    def to_representation(self, instance: int) -> dict[str, bool]:
        return dict(vars(Permissions.from_bits(instance)))


# What is taken in ------------------------------------------------------------------------------------------------


class Reason(serializers.Serializer):
    """Why."""

    reason = StrictText(max_length=500, help_text=_("Shown to people."))


class OptionalReason(serializers.Serializer):
    reason = StrictText(max_length=500, required=False, allow_blank=True, default="")


class DeclaredRating(serializers.ChoiceField):
    """What a model makes, by its author: a rating's name, or null where its pictures speak for it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=list(RATING_NAMES), allow_null=True, **kwargs)

    def to_internal_value(self, data: Any) -> Rating:
        return RATING_NAMES[super().to_internal_value(data)]

    def to_representation(self, value: int) -> str | None:
        return Rating(value).label if value else None


class ModelWords(serializers.Serializer):
    """What may be said about a model."""

    title = StrictText(max_length=120, required=False)
    type = serializers.CharField(max_length=40, required=False, help_text=", ".join(MODEL_TYPES))
    description = StrictText(max_length=40_000, lines=True, allow_blank=True, required=False, trim_whitespace=False)
    tags = serializers.ListField(child=StrictText(max_length=60), max_length=200, required=False)
    license = serializers.CharField(
        max_length=64, allow_blank=True, allow_null=True, required=False, help_text=_("An id, such as CC0-1.0.")
    )
    license_text = StrictText(max_length=20_000, lines=True, allow_blank=True, required=False, trim_whitespace=False)
    permissions = PermissionsSerializer(required=False, allow_null=True)
    render_here = StrictBoolean(
        required=False, allow_null=True, help_text=_("Whether others may render with it on this site; null is a no.")
    )
    declared_rating = DeclaredRating(required=False, help_text=_("null: its pictures speak for it."))


class ModelInput(ModelWords):
    """A new model. `name` alone is the title, and the address is formed from it; beside a `title` it is the address."""

    owner = StrictText(max_length=150, required=False, help_text=_("Your own user name."))
    name = StrictText(max_length=120, help_text=_("The title; beside `title`, the last part of the address."))
    type = serializers.CharField(max_length=40, help_text=", ".join(MODEL_TYPES))
    license = serializers.CharField(
        max_length=64, allow_blank=True, allow_null=True, help_text=_("An id; empty to choose later.")
    )
    permissions = PermissionsSerializer(allow_null=True, help_text=_("null to choose later."))


class ModelChanges(ModelWords):
    """What is to change. What is not given stays."""

    name = StrictText(max_length=96, required=False, help_text=_("The last part of the address."))


class VersionChanges(serializers.Serializer):
    """What is to change. What is not given stays."""

    name = StrictText(max_length=100, required=False)
    base_model = serializers.CharField(
        max_length=40, allow_blank=True, allow_null=True, required=False, help_text=_("Such as “SD 1.5”.")
    )
    trained_words = serializers.ListField(
        child=StrictText(max_length=400, allow_blank=True), max_length=100, allow_null=True, required=False
    )
    notes = StrictText(
        max_length=20_000, lines=True, allow_blank=True, allow_null=True, required=False, trim_whitespace=False
    )


class VersionInput(VersionChanges):
    """A new draft."""

    name = StrictText(max_length=100)


class FileInput(serializers.Serializer):
    """Bytes that were uploaded, and the name that they get here."""

    upload = StrictText(max_length=64, help_text=_("The id of a complete upload of yours."))
    # The service judges names: one sentence for the page and for programs.
    name = StrictText(max_length=100_000, lines=True, trim_whitespace=False, help_text=_("At most 255 bytes."))


class FileChanges(serializers.Serializer):
    name = StrictText(max_length=100_000, lines=True, trim_whitespace=False, required=False)
    primary = StrictBoolean(required=False, help_text=_("true: this file is offered first."))


# What is given out ------------------------------------------------------------------------------------------------


class HashesSerializer(serializers.Serializer):
    """Digests by which tools know a file, in upper case. Empty until the file was inspected."""

    SHA256 = serializers.CharField(required=False)
    BLAKE3 = serializers.CharField(required=False)
    CRC32 = serializers.CharField(required=False)
    AutoV1 = serializers.CharField(required=False)
    AutoV2 = serializers.CharField(required=False)
    AutoV3 = serializers.CharField(required=False)


class FileError(serializers.Serializer):
    code = serializers.CharField()
    field = serializers.CharField()
    detail = serializers.CharField()


class FileSerializer(serializers.ModelSerializer):
    """One file of a version, as far as it is known."""

    state = serializers.ChoiceField(choices=FILE_STATES)
    verdict = serializers.ChoiceField(choices=Verdict.choices)
    hashes = serializers.SerializerMethodField()
    primary = serializers.BooleanField(source="is_primary")
    format = serializers.CharField(source="blob.format", default="", help_text=_("By content, not by name."))
    downloads = serializers.IntegerField(source="download_count")
    download_url = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField(help_text=_("Why the upload failed."))

    class Meta:
        model = ModelFile
        fields = [
            "id", "name", "size", "state", "verdict", "hashes", "primary", "format", "downloads", "download_url",
            "error",
        ]  # fmt: skip

    @extend_schema_field(HashesSerializer)
    def get_hashes(self, file: ModelFile) -> dict[str, str]:
        return hashes_of(file.blob.hashes.all()) if file.blob else {}

    def get_download_url(self, file: ModelFile) -> str:
        return reverse("api-file-download", args=[file.pk], request=self.context["request"])

    @extend_schema_field(FileError(allow_null=True))
    def get_error(self, file: ModelFile) -> dict[str, str] | None:
        return (file.upload.error or None) if file.blob is None and file.upload else None


class VersionLine(serializers.ModelSerializer):
    """A version in a list."""

    class Meta:
        model = ModelVersion
        fields = ["id", "name", "state", "base_model", "published_at", "created_at"]


class ModelLine(serializers.ModelSerializer):
    """A model in a list."""

    owner = serializers.CharField(source="owner.username")
    tags = serializers.SlugRelatedField("name", many=True, read_only=True)
    base_models = serializers.SerializerMethodField()
    downloads = serializers.IntegerField(source="download_count")
    likes = serializers.IntegerField(source="subject.like_count")
    declared_rating = DeclaredRating(help_text=_("null: its pictures speak for it."))
    ratings = serializers.SerializerMethodField(help_text=_("What it declares and what its pictures are, together."))
    url = serializers.SerializerMethodField()

    class Meta:
        model = RegisteredModel
        fields = [
            "id", "owner", "name", "title", "type", "tags", "base_models", "downloads", "likes",
            "declared_rating", "ratings", "url", "first_published_at", "updated_at",
        ]  # fmt: skip

    def get_ratings(self, model: RegisteredModel) -> list[str]:
        return [rating.label for rating in Rating if rating & model.subject.rating]

    def get_base_models(self, model: RegisteredModel) -> list[str]:
        return list(dict.fromkeys(version.base_model for version in model.published_versions))

    def get_url(self, model: RegisteredModel) -> str:
        return _page(self.context["request"], model)


class TakenDown(serializers.Serializer):
    at = serializers.DateTimeField(source="taken_down_at")
    reason = serializers.CharField(source="taken_down_reason")


class ModelSerializer(ModelLine):
    """A model, and those of its versions that you may see. `context["versions"]` holds them."""

    permissions = PermissionsSerializer(allow_null=True)
    is_public = serializers.BooleanField(source="subject.is_public")
    taken_down = serializers.SerializerMethodField()
    versions = serializers.SerializerMethodField()

    class Meta(ModelLine.Meta):
        fields = [
            *ModelLine.Meta.fields, "description", "license", "license_text", "permissions", "render_here", "is_public",
            "taken_down", "versions", "created_at",
        ]  # fmt: skip

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_base_models(self, model: RegisteredModel) -> list[str]:
        return list(dict.fromkeys(version.base_model for version in self.context["versions"] if version.base_model))

    @extend_schema_field(TakenDown(allow_null=True))
    def get_taken_down(self, model: RegisteredModel) -> dict[str, Any] | None:
        return TakenDown(model).data if model.taken_down_at else None

    @extend_schema_field(VersionLine(many=True))
    def get_versions(self, model: RegisteredModel) -> list[dict[str, Any]]:
        return VersionLine(self.context["versions"], many=True).data


class ModelName(serializers.ModelSerializer):
    """Which model something belongs to."""

    owner = serializers.CharField(source="owner.username")

    class Meta:
        model = RegisteredModel
        fields = ["id", "owner", "name", "title", "type"]


class VersionSerializer(VersionLine):
    """A version with its files. Licence and permissions are empty until it is published, and never change then."""

    model = ModelName()
    permissions = PermissionsSerializer(allow_null=True)
    downloads = serializers.IntegerField(source="download_count")
    url = serializers.SerializerMethodField()
    files = FileSerializer(many=True)

    class Meta(VersionLine.Meta):
        fields = [
            *VersionLine.Meta.fields, "model", "trained_words", "notes", "license", "license_text", "permissions",
            "withdrawn_at", "withdrawn_reason", "downloads", "url", "files",
        ]  # fmt: skip

    def get_url(self, version: ModelVersion) -> str:
        return f"{_page(self.context['request'], version.model)}?version={version.pk}"


class VersionName(serializers.ModelSerializer):
    class Meta:
        model = ModelVersion
        fields = ["id", "name", "state"]


class FoundFile(FileSerializer):
    """A file that was found by its hash, and where it stands."""

    version = VersionName()
    model = ModelName(source="version.model")

    class Meta(FileSerializer.Meta):
        fields = [*FileSerializer.Meta.fields, "version", "model"]


class FindingSerializer(serializers.Serializer):
    """One thing that the scanner saw."""

    rule = serializers.CharField()
    level = serializers.ChoiceField(choices=Verdict.choices)
    member = serializers.CharField()
    offset = serializers.IntegerField(allow_null=True)
    subject = serializers.CharField()
    message = serializers.CharField()


class OpinionSerializer(serializers.Serializer):
    """What another engine said. Shown beside our verdict; only a virus scanner's hit changes it."""

    engine = serializers.CharField()
    version = serializers.CharField()
    outcome = serializers.ChoiceField(choices=["clean", "doubted", "hit", "failed"])
    details = serializers.ListField(child=serializers.CharField())
    asked_at = serializers.DateTimeField()


class FileReport(FoundFile):
    """A file with what its inspection found."""

    findings = serializers.SerializerMethodField()
    opinions = serializers.SerializerMethodField()
    waived = serializers.SerializerMethodField(help_text=_("Whether a moderator let the file through as it is."))
    facts = serializers.SerializerMethodField(help_text=_("What its header says, and what it was recognised as."))

    class Meta(FoundFile.Meta):
        fields = [*FoundFile.Meta.fields, "findings", "opinions", "waived", "facts"]

    @extend_schema_field(FindingSerializer(many=True))
    def get_findings(self, file: ModelFile) -> list[dict[str, Any]]:
        return FindingSerializer(file.blob.findings.all() if file.blob else [], many=True).data

    @extend_schema_field(OpinionSerializer(many=True))
    def get_opinions(self, file: ModelFile) -> list[dict[str, Any]]:
        return OpinionSerializer(file.blob.opinions.all() if file.blob else [], many=True).data

    def get_waived(self, file: ModelFile) -> bool:
        return has_waiver(file)

    @extend_schema_field(serializers.DictField())
    def get_facts(self, file: ModelFile) -> dict[str, Any]:
        return file.blob.facts if file.blob else {}


class TombstoneSerializer(serializers.Serializer):
    """What became of a file that was once public."""

    cause = serializers.ChoiceField(choices=["deleted", "taken_down", "withdrawn"])
    owner = serializers.CharField()
    model = serializers.CharField()
    title = serializers.CharField()
    version = serializers.CharField()
    file = serializers.CharField()
    size = serializers.IntegerField()
    reason = serializers.CharField()
    published_at = serializers.DateTimeField(allow_null=True)
    gone_at = serializers.DateTimeField(allow_null=True)
    hashes = HashesSerializer()


class HashAnswerSerializer(serializers.Serializer):
    results = FoundFile(many=True, source="files")
    tombstones = TombstoneSerializer(many=True)


class ModelPage(serializers.Serializer):
    results = ModelLine(many=True)
    next = serializers.CharField(allow_null=True)


class VersionList(serializers.Serializer):
    results = VersionLine(many=True)


def _page(request: Request, model: RegisteredModel) -> str:
    return request.build_absolute_uri(model.get_absolute_url())


def read(serializer: type[serializers.Serializer], request: Request, *, nulls: dict[str, Any] | None = None) -> Any:
    """The request's body as `serializer` reads it; what is null in it and stands in `nulls` becomes that."""
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    values = dict(given.validated_data)
    for name, empty in (nulls or {}).items():
        if name in values and values[name] is None:
            values[name] = empty
    return values
