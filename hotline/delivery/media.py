"""Media: a file that came with a message is fetched from the provider into memory, and only there.

Addresses are built from identifiers, never taken from a webhook; a redirect is followed once, and
only to where the provider keeps files. Nothing here is logged, and no address is in an error.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from hotline.delivery.senders import TIMEOUT_SECONDS, ProviderProblem

LARGEST_FILE = 16 * 1024 * 1024  # bytes; what WhatsApp carries. The cleaning has its own limit.
LONGEST_SECONDS = 30.0  # for the whole body; a time-out alone lets one byte a second pass for ever
_MESSAGE = re.compile(r"(?:SM|MM)[0-9a-f]{32}")
_MEDIA = re.compile(r"ME[0-9a-f]{32}")
_SHELF = re.compile(r"(?:[a-z0-9-]+\.)+twiliocdn\.com")
_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{1,60}")
_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Account:
    """Where the provider's API is, and the name and token it knows us by."""

    base: str
    sid: str
    token: str


class _Still(requests.Session):
    """Does not even look where a redirect leads: ``requests`` reads its whole body, told to follow
    it or not."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        del resp


def fetched(account: Account, message_sid: str, media_sid: str) -> tuple[str, bytes]:
    """The media type as the provider says it, or empty, and the bytes. Raises ProviderProblem."""
    if not (_MESSAGE.fullmatch(message_sid) and _MEDIA.fullmatch(media_sid)):
        raise ProviderProblem("no_such_file")
    address = (
        f"{account.base}/2010-04-01/Accounts/{account.sid}/Messages/{message_sid}/Media/{media_sid}"
    )
    ends = time.monotonic() + LONGEST_SECONDS
    try:
        answer = _get(account, address, ends)
        if isinstance(answer, str):
            answer = _get(account, answer, ends)
    except (OSError, HTTPError, ValueError):  # a body that breaks off, an absurd address
        raise ProviderProblem("unreachable") from None
    if isinstance(answer, str):
        raise ProviderProblem("redirected_twice")
    return answer


def _get(account: Account, address: str, ends: float) -> tuple[str, bytes] | str:
    """What is there, or where it redirects to."""
    ours = _same_place(urlsplit(address), urlsplit(account.base))
    with (
        _Still() as session,
        session.get(
            address,
            # The token goes to the API alone, and no other credentials go anywhere.
            auth=(account.sid, account.token) if ours else _no_credentials,
            headers={"Accept-Encoding": "identity"},
            timeout=TIMEOUT_SECONDS,
            stream=True,
            allow_redirects=False,
        ) as response,
    ):
        if response.is_redirect:
            return _onward(account.base, urljoin(address, response.headers["Location"]))
        if response.status_code != 200:
            raise ProviderProblem(f"http_{response.status_code}")
        said = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return said if _TYPE.fullmatch(said) else "", _body(response.raw, ends)


def _no_credentials(request: Any) -> Any:
    """In place of what ``requests`` would look up in a .netrc."""
    return request


def _onward(base: str, location: str) -> str:
    """The address of a redirect, if it may be followed. Raises ProviderProblem, ValueError."""
    there = urlsplit(location)
    # The whole authority must match: no user, no port, nothing that another parser reads otherwise.
    shelf = there.scheme == "https" and _SHELF.fullmatch(there.netloc)
    if not shelf and not _same_place(there, urlsplit(base)):
        raise ProviderProblem("redirected_elsewhere")
    return there.geturl()


def _same_place(one: SplitResult, other: SplitResult) -> bool:
    return (one.scheme, one.netloc) == (other.scheme, other.netloc)


def _body(raw: Any, ends: float) -> bytes:
    """As it comes and not unpacked: what was promised, but packed to a bomb, only looks damaged."""
    body = bytearray()
    while piece := raw.read1(_PIECE, decode_content=False):
        body += piece
        if len(body) > LARGEST_FILE:
            raise ProviderProblem("too_large")
        if time.monotonic() > ends:
            raise ProviderProblem("slow")
    return bytes(body)
