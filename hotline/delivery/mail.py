"""Mail: tells an agency that something waits, and nothing else: no count, place, type or name.

A letter is read by every server on its way and kept for ever, so it is the same for all agencies
and all days. When it goes follows the clock and not the tips: see ``ways.Mail``.
"""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Protocol
from urllib.parse import unquote, urlsplit

from hotline.delivery.ways import NotDelivered
from hotline.routing.leaving import is_loopback
from hotline.settings import Settings
from hotline.tips import Language
from hotline.web.i18n import N_, say

TIMEOUT_SECONDS = 10.0
SUBJECT = N_("Something is waiting for you")
BODY = N_("Sign in the usual way to see it. This message needs no answer.")


class Postman(Protocol):
    """The port. Raises NotDelivered."""

    def __call__(self, settings: Settings, letter: EmailMessage) -> None: ...


def sender(settings: Settings) -> str:
    """The address of the line's operators when it has one: what cannot be delivered comes back to
    people."""
    return settings.alarm_email or f"no-reply@{urlsplit(settings.public_url).hostname}"


def letter(settings: Settings, to: str, language: Language, now: float) -> EmailMessage:
    """The whole letter; its id is random and its date that of the sending."""
    made = EmailMessage()
    made["Subject"] = say(language, SUBJECT)
    made["From"], made["To"] = sender(settings), to
    made["Date"] = formatdate(now)
    made["Message-ID"] = make_msgid(domain=sender(settings).rpartition("@")[2])
    made["Auto-Submitted"] = "auto-generated"
    made["Content-Language"] = language.tag
    made.set_content(say(language, BODY) + "\n")
    return made


def send(settings: Settings, letter: EmailMessage) -> None:
    """The real one: by the line's mail server, always under TLS but to this machine itself."""
    url = urlsplit(settings.smtp_url)
    host = url.hostname or ""
    try:
        with mail_server(url.scheme, host, url.port) as server:
            if url.username:
                server.login(unquote(url.username), unquote(url.password or ""))
            server.send_message(letter)
    except TimeoutError:
        raise NotDelivered("too_slow") from None
    except smtplib.SMTPRecipientsRefused:
        raise NotDelivered("address_refused") from None
    except ssl.SSLError:
        raise NotDelivered("no_tls") from None
    except (OSError, smtplib.SMTPException, ValueError):
        raise NotDelivered("mail_refused") from None


def mail_server(scheme: str, host: str, port: int | None) -> smtplib.SMTP:
    """A connection under TLS always, but to a server on this machine."""
    if scheme == "smtps":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(host, port or 465, timeout=TIMEOUT_SECONDS, context=context)
    server = smtplib.SMTP(host, port or 587, timeout=TIMEOUT_SECONDS)
    if not is_loopback(host):
        server.starttls(context=ssl.create_default_context())
    return server
