"""Addresses of renders: their pictures, and the staff's view of the queue."""

from django.urls import path

from inference.views import defaults, grids, history, library, media, panels, rendering, staff

app_name = "inference"
urlpatterns = [
    path("render", rendering.render_page, name="render"),
    path("render/fit", rendering.fit_fragment, name="fit"),
    path("renders", history.history, name="history"),
    path("renders/<uuid:job_id>", history.job_page, name="job"),
    path("renders/<uuid:job_id>/cancel", history.cancel, name="cancel"),
    path("renders/<uuid:job_id>/keep", history.keep, name="keep"),
    path("renders/<uuid:job_id>/parameters", history.parameters, name="parameters"),
    path("renders/<uuid:job_id>/grid", grids.begin, name="grid-begin"),
    path("renders/results/<uuid:result_id>/verify", history.verify, name="verify"),
    path("versions/<int:version_id>/previews", panels.ask, name="previews-ask"),
    path("grids", grids.index, name="grids"),
    path("grids/<uuid:grid_id>", grids.grid_page, name="grid"),
    path("grids/<uuid:grid_id>/keep", grids.keep, name="grid-keep"),
    path("grids/<uuid:grid_id>/cancel", grids.cancel, name="grid-cancel"),
    path("styles", library.styles, name="styles"),
    path("styles/<int:style_id>/forget", library.forget_style, name="style-forget"),
    path("prompt-sets", library.sets, name="sets"),
    path("prompt-sets/new", library.set_page, name="set-new"),
    path("prompt-sets/<int:set_id>", library.set_page, name="set"),
    path("prompt-sets/<int:set_id>/use", library.set_use, name="set-use"),
    path("prompt-sets/<int:set_id>/forget", library.forget_set, name="set-forget"),
    path("media/renders/<uuid:result_id>/original", media.result_original, name="result-original"),
    path("media/renders/<uuid:result_id>/receipt", media.result_receipt, name="result-receipt"),
    path("media/renders/<uuid:result_id>/<int:width>.<slug:format>", media.result_rendition, name="result-rendition"),
    path("staff/renders", staff.renders, name="staff-renders"),
    path("staff/defaults", defaults.default_checkpoints, name="staff-defaults"),
]
