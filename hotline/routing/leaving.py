"""Leaving: by which way an agency gets its packages, as its block of ``agencies.toml`` says."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from hotline.routing.tables import Entry, nearest
from hotline.tips import Language

AT_ONCE, MOST_AT_ONCE = 2, 16
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}\.?[A-Za-z0-9]+")
_PRINTED = re.compile(r"[!-~]{1,500}")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Delivery(StrEnum):
    """Inbox and pull leave everything here: people, or the agency's own program, come for it."""

    INBOX = "inbox"
    PULL = "pull"
    WEBHOOK = "webhook"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Way:
    """``address`` is a URL for a webhook, an e-mail address for e-mail. ``at_once`` is how many
    packages may be on their way to it at the same time."""

    delivery: Delivery = Delivery.INBOX
    address: str = ""
    at_once: int = AT_ONCE
    language: Language | None = None

    @property
    def own_key(self) -> bool:
        """Whether only an agency that holds its own key can use it: what leaves by it is opened
        elsewhere."""
        return self.delivery in (Delivery.WEBHOOK, Delivery.PULL)

    @property
    def outgoing(self) -> bool:
        return self.delivery in (Delivery.WEBHOOK, Delivery.EMAIL)


INBOX = Way()


def read(entry: Entry) -> Way:
    """The way of one block; what is wrong is reported to it."""
    named = entry.text("delivery", required=False) or Delivery.INBOX
    webhook, email = (entry.text(key, required=False) for key in ("webhook", "email"))
    at_once = entry.number("at_once", AT_ONCE)
    language = _language(entry)
    if named not in set(Delivery):
        hint = nearest(named, Delivery, "Take a known way.")
        entry.problem(f"{named} is no way of delivery", hint, "delivery")
        return INBOX
    delivery = Delivery(named)
    _together(entry, delivery, webhook, email)
    if webhook and (wrong := unsound(webhook)):
        entry.problem(*wrong, "webhook")
    if email and not _ADDRESS.fullmatch(email):
        hint = 'Write one address, such as email = "plantao@example.org".'
        entry.problem("email is not one e-mail address", hint, "email")
    if not 1 <= at_once <= MOST_AT_ONCE:
        hint = f"Write a number from 1 to {MOST_AT_ONCE}."
        entry.problem("at_once is out of bounds", hint, "at_once")
    return Way(delivery, webhook or email, at_once, language)


def unsound(url: str) -> tuple[str, str] | None:
    """Why packages are not posted to this URL, and what to do; None when they may be."""
    address = "Write the whole address, such as https://agency.example/hotline."
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "webhook is no address", address
    if parts.scheme not in ("http", "https") or not host or port == 0:
        return "webhook is no address", address
    if not _PRINTED.fullmatch(url) or "\\" in url or parts.fragment or parts.username is not None:
        return "webhook holds what no such address needs", "Leave out names, passwords and #."
    if parts.scheme == "http" and host not in _LOOPBACK:
        return "webhook is not https", "Serve it with TLS; only this machine itself needs none."
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        return None
    if host not in _LOOPBACK and forbidden(literal):
        return "webhook is an address nobody serves agencies from", "Write the agency's own host."
    return None


_METADATA = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200")))


def forbidden(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """This machine, its link, its cloud's metadata and what is no single host: whatever a name
    resolves to, nothing is sent there. Private networks are allowed: agencies stand in them."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        inner = inner or (address.teredo[1] if address.teredo else None)
        if inner is not None:
            return forbidden(inner)
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
        or address in _METADATA
    )


def is_loopback(host: str) -> bool:
    """Whether a URL names this machine by one of the names that mean nothing else."""
    return host in _LOOPBACK


def _language(entry: Entry) -> Language | None:
    named = entry.text("language", required=False)
    if not named:
        return None
    try:
        return Language(named)
    except ValueError:
        entry.problem(
            f"{named} is no language of the line",
            nearest(named, Language, "Delete it."),
            "language",
        )
        return None


def _together(entry: Entry, delivery: Delivery, webhook: str, email: str) -> None:
    """An address stands with the way that uses it, and with no other."""
    for key, value, way in (
        ("webhook", webhook, Delivery.WEBHOOK),
        ("email", email, Delivery.EMAIL),
    ):
        if delivery is way and key not in entry.values:
            hint = f"Add a line that begins with {key} =."
            entry.problem(f'delivery = "{way}" needs {key}', hint, "delivery")
        if delivery is not way and value:
            hint = f'Write delivery = "{way}", or delete {key}.'
            entry.problem(f"{key} is there, but delivery does not use it", hint, key)
    if delivery is not Delivery.EMAIL and "language" in entry.values:
        hint = "Delete it: only e-mail has a language."
        entry.problem("language is there, but delivery does not use it", hint, "language")
    if delivery is not Delivery.WEBHOOK and "at_once" in entry.values:
        hint = "Delete it: only a webhook is called by several at once."
        entry.problem("at_once is there, but delivery does not use it", hint, "at_once")
