"""No test reaches beyond this machine, no warning passes unseen, no statement compiles twice."""

import asyncio
import socket
import warnings

import pytest
from sqlalchemy import Engine, create_engine, literal_column, select

from tests.conftest import OutsideNetworkError

OUTSIDE = ["192.0.2.1", "2001:db8::1", "example.invalid"]  # RFC 5737, RFC 3849, RFC 2606


@pytest.mark.parametrize("host", OUTSIDE)
@pytest.mark.parametrize("method", ["connect", "connect_ex"])
def test_a_socket_to_another_machine_is_refused(host: str, method: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as outgoing, pytest.raises(OutsideNetworkError, match="not "):
        getattr(outgoing, method)((host, 443))


async def test_asyncio_is_refused_as_well() -> None:
    with pytest.raises(OutsideNetworkError):
        await asyncio.open_connection("192.0.2.1", 443)


async def test_this_machine_itself_can_be_reached() -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(host, port)
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


def test_a_warning_is_an_error() -> None:
    with pytest.raises(UserWarning, match="beware"):
        warnings.warn("beware", stacklevel=1)


def test_a_statement_is_compiled_once_for_all_the_stores() -> None:
    def compiled(engine: Engine) -> object:
        with engine.connect() as connection:
            return connection.execute(select(literal_column("1"))).context.compiled

    engines = create_engine("sqlite://"), create_engine("sqlite://")
    one, two = (compiled(engine) for engine in engines)

    assert one is two
    for engine in engines:
        engine.dispose()
