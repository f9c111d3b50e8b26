"""A site of one address that sends a slice of a file, for a server that has sendfile."""

import os
from io import FileIO
from pathlib import Path

import django
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpRequest
from django.test import override_settings
from django.urls import path

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
django.setup()


def send(request: HttpRequest) -> FileResponse:
    """The bytes that `Range` names, of the file that the environment names."""
    from registry.services.sending import FileSlice, Span, read_range

    file = Path(os.environ["SENT_FILE"])
    size = file.stat().st_size
    span = read_range(request.headers.get("Range", ""), size) or Span(0, size)
    answer = FileResponse(FileSlice(FileIO(file), span))
    answer["Content-Length"] = str(span.length)
    return answer


urlpatterns = [path("", send)]
override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[]).enable()
application = get_wsgi_application()
