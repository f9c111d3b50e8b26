"""How Safelight Tiny and what belongs to it were trained: one module a step, run by hand.

    python -m inference.training.pictures --work var/training

No part of the site imports this room. The steps in their order, what they need and what they gave: README.md beside.
"""
