from django.urls import path

from registry.api.own import conversions, files, hashes, models, pictures, recognize, uploads, versions, waivers

urlpatterns = [
    path("models", models.ModelsView.as_view(), name="api-models"),
    path("models/<str:owner>/<str:name>", models.ModelView.as_view(), name="api-model"),
    path("models/<str:owner>/<str:name>/comments", models.ModelCommentsView.as_view(), name="api-model-comments"),
    path("models/<str:owner>/<str:name>/take-down", models.TakeDownView.as_view(), name="api-model-take-down"),
    path("models/<str:owner>/<str:name>/restore", models.RestoreView.as_view(), name="api-model-restore"),
    path("models/<str:owner>/<str:name>/versions", versions.ModelVersionsView.as_view(), name="api-model-versions"),
    path("versions/<int:version_id>", versions.VersionView.as_view(), name="api-version"),
    path("versions/<int:version_id>/publish", versions.PublishVersionView.as_view(), name="api-version-publish"),
    path("versions/<int:version_id>/withdraw", versions.WithdrawVersionView.as_view(), name="api-version-withdraw"),
    path("versions/<int:version_id>/files", files.VersionFilesView.as_view(), name="api-version-files"),
    path("files/<int:file_id>", files.FileView.as_view(), name="api-file"),
    path("files/<int:file_id>/waiver", waivers.FileWaiverView.as_view(), name="api-file-waiver"),
    path("files/<int:file_id>/download", files.FileDownloadView.as_view(), name="api-file-download"),
    path("files/<int:file_id>/conversions", conversions.FileConversionsView.as_view(), name="api-file-conversions"),
    path(
        "files/<int:file_id>/conversions/<slug:kind>/download",
        conversions.ConversionDownloadView.as_view(),
        name="api-file-conversion-download",
    ),
    path("hashes/<str:value>", hashes.HashView.as_view(), name="api-hash"),
    path("versions/<int:version_id>/pictures", pictures.VersionPicturesView.as_view(), name="api-version-pictures"),
    path(
        "versions/<int:version_id>/pictures/order",
        pictures.VersionPictureOrderView.as_view(),
        name="api-version-picture-order",
    ),
    path("pictures/<int:picture_id>", pictures.PictureView.as_view(), name="api-picture"),
    path("recognize", recognize.RecognizeView.as_view(), name="api-recognize"),
    path("uploads", uploads.UploadsView.as_view(), name="api-uploads"),
    path("uploads/<uuid:upload_id>", uploads.UploadView.as_view(), name="api-upload"),
    path("uploads/<uuid:upload_id>/parts", uploads.UploadPartsView.as_view(), name="api-upload-parts"),
    path("uploads/<uuid:upload_id>/complete", uploads.UploadCompleteView.as_view(), name="api-upload-complete"),
]
