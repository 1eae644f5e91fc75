"""RabbitMQ for a test run: the installed server run privately, or the public image."""

import glob
import json
import os
import secrets
import shutil
import signal
import socket
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from tests.services.kept import (
    KeptProcess,
    ServiceError,
    free_port,
    give,
    owned_directory,
    service_user,
)
from tests.services.server import DockerRunner, PrivateRunner, Server, run

IMAGE = "rabbitmq:4.1-alpine"
VHOST_BATCH = 16  # one rabbitmqctl takes 1-2 s, most of it Erlang's start; a vhost takes 30 ms

# Where packages put the server's own scripts. Debian's /usr/sbin/rabbitmq-server is a wrapper that
# insists on its own user and directories, so it is not used.
SCRIPT_PLACES = (
    "/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin",
    "/opt/homebrew/opt/rabbitmq/sbin",
    "/usr/local/opt/rabbitmq/sbin",
    "/opt/rabbitmq/sbin",
)
EPMD_PLACES = ("/usr/lib/erlang/erts-*/bin/epmd", "/opt/homebrew/lib/erlang/erts-*/bin/epmd")

CONFIG = """\
listeners.tcp.default = 127.0.0.1:{port}
log.console = true
log.console.level = warning
log.file = false
raft.wal_max_size_bytes = 16777216
disk_free_limit.absolute = 50MB
"""


def installed_scripts() -> Path | None:
    """Return the directory of the installed rabbitmq-server and rabbitmqctl scripts, if any."""
    places = [Path(path) for pattern in SCRIPT_PLACES for path in sorted(glob.glob(pattern))[::-1]]  # noqa: PTH207  absolute patterns
    on_path = shutil.which("rabbitmq-server")
    if on_path is not None and Path(on_path).resolve().name == "rabbitmq-server":
        places.append(Path(on_path).resolve().parent)
    for place in places:
        if (place / "rabbitmq-server").exists() and (place / "rabbitmqctl").exists():
            return place
    return None


def installed_epmd() -> str | None:
    """Return the path of Erlang's port mapper daemon, if it is installed."""
    found = [path for pattern in EPMD_PLACES for path in sorted(glob.glob(pattern))[::-1]]  # noqa: PTH207  absolute patterns
    return shutil.which("epmd") or next(iter(found), None)


@dataclass(frozen=True)
class AmqpSpace:
    """A place of one test's own on a broker.

    On a broker of ours `url` names a fresh virtual host and `queue_prefix` is empty. On a broker
    that was given by its address `url` is that address and `queue_prefix` is unique: the test has
    to put it before the name of every queue and exchange.
    """

    url: str
    queue_prefix: str


class RabbitMQServer(Server):
    """A RabbitMQ. `ctl` runs rabbitmqctl with its arguments; None where the broker was given."""

    def __init__(
        self,
        url: str,
        runner: PrivateRunner | DockerRunner | None = None,
        ctl: Callable[[Sequence[str]], str] | None = None,
        put: Callable[[str], str] | None = None,
    ) -> None:
        """`put` hands a text to the node's machine as a file and returns the file's path there."""
        super().__init__("RabbitMQ", url, runner)
        self._ctl = ctl
        self._put = put
        self._fresh: list[str] = []
        self._retired: list[str] = []
        self._takes_commands = False

    def start(self) -> None:
        """Start it, unless it runs, and return once it answers; its data is as it was."""
        self._takes_commands = self._takes_commands and self.running
        super().start()

    def answers(self) -> bool:
        """Whether it offers the AMQP 0-9-1 handshake."""
        address = urlsplit(self.url)
        try:
            with socket.create_connection(
                (address.hostname or "", address.port or 5672), timeout=5
            ) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                # The first frame is Connection.Start: a method frame (1) on channel 0.
                return connection.recv(3) == b"\x01\x00\x00"
        except OSError:
            return False

    def fresh_space(self) -> AmqpSpace:
        """Return a place that nobody has used. The server must be running."""
        if self._ctl is None or self._put is None:
            return AmqpSpace(self.url, f"test-{uuid.uuid4().hex[:12]}.")
        if not self._fresh:
            self._make_vhosts(self._ctl, self._put)
        vhost = self._fresh.pop()
        return AmqpSpace(urlsplit(self.url)._replace(path=f"/{quote(vhost, safe='')}").geturl(), "")

    def retire(self, space: AmqpSpace) -> None:
        """Give a virtual host up; it is deleted with all it holds before the next ones are made."""
        if not space.queue_prefix:
            self._retired.append(urlsplit(space.url).path[1:])

    def lose(self, space: AmqpSpace) -> None:
        """Have a virtual host gone with all it holds, as when a broker is lost whole, and there
        again, empty, under the same address. Its connections are closed.

        Raises ServiceError on a broker that was given: it takes no commands.
        """
        if self._ctl is None or self._put is None:
            message = "a broker that was given cannot be lost"
            raise ServiceError(message)
        vhost = urlsplit(space.url).path[1:]
        self._ctl(["eval", f'rabbit_vhost:delete(<<"{vhost}">>, <<"tests">>).'])
        self._define(self._ctl, self._put, [vhost])

    def settle(self) -> None:
        """Have the broker write the names of its quorum queues to disk now.

        It does so within a second of a declaration (seen with 3.10.8, whose Ra keeps them in DETS).
        A quorum queue whose node is killed before that has no leader ever after and cannot be used.
        So a test that kills the broker calls this once its queues are declared. On a broker that
        was given nothing is done: it cannot be killed either.
        """
        if self._ctl is not None:
            self._ctl(["eval", "[dets:sync(Table) || Table <- dets:all()]."])

    def _make_vhosts(self, ctl: Callable[[Sequence[str]], str], put: Callable[[str], str]) -> None:
        if not self._takes_commands:
            # A node that starts listens for clients before it takes the commands below.
            ctl(["await_startup"])
            self._takes_commands = True
        if self._retired:
            old = ",".join(f'<<"{name}">>' for name in self._retired)
            ctl(["eval", f'[rabbit_vhost:delete(V, <<"tests">>) || V <- [{old}]].'])
            self._retired.clear()
        names = [f"test-{uuid.uuid4().hex[:12]}" for _ in range(VHOST_BATCH)]
        self._define(ctl, put, names)
        self._fresh = names

    @staticmethod
    def _define(
        ctl: Callable[[Sequence[str]], str], put: Callable[[str], str], names: Sequence[str]
    ) -> None:
        everything = {"user": "guest", "configure": ".*", "write": ".*", "read": ".*"}
        definitions = {
            "vhosts": [{"name": name} for name in names],
            "permissions": [{"vhost": name, **everything} for name in names],
        }
        ctl(["import_definitions", put(json.dumps(definitions))])


