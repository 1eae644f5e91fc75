"""One POST to the service under test."""

import aiohttp

from vestlus.simulator import webhook_format


class WebhookPoster:
    """Posts bytes to the webhook address, and signs them with the app secret."""

    def __init__(self, url: str, app_secret: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._secret = app_secret
        self._session = session

    def sign(self, body: bytes) -> str:
        """Return the signature the service expects for these bytes."""
        return webhook_format.sign(body, self._secret)

    async def post(self, body: bytes, signature: str | None, seconds: float) -> tuple[int, str]:
        """Post bytes once; return status and the start of the response body.

        The status is 0 when no answer came within `seconds`, and -1 when nothing listens.
        """
        headers = {"Content-Type": "application/json"}
        if signature is not None:
            headers[webhook_format.SIGNATURE_HEADER] = signature
        try:
            async with self._session.post(
                self._url,
                data=body,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=seconds),
                allow_redirects=False,
            ) as response:
                text = await response.text(errors="replace")
                return response.status, text[:2000]
        except (aiohttp.ClientConnectorError, ConnectionRefusedError):
            return -1, ""
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0, ""
