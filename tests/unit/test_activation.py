"""Activation: the line decides by what was put in force, and what it decided can be recomputed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hotline import assembly, founding
from hotline.assembly import PublicLine, StaffLine, adopt, assemble_public, assemble_staff
from hotline.cli import root
from hotline.clock import Clock
from hotline.delivery.senders import RecordingProvider
from hotline.founding import activate
from hotline.jobs.tasks import runner
from hotline.log import Log
from hotline.routing import activations
from hotline.routing.activations import AlteredVersion, NoActiveRules
from hotline.routing.profile import Profile, find
from hotline.routing.route import Router
from hotline.routing.versions import HISTORY, Versions, copied
from hotline.settings import NAMES, Settings
from hotline.tips import Channel, Contact, Language, Question, State
from hotline.triage.access import SignedIn
from hotline.triage.approvals import Deed, NotApproved
from hotline.triage.corrections import correct
from hotline.triage.opening import Opened, open_tip
from tests.line import SignIn
from tests.terminal import Typed, agree

DRUGS = "Vendem drogas na praça em Niterói, RJ, toda noite"
GENERAL = 'then = { queue = "general" }'
QUICKER = 'then = { queue = "general", deadline = 77 }'
Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A profile of the line's own, as it is active."""
    return Path(shutil.copytree(find("br-rj"), tmp_path / "profile"))


@pytest.fixture
def run(settings: Settings, folder: Path) -> Run:
    """The command line over the home, with HOTLINE_JURISDICTION naming ``folder``."""
    clean: dict[str, str | None] = dict.fromkeys([*NAMES, *(n + "_FILE" for n in NAMES)])
    environ = clean | {
        "HOTLINE_HOME": str(settings.home),
        "HOTLINE_DATABASE_URL": settings.database_url,
        "HOTLINE_JURISDICTION": str(folder),
    }

    def command(*args: str, said: str = "") -> Result:
        return CliRunner(env=environ).invoke(root, list(args), input=said)

    return command


@pytest.fixture
def two(run: Run, settings: Settings) -> Run:
    """The command line with both officers at the terminal."""
    typed = Typed.of_demo(settings)

    def command(*args: str) -> Result:
        said = typed("olga", "otavio")
        return run(*args, "--by", "Olga", "--and", "otavio", said=said)

    return command


def edit(folder: Path, old: str = GENERAL, new: str = QUICKER, file: str = "rules.toml") -> Path:
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder


def put(line: StaffLine, source: Path) -> str:
    """In force from the next start on."""
    with copied(source) as rules:
        agree(line, Deed.RULES, {"digest": Profile.load(rules).digest})
        return activate(
            line.settings,
            line.audit,
            rules,
            [line.access.people.named("olga")],
            "For this test.",
            line.clock,
            len(Versions(line.settings.rules).history()),
            line.approvals,
        ).version


def only_tip(line: StaffLine, who: SignedIn) -> Opened:
    (row,) = line.tips.queue(list(line.profile.queues), list(State))
    return open_tip(line, who, row.id)


def tell(line: PublicLine) -> None:
    line.pipeline.receive(Contact(channel=Channel.WEB, text=DRUGS, language=Language.PT))


def recompute(settings: Settings, opened: Opened) -> object:
    """What the version that a decision names decides, on the day of the tip."""
    version = Versions(settings.rules).folder(opened.content.decision.version)
    profile, places, types, _ = assembly.rooms(version)
    noon = datetime.combine(date.fromisoformat(opened.content.day), time(12), profile.zone)
    router = Router.load(profile, types, places, Clock(profile.zone, noon.timestamp))
    return router.decide(opened.content.classified)


def test_a_stored_decision_is_recomputed_exactly_after_an_activation(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn, folder: Path
) -> None:
    tell(public_line)
    newer = put(staff_line, edit(folder))
    tell(public_line)  # what runs keeps its version
    assert public_line.profile.version != newer
    restarted = assemble_public(public_line.settings, public_line.clock, pool=0)
    tell(restarted)
    rows = staff_line.tips.queue(list(staff_line.profile.queues), list(State))
    who = sign_in("olga")
    opened = [open_tip(staff_line, who, row.id) for row in rows]
    decided = sorted((one.content.decision for one in opened), key=lambda d: d.deadline)
    assert [(d.version == newer, d.deadline) for d in decided] == [
        (True, 77),
        (False, 1440),
        (False, 1440),
    ]
    for one in opened:
        assert recompute(staff_line.settings, one) == one.content.decision
        now = restarted.router.decide(one.content.classified)
        assert (now.deadline, now.version) == (77, newer)
    restarted.close()


