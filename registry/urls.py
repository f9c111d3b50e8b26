"""Addresses of models and of the site's own pages. `/{owner}/{name}` comes last: it would swallow the others."""

from django.urls import path
from django.views.i18n import set_language

from registry.views import (
    catalog,
    downloads,
    feeds,
    files,
    models,
    owning,
    pages,
    parts,
    pictures,
    reviewing,
    trust,
    uploading,
)

app_name = "registry"
urlpatterns = [
    path("", catalog.home, name="home"),
    path("models", catalog.model_list, name="models"),
    path("models.atom", feeds.models_feed, name="models-feed"),
    path("settings/theme", pages.set_theme, name="set-theme"),
    path("i18n/setlang", set_language, name="set-language"),
    path("my", owning.my_work, name="my"),
    path("upload", uploading.upload, name="upload"),
    path("uploads/<uuid:upload_id>/parts/<int:number>", parts.receive, name="part"),
    path("media/previews/<int:preview_id>/original", pictures.preview_original, name="preview-original"),
    path(
        "media/previews/<int:preview_id>/<int:width>.<slug:format>",
        pictures.preview_rendition,
        name="preview-rendition",
    ),
    path("hashes/<str:value>", files.hash_page, name="hash"),
    path("files/<int:file_id>/report", files.file_report, name="file-report"),
    path("files/<int:file_id>/waiver", trust.file_waiver, name="file-waiver"),
    path("moderation/files", trust.files_to_look_at, name="files-to-look-at"),
    path("files/<int:file_id>/download/<str:name>", downloads.download_file, name="download"),
    path("files/<int:file_id>/conversions", files.file_conversions, name="file-conversions"),
    path(
        "files/<int:file_id>/conversions/<slug:kind>/<str:name>",
        downloads.download_conversion,
        name="conversion-download",
    ),
    path("versions/<int:version_id>/edit", owning.version_edit, name="version-edit"),
    path("versions/<int:version_id>/publish", owning.version_publish, name="version-publish"),
    path("versions/<int:version_id>/withdraw", owning.version_withdraw, name="version-withdraw"),
    path("versions/<int:version_id>/delete", owning.version_delete, name="version-delete"),
    path("versions/<int:version_id>/reviews", reviewing.review_list, name="reviews"),
    path("versions/<int:version_id>/review", reviewing.review, name="review"),
    path("reviews/<int:review_id>", reviewing.review_page, name="review-page"),
    path("reviews/<int:review_id>/delete", reviewing.delete, name="review-delete"),
    path("reviews/<int:review_id>/remove", reviewing.remove, name="review-remove"),
    path("<str:owner>/<str:name>/edit", owning.model_edit, name="model-edit"),
    path("<str:owner>/<str:name>/delete", owning.model_delete, name="model-delete"),
    path("<str:owner>/<str:name>/take-down", owning.model_take_down, name="model-take-down"),
    path("<str:owner>/<str:name>/versions/new", owning.version_new, name="version-new"),
    path("<str:owner>/<str:name>", models.model_page, name="model"),
]