def private_rabbitmq() -> RabbitMQServer:
    """Return the installed RabbitMQ as a private node on 127.0.0.1, not yet started.

    It has its own directories, port mapper and Erlang cookie, and no plugins; as root it runs as
    the user `rabbitmq`. Raises `ServiceError` if RabbitMQ is not installed.
    """
    scripts, epmd = installed_scripts(), installed_epmd()
    if scripts is None or epmd is None:
        message = "RabbitMQ is not installed here"
        raise ServiceError(message)
    user = service_user("rabbitmq")
    base = owned_directory("vestlus-rabbitmq-", user)
    port, dist_port, epmd_port = free_port(), free_port(), free_port()
    written = {
        "rabbitmq.conf": CONFIG.format(port=port),
        "enabled_plugins": "[].\n",
        "rabbitmq-env.conf": "",
        ".erlang.cookie": secrets.token_hex(20),
    }
    for name, text in written.items():
        (base / name).write_text(text)
        give(base / name, user)
    (base / ".erlang.cookie").chmod(0o400)
    loopback = "-kernel inet_dist_use_interface {127,0,0,1}"
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": str(base),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(epmd_port),
        "ERL_CRASH_DUMP": str(base / "erl_crash.dump"),
        "RABBITMQ_BASE": str(base),
        "RABBITMQ_MNESIA_BASE": str(base / "mnesia"),
        "RABBITMQ_LOG_BASE": str(base / "log"),
        "RABBITMQ_PID_FILE": str(base / "pid"),
        "RABBITMQ_CONFIG_FILE": str(base / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(base / "advanced.config"),
        "RABBITMQ_CONF_ENV_FILE": str(base / "rabbitmq-env.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(base / "enabled_plugins"),
        "RABBITMQ_NODENAME": f"vestlus_test_{uuid.uuid4().hex[:12]}@localhost",
        "RABBITMQ_DIST_PORT": str(dist_port),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": loopback,
        "RABBITMQ_CTL_ERL_ARGS": loopback,
    }

    def ctl(arguments: Sequence[str]) -> str:
        command = [str(scripts / "rabbitmqctl"), "--quiet", *arguments]
        return run(command, env=env, user=user, cwd=base, timeout=120)

    def put(text: str) -> str:
        path = base / f"{uuid.uuid4().hex}.json"
        path.write_text(text)
        give(path, user)
        return str(path)

    process = KeptProcess(
        [str(scripts / "rabbitmq-server")],
        base / "server.log",
        env=env,
        cwd=base,
        user=user,
        stop_signal=signal.SIGTERM,
        orphaned=[["rm", "-rf", str(base)]],
    )
    mapper = KeptProcess(
        [epmd, "-address", "127.0.0.1", "-port", str(epmd_port)],
        base / "epmd.log",
        env=env,
        cwd=base,
        user=user,
    )
    url = f"amqp://guest:guest@127.0.0.1:{port}/%2F"
    return RabbitMQServer(url, PrivateRunner(process, base, [mapper]), ctl, put)


def docker_rabbitmq(log: Path, docker: str = "docker") -> RabbitMQServer:
    """Return RabbitMQ's public image as a server on 127.0.0.1, not yet started."""
    runner = DockerRunner(IMAGE, 5672, {}, log, docker)

    def put(text: str) -> str:
        path = f"/tmp/{uuid.uuid4().hex}.json"  # noqa: S108  inside the container
        runner.execute("sh", "-c", 'printf %s "$1" >"$2"', "put", text, path)
        return path

    def ctl(arguments: Sequence[str]) -> str:
        return runner.execute("rabbitmqctl", "--quiet", *arguments)

    return RabbitMQServer(f"amqp://guest:guest@127.0.0.1:{runner.port}/%2F", runner, ctl, put)
