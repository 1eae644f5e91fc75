"""The files in a container of Azure Blob Storage."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Final
from urllib.parse import unquote, urlsplit

from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.identity.aio import DefaultAzureCredential
from azure.storage.blob import ContentSettings, StorageErrorCode
from azure.storage.blob.aio import ContainerClient, LinearRetry

from image_bank.errors import StorageUnavailable
from image_bank.storage import checked, media_type_of

#: Seconds. A picture is at most 8 MB, and Meta gives up on a fetch after its own patience.
_CONNECT_SECONDS: Final = 5
_READ_SECONDS: Final = 20
#: The SDK repeats what failed on its way, and nobody above it does. Its own pace would let an
#: answer wait for half a minute and more.
_RETRIES: Final = 2
_RETRY_SECONDS: Final = 1


class AzureStorage:
    """See MediaStorage. ``container`` exists already; it stays private, since only we read it."""

    def __init__(self, container: ContainerClient) -> None:
        self._container = container

    async def put(self, name: str, data: bytes) -> None:
        """See MediaStorage."""
        content = ContentSettings(content_type=media_type_of(name))
        with _translated():
            await self._container.upload_blob(
                name, data, length=len(data), overwrite=True, content_settings=content
            )

    async def get(self, name: str) -> bytes | None:
        """See MediaStorage."""
        with _translated():
            try:
                blob = await self._container.download_blob(checked(name))
                return await blob.readall()
            except ResourceNotFoundError as error:
                _must_be_the_blob(error)
                return None

    async def exists(self, name: str) -> bool:
        """See MediaStorage."""
        blob = self._container.get_blob_client(checked(name))
        with _translated():
            return await blob.exists()

    async def delete(self, name: str) -> None:
        """See MediaStorage."""
        with _translated():
            try:
                await self._container.delete_blob(checked(name))
            except ResourceNotFoundError as error:
                _must_be_the_blob(error)


@contextmanager
def _translated() -> Iterator[None]:
    """The SDK's errors name addresses and requests; of these only the service's word is told."""
    try:
        yield
    except AzureError as error:
        said = getattr(error, "error_code", None) or type(error).__name__
        raise StorageUnavailable(f"Azure Blob Storage of VESTLUS_MEDIA_URL: {said}") from error


def _must_be_the_blob(error: ResourceNotFoundError) -> None:
    """A file that is not there is an answer; a container that is not there is a fault."""
    if getattr(error, "error_code", None) != StorageErrorCode.BLOB_NOT_FOUND:
        raise error


class AzureAddress:
    """Where the container is and how we get in, read from an address.

    - ``https://ACCOUNT.blob.core.windows.net/CONTAINER``: by the identity that azure-identity
      finds (managed identity, workload identity, ``az login``);
    - the same with ``?sv=…&sig=…``: by a shared access signature, with the rights to read,
      write, create and delete;
    - ``https://ACCOUNT:KEY@HOST/CONTAINER``: by the account's key, with ``/`` in it written
      ``%2F``. For Azurite ``http://ACCOUNT:KEY@127.0.0.1:10000/ACCOUNT/CONTAINER``.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        path = parts.path.strip("/")
        if not path:
            raise ValueError("names no container: …/CONTAINER")
        self.key: AzureNamedKeyCredential | None = None
        if parts.username:
            if not parts.password:
                raise ValueError("has an account's name and no key: ACCOUNT:KEY@…")
            self.key = AzureNamedKeyCredential(unquote(parts.username), unquote(parts.password))
        if parts.scheme != "https" and self.key is None:
            raise ValueError("must start with https://, unless it has ACCOUNT:KEY@")
        self.signed = bool(parts.query)
        #: Without name and key; with the signature, where there is one.
        self.container = f"{parts.scheme}://{host}/{path}" + (
            f"?{parts.query}" if parts.query else ""
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"  # it holds a secret


@asynccontextmanager
async def open_azure(address: AzureAddress) -> AsyncIterator[AzureStorage]:
    """A storage for as long as the context; nothing is asked before the first file."""
    async with AsyncExitStack() as stack:
        credential: AzureNamedKeyCredential | DefaultAzureCredential | None = address.key
        if credential is None and not address.signed:
            credential = await stack.enter_async_context(DefaultAzureCredential())
        container = await stack.enter_async_context(
            ContainerClient.from_container_url(
                address.container,
                credential=credential,
                retry_policy=LinearRetry(
                    backoff=_RETRY_SECONDS, retry_total=_RETRIES, random_jitter_range=1
                ),
                connection_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
            )
        )
        yield AzureStorage(container)
