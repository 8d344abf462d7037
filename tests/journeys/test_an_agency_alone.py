"""An agency alone: a folder and a virtual environment of its own, the built package in it, nothing
of the line, and every command as docs/agencies.md has it."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import threading
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from hotline.assembly import StaffLine, assemble_public, assemble_staff
from hotline.intake.thread import Receipt
from hotline.keyring import directory_change, held_change, hold
from hotline.settings import NAMES, Settings
from hotline.tips import Channel, Contact
from hotline.triage.approvals import Deed
from hotline.vault.held import Halves, line_file
from hotline.vault.line import line_signer
from hotline.vault.signatures import public_half
from hotline.web import apps
from tests.conftest import MovableClock
from tests.desk import Office
from tests.terminal import agree

ROOT = Path(__file__).resolve().parents[2]
AGENCY = "semsp-3304904"
WORDS = "only for the agency itself"
TOLD = "Venda de drogas na praça em São Gonçalo, RJ, toda noite <script>alert(1)</script>"
# The machine's clock is the line's: this is all the test says to the agency's programs.
RUN = """
import os, sys
from hotline import clock
clock.Clock.seconds = lambda self: float(os.environ["NOW"])
from hotline.cli import main
sys.argv[0] = "hotline"
main()
"""


def blocks() -> dict[str, list[str]]:
    """The commands of the guide, by their subcommand."""
    text = (ROOT / "docs" / "agencies.md").read_text()
    lines = [
        shlex.split(line)
        for block in re.findall(r"```sh\n(.*?)```", text, flags=re.S)
        for line in block.strip().splitlines()
    ]
    assert all(words[:2] == ["hotline", "agency"] for words in lines)
    return {words[2]: words for words in lines}


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the agency has Python and the wheel: this checkout is not on its path."""
    folder = tmp_path_factory.mktemp("machine")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # What the wheel needs; a path that is added so brings no editable package with it.
    needed = next(path for path in sys.path if path.endswith("site-packages"))
    (site / "needed.pth").write_text(needed + "\n")
    (folder / "run.py").write_text(RUN)
    return folder


@dataclass(slots=True)
class Agency:
    """What happens on the agency's machine."""

    machine: Path
    folder: Path
    clock: MovableClock
    replaced: dict[str, str]

    def run(self, words: list[str], ok: bool = True) -> subprocess.CompletedProcess[str]:
        for old, new in self.replaced.items():
            words = [word.replace(old, new) for word in words]
        # Nothing of the line's in its environment, and nothing at home.
        kept = ("PATH", "LANG", "TMPDIR")
        env = {name: os.environ[name] for name in kept if name in os.environ}
        assert not env.keys() & NAMES
        python = str(self.machine / "venv" / "bin" / "python")
        done = subprocess.run(
            [python, str(self.machine / "run.py"), *words[1:]],
            cwd=self.folder,
            env=env | {"HOME": str(self.folder / "home"), "NOW": str(self.clock.seconds())},
            input=WORDS + "\n",
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode == 0) is ok, done.stderr + done.stdout
        assert "Traceback" not in done.stderr
        return done


@pytest.fixture
def agency(machine: Path, tmp_path: Path, clock: MovableClock) -> Agency:
    folder = tmp_path / "agency"
    (folder / "home").mkdir(parents=True)
    return Agency(machine, folder, clock, {})


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        pass


@dataclass(slots=True)
class Served:
    line: StaffLine
    address: str


