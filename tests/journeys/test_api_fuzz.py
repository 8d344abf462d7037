"""The API under requests made up from its own description, good and bad: it never breaks, and what
it answers is what the description says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from schemathesis import GenerationMode
from schemathesis.checks import CheckContext
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case
from schemathesis.specs.openapi.checks import positive_data_acceptance

from hotline.errors import Busy
from hotline.intake.api import LARGEST_WITH_FILES
from hotline.intake.attachments import MOST_FILES
from hotline.store.database import DatabaseUnavailable
from hotline.store.tips import Tips
from tests.forms import app_of, shared_line

CALLS = ("/api/v1/tips", "/api/v1/follow-ups", "/api/v1/follow-ups/messages")
QUESTIONS = "/api/v1/questions"
SEED = 1984
MADE_UP = 16  # requests a call and mode: each that is taken costs a stretched receipt
REFUSALS = ["400", "405", "413", "415", "422"]
# What a description cannot say: a well-made key that no municipality has, a name used before, a
# file that is no picture, PDF or sound.
UNSAYABLE = (
    "/place/municipality",
    "urn:hotline:problem:key_used",
    *(f'"/attachments/{number}"' for number in range(MOST_FILES)),
)


@pytest.fixture(scope="module")
def description(
    founded_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[schemathesis.BaseSchema]:
    checks = {"negative_data_rejection": {"expected-statuses": REFUSALS}}
    config = schemathesis.Config.from_dict({"seed": SEED, "checks": checks})
    with shared_line(founded_home, tmp_path_factory.mktemp("fuzz") / "home") as line:
        yield schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app_of(line), config=config)


def good_requests_are_taken(context: CheckContext, response: Response, case: Case) -> None:
    """Schemathesis' own check, but for what no description can say."""
    if response.status_code != 422 or not any(each in response.text for each in UNSAYABLE):
        positive_data_acceptance(context, response, case)


def _method(path: str) -> str:
    return "GET" if path == QUESTIONS else "POST"


def judge(case: Case) -> int:
    """The status of an answer that is as described. Raises FailureGroup."""
    response = case.call()
    assert response.status_code < 500, response.text
    case.validate_response(
        response,
        additional_checks=[good_requests_are_taken],
        excluded_checks=[positive_data_acceptance],
    )
    return response.status_code


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("path", (*CALLS, QUESTIONS))
def test_what_chance_makes_is_answered_as_described(
    description: schemathesis.BaseSchema, path: str, mode: GenerationMode
) -> None:
    statuses: set[int] = set()

    @hypothesis.seed(SEED)
    @hypothesis.settings(
        max_examples=MADE_UP, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(case=description[path][_method(path)].as_strategy(mode))
    def judged(case: Case) -> None:
        statuses.add(judge(case))

    judged()
    assert (min(statuses) < 300) == (mode is GenerationMode.POSITIVE)


@pytest.mark.parametrize("path", (*CALLS, QUESTIONS))
def test_every_bound_of_the_description_is_kept(
    description: schemathesis.BaseSchema, path: str
) -> None:
    """One request for each bound, enumeration, type and method, just inside and just outside."""
    operation = description[path][_method(path)]
    cases = description.iter_coverage_cases(
        operation,
        generation_modes=list(GenerationMode),
        generation_config=description.config.generation_for(operation=operation),
    )
    statuses = Counter(judge(case) for case in cases)
    assert {405, 422} | ({413} if path in CALLS else set()) < set(statuses)
    assert statuses[200] + statuses[201]


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize(
    ("headers", "raw", "status"),
    [
        ({"Content-Type": "application/xml"}, b"<tip/>", 415),
        ({"Content-Type": "application/json/x; charset=\xff"}, b"{}", 415),
        ({}, b"{}", 415),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, b"\x1f\x8b", 400),
        ({"Content-Type": "application/json; charset=utf-16"}, b"\xff\xfe{", 400),
        ({"Content-Type": "application/json"}, b"{" * 50_000, 400),
        ({"Content-Type": "application/json"}, b'{"description": 1e999}', 422),
        ({"Content-Type": "application/json"}, b'"' + b"x" * LARGEST_WITH_FILES + b'"', 413),
        ({"Content-Type": "application/json", "Accept-Language": "ht, *;q=\xb2"}, b"[]", 422),
    ],
)
def test_what_is_no_request_at_all_is_answered_as_described(
    description: schemathesis.BaseSchema,
    path: str,
    headers: dict[str, str],
    raw: bytes,
    status: int,
) -> None:
    response = description.app.test_client().post(path, data=raw, headers=headers)
    assert response.status_code == status
    description[path]["POST"].validate_response(response)


@pytest.mark.parametrize(
    ("error", "status"), [(Busy, 503), (DatabaseUnavailable, 503), (ZeroDivisionError, 500)]
)
def test_failures_of_our_own_are_answered_as_described(
    description: schemathesis.BaseSchema,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
    status: int,
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(Tips, "store", fail)
    client = description.app.test_client()
    response = client.post(CALLS[0], json={"description": "Boca de fumo"})
    assert response.status_code == status
    description[CALLS[0]]["POST"].validate_response(response)
