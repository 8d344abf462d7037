"""Knocking: the relay's webhook: tells an agency's own system that danger waits.

Kind and place of the event, nothing of the tip or its reporter. No redirect is followed and no
answer read: whatever a server says, only a human acknowledges.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from hotline.delivery.senders import ProviderProblem

TIMEOUT_SECONDS = 5.0
CONTENT_TYPE = "application/json"

# (method, address, headers, body) → the headers to add. Signs as packages are signed.
Signer = Callable[[str, str, dict[str, str], bytes], Mapping[str, str]]
Knocker = Callable[[str, Mapping[str, str], str], None]


def unsigned(method: str, url: str, headers: dict[str, str], body: bytes) -> Mapping[str, str]:
    """For a line that has no key to sign with."""
    return {}


def knocker(sign: Signer = unsigned) -> Knocker:
    """What posts a notice: ``(address, document, reference)``. Raises ProviderProblem."""

    def knock(url: str, document: Mapping[str, str], ref: str) -> None:
        import requests

        body = json.dumps({**document, "id": ref}, ensure_ascii=False).encode()
        headers = {"Content-Type": CONTENT_TYPE}
        headers |= sign("POST", url, headers, body)
        try:
            with requests.post(
                url,
                data=body,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,
            ) as response:
                status = response.status_code
        except (requests.RequestException, OSError, ValueError):
            raise ProviderProblem("unreachable") from None
        if not 200 <= status < 300:
            raise ProviderProblem(f"http_{status}")

    return knock
