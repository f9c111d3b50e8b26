"""`python -m registry.pickles FILE…`: judge files from the command line. Needs nothing but Python.

One JSON line a file goes to the standard output. The exit code tells the gravest of them: 2 blocked, 1 check,
3 unreadable, 0 safe, in that order.
"""

from __future__ import annotations

import sys

from registry.pickles.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
