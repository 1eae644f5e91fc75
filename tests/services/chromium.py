"""Chromium, in which the tests look at the console.

In this order: the program named by VESTLUS_TEST_CHROMIUM; one that is installed, its headless shell
first; the shell, or else the whole browser, installed with apt-get, where we are root on a
Debian-like system; else `ServiceError` with an instruction.

The shell draws the same pages by the same engine, without the browser around them: the tests of the
console take a third less processor time in it.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.services.kept import ServiceError
from tests.services.provision import Machine, apt_install

VARIABLE = "VESTLUS_TEST_CHROMIUM"
#: As Debian calls them, the better one first.
PACKAGES = ("chromium-headless-shell", "chromium")

_NAMES = (
    *("chromium-headless-shell", "chrome-headless-shell"),
    *("chromium", "chromium-browser", "google-chrome-stable", "google-chrome"),
)
_MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")

INSTRUCTION = (
    "The tests of the console need Chromium, and this machine has none. Do one of these:\n"
    f"  Debian:                apt-get install {PACKAGES[0]}   (as root)\n"
    f"  Ubuntu, WSL2:          apt-get install {PACKAGES[1]}   (as root)\n"
    "  macOS:                 brew install --cask google-chrome\n"
    f"  elsewhere:             set {VARIABLE} to the program's path"
)


def installed() -> str | None:
    """Return the path of an installed Chromium or Chrome."""
    for name in _NAMES:
        if found := shutil.which(name):
            return found
    return str(_MAC) if _MAC.exists() else None


def ensure(
    say: Callable[[str], None],
    machine: Machine | None = None,
    *,
    look: Callable[[], str | None] = installed,
    install: Callable[[str, Callable[[str], None]], None] = apt_install,
) -> str:
    """Return the path of a Chromium, installing it if that is the way. Raises `ServiceError`."""
    machine = machine or Machine()
    if given := machine.environ.get(VARIABLE):
        if not os.access(given, os.X_OK):
            raise ServiceError(f"{VARIABLE} names no program: {given}")
        return given
    found = look()
    for package in PACKAGES:
        if found is not None or not (machine.is_root and machine.has_apt):
            break
        try:
            install(package, say)
        except ServiceError as error:
            # Not every system that has apt-get has this one.
            say(str(error))
        found = look()
    if found is None:
        raise ServiceError(INSTRUCTION)
    return found
