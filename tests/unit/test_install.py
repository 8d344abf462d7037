"""Install: what the guide, containers, units and proxies promise stands in their files."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from redis import Redis
from redis.exceptions import AuthenticationError, RedisError

from hotline.cli import root
from hotline.serve import Ports
from hotline.settings import NAMES, SECRET, load
from hotline.store.role import QUIET
from tests import services
from tests.pages import headings, understood

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "install"
GUIDE = (ROOT / "docs" / "install.md").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
UNITS = sorted(EXAMPLES.glob("*.service"))
PORTS = {Ports().public, Ports().console, Ports().analyst}


def lines(path: Path) -> list[str]:
    """Without comments and indentation."""
    found = (line.strip() for line in path.read_text().splitlines())
    return [line for line in found if line and not line.startswith("#")]


# --- containers


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_is_nobody_and_can_write_nowhere(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", service["user"]), "a number: names may be root's"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["ulimits"]["core"] == 0
    assert service["mem_limit"] == service["memswap_limit"], "or reports are swapped to a disk"
    assert service["logging"]["options"]["max-size"]
    for key in ("privileged", "cap_add", "devices", "network_mode", "pid", "ipc", "userns_mode"):
        assert key not in service
    for volume in service.get("volumes", []):
        assert volume.split(":")[0] in COMPOSE["volumes"], "no directory of the machine"
    for place in service.get("tmpfs", []):
        assert {"nosuid", "nodev"} <= set(place.split(":")[1].split(","))


def test_only_the_pages_are_published_and_on_loopback_alone() -> None:
    published = {port for service in SERVICES.values() for port in service.get("ports", [])}
    assert published == {f"127.0.0.1:{port}:{port}" for port in PORTS}
    assert [name for name in SERVICES if "ports" in SERVICES[name]] == ["web"]


def test_the_stores_have_no_way_out() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name in ("postgres", "redis"):
        assert SERVICES[name]["networks"] == ["inside"]


def test_no_secret_stands_in_the_file_and_none_has_a_default() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            assert name not in SECRET, name
            if name.endswith("_FILE"):
                secret = Path(value)
                assert secret.parent == Path("/run/secrets")
                assert secret.name in service["secrets"]
    for secret in COMPOSE["secrets"].values():
        assert Path(secret["file"]).parent == Path("secrets")
    assert "secrets/" in (ROOT / ".gitignore").read_text().split()
    text = (ROOT / "compose.yaml").read_text()
    assert not re.search(r"\$\{\w*(PASSWORD|TOKEN|KEY|SECRET)", text)
    assert "HOTLINE_PUBLIC_URL:?" in text, "an address nobody chose would be somebody else's"


def made(folder: Path) -> dict[str, str]:
    subprocess.run([EXAMPLES / "make-secrets", folder], check=True, capture_output=True)
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_secrets_are_made_at_random_kept_and_closed(tmp_path: Path) -> None:
    one, other = made(tmp_path / "one"), made(tmp_path / "other")
    assert set(one) == set(COMPOSE["secrets"])
    by_hand = {"twilio_account_sid", "twilio_auth_token"}
    assert {name for name in one if one[name] == other[name]} == by_hand
    assert {name for name in one if not one[name]} == by_hand
    assert made(tmp_path / "one") == one, "a second run changes nothing"
    for path in (tmp_path / "one", *(tmp_path / "one").iterdir()):
        assert path.stat().st_mode & 0o077 == 0
    password = one["database_password"]
    assert re.fullmatch("[0-9a-f]{64}", password)
    assert password in one["database_url"] and password not in one["public_database_url"]
    assert one["public_database_password"] in one["public_database_url"]


@pytest.mark.parametrize("name", ["web", "worker"])
def test_the_line_takes_its_settings_as_the_containers_give_them(name: str, tmp_path: Path) -> None:
    made(tmp_path / "secrets")
    given = {}
    for setting, value in SERVICES[name]["environment"].items():
        assert setting.removesuffix("_FILE") in NAMES
        chosen = re.sub(r"\$\{\w+:-(.*)\}", r"\1", value)
        chosen = re.sub(r"\$\{HOTLINE_PUBLIC_URL.*\}", "https://line.example", chosen)
        given[setting] = chosen.replace("/run/secrets", str(tmp_path / "secrets"))
    settings = load(given)
    assert settings.database_url.startswith("postgresql://hotline:")
    assert (settings.public_database_url or "").startswith("postgresql://intake:")
    assert settings.redis_url and settings.public_url == "https://line.example"
    assert understood(SERVICES[name]["command"]).name == SERVICES[name]["command"][0]


def test_postgresql_in_its_container_logs_nothing_of_ours() -> None:
    said = dict(word[2:].split("=", 1) for word in SERVICES["postgres"]["command"][1:])
    assert said.items() >= {"log_statement": "none", "log_error_verbosity": "terse"}.items()
    assert all(said[name] in QUIET[name] for name in said)
    off_by_default = {name for name in QUIET if name.startswith("debug_print")}
    assert set(QUIET) - set(said) == off_by_default


def test_redis_starts_with_the_file_and_keeps_nothing(tmp_path: Path) -> None:
    conf = tmp_path / "redis.conf"
    written = made(tmp_path / "secrets")["redis_conf"]
    conf.write_text(written.replace("dir /data", f"dir {tmp_path}"))
    server = services.find(["redis-server"], "Redis", "redis-server")
    port = services.free_port()
    password = re.search(r"requirepass (\w+)", written)
    assert password

    def ready() -> None:
        with Redis(port=port, password=password[1]) as redis:
            redis.set("conversation", "told")
            kept = redis.config_get("save") | redis.config_get("appendonly")
        assert kept == {"save": "", "appendonly": "no"}

    start = [server, str(conf), "--port", str(port), "--bind", "127.0.0.1"]
    log = tmp_path / "log"
    with (
        services.running(start, ready, RedisError, signal.SIGTERM, log),
        Redis(port=port) as stranger,
        pytest.raises(AuthenticationError),
    ):
        stranger.get("conversation")
    assert not list(tmp_path.glob("*.rdb")) and not list(tmp_path.glob("appendonly*"))


def test_the_image_holds_the_locked_program_and_runs_as_nobody() -> None:
    text = lines(EXAMPLES / "Containerfile")
    users = [line.split()[1] for line in text if line.startswith("USER")]
    assert users == [SERVICES["web"]["user"]]
    assert any("--require-hashes -r requirements.lock" in line for line in text)
    assert "musl" not in str(text) and "alpine" not in str(text)
    copied = {
        word
        for line in text
        if line.startswith("COPY") and "--from" not in line
        for word in line.split()[1:-1]
    }
    assert all((ROOT / name).exists() for name in copied)
    ignored = lines(EXAMPLES / "Containerfile.dockerignore")
    assert ignored[0] == "*", "what is not named does not go into the image"
    assert {line[1:] for line in ignored if line.startswith("!")} == copied
    assert not [line for line in text if re.search("ENV.*(TOKEN|PASSWORD|SECRET)", line)]


# --- systemd


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_is_shut_in_and_gets_its_secrets_as_credentials(unit: Path) -> None:
    text = lines(unit)
    for promise in (
        "User=hotline",
        "StateDirectoryMode=0700",
        "UMask=0077",
        "LimitCORE=0",
        "MemorySwapMax=0",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateTmp=yes",
        "PrivateDevices=yes",
        "MemoryDenyWriteExecute=yes",
        "SystemCallFilter=@system-service",
        "RestrictNamespaces=user net",
    ):
        assert promise in text, promise
    loaded = [line.split("=", 1)[1] for line in text if line.startswith("LoadCredential=")]
    credentials = dict(line.split(":") for line in loaded)
    assert credentials and all(
        path == f"/etc/hotline/credentials/{name}" for name, path in credentials.items()
    )
    named = dict(
        line.removeprefix("Environment=").split("=", 1) for line in text if "_FILE=" in line
    )
    assert named == {f"HOTLINE_{name.upper()}_FILE": f"%d/{name}" for name in credentials}
    assert {name.removesuffix("_FILE") for name in named} <= SECRET
    started = [line.split("=", 1)[1] for line in text if line.startswith("ExecStart=")]
    for line in started:
        program, *words = line.split()
        assert program == "/opt/hotline/bin/hotline"
        understood(words)


def test_settings_of_the_example_are_settings() -> None:
    text = (EXAMPLES / "hotline.env").read_text()
    names = set(re.findall(r"^#?(HOTLINE_\w+)=", text, re.MULTILINE))
    assert names and names <= set(NAMES) - SECRET


def test_an_officers_command_runs_as_the_line_with_its_credentials(tmp_path: Path) -> None:
    etc, bin_ = tmp_path / "etc", tmp_path / "bin"
    (etc / "credentials").mkdir(parents=True)
    bin_.mkdir()
    (etc / "credentials" / "database_url").write_text("sqlite://")
    home = tmp_path / "home"
    home.mkdir()
    (etc / "hotline.env").write_text(f"HOTLINE_PUBLIC_URL=https://a.example\nHOTLINE_HOME={home}\n")
    (bin_ / "runuser").write_text('#!/bin/sh\necho "$@"\npwd\nenv\n')
    (bin_ / "runuser").chmod(0o755)
    environ = {"PATH": f"{bin_}:{os.environ['PATH']}", "HOTLINE_ETC": str(etc)}
    said = subprocess.run(
        [EXAMPLES / "hotline-as-line", "doctor", "--json"],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert said[:2] == ["-u hotline -- /opt/hotline/bin/hotline doctor --json", str(home)]
    given = dict(line.split("=", 1) for line in said[2:] if line.startswith("HOTLINE_"))
    assert load(given).database_url == "sqlite://"
    assert given["HOTLINE_PUBLIC_URL"] == "https://a.example"


# --- proxies and Tor


def servers(text: str) -> list[str]:
    return text.split("\nserver {")[1:]


PROGRAMS = ("/api/", "/agency/", "/twilio/")  # never people's pages


def test_nginx_keeps_nothing_and_hands_on_nobody() -> None:
    text = "\n".join(lines(EXAMPLES / "nginx.conf"))
    for server in servers("\n" + text):
        assert "access_log off;" in server and "error_log /dev/null crit;" in server
    assert set(re.findall(r"access_log (.*);", text)) == {"off"}
    assert not re.search(r"\$(remote_|binary_remote|proxy_add_x|realip|http_x_)", text)
    plain, public, console = servers("\n" + text)
    assert "location / { return 308 https://" in plain
    for path in PROGRAMS:
        assert f"location {path} {{ return 403; }}" in plain, "it would never notice"
    for header in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "User-Agent", "Referer", "Cookie"):
        assert f'proxy_set_header {header} "";' in public
    for server, port in ((public, Ports().public), (console, Ports().console)):
        assert f"proxy_pass http://127.0.0.1:{port};" in server
        assert "proxy_request_buffering off;" in server and "client_max_body_size 64m;" in server
        assert "proxy_max_temp_file_size 0;" in server
        assert "ssl_session_tickets off;" in server and "gzip off;" in server
    assert "deny all;" in console
    # Mozilla's "intermediate" for everybody, "modern" for staff (docs/scans.md).
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in public and "ssl_protocols TLSv1.3;" in console
    suites = re.search(r"ssl_ciphers (.*);", public)
    assert suites and all(re.match("ECDHE-.*(GCM|POLY1305)", s) for s in suites[1].split(":"))
    for server in (public, console):
        assert "ssl_ecdh_curve X25519:prime256v1:secp384r1;" in server


def test_caddy_keeps_nothing_and_hands_on_nobody() -> None:
    text = lines(EXAMPLES / "Caddyfile")
    assert [line for line in text if line.startswith("log")] == ["log default {"]
    assert "exclude http" in text, "its errors name addresses"
    headers = {line.split("-", 1)[1] for line in text if line.startswith("header_up -")}
    assert headers >= {"X-Forwarded-For", "X-Real-IP", "Forwarded", "User-Agent", "Referer"}
    assert text.count("import nobody") == 2
    programs = next(line for line in text if line.startswith("@programs path"))
    assert programs.split()[2:] == [f"{path}*" for path in PROGRAMS]
    assert text[text.index("handle @programs {") + 1] == "respond 403"
    assert {f"reverse_proxy 127.0.0.1:{p} {{" for p in (8000, 8001)} <= set(text)
    assert not [line for line in text if line.startswith("encode")]


def test_the_onion_service_is_the_one_the_setting_names() -> None:
    text = lines(EXAMPLES / "torrc")
    assert f"HiddenServicePort 80 127.0.0.1:{Ports().public}" in text
    assert "HiddenServiceVersion 3" in text and "SafeLogging 1" in text
    assert not [line for line in text if "ExportCircuitID" in line or "SingleHop" in line]
    folder = next(line.split()[1] for line in text if line.startswith("HiddenServiceDir"))
    assert f"cat {folder}hostname" in GUIDE


# --- the guide


def test_every_command_of_the_guide_exists() -> None:
    blocks = re.findall(r"^```\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    told = "\n".join(blocks) + "\n" + "\n".join(re.findall(r"`(hotline [^`…]*)`", GUIDE))
    found = re.findall(r"(?:^|\s|web )(?:hotline|hotline-as-line) ([a-z][^\n#&;]*)", told)
    assert len(found) > 20
    for words in found:
        if not words.startswith("hotline-worker"):
            understood(shlex.split(words))


def test_the_guide_names_every_example_and_each_of_its_links_leads_somewhere() -> None:
    for path in EXAMPLES.iterdir():
        name = path.name if path.suffix not in {".service", ".timer"} else f"*{path.suffix}"
        said = GUIDE + (ROOT / "compose.yaml").read_text()
        assert name.removesuffix(".dockerignore") in said, name
    for target in re.findall(r"\]\(([^)]+)\)", GUIDE):
        file, _, heading = target.partition("#")
        page = (ROOT / "docs" / file) if file else ROOT / "docs" / "install.md"
        assert page.exists(), target
        assert not heading or heading in headings(page), target


def test_the_hints_of_doctor_lead_to_headings() -> None:
    hints = {
        found
        for module in ("premises", "ground")
        for found in re.findall(
            r"docs/([\w-]+\.md)#([\w-]+)", (ROOT / "hotline" / f"{module}.py").read_text()
        )
    }
    assert hints
    for page, heading in hints:
        assert heading in headings(ROOT / "docs" / page)


def test_the_drill_of_the_guide_brings_a_line_back(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Word for word, on both databases' copies; the restored line is on SQLite."""
    block = re.search(r"<!-- drill -->\n```\n(.*?)```", GUIDE, re.DOTALL)
    assert block
    clean: dict[str, str | None] = dict.fromkeys([*NAMES, *(name + "_FILE" for name in NAMES)])
    at_home = clean | {
        "HOTLINE_HOME": str(settings.home),
        "HOTLINE_DATABASE_URL": settings.database_url,
    }
    monkeypatch.chdir(tmp_path)
    for name in ("DATA", "KEYS"):
        (tmp_path / name).mkdir()

    def run(words: list[str], environ: dict[str, str | None]) -> str:
        done = CliRunner(env=environ).invoke(root, words)
        assert done.exit_code == 0, (words, done.output, done.exception)
        return done.output

    run(["backup", "keygen", "."], at_home)
    run(["backup", "use", "backup.public"], at_home)
    run(["backup", "data", "DATA"], at_home)
    run(["backup", "keys", "KEYS"], at_home)
    environ, done = at_home, []
    for line in block[1].splitlines():
        if line.startswith("export HOTLINE_HOME="):
            environ = clean | {"HOTLINE_HOME": str(tmp_path / "drill")}
            continue
        program, *words = [
            str(path)
            for word in shlex.split(line)
            for path in (sorted(tmp_path.glob(word)) if "*" in word else [word])
        ]
        assert program == "hotline"
        if words == ["keys", "check"]:  # a demonstration's sheets were never drilled
            assert "recovery" in CliRunner(env=environ).invoke(root, words).output
            continue
        done.append(run(words, environ))
    assert len(done) == 7
    assert (tmp_path / "drill" / "staff" / "keys.db").exists()
