"""Who does what for whom: settings that name, as dotted paths, what one room has another do without an import.

Nothing here differs between sites, and nothing is read from the environment.
"""

# What other rooms add to a person's page: functions of (request, person) that return safe HTML or nothing.
PROFILE_PANELS = [
    "registry.views.catalog.owner_panel",
    "gallery.views.panels.owner_images",
    "gallery.views.collections.owner_collections",
]
# The same for the page of a model: functions of (request, version).
MODEL_PANELS = ["inference.views.panels.model_panel", "gallery.views.panels.version_images"]
# The same for what stands under the download: one button each.
MODEL_ACTIONS = ["inference.views.panels.model_action"]
# Who hears that a version is published, within the transaction that does it: functions of the version.
PUBLISH_LISTENERS = ["inference.services.previewing.version_published"]
# Who hears that the demo's samples stand: functions of the account that owns the working ones.
SAMPLE_LISTENERS = [
    "inference.services.defaults.choose_sample_defaults",
    "inference.services.previewing.render_samples",
]
# Who hears of an upload whose bytes are known, within the transaction that wrote it down: functions of the upload.
UPLOAD_LISTENERS = ["gallery.services.attaching.attach_images"]
# Who hears that a picture was decoded or refused: functions of its id.
PICTURE_LISTENERS = [
    "registry.services.blocking.refuse_blocked_look",
    "gallery.services.attaching.picture_changed",
    "gallery.services.blocking.hold_blocked_look",
    "gallery.services.classifying.have_scored",
]
# Who hears that a render has ended, within the transaction that ended it: functions of the job.
RENDER_LISTENERS = [
    "inference.services.verifying.verification_ended",
    "inference.services.previewing.preview_ended",
    "inference.services.grids.grid_ended",
    "inference.services.telling.tell_of_render",
]
# What else lets somebody render from a picture: functions of (blob, person). One's own and shown previews always do.
RENDER_PICTURES = ["inference.services.controls.is_house_control"]
# Figures that other rooms add under a person's name: functions of the person that return (count, word) pairs.
PROFILE_FIGURES = ["registry.views.catalog.owner_figures"]
# The subjects of pictures that somebody may show with a review: a function of (version, person); empty: none.
REVIEW_PICTURES = "gallery.services.telling.pictures_for_review"
# Small pictures of subjects, as HTML by the subject's id: a function of (request, ids); empty: none.
SUBJECT_THUMBS = "gallery.views.thumbs.thumbs_of"
# How moderators decide about things of each kind: a `community.services.deciding.Handler`. Others cannot be reported.
MODERATION_HANDLERS = {
    "collection": "gallery.services.moderation.COLLECTIONS",
    "comment": "community.services.moderation.COMMENTS",
    "image": "gallery.services.moderation.IMAGES",
    "model": "registry.services.moderating.MODELS",
    "person": "community.services.moderation.PEOPLE",
    "review": "registry.services.moderating.REVIEWS",
    "topic": "community.services.moderation.TOPICS",
}
# What things of a kind say, for the queue: functions of subjects' ids that return texts by id.
MODERATION_WORDS = {
    "review": "registry.services.moderating.words_of_reviews",
    "topic": "community.services.moderation.words_of_topics",
}
# What looks like a thing, for the queue: a function of subjects' ids that returns the ids of others by id; empty: none.
MODERATION_ALIKE = "gallery.services.moderation.images_alike"
# Sentences under the queue about how the site looks at pictures: functions that return one, or nothing.
MODERATION_NOTES = ["gallery.services.classifying.standing"]
# Who hears that bytes were blocked, within the transaction that did it: functions of the `BlockedHash`.
BLOCK_LISTENERS = ["gallery.services.blocking.hold_blocked", "registry.services.blocking.refuse_blocked"]
# What `manage.py reindex` writes again: functions that return how many rows they wrote, by the word for those.
SEARCH_ROWS = {
    "models": "registry.services.reindexing.reindex_models",
    "images": "gallery.services.listing.reindex_images",
    "topics": "community.services.topics.reindex_topics",
    "forgotten words": "registry.services.reindexing.forget_words",
}
# What search engines may find: for each kind a `community.sitemaps.Sitemap`.
SITEMAPS = {
    "models": "registry.views.sitemaps.MODELS",
    "images": "gallery.views.sitemaps.IMAGES",
    "people": "gallery.views.sitemaps.PEOPLE",
    "topics": "community.views.crawling.TOPICS",
    "collections": "gallery.views.sitemaps.COLLECTIONS",
}
# What can be followed or hidden: for each kind a function of (name, viewer) that returns its subject, or None.
SUBJECT_FINDERS = {
    "people": "community.services.following.person_subject",
    "tags": "community.services.following.tag_subject",
    "topics": "community.services.following.topic_subject",
    "models": "registry.services.naming.model_subject",
    "images": "gallery.services.collecting.image_subject",
    "reviews": "registry.services.reviewing.review_subject",
    "collections": "gallery.services.collecting.collection_subject",
}
# What can be reported by whoever has its address, though no list names it: the same, for kinds where that is more.
REPORT_FINDERS = {"collections": "gallery.services.collecting.opened_collection_subject"}
# Where the things of a tag are listed; its name follows.
TAG_ADDRESS = "/models?tag="
# What tells how many bytes a person holds, a function of the person; empty: none are counted.
QUOTA_USAGE = "registry.services.uploads.used_bytes"

# Our forms in the place of allauth's.
ACCOUNT_FORMS = {
    "login": "community.forms.LoginForm",
    "signup": "community.forms.SignupForm",
    "add_email": "community.forms.AddEmailForm",
    "change_password": "community.forms.ChangePasswordForm",
    "set_password": "community.forms.SetPasswordForm",
    "reset_password": "community.forms.ResetPasswordForm",
    "reset_password_from_key": "community.forms.ResetPasswordKeyForm",
    "reauthenticate": "community.forms.ReauthenticateForm",
}
MFA_FORMS = {
    "authenticate": "community.forms.SecondStepForm",
    "reauthenticate": "community.forms.SecondStepAgainForm",
    "activate_totp": "community.forms.ActivateAppForm",
}

# The document of our API; its names for choices that several of its objects share.
SPECTACULAR_SETTINGS = {
    "TITLE": "Safelight",
    "DESCRIPTION": "Models, versions, uploads, hashes and comments of this site.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/safelight/v1",
    "ENUM_NAME_OVERRIDES": {
        "ConversionKind": "registry.models.conversions.Conversion.Kind",
        "ConversionState": "registry.models.conversions.Conversion.State",
        "ImageOriginal": "gallery.models.posts.Image.Original",
        "ImageState": "gallery.models.posts.Image.State",
        "RatingEnum": "community.ratings.RATING_NAMES",
        "PostState": "gallery.models.posts.Post.State",
        "RenderKind": "inference.models.jobs.RenderJob.Kind",
        "RenderState": "inference.models.jobs.RenderJob.State",
        "FileState": "registry.api.own.serializers.FILE_STATES",
        "NoticeKind": "community.models.notifications.Notice.Kind",
        "UploadState": "registry.models.uploads.Upload.State",
        "Verdict": "registry.models.files.Verdict",
        "VersionState": "registry.models.catalog.ModelVersion.State",
    },
}
