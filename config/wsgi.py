"""What gunicorn serves."""

import gc
import os

# Threads come and go with requests, so the web keeps a pool of connections; workers and commands need one each.
os.environ.setdefault("DATABASE_POOL", "8")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

application = get_wsgi_application()
# gunicorn loads this once and forks: what is imported now is shared memory, and no first visitor waits for it.
get_resolver().url_patterns  # noqa: B018 (a cached property that loads every view)
gc.collect()
gc.freeze()
