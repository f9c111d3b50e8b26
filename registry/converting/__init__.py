"""KERNEL: a pickle checkpoint becomes a `.safetensors`, with nothing of it imported, called or held whole.

`checkpoint` reads names and places of tensors off the pickle, `writing` streams their bytes, `comparing` reads both
files anew and holds them against each other. `running` does all this in jailed children; it is the one door.
"""
