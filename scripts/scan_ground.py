"""What `scripts/scan` scans: a demonstration line, and the proxy of docs/install in front."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyotp

from hotline import demo
from hotline.serve import free_port
from hotline.settings import NAMES

ROOT = Path(__file__).resolve().parents[1]
# Loopback addresses of their own: the Observatory asks ports 80 and 443 only.
FRONT, INNER = "127.9.9.9", "127.9.9.10"
ENDS = ["setpriv", "--pdeathsig=TERM"]  # with this process, however it ends
STARTS_WITHIN = 180.0  # seconds
CERTIFICATE = """subjectAltName=IP:127.9.9.9,IP:127.9.9.10
extendedKeyUsage=serverAuth
basicConstraints=CA:FALSE
keyUsage=critical,digitalSignature
"""


class NotRun(Exception):
    """A tool cannot run here; the words say why, for the page."""


@dataclass(frozen=True, slots=True)
class Line:
    """Addresses without a path: ``http://127.0.0.1:8000``."""

    home: Path
    public: str
    console: str
    analyst: str

    def page(self, path: str, fields: dict[str, str]) -> str:
        """What a reporter's browser gets; posted when there are fields."""
        body = urllib.parse.urlencode(fields).encode() if fields else None
        address = f"{self.public}{path}"
        with urllib.request.urlopen(address, body, timeout=60) as answer:  # nosec B310 - our own
            return str(answer.read().decode())

    def cookie(self, site: str, name: str) -> str:
        """``name=value`` of somebody of the demonstration, signed in."""
        rows = json.loads((self.home / demo.LOGINS).read_text())
        secret = next(row[2] for row in rows if row[0] == name)
        fields = {"name": name, "passphrase": demo.PASSPHRASE, "code": pyotp.TOTP(secret).now()}
        opener = urllib.request.build_opener(Stay())
        answer = opener.open(f"{site}/sign-in", urllib.parse.urlencode(fields).encode(), timeout=60)
        kept = answer.headers["Set-Cookie"]
        if not kept:
            raise NotRun(f"{name} could not sign in")
        return str(kept).split(";")[0]


class Stay(urllib.request.HTTPRedirectHandler):
    """The answer itself, not where it leads: it sets the cookie."""

    def http_error_303(self, *asked: object) -> object:
        return asked[1]


@contextlib.contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@contextlib.contextmanager
def demonstration(place: Path) -> Iterator[Line]:
    """``hotline demo`` on free ports in ``place``. Raises NotRun with its last words."""
    ports = [free_port() for _ in range(3)]
    names = ("--public-port", "--console-port", "--analyst-port")
    options = [word for pair in zip(names, map(str, ports), strict=True) for word in pair]
    kept = {k: v for k, v in os.environ.items() if k.removesuffix("_FILE") not in NAMES}
    kept |= {"HOTLINE_HOME": str(place / "home"), "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}
    log = place / "line.log"
    with log.open("wb") as said:
        command = [*ENDS, sys.executable, "-m", "hotline.cli", "demo", *options]
        process = subprocess.Popen(command, env=kept, stdout=said, stderr=said)
    with ended(process):
        deadline = time.monotonic() + STARTS_WITHIN
        while "Ctrl-C ends it" not in log.read_text(errors="replace"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(log.read_text(errors="replace")[-2000:])
            time.sleep(0.2)
        yield Line(place / "home", *(f"http://127.0.0.1:{port}" for port in ports))


def certificate(place: Path) -> Path:
    """``front.pem`` and ``front.key`` signed by an authority made for this scan: its path."""
    (place / "names").write_text(CERTIFICATE)
    authority = "-CA ca.pem -CAkey ca.key -CAcreateserial"
    signs = "-addext keyUsage=critical,keyCertSign,cRLSign"
    new = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    for words in (
        f"req -x509 {new} -days 90 -keyout ca.key -out ca.pem -subj /CN=scan {signs}",
        f"req {new} -keyout front.key -out front.csr -subj /CN={FRONT}",
        f"x509 -req -in front.csr {authority} -days 80 -extfile names -out front.pem",
    ):
        subprocess.run(["openssl", *words.split()], cwd=place, check=True, capture_output=True)
    return place / "ca.pem"


def proxied(line: Line, place: Path) -> str:
    """docs/install/nginx.conf with this scan's addresses and certificates; nothing else differs."""
    text = (ROOT / "docs" / "install" / "nginx.conf").read_text()
    text = re.sub(r"^ *listen \[::\].*\n", "", text, flags=re.MULTILINE)
    public, mark, console = text.partition("# The console:")
    public = re.sub(r"listen (80|443)", rf"listen {FRONT}:\1", public)
    console = console.replace("listen 443", f"listen {INNER}:443")
    console = console.replace("allow 10.0.0.0/8", "allow 127.0.0.0/8")
    text = public.replace("http://127.0.0.1:8000", line.public) + mark
    text += console.replace("http://127.0.0.1:8001", line.console)
    text = re.sub(r"/etc/ssl/hotline/\w+\.(pem|key)", rf"{place}/front.\1", text)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    own = "".join(f"{kind}_temp_path {place}/{kind};\n" for kind in kinds)
    return f"daemon off;\npid {place}/pid;\nevents {{}}\nhttp {{\n{own}{text}}}\n"


@contextlib.contextmanager
def front(line: Line, place: Path) -> Iterator[Path]:
    """nginx as the docs have it, on FRONT and INNER. Gives the authority to trust."""
    nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not nginx:
        raise NotRun("nginx is missing: sudo apt-get install nginx-light")
    place.mkdir(mode=0o711)
    trusted = certificate(place)
    (place / "nginx.conf").write_text(proxied(line, place))
    command = [
        *ENDS,
        nginx,
        "-e",
        str(place / "errors"),
        "-p",
        str(place),
        "-c",
        str(place / "nginx.conf"),
    ]
    process = subprocess.Popen(command)
    with ended(process):
        deadline = time.monotonic() + STARTS_WITHIN
        while not (place / "pid").exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotRun("nginx could not listen on 80 and 443: not root, or another scan")
            time.sleep(0.1)
        yield trusted
