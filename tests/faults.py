"""Faults: a line with many agencies' webhooks and keys, and a worker of it by a clock that can be
put forward. ``python -m tests.faults`` is that worker; ``scripts/faults.py`` uses it."""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from hotline.assembly import StaffLine, assemble_staff
from hotline.clock import Clock
from hotline.delivery.senders import RecordingProvider
from hotline.founding import activate
from hotline.jobs import rq
from hotline.jobs.embedded import EmbeddedJobs
from hotline.jobs.places import RedisPlaces
from hotline.jobs.tasks import runner
from hotline.keyring import directory_change, held_change, hold
from hotline.log import Log, quiet
from hotline.routing.profile import Profile
from hotline.routing.versions import Versions, copied
from hotline.settings import Settings
from hotline.triage.approvals import Deed
from hotline.vault.held import signing_seed
from hotline.vault.keys import new_seed
from hotline.vault.line import line_signer
from hotline.vault.private import public_bytes
from hotline.vault.signatures import public_half
from tests.fast_clock import shared
from tests.fleet import address
from tests.line import settings_for
from tests.receivers import set_up
from tests.services import free_port
from tests.terminal import agree

CANARIES = ("Canario7Q", "Acácias")
AT_ONCE = 4  # packages under way to one agency


@dataclass(frozen=True, slots=True)
class Told:
    """What every process of the run is told."""

    home: str
    database: str
    redis: str | None
    clock: str

    @property
    def settings(self) -> Settings:
        return settings_for(Path(self.home), self.database, self.redis)


@dataclass(frozen=True, slots=True)
class Agencies:
    """Ids in the order in which packages go round; ``seeds`` open what each was sent. One is
    ``dead``, one the ``forger``."""

    seeds: dict[str, bytes]
    home: Path
    port: int

    @property
    def names(self) -> list[str]:
        return list(self.seeds)

    @property
    def dead(self) -> str:
        return self.names[0]

    @property
    def forger(self) -> str:
        return self.names[1]

    @property
    def bad(self) -> tuple[str, str]:
        return self.dead, self.forger


def enter(settings: Settings, clock: Clock, home: Path, count: int) -> Agencies:
    """``count`` agencies of the line's profile get webhooks, by rules in force, and keys of their
    own, by the signed list: each as two officers agree on it. Their receivers stand in ``home``."""
    line = assemble_staff(settings, clock)
    try:
        rules = (_rules(line) / "agencies.toml").read_text(encoding="utf-8")
        written = [name for name in line.profile.inboxes() if f'\nid = "{name}"\n' in rules]
        names = written[:count]
        assert len(names) == count, "the profile names too few bodies"
        found = Agencies({name: new_seed(1) for name in names}, home, free_port())
        _give_keys(line, found)
        nowhere = free_port()
        ports = {name: nowhere if name == found.dead else found.port for name in names}
        _give_webhooks(line, {name: address(port, name) for name, port in ports.items()})
    finally:
        line.close()
    home.mkdir(exist_ok=True)
    verifies = public_half(line_signer(settings.staff))
    for name, seed in found.seeds.items():
        set_up(home / name, name, signing_seed(seed), verifies)
    hidden = [word.encode().hex() for word in CANARIES]  # files are searched for them
    policy = {"forger": found.forger, "canaries": hidden}
    (home / "policy.json").write_text(json.dumps(policy))
    (home / "books").touch()
    return found


def _rules(line: StaffLine) -> Path:
    """Of this line's home: a profile already read may have been read from another's."""
    return Versions(line.settings.rules).active()[1]


def _give_keys(line: StaffLine, agencies: Agencies) -> None:
    for name, seed in agencies.seeds.items():
        public, signs = public_bytes(seed), public_half(signing_seed(seed))
        change = directory_change(line.settings, held_change(name, public, signs))
        by = agree(line, Deed.DIRECTORY, change)
        hold(line.settings, line.access, name, public, by, signs)


def _give_webhooks(line: StaffLine, urls: dict[str, str]) -> None:
    versions = Versions(line.settings.rules)
    with copied(_rules(line)) as folder:
        file = folder / "agencies.toml"
        text = file.read_text(encoding="utf-8")
        for name, url in urls.items():
            way = f'delivery = "webhook"\nwebhook = "{url}"\nat_once = {AT_ONCE}\n'
            text = text.replace(f'\nid = "{name}"\n', f'\nid = "{name}"\n{way}', 1)
        file.write_text(text, encoding="utf-8")
        agree(line, Deed.RULES, {"digest": Profile.load(folder).digest})
        olga, seen = line.access.people.named("olga"), len(versions.history())
        assert olga is not None
        why = "Fifty webhooks."
        activate(line.settings, line.audit, folder, [olga], why, line.clock, seen, line.approvals)


def worker() -> None:
    """A worker process, which is told everything on its standard input."""
    told = Told(**json.loads(sys.stdin.readline()))
    settings, clock = told.settings, shared(Path(told.clock))
    line = assemble_staff(settings, clock)
    places = None
    if settings.redis_url:
        places = RedisPlaces(rq.connect(settings.redis_url), line.audit_key)
    does = runner(line, RecordingProvider(), Log(clock, public=False), places=places)
    if settings.redis_url:
        rq._runner = lambda: does  # type: ignore[assignment]  # the product's, by another clock
        rq.work(settings.redis_url)
        return
    EmbeddedJobs(does).start()
    threading.Event().wait()


if __name__ == "__main__":
    quiet()
    worker()
