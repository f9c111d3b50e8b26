"""Renders: the only room that imports torch and diffusers. `run.render` is the door; anybody may ask `checks`."""
