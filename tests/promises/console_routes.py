"""Every route of the console, with what is needed to use it: whoever adds one, adds it here."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pyotp
from sqlalchemy import select
from werkzeug.test import TestResponse

from hotline.assembly import PublicLine, StaffLine
from hotline.delivery.alarming import AlarmCode, raise_alarm
from hotline.delivery.senders import RecordingProvider
from hotline.demo import PASSPHRASE
from hotline.errors import HotlineError
from hotline.intake.attachments import clean
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.tasks import runner
from hotline.log import Log
from hotline.store.alarms import Alarm, Alarms
from hotline.store.tables import AuditRow
from hotline.tips import Channel, Contact, Language, State
from hotline.triage.access import membership
from hotline.triage.approvals import Deed
from hotline.triage.audit import sequence_and_sign
from hotline.triage.invitations import Invitations
from hotline.triage.sampling import draw
from tests import pictures
from tests.conftest import MovableClock
from tests.desk import Hand, Office

CANARY = "berinjela"
TOLD = f"Venda de drogas na praça em Niterói, RJ, por um homem de {CANARY} na mão"
DOUBTFUL = f"{TOLD}. Telefone 21 98765-4321"
CHILD = f"Uma menina de 8 anos apanha de {CANARY} do padrasto em Niterói, RJ"
WORDS = "quatro telhas azuis no mar"

Fields = dict[str, str | list[str]]


@dataclass(slots=True)
class Ground:
    """A line in use: what a route needs is made when it is needed."""

    public: PublicLine
    staff: StaffLine
    clock: MovableClock
    office: Office = field(init=False)
    hands: dict[str, Hand] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.office = Office.of(self.staff)

    def hand(self, name: str) -> Hand:
        if name not in self.hands:
            self.clock.advance(31)  # a code works once
            self.hands[name] = self.office(name)
        return self.hands[name]

    def person(self, name: str) -> bytes:
        return self.staff.access.people.named(name).id

    @property
    def inbox(self) -> str:
        return self.staff.access.people.named("samuel").agency

    def again(self, name: str) -> Fields:
        """Re-authentication: a code works once, so the clock moves on."""
        self.clock.advance(31)
        return {"passphrase": PASSPHRASE, "code": self.office.codes.code(name)}

    def told(self, text: str = TOLD, **more: object) -> str:
        """The id of a new tip."""
        before = self._tips()
        contact = Contact(channel=Channel.WEB, text=text, language=Language.PT)
        receipt = self.public.pipeline.receive(contact, **more)
        (tip,) = self._tips() - before
        if text == DOUBTFUL:
            later = Contact(channel=Channel.WEB, text=f"De novo {CANARY}", language=Language.PT)
            self.public.pipeline.append(receipt.code, later)
        return tip

    def _tips(self) -> set[str]:
        queues = list(self.staff.profile.queues)
        return {row.id.hex() for row in self.staff.tips.queue(queues, list(State), most=10_000)}

    def taken(self, text: str = TOLD, name: str = "paulo", **more: object) -> str:
        tip = self.told(text, **more)
        for held, claim in self.staff.desk.claims(int(self.clock.seconds())).items():
            if claim.person == self.person(name):  # nobody holds more than a few
                self.staff.desk.release(held, claim.person)
        self.hand(name).post(f"/tips/{tip}/take")
        return tip

    def with_file(self) -> tuple[str, str]:
        tip = self.taken(files=[clean(pictures.jpeg())])
        return tip, re.findall(r'name="file" value="([0-9a-f]{32})"', self.hand("paulo").html)[0]

    def with_voice(self) -> tuple[str, str]:
        tip = self.told()
        return tip, self.recorded(tip, "paulo")

    def recorded(self, tip: str, name: str = "gabi") -> str:
        """The id of a recording that came with a tip, which somebody then takes."""
        sid = f"RE{secrets.token_hex(4)}"
        provider = RecordingProvider()
        provider.sounds[sid] = pictures.sound()
        facts = {"sid": sid, "tip": tip, "language": "pt"}
        errand = self.staff.envelope.errand("recording", secrets.token_bytes(16), facts)
        self.staff.outbox.add(errand)
        EmbeddedJobs(runner(self.staff, provider, Log(self.clock, public=False))).drain()
        self.hand(name).post(f"/tips/{tip}/take")
        return re.findall(r'name="recording" value="([0-9a-f]{32})"', self.hand(name).html)[0]

    def package(self, tip: str = "") -> str:
        tip = tip or self.taken()
        before = {row.id for row in self.staff.desk.packages(self.inbox)}
        self.hand("paulo").post(f"/tips/{tip}/forward", other=self.inbox, reason="credible")
        (package,) = {row.id for row in self.staff.desk.packages(self.inbox)} - before
        return package.hex()

    def package_with_file(self) -> tuple[str, str]:
        tip, file = self.with_file()
        self.hand("paulo").post(f"/tips/{tip}/keep-file", file=file)
        return self.package(tip), file

    def invitation(self, name: str, *roles: str, by: str = "olga") -> tuple[str, str]:
        """Code and id."""
        made = Invitations(self.staff.database, self.staff.access, self.clock)
        officer = self.staff.access.people.named(by)
        code = made.invite(officer, name, roles, agency="", language=Language.PT)
        return code, next(one.id.hex() for one in made.running() if one.name == name)

    def joining(self, name: str) -> Fields:
        made = Invitations(self.staff.database, self.staff.access, self.clock)
        joining = made.begin(self.invitation(name, "operator")[0], WORDS, WORDS)
        code = pyotp.TOTP(joining.secret).at(int(self.clock.seconds()))
        return {"ticket": joining.ticket, "code": code}

    def request(self, by: str, approved_by: str = "") -> str:
        """The id of a request to open a special queue to ana."""
        facts = membership(self.staff.access.people.named("ana"), "queue:gbv:BR-RJ")
        approvals, asker = self.staff.approvals, self.person(by)
        asked = approvals.ask(asker, Deed.OPEN_QUEUE, facts, "new_member")
        if approved_by:
            approvals.approve(self.person(approved_by), asked.id)
        return asked.id.hex()

    def errand(self) -> str:
        facts = {"agency": "mprj", "role": "lead"}
        errand = self.staff.envelope.errand("notify", secrets.token_bytes(16), facts)
        self.staff.outbox.add(errand)
        self.staff.outbox.bury(errand.id, "unreachable")
        return errand.id.hex()

    def given_up(self) -> Fields:
        self.errand()
        return {"kind": "notify", "problem": "unreachable"}

    def marks(self) -> dict[bytes, dict[str, str]]:
        """Every audit record, also what has no place yet, by its id."""
        with self.staff.database.read() as connection:
            rows = connection.execute(select(AuditRow.id, AuditRow.record)).all()
        return {row.id: json.loads(row.record) for row in rows}


@dataclass(frozen=True, slots=True)
class Use:
    """One way to use a route: by whom, at which address, with which form. ``there`` is false for
    what this line's profile does not have."""

    name: str
    address: dict[str, str] = field(default_factory=dict)
    form: Fields = field(default_factory=dict)
    there: bool = True


