"""What CPython's own unpickler would import, without importing it. Runs as a child process with limits.

Reads length-prefixed pickles from the standard input and answers each with a JSON line: the names asked for under the
encodings "ASCII" and "utf-8", by the C unpickler and by pickle.py. Calls get inert stand-ins.
"""

import io
import json
import pickle
import resource
import signal
import struct
import sys


class Inert:
    """Stands in for whatever a pickle names: callable, fillable, and deaf."""

    def __new__(cls, *arguments, **keywords):
        return object.__new__(cls)

    def __init__(self, *arguments, **keywords):
        pass

    def __call__(self, *arguments, **keywords):
        return Inert()

    def __setstate__(self, state):
        pass

    def __setitem__(self, key, value):
        pass

    def append(self, item):
        pass

    def extend(self, items):
        pass

    def add(self, item):
        pass


def recorder(base, names):
    class Recorder(base):
        def find_class(self, module, name):
            names.add((module, name))
            return type("Stub", (Inert,), {})

        def persistent_load(self, identity):
            return Inert()

        def get_extension(self, code):
            raise pickle.UnpicklingError("no extensions here")

    return Recorder


# pickle.py reads the two encodings alike as far as names go
READERS = ((pickle.Unpickler, "ASCII"), (pickle.Unpickler, "utf-8"), (pickle._Unpickler, "utf-8"))


def names_asked_for(data):
    names = set()
    for base, encoding in READERS:
        try:
            recorder(base, names)(io.BytesIO(data), encoding=encoding).load()
        except Exception:  # noqa: S112 - whatever a broken stream raises, the names before it count
            continue
    return sorted(names)


def main():
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    sys.setrecursionlimit(400)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    stdin, stdout = sys.stdin.buffer, sys.stdout
    while len(prefix := stdin.read(4)) == 4:
        data = stdin.read(struct.unpack("<I", prefix)[0])
        signal.setitimer(signal.ITIMER_REAL, 2.0)
        names = names_asked_for(data)
        signal.setitimer(signal.ITIMER_REAL, 0)
        stdout.write(json.dumps(names) + "\n")
        stdout.flush()


if __name__ == "__main__":
    main()
