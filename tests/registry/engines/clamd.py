"""A small virus scanner that talks as clamd(8) says and finds nothing but the test signature."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager


def _read_stream(connection):
    data = b""
    while True:
        (length,) = struct.unpack(">I", connection.recv(4, socket.MSG_WAITALL))
        if not length:
            return data
        data += connection.recv(length, socket.MSG_WAITALL)


def _serve(server, limit):
    """A daemon that finds EICAR and takes files up to `limit` bytes, talking as clamd(8) says."""
    while True:
        try:
            connection, _address = server.accept()
        except OSError:
            return
        with connection:
            command = b""
            while not command.endswith(b"\0"):
                command += connection.recv(1)
            if command == b"zVERSION\0":
                connection.sendall(b"ClamAV 1.4.3/27800/Mon\0")
                continue
            data = _read_stream(connection)
            answer = b"INSTREAM size limit exceeded. ERROR" if len(data) > limit else b"stream: OK"
            if b"EICAR" in data:
                answer = b"stream: Eicar-Test-Signature FOUND"
            connection.sendall(answer + b"\0")


@contextmanager
def daemon(path, limit=10_000_000):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        threading.Thread(target=_serve, args=(server, limit), daemon=True).start()
        yield f"unix:{path}"
        server.shutdown(socket.SHUT_RDWR)