Prepare = Callable[[Ground], Use]


def _page(name: str) -> Prepare:
    return lambda ground: Use(name)


def _on_tip(told: str = TOLD, **form: str) -> Prepare:
    return lambda ground: Use("paulo", {"tip": ground.taken(told)}, dict(form))


def _on_two(ground: Ground) -> Use:
    other = ground.told()
    ground.hand("paulo").get(f"/tips/{other}")  # a tip nobody has opened is compared with none
    return Use("paulo", {"tip": ground.taken()}, {"other": other})


def _on_file(ground: Ground) -> Use:
    tip, file = ground.with_file()
    return Use("paulo", {"tip": tip}, {"file": file, "page": "1"})


def _on_voice(heard: bool = True, **form: str) -> Prepare:
    def prepare(ground: Ground) -> Use:
        tip, voice = ground.with_voice()
        if heard:
            ground.hand("paulo").post(f"/tips/{tip}/listen", recording=voice)
        return Use("paulo", {"tip": tip}, {"recording": voice, **form})

    return prepare


def _forward(ground: Ground) -> Use:
    tip = ground.taken()
    return Use("paulo", {"tip": tip}, {"other": ground.inbox, "reason": "credible"})


def _keep(ground: Ground) -> Use:
    tip = ground.taken(CHILD, "gabi")
    gabi = ground.hand("gabi")
    gabi.post(f"/tips/{tip}/close", reason="not_actionable")
    ground.hand("sofia").post(f"/tips/{tip}/take")
    return Use("sofia", {"tip": tip})