@pytest.fixture
def served(settings: Settings, clock: MovableClock, agency: Agency) -> Iterator[Served]:
    """The console, served on loopback, of a line that has added the agency's key."""
    agency.run(blocks()["keygen"])
    given = Halves.read((agency.folder / "agency.key.pub").read_bytes())
    line = assemble_staff(settings, clock)
    change = held_change(AGENCY, given.public, given.signs)
    by = agree(line, Deed.DIRECTORY, directory_change(settings, change))
    hold(settings, line.access, AGENCY, given.public, by, given.signs)
    line.close()
    public = public_half(line_signer(settings.staff))
    (agency.folder / "line.key.pub").write_bytes(line_file(public))
    line = assemble_staff(settings, clock)
    server = make_server("127.0.0.1", 0, apps.console_app(line), request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    agency.replaced["https://console.example"] = address
    yield Served(line, address)
    server.shutdown()
    thread.join()
    server.server_close()
    line.close()


def forwarded(served: Served, settings: Settings, clock: MovableClock) -> Receipt:
    public = assemble_public(settings, clock, pool=0)
    receipt = public.pipeline.receive(Contact(channel=Channel.WEB, text=TOLD))
    public.close()
    hand = Office.of(served.line)("paulo")
    tip = hand.next()
    assert hand.post(f"/tips/{tip}/forward", other=AGENCY, reason="credible").status_code == 200
    return receipt


def status(settings: Settings, clock: MovableClock, receipt: Receipt) -> str:
    """As the reporter reads it."""
    public = assemble_public(settings, clock, pool=0)
    found = public.pipeline.follow_up(receipt.code)
    public.close()
    assert found is not None
    return str(found.status)


def test_by_the_guide_alone_from_a_key_to_the_reporters_status(
    served: Served, agency: Agency, settings: Settings, clock: MovableClock
) -> None:
    said, desk = blocks(), served.line.desk
    assert "Nothing waits." in agency.run(said["fetch"]).stdout
    receipt = forwarded(served, settings, clock)
    (package,) = desk.packages(AGENCY)
    agency.replaced["0123456789abcdef0123456789abcdef"] = package.id.hex()
    listed = agency.run(said["fetch"]).stdout
    assert f"packages/{package.id.hex()}.sealed" in listed and package.due in listed
    assert desk.package(package.id).state == "opened"
    proved = agency.run(said["verify"]).stdout
    assert "The line signed this file" in proved and f"due: {package.due}" in proved
    opened = agency.run(said["open"])
    document = json.loads(opened.stdout)
    assert document["status"] == "UNVERIFIED" and "praça" in document["text"]
    assert f"rules_version: {document['rules_version']}" in proved
    report = (agency.folder / "report.html").read_text()
    assert report.count("UNVERIFIED") >= 2 and "praça" in report
    assert "<script" not in report and "&lt;script" in report
    assert status(settings, clock, receipt) == "forwarded"
    agency.run(said["confirm"])
    assert desk.package(package.id).state == "confirmed"
    assert status(settings, clock, receipt) == "confirmed"
    agency.run(said["outcome"])
    assert desk.package(package.id).state == "answered"
    assert status(settings, clock, receipt) == "arrest"
    assert "Nothing waits." in agency.run(said["fetch"]).stdout
    agency.run([*said["confirm"]])
    assert status(settings, clock, receipt) == "arrest", "never a step back"


def test_what_goes_wrong_is_a_sentence_and_a_hint(
    served: Served, agency: Agency, settings: Settings, clock: MovableClock
) -> None:
    said = blocks()
    forwarded(served, settings, clock)
    (package,) = served.line.desk.packages(AGENCY)
    agency.replaced["0123456789abcdef0123456789abcdef"] = package.id.hex()
    agency.run(said["fetch"])
    file = agency.folder / "packages" / f"{package.id.hex()}.sealed"
    bad = [word.replace("arrest", "gossip") for word in said["outcome"]]
    assert "did not take" in agency.run(bad, ok=False).stderr
    sealed = file.read_bytes()
    file.write_bytes(sealed.replace(b'"version": 1', b'"version":  1'))
    agency.run(said["verify"])  # what is signed are the values
    raw = json.loads(sealed)
    other = raw | {"agency": "mprj"}
    file.write_bytes(json.dumps(other).encode())
    assert "not signed by this line" in agency.run(said["verify"], ok=False).stderr
    assert not (agency.folder / "report.html").exists()
    assert "not signed" in agency.run(said["open"], ok=False).stderr
    file.write_bytes(sealed)
    clock.advance(3600)
    late = dict(agency.replaced)
    agency.clock = MovableClock()  # an hour behind
    assert "clock" in agency.run(said["fetch"], ok=False).stderr
    agency.clock, agency.replaced = clock, late
    agency.replaced["https://console.example"] = "http://console.example"
    assert "https" in agency.run(said["fetch"], ok=False).stderr
    agency.replaced["https://console.example"] = "http://127.0.0.1:1"
    assert "did not answer" in agency.run(said["fetch"], ok=False).stderr
    shown = agency.run(["hotline", "agency", "schema"]).stdout
    assert json.loads(shown)["title"]


def test_the_guide_names_every_outcome_as_it_is_read() -> None:
    from hotline.delivery.outcomes import OUTCOME_NAMES
    from hotline.triage.messages import OUTCOMES

    guide = (ROOT / "docs" / "agencies.md").read_text()
    for code in OUTCOME_NAMES:
        assert f"| `{code}` |" in guide and f"| {OUTCOMES[code]} |" in guide