def test_a_worker_with_newer_rules_moves_a_tip_where_intake_decided(
    public_line: PublicLine, staff_line: StaffLine, sign_in: SignIn, folder: Path
) -> None:
    """The move is intake's, and so is the version in the tip; a correction is the desk's."""
    pipeline, older = public_line.pipeline, public_line.profile.version
    _, thread = pipeline.open(Contact(channel=Channel.SMS, text="Oi", language=Language.PT))
    assert thread is not None
    more = Contact(channel=Channel.SMS, answers={Question.WHAT: DRUGS}, language=Language.PT)
    pipeline.conclude(pipeline.add(thread, more))
    newer = put(staff_line, edit(folder))
    desk = assemble_staff(staff_line.settings, staff_line.clock)
    assert desk.profile.version == newer
    work = runner(desk, RecordingProvider(), Log(desk.clock, public=False))
    for _ in range(3):
        for identity in work.ready():
            work.run(identity)
    who = sign_in("olga")
    opened = only_tip(desk, who)
    assert (opened.row.queue, opened.row.state) == ("general:BR-RJ", State.WAITING)
    assert (opened.content.decision.version, opened.content.decision.deadline) == (older, 1440)
    assert recompute(desk.settings, opened) == opened.content.decision
    correct(desk, who, opened, types=[opened.content.classified.primary], place="")
    corrected = only_tip(desk, who).content.decision
    assert (corrected.version, corrected.deadline) == (newer, 77)
    desk.close()


def test_processes_of_one_start_share_a_version_whatever_is_activated_meanwhile(
    settings: Settings, staff_line: StaffLine, folder: Path
) -> None:
    """A public worker that is replaced hours later finds the version its start chose."""
    chosen = adopt(settings)
    newer = put(staff_line, edit(folder))
    late = assemble_public(replace(settings, rules_version=chosen), staff_line.clock, pool=0)
    assert late.profile.version == chosen != newer
    late.close()
    assert adopt(replace(settings, rules_version=chosen)) == chosen
    assert adopt(settings) == newer