def _reopen(ground: Ground) -> Use:
    tip = ground.taken()
    ground.hand("paulo").post(f"/tips/{tip}/close", reason="hoax")
    ground.hand("paulo").post(f"/tips/{tip}/take")
    return Use("paulo", {"tip": tip})


def _choose(ground: Ground) -> Use:
    tip = ground.taken(f"{TOLD}. Ele também vende fuzil, e um homem armado vigia")
    found = re.findall(r'name="choice" value="([^"]+)"', ground.hand("paulo").html)
    return Use("paulo", {"tip": tip}, {"choice": found[-1]})


def _undo(ground: Ground) -> Use:
    tip = ground.taken()
    ground.hand("paulo").press(f"/tips/{tip}/close", reason="hoax:hoax_prank")
    return Use("paulo")


def _sampled(ground: Ground) -> Use:
    """Of one closed tip, one is drawn."""
    draw(ground.staff)
    tip = ground.taken()
    ground.hand("paulo").post(f"/tips/{tip}/close", reason="hoax:hoax_prank")
    draw(ground.staff)
    return Use("sofia", {"tip": tip})


def _fold(ground: Ground) -> Use:
    tip = ground.taken(DOUBTFUL)
    found = re.findall(r'name="addition" value="([0-9a-f]{32})"', ground.hand("paulo").html)
    return Use("paulo", {"tip": tip}, {"addition": found[0]})


def _picture(ground: Ground) -> Use:
    tip, file = ground.with_file()
    return Use("paulo", {"tip": tip, "file": file, "page": "1"})


def _on_package(**form: str) -> Prepare:
    return lambda ground: Use("samuel", {"package": ground.package()}, dict(form))


def _look_inside(ground: Ground) -> Use:
    package, file = ground.package_with_file()
    return Use("samuel", {"package": package}, {"file": file, "page": "1"})


def _package_picture(ground: Ground) -> Use:
    package, file = ground.package_with_file()
    return Use("samuel", {"package": package, "file": file, "page": "1"})


def _on_person(**form: str) -> Prepare:
    return lambda ground: Use(
        "olga", {"person": ground.person("ana").hex()}, {**form, **ground.again("olga")}
    )


def _invite(ground: Ground) -> Use:
    return Use("olga", {}, {"name": "ruth", "role": "operator", **ground.again("olga")})


def _agree(ground: Ground) -> Use:
    _, identity = ground.invitation("rute", "officer", by="otavio")
    return Use("olga", {"invitation": identity}, ground.again("olga"))


def _withdraw(ground: Ground) -> Use:
    return Use("olga", {"invitation": ground.invitation("rosa", "operator")[1]})


def _join(ground: Ground) -> Use:
    code = ground.invitation("raul", "operator")[0]
    return Use("nobody", {}, {"code": code, "passphrase": WORDS, "again": WORDS})


def _sign_in(ground: Ground) -> Use:
    return Use("nobody", {}, {"name": "ana", **ground.again("ana")})


def _end_session(ground: Ground) -> Use:
    ground.clock.advance(31)
    ground.office("ana")
    mine = ground.staff.access.people.sessions(ground.person("ana"))
    ground.clock.advance(31)
    ground.hands["ana"] = ground.office("ana")
    return Use("ana", {}, {"session": mine[0].id.hex()})


def _new_passphrase(ground: Ground) -> Use:
    # The same again: whoever comes later still gets in.
    return Use("ana", {}, {"new": PASSPHRASE, "again": PASSPHRASE, **ground.again("ana")})


def _on_request(by: str, approved_by: str = "") -> Prepare:
    return lambda ground: Use(
        "olga", {"asked": ground.request(by, approved_by)}, ground.again("olga")
    )


def _give(ground: Ground) -> Use:
    gift = {"recipient": "queue:general:BR-RJ", "reason": "new_member"}
    person = ground.person("ana").hex()
    return Use("olga", {}, {"person": person, **gift, **ground.again("olga")})


