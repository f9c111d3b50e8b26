"""`manage.py up`: all of a site with one command."""

import argparse
import errno
import getpass
import importlib
import ipaddress
import json
import os
import select
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType

from django.core.exceptions import ImproperlyConfigured

from config import env
from config.up import folder, postgres, stamp, valkey
from config.up.errors import CannotStart
from config.up.site import Address, Site
from config.up.spawn import MYSELF
from config.up.status import Status
from config.up.supervise import StopAsked, Supervisor
from inference.engine.presence import is_installed
from registry.imaging.jail import jail_kind

_BASE = Path(__file__).resolve().parent.parent.parent
_NO_OWNER = "This site has no owner yet. Leave the name empty to do it later."
_KEPT = {
    "namespace": "Pictures, pickles to convert and second opinions are read in processes without a network.",
    "limits": "Pictures, pickles to convert and second opinions are read in processes with resource limits alone: "
    "no namespaces here.",
}


def main(arguments: list[str]) -> int:
    """Run a site until it is told to stop. The exit code is 0 after a stop, 1 when it could not start or go on."""
    options = _read(arguments)
    os.umask(0o077)
    try:
        _run(options)
    except StopAsked:
        return 0
    except (CannotStart, ImproperlyConfigured) as error:
        return _fail(str(error))
    except OSError as error:
        if folder.is_full_disk(error):
            return _fail("The disk of the data folder is full: make room and start again.")
        raise
    return 0


def _fail(reason: str) -> int:
    print(f"Safelight cannot run: {reason}", file=sys.stderr, flush=True)  # noqa: T201
    return 1


def _read(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="manage.py up",
        description="Start the whole site: database, queue, web server and workers. Ctrl-C stops all of it.",
    )
    parser.add_argument("--data", metavar="DIR", help="the data folder (default: SAFELIGHT_DATA, or var)")
    parser.add_argument("--bind", metavar="HOST:PORT", default="127.0.0.1:8000", help="default: %(default)s")
    parser.add_argument("--demo", action="store_true", help="fill an empty site with sample content")
    parser.add_argument("--admin", metavar="NAME", help="make sure that this person exists and runs the site")
    return parser.parse_args(arguments)


def _run(options: argparse.Namespace) -> None:
    data = Path(options.data).expanduser().absolute() if options.data else env.path("SAFELIGHT_DATA", _BASE / "var")
    os.environ["SAFELIGHT_DATA"] = str(data)
    if options.admin:
        os.environ["OWNER_NAME"] = options.admin
    bind = read_address(options.bind)
    account = MYSELF if env.text("DATABASE_URL") else postgres.server_account()
    folder.prepare(data, account)
    with ExitStack() as held:
        held.enter_context(folder.locked(data))
        parts_lock = held.enter_context(folder.parts_lock(data))
        settings = importlib.import_module("config.settings")
        _check_address(bind, settings)
        if settings.DATABASE_IS_EMBEDDED:
            postgres.make_cluster(data, account)
        supervisor = Supervisor(Site(settings, bind, account, parts_lock), Status())
        try:
            _bring_up(supervisor, options)
        finally:
            supervisor.stop()


def _bring_up(supervisor: Supervisor, options: argparse.Namespace) -> None:
    site = supervisor.site
    supervisor.start(site.servers())
    supervisor.until(supervisor.all_ready)
    if site.settings.DATABASE_IS_EMBEDDED:
        postgres.make_database(site.data)
    postgres.wait(site.settings.DATABASE_URL, seconds=15, alive=lambda: True)
    valkey.wait(site.settings.CACHES["default"]["LOCATION"], seconds=15, alive=lambda: True)
    site.forget_pulses()
    if _needs_setup(site.settings, options):
        _prepare(supervisor, options)
    # The web comes first: what people wait for is a page.
    for parts in site.processes():
        supervisor.start(parts)
        supervisor.until(supervisor.all_ready)
    supervisor.status.say(_KEPT[jail_kind()])
    if not is_installed():
        supervisor.status.say("Rendering: not installed. `make engine` installs it.")
    supervisor.status.say(f"Safelight is ready at {site.settings.SITE_URL or f'http://{site.bind}'}/")
    supervisor.until(lambda: False)