def test_a_home_from_before_keeps_at_its_start_what_it_ran_with(
    settings: Settings, folder: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(settings.rules)
    settings = replace(settings, jurisdiction=str(edit(folder)))
    for assemble in (assemble_staff, assemble_public):
        with pytest.raises(NoActiveRules):
            assemble(settings, clock)
    assert not settings.rules.exists(), (
        "only a start keeps something; a command that reads does not"
    )
    version = adopt(settings, clock)
    (said,) = map(json.loads, capsys.readouterr().err.splitlines())
    assert said == {"at": "2026-03-10T12:00Z", "event": "rules_adopted", "code": version}
    line = assemble_staff(settings, clock)
    assert line.profile.version == version
    assert line.audit.count("rules_activated") == 2
    (one,) = Versions(settings.rules).history()
    assert (one.by, one.why) == ((), assembly.ADOPTED)
    edit(folder, QUICKER, GENERAL)
    assert adopt(settings, clock) == version
    assert capsys.readouterr().err == ""
    line.close()


def test_a_line_does_not_start_with_an_altered_version(settings: Settings, clock: Clock) -> None:
    folder = Versions(settings.rules).active()[1]
    (folder / "queues.toml").chmod(0o600)
    (folder / "queues.toml").write_text((folder / "queues.toml").read_text() + "\n")
    for start in (adopt, assemble_public, assemble_staff):
        with pytest.raises(AlteredVersion):
            start(settings, clock)


def test_rules_are_activated_listed_and_left_again(
    run: Run, two: Run, settings: Settings, folder: Path, staff_line: StaffLine
) -> None:
    first = adopt(settings)
    same = run("rules", "activate", "--why", "Nothing new.", "--by", "olga")
    assert same.exit_code == 0, same.output
    assert "active already" in same.output
    edit(folder)
    told = json.loads(run("doctor", "--json").output)
    (edited,) = (row for row in told if row["check"] == "rules profile")
    assert not edited["sound"]
    assert "edited but not activated" in edited["detail"]
    assert "hotline rules activate" in edited["detail"]
    step = ("rules", "activate", "--why", "Drugs  within\n77 minutes.")
    asked = two(*step)
    assert (asked.exit_code, asked.exception.code) == (1, "bad_input")
    assert adopt(settings) == first
    done = two(*step, "--yes")
    assert done.exit_code == 0, done.output
    assert "differences, the first 20 shown" in done.output
    assert done.output.count("  after   ") == 20
    assert "77 min" in done.output
    assert "Files that differ: rules.toml." in done.output
    assert "until it is restarted" in done.output or "restart" in done.output
    second = adopt(settings)
    rows = {row["version"]: row for row in json.loads(run("rules", "versions", "--json").output)}
    assert [rows[v]["active"] for v in (first, second)] == [False, True]
    assert rows[second]["activations"][0]["why"] == "Drugs within 77 minutes."
    assert rows[second]["activations"][0]["by"] == ["olga", "otavio"]
    assert rows[second]["activations"][0]["at"].endswith(":00Z")

    asked = json.dumps({"crime_types": ["ORG-01"], "place": "Niterói RJ"})
    explained = [
        json.loads(run("route", "explain", *more, said=asked).output)["deadline"]
        for more in ((), ("--version", first), ("--version", second, "--day", "2026-03-10"))
    ]
    assert explained == [77, 1440, 77]

    back = two("rules", "activate", "--version", first, "--why", "B.", "--yes")
    assert back.exit_code == 0, back.output
    assert adopt(settings) == first
    listed = run("rules", "versions").output
    assert listed.count("* ") == 1
    assert f"* {first}  br-rj\n" in listed
    told = {row["check"]: row for row in json.loads(run("doctor", "--json").output)}
    assert told["rules profile"]["sound"], "leaving a version is a decision, not an oversight"
    assert f"version {first} (br-rj) for 0 days, by olga, otavio: B." in told["rules"]["detail"]
    records = run("audit", "verify", "--json")
    assert json.loads(records.output)["sound"]
    assert staff_line.audit.count("rules_activated") == 3
    assert "77 minutes" not in "".join(staff_line.audit.records()), "ids and digests only"


def test_what_is_unsound_unsigned_or_unexplained_is_refused(
    run: Run, settings: Settings, folder: Path, tmp_path: Path
) -> None:
    before = (settings.rules / HISTORY).read_bytes()
    kept = Versions(settings.rules).kept()

    def refused(*more: str) -> str:
        done = run("rules", "activate", "--yes", *more)
        assert done.exit_code == 1, done.output
        return str(done.exception.code)

    signed = ("--why", "Because.", "--by", "olga")
    assert refused("--why", "Because.", "--by", "nobody") == "bad_input"
    assert refused("--why", "Because.", "--by", "paulo") == "bad_input"  # no officer
    assert refused("--why", "  ", "--by", "olga") == "bad_input"
    assert refused("--why", "long" * 100, "--by", "olga") == "bad_input"
    assert refused("br", "--version", "0" * 12, *signed) == "bad_input"
    assert refused("--version", "0" * 12, *signed) == "unknown_version"
    edit(folder, 'lead = ["mprj"]', 'lead = ["nobody-at-all"]')
    done = run("rules", "activate", "--yes", *signed)
    assert done.exception.code == "rule_file"
    assert "nobody-at-all" in done.exception.message
    assert run("rules", "activate").exit_code == 2
    assert (settings.rules / HISTORY).read_bytes() == before
    assert Versions(settings.rules).kept() == kept
    empty = dict.fromkeys(NAMES) | {"HOTLINE_HOME": str(tmp_path / "empty")}
    nothing = CliRunner(env=empty).invoke(root, ["rules", "activate", *signed])
    assert nothing.exception.code == "bad_input"
    assert not (tmp_path / "empty").exists()


def test_a_queue_in_which_tips_wait_cannot_be_dropped(
    run: Run, public_line: PublicLine, settings: Settings
) -> None:
    tell(public_line)
    done = run("rules", "activate", "br", "--why", "Nationwide.", "--by", "olga", "--yes")
    assert done.exception.code == "tips_wait"
    assert "general:BR-RJ" in done.exception.message
    assert adopt(settings) == public_line.profile.version


def test_new_queues_need_keys_before_the_restart_and_the_command_says_so(
    two: Run, folder: Path
) -> None:
    queue = '\n[[queue]]\nid = "general:BR"\nagency = "{}"\nstaffed = true\n'
    agency = (folder / "queues.toml").read_text().split('agency = "')[1].split('"')[0]
    with (folder / "queues.toml").open("a") as file:
        file.write(queue.format(agency))
    done = two("rules", "activate", "--why", "A national desk.", "--yes")
    assert done.exit_code == 0, done.output
    assert "Nobody can open yet what goes to: queue:general:BR." in done.output
    assert "hotline keys new" in done.output
    assert "0 differences" in done.output
    assert "Files that differ: queues.toml." in done.output


def test_an_altered_version_is_repaired_from_its_profile(
    run: Run, two: Run, settings: Settings
) -> None:
    folder = Versions(settings.rules).active()[1]
    (folder / "rules.toml").unlink()
    findings = {row["check"]: row for row in json.loads(run("doctor", "--json").output)}
    assert folder.name in findings["rules"]["detail"]
    assert not findings["rules"]["sound"]
    assert not json.loads(run("rules", "versions", "--json").output)[0]["sound"]
    done = two("rules", "activate", "--why", "Restored.", "--yes")
    assert done.exit_code == 0, done.output
    assert "nothing to compare with" in done.output
    assert adopt(settings) == folder.name


def test_other_tables_than_those_of_the_activation_are_told_and_recorded(
    run: Run, two: Run, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new release of the program brings other terms: the same version decides otherwise."""
    newer = activations.tables() | {"terms": "0" * 12}
    monkeypatch.setattr(activations, "tables", lambda: newer)
    findings = {row["check"]: row for row in json.loads(run("doctor", "--json").output)}
    assert not findings["rules tables"]["sound"]
    assert "terms" in findings["rules tables"]["detail"]
    assert "with other tables (hotline 0.1.0): terms" in run("rules", "versions").output
    done = two("rules", "activate", "--why", "Release.", "--yes")
    assert done.exit_code == 0, done.output
    assert "The program's own tables changed since that was activated: terms." in done.output
    assert "with other tables" not in run("rules", "versions").output
    assert len(Versions(settings.rules).history()) == 2


def test_an_audit_record_comes_first(
    staff_line: StaffLine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a record nothing is put in force, and the approval is not used up."""

    def full(*_: object, **__: object) -> None:
        raise RuntimeError

    before = adopt(staff_line.settings)
    monkeypatch.setattr(founding, "note", full)
    with pytest.raises(RuntimeError):
        put(staff_line, edit(folder))
    assert adopt(staff_line.settings) == before
    (waiting,) = staff_line.approvals.open()
    assert waiting.state == "approved"


def test_after_the_founding_nobody_changes_the_rules_alone(
    staff_line: StaffLine, folder: Path
) -> None:
    before, olga = adopt(staff_line.settings), staff_line.access.people.named("olga")
    facts = {"digest": Profile.load(edit(folder)).digest}
    staff_line.approvals.ask(olga.id, Deed.RULES, facts, "rules_changed")
    line = staff_line
    for approvals in (None, line.approvals):
        with copied(folder) as rules, pytest.raises(NotApproved):
            activate(line.settings, line.audit, rules, [olga], "x", line.clock, 1, approvals)
    assert adopt(line.settings) == before


def test_rules_asked_for_are_put_in_force_when_a_second_approved(
    run: Run, settings: Settings, folder: Path, staff_line: StaffLine
) -> None:
    first, typed = adopt(settings), Typed.of_demo(settings)
    edit(folder)
    step = ("rules", "activate", "--why", "Quicker.", "--by", "olga", "--yes")
    asked = run(*step, "--request", said=typed("olga"))
    assert asked.exit_code == 0, asked.output
    (waiting,) = staff_line.approvals.open()
    assert waiting.facts["digest"].startswith(asked.output.split("Version ")[-1].split()[0])
    assert run(*step, said=typed("olga")).exception.code == "not_approved"
    assert adopt(settings) == first
    otavio = staff_line.access.people.named("otavio")
    staff_line.approvals.approve(otavio.id, waiting.id)
    edit(folder, QUICKER, QUICKER.replace("77", "78"))
    other = run(*step, said=typed("olga"))
    assert other.exception.code == "not_approved", "what was approved is not what is there now"
    edit(folder, QUICKER.replace("77", "78"), QUICKER)
    done = run(*step, said=typed("olga"))
    assert done.exit_code == 0, done.output
    assert Versions(settings.rules).history()[-1].by == ("olga", "otavio")
