"""ClamAV's daemon, asked over its socket: INSTREAM and VERSION of the protocol in clamd(8)."""

from __future__ import annotations

import socket
import struct
from contextlib import closing
from typing import BinaryIO, Final

from registry.engines.opinion import Opinion, Outcome, shown

ENGINE: Final = "ClamAV"
_BLOCK: Final = 1 << 20
_MAX_ANSWER: Final = 4096


def ask_clamav(stream: BinaryIO, address: str, *, timeout: float = 60.0) -> Opinion:
    """Stream the bytes from where `stream` stands to the daemon at `address` (`unix:/path` or `host:port`).

    `timeout` is in seconds for each step of the talk, not for the whole. A daemon that is not there, gives up or
    takes no file of this size is a failed opinion, never a clean one.
    """
    version = ""
    try:
        version = _asked(address, b"zVERSION\0", timeout)
        answer = _streamed(stream, address, timeout)
    except OSError as error:
        return Opinion(ENGINE, version, Outcome.FAILED, shown([f"{type(error).__name__}: {error}"]))
    return _read(answer, version)


def _read(answer: str, version: str) -> Opinion:
    said = answer.removeprefix("stream: ")
    if said == "OK":
        return Opinion(ENGINE, version, Outcome.CLEAN)
    if said.endswith(" FOUND"):
        return Opinion(ENGINE, version, Outcome.HIT, shown([said.removesuffix(" FOUND")]))
    return Opinion(ENGINE, version, Outcome.FAILED, shown([said or "no answer"]))


def _connected(address: str, timeout: float) -> socket.socket:
    if address.startswith("unix:"):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        try:
            connection.connect(address.removeprefix("unix:"))
        except OSError:
            connection.close()
            raise
        return connection
    host, _colon, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout)


def _asked(address: str, command: bytes, timeout: float) -> str:
    with closing(_connected(address, timeout)) as connection:
        connection.sendall(command)
        return _answer(connection)


def _streamed(stream: BinaryIO, address: str, timeout: float) -> str:
    with closing(_connected(address, timeout)) as connection:
        try:
            connection.sendall(b"zINSTREAM\0")
            while block := stream.read(_BLOCK):
                connection.sendall(struct.pack(">I", len(block)) + block)
            connection.sendall(struct.pack(">I", 0))
        except (BrokenPipeError, ConnectionResetError):
            # It stops listening when the file is larger than it takes, and has said so before.
            return _answer(connection)
        return _answer(connection)


def _answer(connection: socket.socket) -> str:
    said = b""
    while len(said) < _MAX_ANSWER and not said.endswith(b"\0") and (more := connection.recv(_MAX_ANSWER)):
        said += more
    return said.rstrip(b"\0\n").decode("utf-8", "replace")
