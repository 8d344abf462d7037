"""The API: strict in what it takes, and the same answer however often a report is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from hotline.assembly import PublicLine, assemble_public
from hotline.founding import PEPPER
from hotline.pipeline import Pipeline
from hotline.routing.asking import questions_for, table
from hotline.settings import Settings
from hotline.store.database import DatabaseUnavailable
from hotline.store.tips import Tips, put_reply
from hotline.tips import Contact, Language, Priority, Question
from hotline.triage import messages
from hotline.vault.receipts import new_code, read_code, stretch
from tests.conftest import MovableClock
from tests.forms import app_of, shared_line, stored

SECRET = "canário-7731"
DRUGS = f"Boca de fumo na esquina, toda noite, {SECRET}"
NITEROI = "BR:IBGE:3303302"
QUESTIONS = "/api/v1/questions"
TIPS, FOLLOW_UPS, MESSAGES = (
    "/api/v1/tips",
    "/api/v1/follow-ups",
    "/api/v1/follow-ups/messages",
)


@pytest.fixture(scope="module")
def line(founded_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublicLine]:
    with shared_line(founded_home, tmp_path_factory.mktemp("api") / "home") as line:
        yield line


@pytest.fixture
def client(line: PublicLine) -> FlaskClient:
    return app_of(line).test_client()


@pytest.fixture
def nothing_stored(line: PublicLine) -> Iterator[None]:
    before = stored(line)
    yield
    assert stored(line) == before


def problem(response: TestResponse, status: int) -> dict[str, Any]:
    """The RFC 9457 body, after checking that it is one and quotes nobody."""
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    assert SECRET not in response.text
    body = response.json
    assert body["status"] == status
    assert body["type"].startswith("urn:hotline:problem:")
    assert body["title"] and body["detail"]
    return body


def post(client: FlaskClient, path: str, body: object, **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(path, json=body, headers={"Accept-Language": "en"} | named)


def test_a_report_is_stored_where_and_as_it_was_told(public_line: PublicLine) -> None:
    body = {
        "description": DRUGS,
        "language": "pt",
        "crime_types": ["ORG-01"],
        "place": {"municipality": NITEROI},
        "urgency": "past",
        "answers": {"when": "sextas", "who": ""},
        "attachments": [],
    }
    response = post(app_of(public_line).test_client(), TIPS, body)
    assert response.status_code == 201
    assert set(response.json) == {"receipt", "emergency", "advice"}
    assert len(response.json["receipt"]) == 24
    assert read_code(response.json["receipt"])
    assert response.json["emergency"] is None
    assert all(isinstance(sentence, str) for sentence in response.json["advice"])
    (row,) = stored(public_line)
    assert row.municipality == NITEROI
    assert row.queue == "general:BR-RJ"


TIP = {
    "description": "Ele controla o dinheiro dela",
    "language": "pt",
    "crime_types": ["GBV-02"],
    "place": {"municipality": NITEROI},
}


def test_answers_to_the_questions_of_a_type_are_kept_as_on_the_other_channels(
    public_line: PublicLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacts: list[Contact] = []
    receive = Pipeline.receive

    def watched(self: Pipeline, contact: Contact, *more: Any) -> Any:
        contacts.append(contact)
        return receive(self, contact, *more)

    monkeypatch.setattr(Pipeline, "receive", watched)
    client = app_of(public_line).test_client()
    told = {
        "gbv-safe": "yes",
        "gbv-danger": ["choking", "weapon", "weapon"],
        "when": "ontem",
        "people-held": "no",
        "elder-kept": [],
        "drugs-how": " de moto ",
        "drugs-where": "",
    }
    assert post(client, TIPS, TIP | {"answers": told}).status_code == 201
    (contact,) = contacts
    assert set(contact.ticked) == {
        *("gbv-safe:yes", "gbv-danger:choking", "gbv-danger:weapon", "people-held:no")
    }
    assert len(contact.ticked) == 4
    assert contact.details == {"drugs-how": "de moto"}
    assert contact.answers == {Question.WHEN: "ontem"}
    (row,) = stored(public_line)
    assert row.priority is Priority.P1


def test_without_danger_told_the_same_report_is_less_urgent(public_line: PublicLine) -> None:
    client = app_of(public_line).test_client()
    answers = {"gbv-safe": "yes", "gbv-danger": "no"}
    assert post(client, TIPS, TIP | {"answers": answers}).status_code == 201
    (row,) = stored(public_line)
    assert row.priority is Priority.P2


def test_a_place_that_is_null_is_refused_as_described(
    client: FlaskClient, nothing_stored: None
) -> None:
    body = problem(post(client, TIPS, TIP | {"place": None}), 422)
    assert [each["pointer"] for each in body["errors"]] == ["/place"]


def test_a_repeat_with_other_answers_is_another_report(client: FlaskClient) -> None:
    for answers, status in (({"gbv-safe": "no"}, 201), ({"gbv-safe": "no"}, 201), ({}, 422)):
        response = post(client, TIPS, TIP | {"answers": answers}, Idempotency_Key="k-9")
        assert response.status_code == status


def test_the_questions_are_fetched_once_for_everybody(client: FlaskClient) -> None:
    response = client.get(QUESTIONS, headers={"Accept-Language": "ht"})
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "public, max-age=3600"
    assert "Set-Cookie" not in response.headers
    assert "Vary" not in response.headers
    assert response.data == client.get(QUESTIONS).data
    assert response.json["most"] == 3
    found = {one["code"]: one for one in response.json["questions"]}
    assert list(found) == list(table())
    for code, one in found.items():
        detail = table()[code]
        assert one["kind"] == detail.kind
        assert one["ask"] == {each.value: detail.ask[each] for each in Language}
        assert [o["code"] for o in one["options"]] == [o.id for o in detail.options]
        assert all(set(o["say"]) == set(Language) for o in one["options"])
        assert set(one["condition"]["crime_types"]) == detail.types
        assert one["unreviewed"] is detail.unreviewed
    assert found["gbv-danger"]["condition"]["after_yes_to"] == ["gbv-safe"]
    assert found["gbv-safe"]["condition"]["after_yes_to"] == []
    assert found["drugs-how"]["condition"]["after_yes_to"] == []
    assert found["gbv-danger"]["unreviewed"]


def test_the_questions_of_some_types_in_one_language(client: FlaskClient) -> None:
    response = client.get(
        QUESTIONS, query_string={"language": "fr", "crime_types": "ORG-01,GBV-01"}
    )
    wanted = [detail.id for detail in questions_for(["ORG-01", "GBV-01"])]
    found = response.json["questions"]
    assert [one["code"] for one in found] == wanted == ["gbv-safe", "gbv-danger", "drugs-how"]
    assert all(set(one["ask"]) == {"fr"} for one in found)
    assert client.get(QUESTIONS, query_string={"crime_types": "INT-01"}).json["questions"] == []


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        (f"language={SECRET}", "/language"),
        ("language=", "/language"),
        ("language=pt&language=es", "/language"),
        (f"crime_types=ORG-01,{SECRET}", "/crime_types/1"),
        ("crime_types=", "/crime_types/0"),
        ("crime_types=ORG-01&crime_types=ORG-01", "/crime_types"),
        ("crime_types=" + ",".join(["ORG-01"] * 6), "/crime_types"),
        (f"{SECRET}=1", ""),
    ],
)
def test_a_wrong_query_is_named_never_quoted_and_not_kept(
    client: FlaskClient, query: str, pointer: str
) -> None:
    response = client.get(f"{QUESTIONS}?{query}")
    body = problem(response, 422)
    assert [error["pointer"] for error in body["errors"]] == [pointer]
    assert response.headers["Cache-Control"] == "no-store"


def test_danger_is_relayed_and_the_number_to_call_is_told(
    client: FlaskClient, line: PublicLine
) -> None:
    before = stored(line)
    body = {"description": "tiroteio agora", "urgency": "now", "place": "Niterói RJ"}
    response = post(client, TIPS, body)
    assert set(response.json["emergency"]) == {"number", "label", "message"}
    assert response.json["emergency"]["number"] == "190"
    (row,) = [row for row in stored(line) if row not in before]
    assert row.priority is Priority.P0


def test_the_same_key_gives_the_same_answer_also_after_a_restart(
    settings: Settings, clock: MovableClock
) -> None:
    answers = []
    for _ in range(2):
        line = assemble_public(settings, clock, pool=0)
        client = app_of(line).test_client()
        body = {"description": "homem estuprou uma mulher agora", "urgency": "now"}
        answers += [post(client, TIPS, body, Idempotency_Key="k-1") for _ in range(2)]
        assert len(stored(line)) == 1
        line.close()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.data for answer in answers}) == 1


def test_a_key_used_for_something_else_is_refused(client: FlaskClient, line: PublicLine) -> None:
    assert post(client, TIPS, {"description": DRUGS}, Idempotency_Key="k-2").status_code == 201
    before = stored(line)
    other = post(client, TIPS, {"description": "outra coisa"}, Idempotency_Key="k-2")
    assert problem(other, 422)["type"] == "urn:hotline:problem:key_used"
    assert stored(line) == before


def test_two_keys_or_none_are_two_reports(client: FlaskClient, line: PublicLine) -> None:
    before = len(stored(line))
    for headers in ({"Idempotency_Key": "a"}, {"Idempotency_Key": "b"}, {}, {}):
        assert post(client, TIPS, {"description": DRUGS}, **headers).status_code == 201
    assert len(stored(line)) == before + 4


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"description": None}, "/description"),
        ({"description": 7}, "/description"),
        ({"description": ["x"]}, "/description"),
        ({"description": ""}, "/description"),
        ({"description": " \u0000\u0007\n "}, "/description"),
        ({"language": "de"}, "/language"),
        ({"language": None}, "/language"),
        ({"crime_types": "ORG-01"}, "/crime_types"),
        ({"crime_types": ["ORG-01"] * 6}, "/crime_types"),
        ({"crime_types": ["ORG-01", SECRET]}, "/crime_types/1"),
        ({"crime_types": [None]}, "/crime_types/0"),
        ({"place": 7}, "/place"),
        ({"place": {"municipality": NITEROI, "street": SECRET}}, "/place"),
        ({"place": {"municipality": SECRET}}, "/place/municipality"),
        ({"place": {"municipality": [NITEROI]}}, "/place/municipality"),
        ({"urgency": SECRET}, "/urgency"),
        ({"urgency": ["now"]}, "/urgency"),
        ({"urgency": {}}, "/urgency"),
        ({"answers": [SECRET]}, "/answers"),
        ({"answers": {SECRET: "x"}}, "/answers"),
        ({"answers": {"when": 7}}, "/answers/when"),
        ({"answers": {"gbv-safe": SECRET}}, "/answers/gbv-safe"),
        ({"answers": {"gbv-safe": ["yes"]}}, "/answers/gbv-safe"),
        ({"answers": {"gbv-safe": None}}, "/answers/gbv-safe"),
        ({"answers": {"gbv-danger": "weapon"}}, "/answers/gbv-danger"),
        ({"answers": {"gbv-danger": "yes"}}, "/answers/gbv-danger"),
        ({"answers": {"gbv-danger": ["weapon", SECRET]}}, "/answers/gbv-danger/1"),
        ({"answers": {"gbv-danger": [["weapon"]]}}, "/answers/gbv-danger/0"),
        ({"answers": {"drugs-how": ["x"]}}, "/answers/drugs-how"),
        ({"answers": {"when": "x", "gbv-safe:yes": "x"}}, "/answers"),
        ({"attachments": SECRET}, "/attachments"),
        ({SECRET: "x"}, ""),
        ({"receipt": "1" * 20}, ""),
    ],
)
def test_wrong_fields_are_named_and_never_quoted(
    client: FlaskClient, change: dict[str, object], pointer: str
) -> None:
    body = problem(post(client, TIPS, {"description": DRUGS} | change), 422)
    assert [error["pointer"] for error in body["errors"]] == [pointer]


@pytest.mark.usefixtures("nothing_stored")
def test_a_file_is_refused_with_a_sentence_and_nothing_is_lost_silently(
    client: FlaskClient,
) -> None:
    file = {"filename": SECRET, "content_type": "image/png", "data": "aGVsbG8="}
    body = problem(post(client, TIPS, {"description": DRUGS, "attachments": [file]}), 422)
    assert body["errors"][0]["pointer"] == "/attachments/0"
    assert "Files of this kind are not taken" in body["errors"][0]["detail"]
    assert "Nothing was stored" in body["title"]


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"\x00\xff\xfe", b"{", b'{"description": "x"', b"[" * 100_000, b"9" * 5000),
        *(b'{"description": NaN', "não é JSON".encode("latin-1")),
    ],
)
@pytest.mark.parametrize("path", [TIPS, FOLLOW_UPS, MESSAGES])
def test_what_is_no_json_is_said_so(client: FlaskClient, raw: bytes, path: str) -> None:
    problem(client.post(path, data=raw, content_type="application/json"), 400)


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("raw", [b"[]", b"7", b"null", b'"x"'])
def test_what_is_no_object_is_refused(client: FlaskClient, raw: bytes) -> None:
    problem(client.post(TIPS, data=raw, content_type="application/json"), 422)


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain", ""]
)
@pytest.mark.parametrize("path", [TIPS, FOLLOW_UPS, MESSAGES])
def test_only_json_is_read(client: FlaskClient, kind: str, path: str) -> None:
    problem(client.post(path, data=b"description=x", content_type=kind), 415)


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    "body",
    [
        {"description": "x" * 20_001},
        {"description": "x" * 5_000_000},
        {"description": "e" + "\u0301" * 1_000_000},
        {"description": "x", "place": "y" * 20_001},
        {"description": "x", "answers": {"more": "y" * 20_001}},
        {"description": "x", "answers": {"drugs-how": "y" * 20_001}},
    ],
)
def test_too_long_is_said_and_never_cut(client: FlaskClient, body: dict[str, object]) -> None:
    problem(post(client, TIPS, body), 413)


@pytest.mark.parametrize("words", ["\ud800 x", "a\u0000b", "\u202e\u200b\U0001f4a5", "e" * 20_000])
def test_odd_text_is_taken(client: FlaskClient, words: str) -> None:
    raw = json.dumps({"description": words})
    assert client.post(TIPS, data=raw, content_type="application/json").status_code == 201


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("key", ["", "x" * 201, "chave-ção"])
def test_an_odd_idempotency_key_is_refused(client: FlaskClient, key: str) -> None:
    problem(post(client, TIPS, {"description": DRUGS}, Idempotency_Key=key), 422)


def test_numbers_that_open_nothing_all_look_alike(client: FlaskClient) -> None:
    known = post(client, TIPS, {"description": DRUGS}).json["receipt"]
    wrong = known[:-1] + str((int(known[-1]) + 1) % 10)
    typed = [known, known.replace(" ", ""), known.replace(" ", "-"), wrong, new_code(), "1234"]
    answers = [post(client, FOLLOW_UPS, {"receipt": each}) for each in typed]
    (alike,) = {(a.status_code, a.data) for a in answers}
    assert alike[0] == 200
    assert json.loads(alike[1]) == {"status": "waiting", "messages": []}


@pytest.mark.parametrize("receipt", [None, 7, "", [], {}])
@pytest.mark.parametrize("path", [FOLLOW_UPS, MESSAGES])
def test_no_receipt_is_a_wrong_field(client: FlaskClient, receipt: object, path: str) -> None:
    body = {"receipt": receipt} | ({"message": "x"} if path == MESSAGES else {})
    assert problem(post(client, path, body), 422)["errors"][0]["pointer"] == "/receipt"


def test_status_and_messages_are_read_with_the_receipt(
    client: FlaskClient, line: PublicLine
) -> None:
    receipt = post(client, TIPS, {"description": DRUGS}).json["receipt"]
    pepper = (line.settings.public / PEPPER).read_bytes()
    keys = stretch(receipt.replace(" ", ""), pepper)
    day = "2026-03-11"
    replies = [
        messages.status(keys.lookup, keys.public, "asked", day),
        messages.message(keys.lookup, keys.public, "question", "A que horas?", Language.PT, day, 0),
    ]
    for each in replies:
        line.database.write(lambda c, each=each: put_reply(c, *each))
    assert post(client, FOLLOW_UPS, {"receipt": receipt}).json == {
        "status": "asked",
        "messages": [{"kind": "question", "text": "A que horas?", "language": "pt"}],
    }


def test_a_message_is_added_once(public_line: PublicLine) -> None:
    client = app_of(public_line).test_client()
    receipt = post(client, TIPS, {"description": DRUGS}).json["receipt"]
    (row,) = stored(public_line)
    body = {"receipt": receipt, "message": "agora são dois carros"}
    for _ in range(2):
        response = post(client, MESSAGES, body, Idempotency_Key="m-1")
        assert (response.status_code, response.json) == (201, {"added": True})
    assert len(public_line.pipeline.tips.bodies(row.id)) == 2


def test_a_message_with_a_number_nobody_has_is_not_lost(
    client: FlaskClient, line: PublicLine
) -> None:
    before = len(stored(line))
    response = post(client, MESSAGES, {"receipt": new_code(), "message": DRUGS})
    assert (response.status_code, response.json) == (201, {"added": True})
    assert len(stored(line)) == before + 1


def test_without_database_nothing_is_acknowledged(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(Tips, "store", refuse)
    response = post(client, TIPS, {"description": DRUGS})
    problem(response, 503)
    assert response.headers["Retry-After"]


def test_what_nobody_expected_is_a_problem_with_a_number(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object) -> None:
        raise ZeroDivisionError(SECRET)

    monkeypatch.setattr(Tips, "store", explode)
    assert len(problem(post(client, TIPS, {"description": DRUGS}), 500)["incident"]) == 8


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("get", TIPS, 405), ("put", FOLLOW_UPS, 405), ("get", "/api/v1/other", 404)],
)
def test_other_failures_are_problems_too(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    response = getattr(client, method)(path)
    problem(response, status)
    assert status != 405 or "POST" in response.headers["Allow"]


def test_problems_speak_the_language_asked_for(client: FlaskClient) -> None:
    response = client.post(TIPS, data=b"x", headers={"Accept-Language": "ht"})
    assert response.headers["Content-Language"] == "ht"
    problem(response, 415)


def _refs(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (value for name, value in node.items() if name == "$ref")
        for value in node.values():
            yield from _refs(value)
    elif isinstance(node, list):
        for value in node:
            yield from _refs(value)


def test_the_description_names_every_call_and_every_field(
    client: FlaskClient, line: PublicLine
) -> None:
    document = client.get("/api/v1/openapi.json").json
    assert document["openapi"].startswith("3.1")
    rules = {
        rule.rule
        for rule in client.application.url_map.iter_rules()
        if rule.rule.startswith("/api/") and rule.rule != "/api/v1/openapi.json"
    }
    assert set(document["paths"]) == rules
    media = document["paths"][QUESTIONS]["get"]["responses"]["200"]["content"]["application/json"]
    answer = client.get(QUESTIONS, query_string={"language": "en", "crime_types": "GBV-01"})
    assert media["example"] == answer.json
    (example,) = document["components"]["schemas"]["Tip"]["properties"]["answers"]["examples"]
    assert post(client, TIPS, {"description": DRUGS, "answers": example}).status_code == 201
    schemas = document["components"]["schemas"]
    for ref in _refs(document):
        assert ref.removeprefix("#/components/schemas/") in schemas
    described = schemas["Tip"]["properties"]
    assert described["crime_types"]["items"]["enum"] == [kind.code for kind in line.types]
    assert "no video" in described["attachments"]["description"]
    assert "20 MiB together" in described["attachments"]["description"]
    asked = {str(question.value) for question in Question} | set(table())
    assert set(described["answers"]["properties"]) == asked
    assert set(schemas["Attachment"]["properties"]) == {"filename", "content_type", "data"}
    full = {
        "description": "x",
        "language": "pt",
        "crime_types": ["ORG-01"],
        "place": "Niterói",
        "urgency": "past",
        "answers": {},
        "attachments": [],
    }
    assert set(full) == set(described)
    answer = post(client, TIPS, full)
    assert answer.status_code == 201
    assert set(answer.json) == set(schemas["Accepted"]["properties"])
