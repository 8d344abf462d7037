"""Knocking: the relay's webhook: tells an agency's own system that danger waits.

Kind and place of the event, nothing of the tip or its reporter. No redirect is followed and no
answer read: whatever a server says, only a human acknowledges.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from hotline.clock import Clock
from hotline.delivery.senders import ProviderProblem
from hotline.vault.line import line_signer
from hotline.vault.signatures import sign
from hotline.vault.small import random_id

TIMEOUT_SECONDS = 5.0
CONTENT_TYPE = "application/json"

TAG, KEY_ID = "hotline-urgent", "line"
Knocker = Callable[[str, Mapping[str, str], str], None]


def knocker(folder: Path, clock: Clock) -> Knocker:
    """What posts a notice: ``(address, document, reference)``, signed with the line's key out of
    the staff's ``folder`` (RFC 9421). Raises ProviderProblem."""

    def knock(url: str, document: Mapping[str, str], ref: str) -> None:
        import requests

        body = json.dumps({**document, "id": ref}, ensure_ascii=False).encode()
        headers = {"Content-Type": CONTENT_TYPE}
        seed, created, nonce = line_signer(folder), int(clock.seconds()), random_id().hex()
        headers |= sign(seed, KEY_ID, "POST", url, headers, body, created, nonce, TAG)
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
