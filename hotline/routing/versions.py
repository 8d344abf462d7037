"""Versions: every set of rules a line has decided by, kept as it was, and which one is active.

A profile is edited freely. What decides is a copy of it in the home: ``versions/<version>/`` holds
its files and never changes, ``activations.jsonl`` says who put which version in force, when and
why; its last line is the active one. Both are replaced whole, so a crash leaves the old or the new.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hotline.routing.activations import (
    Activation,
    AlteredVersion,
    NoActiveRules,
    NotKept,
    Overtaken,
    RulesUnreadable,
    UnknownVersion,
)
from hotline.routing.profile import VERSION_DIGITS, Profile
from hotline.routing.profile_files import contents, fingerprint

HISTORY, VERSIONS, LOCK = "activations.jsonl", "versions", "lock"
_FRESH = ".new-"


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions kept below ``root``, the home's ``rules`` directory."""

    root: Path

    def history(self) -> tuple[Activation, ...]:
        """Every activation, oldest first. Raises RulesUnreadable."""
        try:
            text = (self.root / HISTORY).read_text(encoding="utf-8")
            return tuple(Activation.read(line) for line in text.splitlines())
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, KeyError, TypeError):
            raise RulesUnreadable from None

    def active(self) -> tuple[Activation, Path]:
        """The activation in force and the directory of its version. Raises NoActiveRules,
        AlteredVersion, RulesUnreadable."""
        history = self.history()
        if not history:
            raise NoActiveRules
        return history[-1], self.folder(history[-1].version)

    def folder(self, version: str) -> Path:
        """The directory of a kept version, checked to the byte. Raises UnknownVersion,
        AlteredVersion, RulesUnreadable."""
        path = self._path(version)
        known = {one.version: one.digest for one in self.history()}
        if not re.fullmatch(f"[0-9a-f]{{{VERSION_DIGITS}}}", version):
            raise UnknownVersion
        if not (path.is_dir() or version in known):
            raise UnknownVersion
        digest = _digest(path)
        if digest != known.get(version, digest) or digest[:VERSION_DIGITS] != version:
            raise AlteredVersion(version)
        return path

    def kept(self) -> tuple[str, ...]:
        """Every version there is a directory for, activated or not."""
        try:
            names = (path.name for path in (self.root / VERSIONS).iterdir())
            return tuple(sorted(n for n in names if len(n) == VERSION_DIGITS and n.isalnum()))
        except OSError:
            return ()

    def keep(self, folder: Path) -> str:
        """Copies a complete profile (see ``copied``) to where it stays, durably; its digest. An
        altered version of the same name is put aside, not overwritten. Raises NotKept."""
        held = contents(folder, folder / "recusal.toml")
        digest = fingerprint(held)
        target = self._path(digest[:VERSION_DIGITS])
        with self._alone():
            if target.is_dir():
                if _digest(target) == digest:
                    return digest
                target.rename(target.with_name(f"{target.name}.altered-{secrets.token_hex(4)}"))
            for left in target.parent.glob(_FRESH + "*"):
                shutil.rmtree(left)  # of a crash: whoever makes one holds the lock
            fresh = target.with_name(_FRESH + secrets.token_hex(4))
            fresh.mkdir(mode=0o755)
            for name, content in held.items():
                _write(fresh / name, content, 0o444)
            _sync(fresh)
            fresh.rename(target)
            _sync(target.parent)
        return digest

    def switch(
        self, activation: Activation, seen: int, first: Callable[[], tuple[str, ...]]
    ) -> Activation:
        """Makes a kept version the active one. ``seen`` is how many activations its comparison
        knew of; ``first`` writes the audit record, before the switch: a record too many is found
        out, a change without a record is not. It names who decided. Raises Overtaken,
        AlteredVersion, NotKept."""
        with self._alone():
            history = self.history()
            if len(history) != seen:
                raise Overtaken
            if _digest(self._path(activation.version)) != activation.digest:
                raise AlteredVersion(activation.version)
            activation = replace(activation, by=first())
            fresh = self.root / f"{HISTORY}.new"
            fresh.unlink(missing_ok=True)
            lines = "".join(one.write() for one in (*history, activation))
            _write(fresh, lines.encode(), 0o644)
            fresh.replace(self.root / HISTORY)
            _sync(self.root)
        return activation

    def _path(self, version: str) -> Path:
        return self.root / VERSIONS / version

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One writer at a time; the kernel frees the lock of a process that dies."""
        try:
            # Like public/: this directory is closed, and whoever is let in may read what it holds.
            self.root.mkdir(mode=0o700, exist_ok=True)
            (self.root / VERSIONS).mkdir(mode=0o755, exist_ok=True)
            lock = os.open(self.root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
            finally:
                os.close(lock)
        except OSError:
            raise NotKept from None


@contextmanager
def copied(source: str | Path) -> Iterator[Path]:
    """A private copy of a profile with the recusal.toml it borrows. It is proved, compared and
    kept from there: what somebody edits meanwhile changes nothing. Raises RuleFileProblem."""
    profile = Profile.load(source)
    with TemporaryDirectory(prefix="hotline-rules-") as folder:
        for name, content in contents(profile.folder, profile.cues).items():
            Path(folder, name).write_bytes(content)
        yield Path(folder)


def changed_files(old: Path, new: Path) -> list[str]:
    """Names of the files in which two complete profiles differ."""
    before, after = (contents(one, one / "recusal.toml") for one in (old, new))
    return sorted(n for n in before.keys() | after.keys() if before.get(n) != after.get(n))


def _digest(folder: Path) -> str:
    try:
        return fingerprint(contents(folder, folder / "recusal.toml"))
    except OSError:
        raise RulesUnreadable from None


def _write(path: Path, content: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Makes a rename in ``folder`` outlast a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