def _in_bulk(ground: Ground) -> Use:
    chosen = f"{ground.told()}.1"
    me = ground.person("paulo").hex()
    return Use("paulo", {}, {"tip": chosen, "go": "assign", "person": me})


def _end_handover(ground: Ground) -> Use:
    ground.hand("paulo").post("/handover", queue="general:BR-RJ", text="Três.")
    note = re.findall(r"/handover/([0-9a-f]{32})/end", ground.hand("paulo").html)[0]
    return Use("paulo", {"note": note})


def _hold(ground: Ground) -> Use:
    tip = ground.taken(name="sofia")
    form = {"reason": "complaint", **ground.again("sofia")}
    return Use("sofia", {"tip": tip, "deed": "hold"}, form)


def _line_alarm(ground: Ground) -> Use:
    raise_alarm(ground.staff, AlarmCode.CLOCK_JUMP)
    return Use("olga", {"code": "clock_jump"})


def _alarm(ground: Ground) -> Use:
    alarm = Alarm(secrets.token_bytes(16), "spree", ground.person("paulo"), "2026-03-10", bytes(16))
    Alarms(ground.staff.database).ring(alarm, [])
    return Use("olga", {"alarm": alarm.id.hex()}, {"reason": "busy_day"})


def _relay(ground: Ground) -> Use:
    ground.told("Socorro, vão matar o vizinho agora em Niterói, RJ")
    (errand,) = ground.staff.outbox.pending("relay")[:1]
    return Use("paulo", {"relay": errand.id.hex()})


def _record(ground: Ground) -> Use:
    sequence_and_sign(ground.staff)
    return Use("olga", {"record": next(ground.staff.audit.rows()).id.hex()})


def _export(ground: Ground) -> Use:
    sequence_and_sign(ground.staff)
    return Use("olga")


