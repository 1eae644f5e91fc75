"""Meta's errors of Content Publishing. Source: Instagram error codes; all of them HTTP 400."""

from vestlus.simulator.graph_errors import GraphError


def _error(code: int, subcode: int, message: str) -> GraphError:
    return GraphError(code, subcode, message, kind="OAuthException", status=400)


def fetch_timeout() -> GraphError:
    """Say that the picture took too long to fetch."""
    return _error(-2, 2207003, "It takes too long to download the media.")


def unreachable() -> GraphError:
    """Say that the picture's address cannot be fetched."""
    return _error(9004, 2207052, "The media could not be fetched from this URI.")


def too_large() -> GraphError:
    """Say that the picture has over 8 MiB."""
    return _error(36000, 2207004, "The image is too large to download.")


def wrong_format() -> GraphError:
    """Say that the picture is no JPEG."""
    return _error(36001, 2207005, "The image format is not supported.")


def wrong_ratio() -> GraphError:
    """Say that the picture is too high or too wide."""
    return _error(36003, 2207009, "The submitted image's aspect ratio is not allowed.")


def bad_caption() -> GraphError:
    """Say that the caption is too long, or has too many hashtags or mentions."""
    return _error(36004, 2207010, "The caption is too long.")


def unknown_type() -> GraphError:
    """Say that there is no such `media_type`."""
    return _error(100, 2207023, "Unknown media type.")


def carousel_count() -> GraphError:
    """Say that a carousel has 2 to 10 items. The code is not documented."""
    return _error(100, 2207028, "Carousels need at least 2 and no more than 10 items.")


def not_found() -> GraphError:
    """Say that the container to publish is not there."""
    return _error(24, 2207006, "The requested media could not be found.")


def not_ready() -> GraphError:
    """Say that the container is not ready yet."""
    return _error(9007, 2207027, "The media is not ready for publishing, please wait.")


def expired() -> GraphError:
    """Say that the container is over 24 hours old."""
    return _error(-2, 2207020, "The media has expired; create another container.")


def broken() -> GraphError:
    """Say that something is wrong with the container."""
    return _error(-1, 2207032, "Creating the media failed; create another container.")


def daily_cap() -> GraphError:
    """Say that the account has published, or made, as much as it may in 24 hours.

    What Meta answers when the containers are used up is not documented.
    """
    return _error(9, 2207042, "You reached the maximum number of posts that is allowed.")
