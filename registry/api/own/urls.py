from django.urls import path

from registry.api.own import uploads

urlpatterns = [
    path("uploads", uploads.UploadsView.as_view(), name="api-uploads"),
    path("uploads/<uuid:upload_id>", uploads.UploadView.as_view(), name="api-upload"),
    path("uploads/<uuid:upload_id>/parts", uploads.UploadPartsView.as_view(), name="api-upload-parts"),
    path("uploads/<uuid:upload_id>/complete", uploads.UploadCompleteView.as_view(), name="api-upload-complete"),
]
