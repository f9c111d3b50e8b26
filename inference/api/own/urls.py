from django.urls import path

from inference.api.own import renders

urlpatterns = [
    path("renders", renders.RendersView.as_view(), name="api-renders"),
    path("renders/<uuid:job_id>", renders.RenderView.as_view(), name="api-render"),
    path("renders/<uuid:job_id>/picture", renders.RenderPictureView.as_view(), name="api-render-picture"),
    path("renders/<uuid:job_id>/receipt", renders.RenderReceiptView.as_view(), name="api-render-receipt"),
]
