"""An agency's own key: nobody on the server opens its packages, the agency opens them anywhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hotline.assembly import StaffLine, assemble_staff
from hotline.cli import root
from hotline.doctor import key_findings
from hotline.intake.attachments import Cleaned
from hotline.keyring import directory_change, held_change, hold, release
from hotline.settings import Settings
from hotline.store.tips import Change
from hotline.tips import Channel, Contact, State
from hotline.triage.approvals import Deed
from hotline.triage.opening import open_tip
from hotline.vault.attachments import read_card, seal_file
from hotline.vault.directory import HELD
from hotline.vault.envelope import agency_recipient
from hotline.vault.format import Damaged
from hotline.vault.held import (
    Halves,
    KeyFile,
    NotAKeyFile,
    NotAPackage,
    NotForThisKey,
    WrongPassphrase,
    fingerprint,
    read_public,
    unpack,
)
from hotline.vault.keys import open_body, open_grant, open_wrap
from hotline.vault.small import random_key
from tests.conftest import MovableClock
from tests.desk import Office
from tests.line import SignIn
from tests.terminal import Typed, agree

AGENCY = "semsp-3304904"
WORDS = "only for the agency itself"
JPEG = b"\xff\xd8\xff a page"


def hotline(*words: str, typed: str = "", env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(root, words, input=typed, env=env)


def made(folder: Path) -> tuple[Path, str]:
    """The key file as the command makes it, and the fingerprint it prints."""
    file = folder / "own.key"
    result = hotline("agency", "keygen", "--agency", AGENCY, "--out", str(file), typed=WORDS + "\n")
    assert result.exit_code == 0, result.output
    return file, result.output.strip().splitlines()[-1]


def held(line: StaffLine, public: bytes) -> None:
    by = agree(line, Deed.DIRECTORY, directory_change(line.settings, held_change(AGENCY, public)))
    hold(line.settings, line.access, AGENCY, public, by)


def test_a_key_is_made_and_read_without_any_line(tmp_path: Path) -> None:
    file, told = made(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    halves = Halves.read(file.with_name("own.key.pub").read_bytes())
    assert (halves.agency, told) == (AGENCY, halves.fingerprint)
    assert told == fingerprint(halves.public + halves.signs), "both halves are read aloud"
    assert read_public(file.with_name("own.key.pub").read_bytes()) == (AGENCY, halves.public)
    assert [len(group) for group in told.split(" ")] == [5] * 8
    kept = KeyFile.read(file.read_bytes())
    assert kept.seed(WORDS)[0] == 1
    with pytest.raises(WrongPassphrase):
        kept.seed(WORDS + "!")
    with pytest.raises(WrongPassphrase):
        KeyFile("semsp-3303302", kept.key).seed(WORDS)
    for wrong in (b"", b"[]", b"{}", file.with_name("own.key.pub").read_bytes()):
        with pytest.raises(NotAKeyFile):
            KeyFile.read(wrong)
    with pytest.raises(NotAKeyFile):
        read_public(file.read_bytes())
    again = hotline("agency", "keygen", "--agency", AGENCY, "--out", str(file), typed=WORDS + "\n")
    assert again.exception is not None, "a key is never written over"
    assert again.exception.code == "not_written"


def forwarded(line: StaffLine, settings: Settings, clock: MovableClock) -> bytes:
    """A tip with a kept picture, forwarded to the agency; the package's id."""
    from hotline.assembly import assemble_public

    public = assemble_public(settings, clock, pool=0)
    public.pipeline.receive(Contact(channel=Channel.WEB, text="Boca de fumo em Niterói RJ"))
    public.close()
    (row,) = line.tips.queue(["general:BR-RJ"], list(State))
    opened = open_tip(line, SignIn(line)("gabi"), row.id)
    clean = Cleaned("image", (JPEG,), thumbnail=JPEG)
    card, pages = seal_file(opened.key.key, row.id, clean)
    other = seal_file(
        random_key(), row.id, Cleaned("image", (JPEG + b" not given",), thumbnail=JPEG)
    )

    kept = read_card(card.id, open_body(opened.key.key, card))
    package = line.envelope.package(opened.content, row.id, AGENCY, "lead", "2026-03-20", [kept])
    bodies = (card, pages, *other)
    change = Change(row.id, row.version, state=State.FORWARDED, packages=(package,), bodies=bodies)
    line.tips.apply(change)
    line.desk.arrive(package.id, AGENCY)
    return package.id


