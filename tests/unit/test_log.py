"""Log: static events with allowed fields; nothing a person said can get in."""

from __future__ import annotations

import io
import json
import logging

import pytest

from hotline.clock import Clock
from hotline.log import ALLOWED, Log, quiet


def written(public: bool, name: str, **fields: str) -> dict[str, str]:
    out = io.StringIO()
    Log(Clock(source=lambda: 1_773_144_754.0), public=public, out=out).event(name, **fields)
    (line,) = out.getvalue().splitlines()
    found: dict[str, str] = json.loads(line)
    return found


def test_a_field_off_the_list_is_dropped() -> None:
    kept = written(True, "refused", code="busy", number="+5521999990000", tip="00ff", text="x")
    assert set(kept) == {"at", "event", "code"}


def test_public_processes_tell_the_hour_and_no_id() -> None:
    assert written(True, "e")["at"] == "2026-03-10T12:00Z"
    assert written(False, "e")["at"] == "2026-03-10T12:12:34Z"
    assert "errand" not in written(True, "e", errand="00")
    assert written(False, "e", errand="00")["errand"] == "00"


def test_no_allowed_field_is_one_that_names_somebody() -> None:
    assert not ALLOWED & {"tip", "number", "phone", "ip", "agent", "name", "text", "message", "sid"}


def test_an_incident_says_where_never_what() -> None:
    out = io.StringIO()
    log = Log(Clock(), public=True, out=out)
    try:
        {"+5521999990000": 1}[f"call {5521999990000}"]
    except KeyError as error:
        number = log.incident(error)
    record = json.loads(out.getvalue())
    assert record["incident"] == number
    assert record["kind"] == "KeyError"
    assert "test_an_incident_says_where_never_what:" in record["frames"]
    assert "99999" not in out.getvalue()


def test_two_incidents_have_different_numbers() -> None:
    log = Log(Clock(), public=True, out=io.StringIO())
    assert len({log.incident(ValueError()) for _ in range(50)}) == 50


@pytest.mark.parametrize("name", ["werkzeug", "twilio.http_client", "sqlalchemy", "urllib3", "rq"])
def test_libraries_that_print_addresses_are_silent(name: str) -> None:
    quiet()
    assert not logging.getLogger(name).isEnabledFor(logging.ERROR)
