"""Tour: what a person who starts the demo sees and may try, printed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hotline.intake.signature import sign
from hotline.serve import Ports
from hotline.settings import Settings

if TYPE_CHECKING:
    from hotline.demo import Login


def tour(settings: Settings, ports: Ports, logins: list[Login]) -> Iterator[str]:
    """Lines of text; the curl is signed and works as it is."""
    public = f"http://127.0.0.1:{ports.public}"
    yield ""
    yield f"  Public form    {public}/          follow-up: {public}/follow-up"
    yield f"  Console        http://127.0.0.1:{ports.console}/"
    yield f"  Analysts       http://127.0.0.1:{ports.analyst}/"
    yield ""
    yield "  Sign in with the passphrase 'only for the demo' and a one-time code:"
    yield "    hotline code NAME      prints the code of a demo person"
    for login in logins:
        yield f"    {login.name:<8} {login.role:<11} one-time-code secret {login.secret}"
    yield ""
    yield "  An SMS, signed as the provider signs it:"
    yield "  " + curl(settings, public)
    yield ""
    yield "  Then: hotline simulate sms · hotline simulate call (a phone in this terminal)"
    yield f"  Home: HOTLINE_HOME={settings.home}"
    yield "  Ctrl-C ends it; run again with the same HOTLINE_HOME and it continues."


def curl(settings: Settings, public: str) -> str:
    """A curl command that posts one SMS webhook with its signature."""
    fields = {
        "AccountSid": settings.twilio_account_sid,
        "Body": "Boca de fumo na rua das Flores em Niteroi RJ, toda noite",
        "From": "+5521990000001",
        "MessageSid": "SM" + "0" * 31 + "1",
        "NumMedia": "0",
        "To": "+552130000000",
    }
    signature = sign(settings.twilio_auth_token, settings.public_url, "/twilio/sms", fields)
    data = " ".join(f"--data-urlencode '{name}={value}'" for name, value in fields.items())
    return f"curl -s -H 'X-Twilio-Signature: {signature}' {data} {public}/twilio/sms"
