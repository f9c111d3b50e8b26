"""Addresses of renders: their pictures, and the staff's view of the queue."""

from django.urls import path

from inference.views import media, staff

app_name = "inference"
urlpatterns = [
    path("media/renders/<uuid:result_id>/original", media.result_original, name="result-original"),
    path("media/renders/<uuid:result_id>/receipt", media.result_receipt, name="result-receipt"),
    path("media/renders/<uuid:result_id>/<int:width>.<slug:format>", media.result_rendition, name="result-rendition"),
    path("staff/renders", staff.renders, name="staff-renders"),
]