def _is_interactive() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _needs_setup(settings: ModuleType, options: argparse.Namespace) -> bool:
    last = stamp.read(settings.SETUP_STAMP)
    if options.demo or last is None or (_is_interactive() and not last.owners):
        return True
    if options.admin and options.admin.lower() not in last.owners:
        return True
    code = stamp.code_state(settings)
    return (last.code, last.database) != (code, stamp.database_state(settings.DATABASE_URL))


def _prepare(supervisor: Supervisor, options: argparse.Namespace) -> None:
    """Run `prepare` and carry its messages between it and the person."""
    site = supervisor.site
    arguments = ["config.up.prepare", "--origin", site.settings.SITE_URL or f"http://{site.bind}"]
    if options.admin:
        arguments += ["--owner", options.admin]
    elif _is_interactive():
        arguments += ["--ask"]
    if options.demo:
        arguments += ["--demo"]
    supervisor.status.set("setup", "working")
    # Unbuffered: a message read ahead into a buffer would not wake `select`.
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "bufsize": 0}
    child = site.python("prepare", *arguments, **pipes)
    try:
        supervisor.until(lambda: not _relay(supervisor, child))
    finally:
        child.kill()
        child.wait()
    supervisor.status.set("setup", "ready")


def _relay(supervisor: Supervisor, child: subprocess.Popen[bytes]) -> bool:
    """Handle one message, if there is one. Raises CannotStart; False when the child has done all."""
    if not select.select([child.stdout], [], [], 0)[0]:
        return True
    line = child.stdout.readline()
    if not line:
        if child.wait():
            raise CannotStart(f"the database could not be prepared; see {supervisor.site.log('prepare')}.")
        return False
    message = json.loads(line)
    if "error" in message:
        raise CannotStart(message["error"])
    if "ask" in message or "refused" in message:
        supervisor.status.say(message.get("refused", _NO_OWNER))
        answer = supervisor.asking(_ask_owner)
        child.stdin.write(answer.encode() + b"\n")
        child.stdin.flush()
    else:
        supervisor.status.say(message["say"])
    return True


def _ask_owner() -> str:
    name = input("Owner's name: ").strip()
    if not name:
        return "{}"
    password = getpass.getpass("Password: ")
    while getpass.getpass("Password again: ") != password:
        password = getpass.getpass("They differ. Password: ")
    return json.dumps({"name": name, "password": password})


def read_address(text: str) -> Address:
    """HOST:PORT; an IPv6 host stands in brackets. Raises CannotStart."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or not 0 < int(port) < 65536:
        raise CannotStart(f"--bind needs HOST:PORT, for example 127.0.0.1:8000; it is {text!r}.")
    return Address(host.strip("[]") or "127.0.0.1", int(port))


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_address(bind: Address, settings: ModuleType) -> None:
    if not is_loopback(bind.host) and not settings.SITE_URL:
        raise CannotStart(
            f"--bind {bind} can be reached from other machines: set SITE_URL to the address people will use "
            "(for example SITE_URL=https://models.example.org), so that no other name is answered."
        )
    try:
        family = socket.getaddrinfo(bind.host, bind.port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((bind.host, bind.port))
    except OSError as error:
        raise CannotStart(_why_not_bound(bind, error)) from error


def _why_not_bound(bind: Address, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {bind.port} of {bind.host} is taken by another program: choose another with --bind."
    if error.errno == errno.EACCES:
        return f"You may not listen on port {bind.port}: choose one above 1023 with --bind."
    return f"{bind} is not an address of this machine: {error.strerror}."
