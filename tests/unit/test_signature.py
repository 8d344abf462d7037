"""Webhook signatures: the provider's own vectors, our own address, forms only."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask, Response, request
from werkzeug.datastructures import MultiDict

from hotline.errors import HotlineError
from hotline.intake.signature import FORM, HEADER, LARGEST, check, sign, signs, verified
from hotline.settings import Settings

FILE = Path(__file__).parents[1] / "vectors" / "twilio_signature_vectors.json"
VECTORS = json.loads(FILE.read_text())["vectors"]
SETTINGS = Settings(
    home=Path("unused"),
    database_url="sqlite://",
    public_url="https://line.example",
    twilio_auth_token="t" * 32,
)


@pytest.fixture
def app() -> Flask:
    app = Flask("signature")

    @app.post("/twilio/sms")
    def sms() -> Response:
        try:
            return Response(verified(request, SETTINGS)["Body"])
        except HotlineError as error:
            return Response(error.message, error.status)

    return app


def test_all_35_vectors_are_here() -> None:
    assert len(VECTORS) == 35


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["id"]) for v in VECTORS])
def test_a_vector_has_the_outcome_of_the_providers_own_python_library(
    vector: dict[str, object], app: Flask
) -> None:
    """Where that library checks a JSON body, we never come so far: the route refuses it."""
    url, header = str(vector["url"]), str(vector["signature"])
    body = str(vector.get("body", ""))
    if body.startswith("{"):
        answer = app.test_client().post(
            "/twilio/sms", data=body, content_type="application/json", headers={HEADER: header}
        )
        assert answer.status_code == 415
        return
    params = MultiDict((k, v) for k, vs in vector["params"].items() for v in vs)  # type: ignore[attr-defined]
    outcome = vector["twilio_python"]["result"]  # type: ignore[index]
    assert signs([str(vector["auth_token"])], url, params, header) is outcome


def _post(app: Flask, params: dict[str, str], header: str, **more: object) -> tuple[int, str]:
    answer = app.test_client().post(
        "/twilio/sms",
        data=params,
        headers={HEADER: header},
        **more,  # type: ignore[arg-type]
    )
    return answer.status_code, answer.text


def _signed(params: dict[str, str], token: str = "t" * 32) -> str:
    return sign(token, SETTINGS.public_url, "/twilio/sms", params)


def test_a_signed_form_is_read_exactly_as_it_was_signed(app: Flask) -> None:
    for body in ("", " two  spaces ", "emoji 🚨 and \r\n line ends", "null \x00 byte", "ação"):
        params = {"Body": body, "Empty": ""}
        assert _post(app, params, _signed(params)) == (200, body)


def test_a_changed_value_a_missing_header_and_a_foreign_token_are_refused(app: Flask) -> None:
    params = {"Body": "hello"}
    assert _post(app, {"Body": "hullo"}, _signed(params))[0] == 403
    assert _post(app, params | {"Extra": "1"}, _signed(params))[0] == 403
    assert _post(app, params, "")[0] == 403
    assert _post(app, params, "é" * 28)[0] == 403
    assert _post(app, params, _signed(params, "x" * 32))[0] == 403


def test_what_is_refused_is_not_quoted(app: Flask) -> None:
    assert "hello" not in _post(app, {"Body": "hello"}, "wrong")[1]


def test_the_address_is_ours_and_never_the_host_header(app: Flask) -> None:
    params = {"Body": "hello"}
    there = sign("t" * 32, "https://evil.example", "/twilio/sms", params)
    assert _post(app, params, there, base_url="https://evil.example")[0] == 403
    assert _post(app, params, _signed(params), base_url="https://evil.example")[0] == 200


def test_a_query_string_is_signed_too(app: Flask) -> None:
    params = {"Body": "hello"}
    header = sign("t" * 32, SETTINGS.public_url, "/twilio/sms?a=1", params)
    assert _post(app, params, header, query_string="a=1")[0] == 200
    assert _post(app, params, header, query_string="a=2")[0] == 403


def test_two_tokens_are_accepted_during_rotation() -> None:
    both = replace(SETTINGS, twilio_auth_token_previous="p" * 32)
    params = {"Body": "hello"}
    for token in ("t" * 32, "p" * 32):
        header = sign(token, both.public_url, "/x", params)
        assert check(both.tokens, both.public_url, "/x", params, header)
    assert not check((), both.public_url, "/x", params, "")


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""]
)
def test_only_forms_are_read(app: Flask, content_type: str) -> None:
    answer = app.test_client().post(
        "/twilio/sms",
        data=b'{"Body": "forged"}',
        content_type=content_type,
        headers={HEADER: sign("t" * 32, SETTINGS.public_url, "/twilio/sms", {})},
    )
    assert answer.status_code == 415


def test_more_than_the_provider_ever_sends_is_not_even_read(app: Flask) -> None:
    params = {"Body": "a" * LARGEST}
    assert _post(app, params, _signed(params), content_type=FORM)[0] == 413
