"""What Meta's access tokens look like, for detect-secrets."""

from __future__ import annotations

import re
from typing import ClassVar

from detect_secrets.plugins.base import RegexBasedDetector


class MetaTokenDetector(RegexBasedDetector):
    """Tokens of Instagram Login begin with ``IG`` and those of Facebook Login with ``EAA``, as
    Meta's pages "Get Started with Instagram Login" and "Access Token Guide" show them.
    """

    secret_type = "Meta Access Token"  # noqa: S105 - a kind of secret
    denylist: ClassVar = [re.compile(r"\b(?:IG[A-Z]{2}|EAA[A-Za-z])[A-Za-z0-9_-]{60,}")]
