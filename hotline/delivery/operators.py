"""Operators: how the people who run the line hear of an alarm: a webhook and e-mail of their own.

Both carry the line's name and the alarm's code, nothing else. Neither follows a redirect nor uses
credentials it was not given.
"""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from functools import partial
from urllib.parse import unquote, urlsplit

from hotline.delivery.alarming import AlarmCode, NotTold, Way
from hotline.delivery.mail import mail_server
from hotline.settings import Settings

TIMEOUT_SECONDS = 10.0


def ways(settings: Settings, said: Callable[[str], None]) -> Sequence[Way]:
    """The ways that the settings name, all of which are tried; none of them: none. In a
    demonstration nothing leaves the machine: ``said`` gets the code."""
    if settings.demo:
        return (lambda _, code: said(str(code)),)
    found: list[Way] = []
    if settings.alarm_webhook:
        found.append(partial(post, settings.alarm_webhook))
    if settings.alarm_email and settings.smtp_url:
        found.append(partial(mail, settings.smtp_url, settings.alarm_email))
    return found


def post(url: str, name: str, code: AlarmCode) -> None:
    """Posts ``{"line", "alarm"}``. Anything but a 2xx is a failure. Raises NotTold."""
    import requests  # late: a tenth of a second at every start of the CLI

    try:
        with requests.Session() as session:
            session.trust_env = False  # neither a proxy nor a .netrc of the machine's
            answer = session.post(
                url,
                json={"line": name, "alarm": str(code)},
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,  # what is answered is never read
            )
            sound = 200 <= answer.status_code < 300
            answer.close()
    except (requests.RequestException, ValueError):
        raise NotTold from None
    if not sound:
        raise NotTold


def mail(smtp_url: str, to: str, name: str, code: AlarmCode) -> None:
    """Sends by the line's mail server (``smtp://`` or ``smtps://user:password@host:port``).
    Raises NotTold."""
    url = urlsplit(smtp_url)
    letter = EmailMessage()
    letter["Subject"] = f"Hotline alarm: {code}"
    letter["From"] = letter["To"] = to
    letter.set_content(f"{name}: {code}\n\nSign in to the console and look under alarms.\n")
    try:
        with mail_server(url.scheme, url.hostname or "", url.port) as server:
            if url.username:
                server.login(unquote(url.username), unquote(url.password or ""))
            server.send_message(letter)
    except (OSError, smtplib.SMTPException, ValueError):
        raise NotTold from None
