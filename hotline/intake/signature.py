"""Signature: a webhook is the provider's or it is nothing; decided before its values are read.

The provider signs the address it was given and the sorted form values with HMAC-SHA1
(https://www.twilio.com/docs/usage/security). There is no time in it: replays are ``Once``'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Request
from twilio.request_validator import RequestValidator, add_port, remove_port
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from hotline.errors import HotlineError, TooLarge
from hotline.settings import Settings
from hotline.vault.small import same

HEADER = "X-Twilio-Signature"
FORM = "application/x-www-form-urlencoded"
LARGEST = 1024 * 1024  # the provider sends a few kilobytes; nothing unsigned is read beyond this

Params = Mapping[str, Any] | MultiDict[str, str]


class NotAForm(HotlineError):
    """Only forms are signed value by value: with another body the signature says nothing."""

    code = "not_a_form"
    status = 415
    message = "Only form-encoded webhooks are read here."
    hint = "Set the webhook of the number to HTTP POST."


class NotSigned(HotlineError):
    """The signature is missing or is not the provider's."""

    code = "not_signed"
    status = 403
    message = "Not signed by the provider."
    hint = "Compare HOTLINE_PUBLIC_URL and the auth token with the provider's console."


def check(tokens: Iterable[str], public_url: str, path: str, params: Params, header: str) -> bool:
    """Whether ``header`` signs ``params`` at our own address: never the Host header's, which the
    sender chooses. Accepts any of ``tokens``: there are two during rotation."""
    return signs(tokens, public_url + path, params, header)


def signs(tokens: Iterable[str], url: str, params: Params, header: str) -> bool:
    """``check`` at a whole address. Like the provider's SDKs it takes the address with and without
    its port; unlike them it compares in constant time."""
    parsed = urlsplit(url)
    given, found = header.encode("utf-8", "replace"), False
    for token in tokens:
        validator = RequestValidator(token)
        for form in (remove_port(parsed), add_port(parsed)):
            computed = validator.compute_signature(form, params)
            found |= same(computed.encode(), given)
    return found


def sign(token: str, public_url: str, path: str, params: Params) -> str:
    """The signature the provider would send: for the phone in the terminal and for tests."""
    return str(RequestValidator(token).compute_signature(public_url + path, params))


def verified(request: Request, settings: Settings) -> MultiDict[str, str]:
    """The values of a signed webhook. Raises NotAForm, TooLarge, NotSigned."""
    if request.mimetype != FORM:
        raise NotAForm
    request.max_content_length = request.max_form_memory_size = LARGEST
    try:
        params = request.form
    except RequestEntityTooLarge:
        raise TooLarge from None
    path = request.path
    if request.query_string:
        path += "?" + request.query_string.decode("latin-1")
    header = request.headers.get(HEADER, "")
    if not check(settings.tokens, settings.public_url, path, params, header):
        raise NotSigned
    return params
