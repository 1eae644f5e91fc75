"""Which module may import which: read from the source, and seen in a fresh interpreter."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# The rooms of the decisions, which know neither transport nor vendors.
PURE = ("vestlus/conversation", "vestlus/scaling", "vestlus/scheduling")
FORBIDDEN_IN_PURE = (
    *("ray", "aio_pika", "aiormq", "openai", "aiohttp", "httpx", "httpx2", "starlette", "fastapi"),
    *("sqlalchemy", "sqlite3", "asyncpg", "uvicorn", "aiosqlite"),
    *("requests", "http.client", "http.server", "urllib.request", "smtplib", "aiosmtplib"),
    *("azure", "PIL", "pypdf", "numpy"),
    *("vestlus.bus", "vestlus.store", "vestlus.assistant", "vestlus.instagram"),
    *("vestlus.console", "vestlus.simulator", "vestlus.cli", "vestlus.hosting", "vestlus.web"),
    *("actors", "publishers", "image_bank", "serve_app", "conversation_registry"),
)
# What they may use besides the standard library: plain rules about numbers and times, without I/O.
ALLOWED_IN_PURE = ("phonenumbers", "stdnum", "cronsim")
# The standard library's ways out, which a library may load but a decision has no use for.
WAYS_OUT = ("asyncio", "socket", "ssl", "subprocess", "threading", "http", "urllib.request")
SIMULATOR = "vestlus.simulator"
PRODUCTION = (
    *("vestlus", "actors", "publishers", "image_bank"),
    *("serve_app.py", "conversation_registry.py"),
)


@dataclass(frozen=True)
class Breach:
    """An import that the rules forbid. `line` is 0 where it was seen at run time."""

    place: str
    line: int
    imported: str

    def __str__(self) -> str:
        """Say where it is and what it imports."""
        return f"{self.place}:{self.line} imports {self.imported}"


def imports(path: Path, root: Path) -> Iterator[tuple[int, str]]:
    """Yield line and full name of everything that a file imports, wherever in the file it stands.

    `from a import b` yields both `a` and `a.b`, since `b` may be a module. Calls of
    `import_module` and `__import__` with a literal name count too.
    """
    package = path.relative_to(root).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*above, *([node.module] if node.module else [])))
            yield node.lineno, base
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"
        elif isinstance(node, ast.Call) and node.args:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else None
            called = node.func.id if isinstance(node.func, ast.Name) else called
            name = node.args[0]
            if called in {"import_module", "__import__"} and isinstance(name, ast.Constant):
                yield node.lineno, str(name.value)


def is_under(name: str, modules: tuple[str, ...]) -> bool:
    """Whether `name` is one of the modules or lies within one."""
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def source_files(root: Path, place: str) -> list[Path]:
    """Return the Python files of a file or folder under `root`. Raises if there is none."""
    found = [root / place] if place.endswith(".py") else sorted((root / place).rglob("*.py"))
    if not found or not all(path.is_file() for path in found):
        message = f"there is no Python file at {place}"
        raise FileNotFoundError(message)
    return found


def breaches_of_purity(root: Path, place: str) -> list[Breach]:
    """Return the forbidden imports in the source of one pure room under `root`.

    Every package that is neither the standard library's, nor ours, nor allowed is forbidden, so
    that a new one is thought about before a decision rests on it.
    """
    return [
        Breach(path.relative_to(root).as_posix(), line, name)
        for path in source_files(root, place)
        for line, name in imports(path, root)
        if is_under(name, FORBIDDEN_IN_PURE + WAYS_OUT)
        or not is_under(name, ("vestlus", *ALLOWED_IN_PURE, *sys.stdlib_module_names))
    ]


def loaded_breaches(root: Path, place: str) -> list[Breach]:
    """Return what is loaded, however indirectly, when every module of a room is imported.

    A fresh interpreter is used. Only the room's own imports count: what the interpreter has loaded
    before is left out.
    """
    modules = [
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        for path in source_files(root, place)
        if path.name != "__main__.py"
    ]
    program = (
        "import importlib, json, sys\n"
        "before = set(sys.modules)\n"
        f"sys.path.insert(0, {str(root)!r})\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False
    )
    if loaded.returncode != 0:
        message = f"{place} cannot be imported: {loaded.stderr}"
        raise ImportError(message)
    names = json.loads(loaded.stdout.splitlines()[-1])
    return [Breach(place, 0, name) for name in names if is_under(name, FORBIDDEN_IN_PURE)]


def breaches_of_the_simulator_rule(root: Path) -> list[Breach]:
    """Return production code's imports of the simulator; only the simulator imports itself."""
    own = SIMULATOR.replace(".", "/") + "/"
    return [
        Breach(relative, line, name)
        for place in PRODUCTION
        if place == "vestlus" or any((root / place).rglob("*.py")) or (root / place).is_file()
        for path in source_files(root, place)
        if not (relative := path.relative_to(root).as_posix()).startswith(own)
        for line, name in imports(path, root)
        if is_under(name, (SIMULATOR,))
    ]