ROUTES: dict[str, Prepare] = {
    "alarms": _page("olga"),
    "acknowledge_alarm": _alarm,
    "relay": _page("paulo"),
    "acknowledge_relay": _relay,
    "acknowledge_line_alarm": _line_alarm,
    "set_hours": lambda ground: Use("olga", {"person": ground.person("ana").hex()}),
    "plant_page": _page("sofia"),
    "plant": lambda ground: Use(
        "sofia",
        {},
        # Without the canary: whoever is refused sees their own words again.
        {"text": "Vendem droga no bar em Niterói, RJ.", "spoken": "pt", "channel": "web"},
    ),
    "audit": _page("olga"),
    "export_audit": _export,
    "audit_proof": _record,
    "readers": lambda ground: Use("sofia", {"tip": ground.told()}),
    "sign_in_page": _page("nobody"),
    "sign_in": _sign_in,
    "join_page": _page("nobody"),
    "join": _join,
    "first_code": lambda ground: Use("nobody", {}, ground.joining("rene")),
    "settings": lambda ground: Use("ana", {}, {"language": "pt"}),
    "home": _page("paulo"),
    "nothing": _page("ana"),
    "sessions": _page("ana"),
    "end_session": _end_session,
    "end_others": _page("ana"),
    "passphrase_page": _page("ana"),
    "passphrase": _new_passphrase,
    "desk": _page("paulo"),
    "limits_page": _page("paulo"),
    "set_limits": lambda ground: Use("paulo", {}, {"gbv": "3"}),
    "take_break": lambda ground: Use("paulo", {}, {"minutes": "0"}),
    "go_on": _page("paulo"),
    "next_tip": lambda ground: Use("paulo", {}, {"x": ground.told()}),
    "tips": _page("paulo"),
    "board_page": _page("sofia"),
    "set_holds": lambda ground: Use(
        "sofia", {}, {"person": ground.person("paulo").hex(), "count": "5"}
    ),
    "views_set": lambda ground: Use("paulo", {}, {"view": "priority=P3"}),
    "tips_bulk": _in_bulk,
    "hand_over": lambda ground: Use("paulo", {}, {"queue": "general:BR-RJ", "text": "Duas."}),
    "end_handover": _end_handover,
    "again": _on_tip(typed="Nota"),
    "tip_page": _on_tip(),
    "reveal": _on_tip(DOUBTFUL),
    "take": _on_tip(),
    "heartbeat": _on_tip(),
    "release": _on_tip(),
    "forward": _forward,
    "close": _on_tip(reason="hoax"),
    "keep": _keep,
    "reopen": _reopen,
    "ask": _on_tip(prepared="", text="Onde?"),
    "reply": _on_tip(prepared="thanks", text=""),
    "language": _on_tip(),
    "note": _on_tip(text="Nota"),
    "beside": _on_two,
    "link": _on_two,
    "unlink": _on_two,
    "apart": _on_two,
    "reroute": _on_tip(queue="gbv:BR-RJ", reason="training"),
    "doubts": _on_tip(DOUBTFUL, **{"doubt-1": "remove"}),
    "correct": _on_tip(type="GBV-01", place="Niterói, RJ"),
    "victim": _on_tip(victim_sex="several", victim_age="adolescent"),
    "choose": _choose,
    "check": _on_tip(check="place-clear"),
    "undo": _undo,
    "samples": _page("sofia"),
    "draw_samples": _page("sofia"),
    "agree_sample": _sampled,
    "disagree_sample": _sampled,
    "fold": _fold,
    "type": _on_voice(text="Vendem na praça"),
    "destroy": _on_voice(reason="silent"),
    "listen": _on_voice(heard=False),
    "keep-file": _on_file,
    "remove-file": _on_file,
    "look": _on_file,
    "picture": _picture,
    "calls": lambda ground: Use("paulo", there=False),
    "duty_code": lambda ground: Use("paulo", there=False),
    "new_call": _page("paulo"),
    "call": lambda ground: Use("paulo", {}, {"what": TOLD, "spoken": "pt", "go": "more"}),
    "call_marks": lambda ground: Use("paulo", {}, {"what": TOLD, "spoken": "pt"}),
    "restart_call": _page("paulo"),
    "inbox": _page("samuel"),
    "transfer_to": _on_package(),
    "transfer": _on_package(agency="mprj"),
    "overdue": _page("sofia"),
    "score": _page("olga"),
    "package": _on_package(),
    "print-package": _on_package(),
    "look-inside": _look_inside,
    "package_picture": _package_picture,
    "confirm": _on_package(),
    "outcome": _on_package(outcome="arrest"),
    "officers": _page("olga"),
    "retry": lambda ground: Use("olga", {"errand": ground.errand()}),
    "errands": _page("sofia"),
    "retry_errands": lambda ground: Use("sofia", {}, ground.given_up()),
    "certificates": _page("tito"),
    "certify": _on_person(kind="gbv", until="2027-01-01"),
    "end_sessions": _on_person(),
    "invite": _invite,
    "agree": _agree,
    "withdraw_invite": _withdraw,
    "requests": _page("olga"),
    "approve_request": _on_request("otavio"),
    "carry_request": _on_request("olga", "otavio"),
    "refuse_request": _on_request("otavio"),
    "withdraw_request": _on_request("olga"),
    "give_queue": _give,
    "request_deed": _hold,
    # Only for an agency that holds its own key.
    "download-sealed": lambda ground: Use("samuel", {"package": ground.package()}, there=False),
    "sign_out": _page("ines"),
}


def address_of(ground: Ground, endpoint: str, use: Use) -> tuple[str, bool]:
    """The path, and whether it is posted to."""
    (rule,) = ground.office.app.url_map.iter_rules(f"console.{endpoint}")
    return rule.build(dict(use.address))[1], "POST" in rule.methods


def send(ground: Ground, endpoint: str, use: Use, hand: Hand | None = None) -> TestResponse:
    """Uses a route without following where it leads; ``hand``: somebody else than who may."""
    if hand is None:
        hand = (
            Hand(ground.office.app.test_client()) if use.name == "nobody" else ground.hand(use.name)
        )
    path, posting = address_of(ground, endpoint, use)
    if not posting:
        return hand.client.get(path)
    version = hand.version
    with suppress(HotlineError, KeyError):
        version = ground.hand(use.name).version if use.name != "nobody" else ""
    return hand.client.post(path, data={"token": hand.token, "version": version, **use.form})
