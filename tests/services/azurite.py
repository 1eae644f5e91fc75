"""Azurite, Microsoft's pretend Azure Storage, for a test run: from npm, at one version.

The address in VESTLUS_TEST_AZURITE_URL comes first: that of an account, with its name and key, as
in http://ACCOUNT:KEY@127.0.0.1:10000/ACCOUNT. Otherwise the package is installed into the tests'
own folder in the virtual environment, once, and run privately on 127.0.0.1.
"""

import base64
import os
import secrets
import shutil
import signal
import sys
import tempfile
import uuid
from collections.abc import Callable, Mapping
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote, urlsplit

from tests.services.kept import KeptProcess, ServiceError, free_port, owned_directory
from tests.services.provision import Machine, apt_install
from tests.services.server import PrivateRunner, Server, run

VARIABLE = "VESTLUS_TEST_AZURITE_URL"
#: Later ones want a Node.js newer than what Debian ships, and are three times as large.
VERSION = "3.33.0"
ACCOUNT = "vestlustests"

INSTRUCTION = (
    "The tests need Azurite, which is installed with npm, and this machine has no "
    "{missing}. Do one of these:\n"
    "  Debian, Ubuntu, WSL2:  apt-get install nodejs npm   (as root)\n"
    "  macOS:                 brew install node\n"
    f"  elsewhere:             set {VARIABLE}, as in http://ACCOUNT:KEY@127.0.0.1:10000/ACCOUNT"
)


class AzuriteServer(Server):
    """An Azurite; `url` is that of an account, with its name and key."""

    def __init__(self, url: str, runner: PrivateRunner | None = None) -> None:
        """Nothing is started here."""
        super().__init__("Azurite", url, runner)

    def answers(self) -> bool:
        """Whether it answers over HTTP now, if only with a refusal."""
        address = urlsplit(self.url)
        connection = HTTPConnection(address.hostname or "", address.port or 80, timeout=5)
        try:
            connection.request("GET", f"{address.path}?comp=list")
            return connection.getresponse().status < 500
        except OSError:
            return False
        finally:
            connection.close()

    def fresh_container(self) -> str:
        """Return the address of a container that nobody has; the caller makes it."""
        return f"{self.url}/test-{uuid.uuid4().hex[:12]}"


def home() -> Path:
    """Return the folder of the installed package; part of the virtual environment."""
    return Path(sys.prefix) / ".azurite" / VERSION


def ensure(
    say: Callable[[str], None],
    environ: Mapping[str, str] | None = None,
    machine: Machine | None = None,
) -> str:
    """Make sure that Azurite can be had, installing it if need be, and say how.

    Raises `ServiceError` with an instruction if it cannot.
    """
    environ = os.environ if environ is None else environ
    if environ.get(VARIABLE):
        return f"from {VARIABLE}"
    machine = machine or Machine()
    missing = [name for name in ("node", "npm") if shutil.which(name, path=_path(environ)) is None]
    if missing and machine.is_root and machine.has_apt:
        apt_install("npm", say)  # Debian's brings Node.js
    _program("node", environ)
    if not _main(home()).exists():
        _install(_program("npm", environ), say)
    return f"npm, {VERSION}"


def provide_azurite(
    say: Callable[[str], None] = print, environ: Mapping[str, str] | None = None
) -> AzuriteServer:
    """Return an Azurite that is not started yet; `close` it in the end.

    Raises `ServiceError` with an instruction if there is no way to have one.
    """
    environ = os.environ if environ is None else environ
    ensure(say, environ)
    if given := environ.get(VARIABLE):
        return AzuriteServer(given.rstrip("/"))
    key = base64.b64encode(secrets.token_bytes(64)).decode()
    base, port = owned_directory("vestlus-azurite-", None), free_port()
    options = ("--blobHost", "127.0.0.1", "--blobPort", str(port))
    process = KeptProcess(
        [
            *(_program("node", environ), str(_main(home()))),
            *options,
            # The SDK is newer than this Azurite, and asks for what both know.
            *("--inMemoryPersistence", "--silent", "--skipApiVersionCheck"),
        ],
        base / "server.log",
        env={"PATH": environ.get("PATH", os.defpath), "AZURITE_ACCOUNTS": f"{ACCOUNT}:{key}"},
        cwd=base,
        stop_signal=signal.SIGTERM,
        orphaned=[["rm", "-rf", str(base)]],
    )
    url = f"http://{ACCOUNT}:{quote(key, safe='')}@127.0.0.1:{port}/{ACCOUNT}"
    return AzuriteServer(url, PrivateRunner(process, base))


def _path(environ: Mapping[str, str]) -> str:
    return environ.get("PATH", os.defpath)


def _program(name: str, environ: Mapping[str, str]) -> str:
    found = shutil.which(name, path=_path(environ))
    if found is None:
        raise ServiceError(INSTRUCTION.format(missing=name))
    return found


def _main(folder: Path) -> Path:
    return folder / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"


def _install(npm: str, say: Callable[[str], None]) -> None:
    """Install into a folder beside the place, and move it there whole: runs may race."""
    say(f"Installing azurite {VERSION} with npm, for the tests")
    place = home()
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=place.parent, prefix="unfinished-"))
    try:
        # Scripts of packages are not run: none of those that are needed has any to run.
        quiet = ("--no-audit", "--no-fund", "--no-save", "--no-package-lock", "--ignore-scripts")
        package = f"azurite@{VERSION}"
        run([npm, "install", "--prefix", str(unfinished), *quiet, package], cwd=unfinished)
        if not _main(unfinished).exists():
            raise ServiceError(f"npm has installed azurite {VERSION}, and its server is not in it")
        if not _main(place).exists():
            unfinished.rename(place)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
