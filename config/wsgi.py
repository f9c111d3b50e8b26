"""What gunicorn serves."""

import os

# Threads come and go with requests, so the web keeps a pool of connections; workers and commands need one each.
os.environ.setdefault("DATABASE_POOL", "8")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
