"""Pages of models that search engines may find."""

from __future__ import annotations

from community.feeds import ANYBODY
from community.sitemaps import Place, Sitemap
from registry.models import RegisteredModel

MODELS = Sitemap(
    rows=lambda: RegisteredModel.objects.visible_to(ANYBODY),
    places=lambda rows: [Place(*row) for row in rows.values_list("subject__address", "updated_at")],
)
