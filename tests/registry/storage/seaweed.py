"""A real S3 server of the run's own: SeaweedFS, from its wheel."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError

from config.up.spawn import spawn

BUCKET = "safelight-tests"
ACCESS = {"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "a-secret-of-the-tests"}
_PORTS = ("s3", "s3.port.grpc", "master", "master.port.grpc", "volume", "volume.port.grpc", "filer", "filer.port.grpc")


@dataclass(frozen=True)
class S3Server:
    """Where the server answers, and how to stop it."""

    endpoint: str
    process: subprocess.Popen[bytes]

    def url(self, prefix: str) -> str:
        """What STORAGE_URL says to use it, everything under `prefix`."""
        return f"s3://{BUCKET}/{prefix}?endpoint={self.endpoint}&region=us-east-1"

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)


def start_s3(folder: Path) -> S3Server:
    """Start the server on free ports of the loopback and wait until it has stored an object."""
    ports = _free_ports(len(_PORTS))
    names = [name if ".port" in name else f"{name}.port" for name in _PORTS]
    command = [Path(sys.executable).with_name("weed"), "-logtostderr=true", "mini", f"-dir={folder}"]
    command += ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-webdav=false", "-admin.ui=false", f"-bucket={BUCKET}"]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
    command += [f"-{name}={port}" for name, port in zip(names, ports, strict=True)]
    folder.mkdir(parents=True, exist_ok=True)
    log = folder.with_suffix(".log")
    process = spawn(command, log=log, env={**os.environ, **ACCESS}, cwd=folder)
    server = S3Server(f"http://127.0.0.1:{ports[0]}", process)
    try:
        _wait(server, log)
    except BaseException:
        server.stop()
        raise
    return server


def s3_client(server: S3Server):
    """A client with the run's own keys."""
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=ACCESS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ACCESS["AWS_SECRET_ACCESS_KEY"],
        config=Config(
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            connect_timeout=1,
            read_timeout=10,
            retries={"max_attempts": 1},
        ),
    )


def allow_browsers(server: S3Server, origin: str) -> None:
    """Give the bucket the CORS rule of docs/operating.md, for pages of `origin`."""
    rule = {
        "AllowedOrigins": [origin],
        "AllowedMethods": ["GET", "PUT"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 3600,
    }
    s3_client(server).put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": [rule]})


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _wait(server: S3Server, log: Path) -> None:
    client, deadline = s3_client(server), time.monotonic() + 60
    while True:
        try:
            client.put_object(Bucket=BUCKET, Key="first", Body=b"light")
            return
        except (BotoCoreError, ClientError):
            if server.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the S3 server did not start:\n" + log.read_text()[-2000:]) from None
            time.sleep(0.1)  # a server that is starting gives no sign to wait for
