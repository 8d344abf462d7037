"""Simulate: a phone in the terminal, and a walk along every edge of the conversation table."""

from __future__ import annotations

import click

from hotline.settings import Settings
from hotline.simulate.phone import Http, NoAnswer, TextPhone, VoicePhone
from hotline.simulate.walk import walk_call, walk_sms

__all__ = ["simulate_call", "simulate_sms", "walk_call", "walk_sms"]


def simulate_sms(base_url: str, settings: Settings, number: str) -> None:
    """Texts with a running line until the end of input."""
    phone = TextPhone(Http(base_url, _with_token(settings)), number)
    click.echo("Write a message and press Enter. Ctrl-D ends.")
    while (body := _typed("you:  ")) is not None:
        for message in phone.send(body):
            click.echo("line: " + message.replace("\n", "\n      "))


def simulate_call(base_url: str, settings: Settings, number: str) -> None:
    """Calls a running line until it or the caller hangs up."""
    phone = VoicePhone(Http(base_url, _with_token(settings)), number)
    click.echo("Type keys and press Enter; an empty line is silence. Ctrl-D hangs up.")
    phone.dial()
    while phone.waits:
        for sentence in phone.heard:
            click.echo("line: " + sentence)
        if (keys := _typed(_ASKED[phone.waits])) is None:
            break
        if phone.waits == "queue":
            phone.leave("bridged") if keys == "o" else phone.wait(keys)
        elif phone.waits == "speech":
            phone.speak(keys or "#")
        else:
            phone.press(keys.rstrip("#") or keys)
    else:
        for sentence in phone.heard:
            click.echo("line: " + sentence)
    phone.hang_up()


_ASKED = {
    "keys": "keys: ",
    "speech": "(speak now; the key that ends it) keys: ",
    "queue": "(waiting; o: an operator came and has hung up) keys: ",
}


def _typed(prompt: str) -> str | None:
    try:
        return input(prompt)
    except (EOFError, KeyboardInterrupt):
        click.echo()
        return None


def _with_token(settings: Settings) -> Settings:
    if not settings.tokens:
        raise NoAnswer("There is no provider token to sign with.", "Set HOTLINE_TWILIO_AUTH_TOKEN.")
    return settings
