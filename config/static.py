"""Static files under names that carry their content's hash."""

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class HashedStaticFiles(ManifestStaticFilesStorage):
    """Rewrites the imports of style sheets and of ES modules, so that a browser may keep every file for ever."""

    support_js_module_import_aggregation = True
