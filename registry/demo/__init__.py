"""Sample content for a site that has none: made by ourselves, and small.

`files` builds model files with true headers, `drawing` draws pictures, `content` says what there is, `planting` takes
it through the same doors as everybody's. `data` holds what cannot be computed: a tiny trained checkpoint, its LoRA
and some of its renders (see `data/NOTICE.md`); `export` made the checkpoint's layout.
"""
