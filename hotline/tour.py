"""Tour: what a person who starts the demo sees and may try, printed."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import TYPE_CHECKING

from hotline.intake.signature import sign
from hotline.routing.profile import Profile
from hotline.serve import Ports
from hotline.settings import Settings
from hotline.synthetic import templates

if TYPE_CHECKING:
    from hotline.demo import Login

# Made up: a telephone and a line of each country that the demo has tips for, else of nobody's.
_NUMBERS = {
    "BR": ("+5521990000001", "+552130000000"),
    "CO": ("+573000000001", "+576010000000"),
    "": ("+12025550101", "+12025550100"),
}


def tour(settings: Settings, ports: Ports, logins: list[Login]) -> Iterator[str]:
    """Lines of text; the curl is signed and works as it is."""
    public = f"http://127.0.0.1:{ports.public}"
    yield ""
    yield f"  Public form    {public}/          follow-up: {public}/follow-up"
    yield f"  Console        http://127.0.0.1:{ports.console}/"
    yield f"  Analysts       http://127.0.0.1:{ports.analyst}/"
    yield "                 three months of invented reports are being released: half a minute"
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
    """A curl command that posts one SMS webhook with its signature: a tip of the line's country
    from numbers of nobody."""
    country = Profile.load(settings.jurisdiction).country
    text = next(one["text"] for one in templates(country) if one["channel"] == "sms")
    sender, line = _NUMBERS.get(country, _NUMBERS[""])
    fields = {
        "AccountSid": settings.twilio_account_sid,
        "Body": text,
        "From": sender,
        "MessageSid": "SM" + "0" * 31 + "1",
        "NumMedia": "0",
        "To": line,
    }
    signature = sign(settings.twilio_auth_token, settings.public_url, "/twilio/sms", fields)
    data = " ".join(
        f"--data-urlencode {quote(f'{name}={value}')}" for name, value in fields.items()
    )
    return f"curl -s -H 'X-Twilio-Signature: {signature}' {data} {public}/twilio/sms"
