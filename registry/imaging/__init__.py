"""What a picture is, and smaller copies of it, without trusting a byte of it.

Plain Python and Pillow, no framework. `containers` reads headers and refuses before anything is decoded; `decode` is
the program that decodes, in a child process of its own; `jail` starts such a child with its limits and `cell` is the
first thing the child runs; `reading` is the door that everybody else uses.
"""
