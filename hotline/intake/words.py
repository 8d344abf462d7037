"""Words: what a short message means in the five languages: stop, help, again, don't know, when.

Compared whole, folded: a report that holds one of these words is still a report.
"""

from __future__ import annotations

import unicodedata

from hotline.tips import Urgency


def folded(text: str) -> str:
    """Lower case, without accents and punctuation, single spaces: ``"Não sei!"`` → ``nao sei``."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = (ch if ch.isalnum() else " " for ch in plain if not unicodedata.combining(ch))
    return " ".join("".join(kept).replace("don t", "dont").split())


def _set(words: str) -> frozenset[str]:
    return frozenset(word.strip() for word in words.split(","))


# The provider's own words for stop and help are here too: its handling of them is switched off,
# because it would keep the reporter's number on a list.
STOP = _set(
    "stop, stopall, unsubscribe, cancel, end, quit, optout, revoke, exit, parar, pare, sair, "
    "cancelar, encerrar, fim, salir, fin, terminar, arret, arreter, arrete, quitter, sispann, "
    "kanpe"
)
HELP = _set("help, info, ajuda, ajude, ayuda, aide, ed, help me, me ajuda, informacao, informacion")
REPEAT = _set("repeat, again, repetir, repita, de novo, otra vez, repeter, encore, repete, anko")
SKIP = _set(
    "0, skip, pass, dont know, i dont know, idk, unknown, pular, nao sei, sei nao, n sei, ns, "
    "nao sei dizer, saltar, paso, no se, no lo se, passer, je ne sais pas, je sais pas, "
    "sais pas, sote, m pa konnen, mwen pa konnen, pa konnen"
)
NO = _set("no, nao, non, n, nope, nada, nothing, nada mais, nada mas, so isso, rien, anyen, e tudo")
GREETINGS = _set(
    "hi, hello, hey, oi, ola, alo, bom dia, boa tarde, boa noite, hola, buenos dias, "
    "buenas tardes, buenas noches, buenas, bonjour, bonsoir, salut, bonjou, bonswa, start"
)
URGENCIES = {
    word: urgency
    for urgency, words in {
        Urgency.NOW: "1, now, yes, sim, agora, s, si, ahora, oui, maintenant, wi, kounye a",
        Urgency.SOON: "2, soon, em breve, daqui a pouco, en breve, bientot, tale, byento",
        # "No" to "now?" does not say that it is over.
        Urgency.UNKNOWN: "no, nao, n, non",
        Urgency.PAST: "3, over, ja passou, acabou, ya paso, fini, pase",
        Urgency.PATTERN: "4, often, always, sempre, siempre, toujours, souvent, souvan, toujou",
    }.items()
    for word in _set(words)
}
# A longer answer that begins so says yes; "no" and "si" also begin other sentences.
YES = frozenset({"sim", "yes", "oui", "wi", "agora", "ahora", "now", "maintenant"})
# Answers to a question of yes or no, which says that 1 is yes and 2 is no.
AGREE = _set("1, y, yes, s, sim, si, oui, wi")
DENY = _set("2, n, no, nao, non, nenhum, nenhuma, ninguno, ninguna, none, aucun, aucune, okenn")
SAYS_YES = frozenset({"sim", "yes", "oui", "wi"})