def test_from_the_agencys_key_to_its_own_machine(
    settings: Settings, clock: MovableClock, tmp_path: Path
) -> None:
    file, _ = made(tmp_path)
    _, public = read_public(file.with_name("own.key.pub").read_bytes())
    line = assemble_staff(settings, clock)
    held(line, public)
    line.close()
    line = assemble_staff(settings, clock)
    package = forwarded(line, settings, clock)
    (wrap,) = line.tips.wraps([package])
    assert (wrap.recipient, wrap.epoch) == (agency_recipient(AGENCY), HELD)
    body = line.tips.body(package)
    office = Office.of(line)
    for name in ("olga", "samuel"):  # an officer who holds every key of the line, and the agency's
        who = office.codes(name)
        with pytest.raises(KeyError):
            line.access.open_wrap(who, wrap, body)
        for grant in line.keys.of(who.person.id, agency_recipient(AGENCY)):
            seed = open_grant(who.seed, grant.recipient, grant.epoch, who.person.id, grant.sealed)
            with pytest.raises(Damaged):
                open_wrap(seed, wrap, body)
    clock.advance(60)  # a code works once
    samuel = office("samuel")
    samuel.get(f"/inbox/{package.hex()}")
    assert "Sealed to your own key" in samuel.html or "Lacrada" in samuel.html
    assert "Niterói" not in samuel.html
    sealed = samuel.client.post(f"/inbox/{package.hex()}/sealed", data={"token": samuel.token})
    assert sealed.headers["Content-Disposition"].startswith("attachment; filename=")
    assert line.desk.package(package).state == "opened"
    samuel.post(f"/inbox/{package.hex()}/receipt")
    assert line.desk.package(package).state == "confirmed"
    clock.advance(60)
    paulo = office("paulo")
    paulo_sees = paulo.client.post(f"/inbox/{package.hex()}/sealed", data={"token": paulo.token})
    assert paulo_sees.status_code in (403, 404)
    assert not [f for f in key_findings(line) if f.name == agency_recipient(AGENCY)]
    line.close()
    # On the agency's own machine: the two files, a passphrase, nothing else.
    download, out = tmp_path / "report.sealed", tmp_path / "pictures"
    download.write_bytes(sealed.data)
    words = ("agency", "open", str(download), "--key", str(file), "--out", str(out))
    bare = {"HOTLINE_HOME": "", "HOTLINE_DATABASE_URL": ""}
    result = hotline(*words, typed=WORDS + "\n", env=bare)
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["text"] == "Boca de fumo em Niterói RJ"
    (page,) = out.iterdir()
    assert page.read_bytes() == JPEG
    assert page.name == f"{document['files'][0]['id']}-1.jpg"
    _nothing_else_opens(sealed.data, KeyFile.read(file.read_bytes()))


def _nothing_else_opens(sealed: bytes, kept: KeyFile) -> None:
    seed = kept.seed(WORDS)
    assert unpack(sealed, AGENCY, seed).document["agency"] == AGENCY
    stranger = KeyFile.new(AGENCY, WORDS, 1).seed(WORDS)
    for agency, key in (("semsp-3303302", seed), (AGENCY, stranger), (AGENCY, b"\x02" + seed[1:])):
        with pytest.raises(NotForThisKey):
            unpack(sealed, agency, key)
    raw = json.loads(sealed)
    for name in ("id", "body", "wrap"):
        altered = raw | {name: raw[name][:-8] + ("AAAAAAA=" if raw[name][-1] == "=" else "A" * 8)}
        with pytest.raises((NotForThisKey, NotAPackage)):
            unpack(json.dumps(altered).encode(), AGENCY, seed)
    for rubbish in (b"", b"[]", b"{}", json.dumps(raw | {"version": 2}).encode()):
        with pytest.raises(NotAPackage):
            unpack(rubbish, AGENCY, seed)
    gone = json.dumps(raw | {"files": {}}).encode()
    assert unpack(gone, AGENCY, seed).pages == {}, "a file that was removed is left out"


def test_a_dropped_key_gives_the_packages_back_to_the_line(
    staff_line: StaffLine, clock: MovableClock
) -> None:
    public = KeyFile.new(AGENCY, WORDS, 2).key.public
    held(staff_line, public)
    line = assemble_staff(staff_line.settings, clock)
    name = agency_recipient(AGENCY)
    assert line.directory.key(name, "2026-03").raw == public
    by = agree(line, Deed.DIRECTORY, directory_change(line.settings, f"release:{AGENCY}"))
    release(line.settings, line.access, AGENCY, by)
    line.close()
    line = assemble_staff(staff_line.settings, clock)
    assert line.directory.keys == staff_line.directory.keys
    assert line.directory.serial == staff_line.directory.serial + 2
    line.close()


def test_the_command_wants_the_fingerprint_and_the_right_agency(
    staff_line: StaffLine, tmp_path: Path
) -> None:
    file, told = made(tmp_path)
    settings = staff_line.settings
    env = {
        "HOTLINE_HOME": str(settings.home),
        "HOTLINE_DATABASE_URL": settings.database_url,
        "HOTLINE_PUBLIC_URL": settings.public_url,
        "HOTLINE_TWILIO_AUTH_TOKEN": settings.twilio_auth_token,
        "HOTLINE_TWILIO_ACCOUNT_SID": settings.twilio_account_sid,
    }
    words = ("agency", "add", str(file) + ".pub", "--agency")
    wrong = told[:-1] + str((int(told[-1]) + 1) % 10)
    refused = hotline(*words, AGENCY, "--fingerprint", wrong, "--by", "olga", env=env)
    assert refused.exception.code == "other_fingerprint"
    refused = hotline(*words, "semsp-3303302", "--fingerprint", told, "--by", "olga", env=env)
    assert refused.exception.code == "not_a_key_file"
    typed = Typed.of_demo(settings)
    both = ("--by", "olga", "--and", "otavio")
    alone = hotline(*words, AGENCY, "--fingerprint", told, *both[:2], env=env, typed=typed("olga"))
    assert alone.exception.code == "not_approved"
    said = typed("olga", "otavio")
    result = hotline(*words, AGENCY, "--fingerprint", told, *both, env=env, typed=said)
    assert result.exit_code == 0, (result.output, result.exception)
    listed = hotline("keys", "list", "--json", env=env)
    (row,) = (r for r in json.loads(listed.stdout) if r["recipient"] == agency_recipient(AGENCY))
    assert row["own_key"]
    drop = ("agency", "drop", "--agency", AGENCY, *both)
    result = hotline(*drop, env=env, typed=typed("olga", "otavio"))
    assert result.exit_code == 0, (result.output, result.exception)
    again = hotline(*drop, env=env, typed=typed("olga", "otavio"))
    assert again.exception is not None
