"""Static files under names that carry their content's hash."""

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage

# `from "./x.js"`, `import "./x.js"` and `import("./x.js")`: what a module asks for relative to itself.
_MODULE_IMPORT = r"""(?P<matched>(?P<head>\b(?:from|import)\s*\(?\s*)["'](?P<url>\.{1,2}/[^"']+)["'])"""


class HashedStaticFiles(ManifestStaticFilesStorage):
    """Rewrites the imports of style sheets and of our own modules, so that a browser may keep every file for ever."""

    patterns = (
        *ManifestStaticFilesStorage.patterns,
        # Not "*.js": scripts of packages speak of modules in comments, and have none.
        ("js/*.js", ((_MODULE_IMPORT, '%(head)s"%(url)s"'),)),
    )
