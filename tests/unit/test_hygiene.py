"""Hygiene: what doctor sees of memory, swap and the audit."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hotline import hygiene
from hotline.assembly import StaffLine
from hotline.errors import HotlineError
from hotline.process import WIPE_MEMORY
from hotline.triage.audit import Sequencer
from hotline.web.apps import console_app
from tests.conftest import MovableClock

HEAD = "Filename Type Size Used Priority\n"


def test_a_public_process_overwrites_and_leaves_no_core(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hygiene.memory() == "no core file, not traceable, freed memory overwritten"
    monkeypatch.setitem(WIPE_MEMORY, "GLIBC_TUNABLES", "")
    with pytest.raises(HotlineError) as caught:
        hygiene.memory()
    assert "Freed memory is not overwritten" in caught.value.message
    failed = subprocess.CompletedProcess([], 1, b"", b"")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(HotlineError) as caught:
        hygiene.memory()
    assert "core file" in caught.value.message


@pytest.mark.parametrize(
    ("swaps", "sound"),
    [
        ("", True),
        ("/dev/dm-1 partition 8 0 -2\n/dev/zram0 partition 8 0 5\n", True),
        ("/dev/sda2 partition 8 0 -2\n", False),
        ("/swapfile file 8 0 -2\n", False),
    ],
)
def test_swap_in_clear_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swaps: str, sound: bool
) -> None:
    file = tmp_path / "swaps"
    file.write_text(HEAD + swaps)
    monkeypatch.setattr(hygiene, "_SWAPS", file)
    if sound:
        assert "none" in hygiene.swap()
        return
    with pytest.raises(HotlineError):
        hygiene.swap()


def test_the_audit_rings_in_doctor_and_readiness(
    staff_line: StaffLine, clock: MovableClock
) -> None:
    assert "nothing was signed yet" in hygiene.audit_standing(staff_line)
    Sequencer(staff_line).run()
    assert "keep one outside" in hygiene.audit_standing(staff_line)
    (staff_line.settings.public / "checkpoint").write_text("another")
    with pytest.raises(HotlineError) as caught:
        hygiene.audit_standing(staff_line)
    assert "is not in" in caught.value.message
    client = console_app(staff_line).test_client()
    assert "audit" not in (client.get("/readyz").json or {}).get("reasons", [])
    staff_line.audit.note("duty_code", by="11" * 16)
    clock.advance(3 * 3600)
    assert "audit" in (client.get("/readyz").json or {})["reasons"]
    with pytest.raises(HotlineError) as caught:
        hygiene.audit_standing(staff_line)
    assert "wait to be signed" in caught.value.message
