"""Plain: passphrases that somebody would try first, however long they are.

Taken away is what needs no guessing: words of this trade and of passwords, runs along the keyboard,
the alphabet or the numbers. What is left has to be long and varied enough to stand alone.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from hotline.errors import BadInput

# As people write them without accents. docs/people.md tells members of this list.
CONTEXT = (
    *("hotline", "line", "linha", "linea", "disque", "disk", "denuncia", "denunciar", "tip"),
    *("anonymous", "anonimo", "anonima", "anonimato", "anonyme", "crime", "crimen", "delito"),
    *("police", "policia", "secretaria", "prefeitura", "alcaldia", "governo", "gobierno", "estado"),
    *("operator", "operador", "operadora", "officer", "supervisor", "supervisora", "trainer"),
    *("agency", "agencia", "analyst", "analista", "admin", "administrator", "administrador"),
    *("rio", "janeiro", "niteroi", "brasil", "brazil", "colombia", "bogota", "haiti"),
    *("password", "passphrase", "passwort", "senha", "contrasena", "clave", "motdepasse", "modpas"),
    *("secret", "segredo", "secreto", "welcome", "bemvindo", "bienvenido", "login", "letmein"),
    *("iloveyou", "teamo", "changeme", "default", "test", "teste", "prueba", "example"),
)
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "abcdefghijklmnopqrstuvwxyz")
_RUN = 4  # letters in a row
_LEFT, _VARIED = 8, 6  # letters and figures that must be left, and how many different ones
_STEPS = frozenset(pair for row in _ROWS for way in (row, row[::-1]) for pair in pairwise(way))
_WORD = re.compile("|".join(sorted(CONTEXT, key=len, reverse=True)))


class TooPlain(BadInput):
    """A new passphrase that is one thing said again and again, or what everybody would try."""

    code = "too_plain"
    message = "The passphrase is too easy to guess."
    hint = "Use four or five words that nobody would expect together."


def check_plain(passphrase: str) -> None:
    """Raises TooPlain."""
    bare = unicodedata.normalize("NFKD", passphrase.casefold())
    left = _WORD.sub("", _without_runs("".join(filter(str.isalnum, bare))))
    if len(left) < _LEFT or len(set(left)) < _VARIED:
        raise TooPlain


def _without_runs(letters: str) -> str:
    """``letters`` without runs of neighbours, as they lie on keys or in the alphabet."""
    kept, run = "", letters[:1]
    for before, letter in pairwise(letters):
        if (before, letter) in _STEPS:
            run += letter
            continue
        kept += run if len(run) < _RUN else ""
        run = letter
    return kept + (run if len(run) < _RUN else "")
