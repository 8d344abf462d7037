"""Prompts: every sentence that SMS and phone say, and how many SMS segments a text takes.

English is the key of translation. Context ``sms``: neutral words, one GSM-7 segment in every
language (write pt and es without accents). Context ``call``: at most 20 words, the key last.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hotline.tips import Language
from hotline.web.i18n import say

SMS, CALL = "sms", "call"


class Prompt(StrEnum):
    """What may be said, on whatever channel. The conversation table names these only."""

    NOW = "now"
    WHAT = "what"
    WHERE = "where"
    WHEN = "when"
    WHO = "who"
    DETAIL_1 = "detail-1"
    DETAIL_2 = "detail-2"
    DETAIL_3 = "detail-3"
    CHOICE_1 = "choice-1"
    CHOICE_2 = "choice-2"
    MORE = "more"
    RECEIVED = "received"
    EMERGENCY = "emergency"
    NOTHING = "nothing"
    UNREADABLE = "unreadable"
    FILES = "files"
    FILES_LEFT = "files-left"
    FILES_BARRED = "files-barred"
    VIDEO = "video"
    PIN = "pin"
    PIN_OFFERED = "pin-offered"
    PIN_FORGOTTEN = "pin-forgotten"
    TOO_LONG = "too-long"
    HELP = "help"
    ADD_TO_IT = "add-to-it"
    ADDED = "added"
    FINISHED = "finished"
    GOODBYE = "goodbye"
    UNAVAILABLE = "unavailable"
    BUSY = "busy"
    ELSEWHERE = "elsewhere"
    LANGUAGE = "language"
    DANGER = "danger"
    TYPE = "type"
    PLACE = "place"
    RECORD = "record"
    SPEAK = "speak"
    RECEIPT = "receipt"
    QUEUE = "queue"
    HOLD = "hold"
    CONNECTED = "connected"
    NOBODY = "nobody"
    CLOSED = "closed"
    CODE = "code"
    DUTY = "duty"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A msgid with its context, said in a language."""

    context: str
    message: str

    def say(self, language: Language, **values: object) -> str:
        return say(language, self.message, self.context, **values)


def pgettext(context: str, message: str) -> Sentence:
    """Marks a sentence of a channel for translation; gettext's own name, so that extraction with
    its default keywords finds it."""
    return Sentence(context, message)


TEXT = {
    Prompt.NOW: pgettext(
        "sms", "Happening now? Answer 1 now, 2 soon, 3 it is over, 4 often, 0 don't know."
    ),
    Prompt.WHAT: pgettext("sms", "Write what you know: what, where, when. STOP ends."),
    Prompt.WHERE: pgettext("sms", "Where? City, district, street or CEP. 0 = don't know."),
    Prompt.WHEN: pgettext("sms", "When? Day and time, as you know it. 0 = don't know."),
    Prompt.WHO: pgettext(
        "sms", "Who or what to look for? Names, looks, cars, plates. 0 = don't know."
    ),
    Prompt.MORE: pgettext("sms", "Anything else? 0 = no."),
    Prompt.RECEIVED: pgettext("sms", "Received. Your number: {receipt}. Write it on paper."),
    Prompt.EMERGENCY: pgettext("sms", "In danger now? Call {number}."),
    Prompt.NOTHING: pgettext("sms", "Your message came empty."),
    Prompt.UNREADABLE: pgettext("sms", "This could not be read. Write it in plain words."),
    Prompt.FILES: pgettext("sms", "Files received. A person will look at them."),
    Prompt.FILES_LEFT: pgettext("sms", "Not every file could be taken. Tell the rest in words."),
    Prompt.FILES_BARRED: pgettext(
        "sms",
        "No files were taken. Do not send or keep them: the address where they are is enough.",
    ),
    Prompt.VIDEO: pgettext("sms", "Videos are not taken. Tell in words what they show."),
    Prompt.PIN: pgettext("sms", "A position may show where you are. Write the place in words."),
    Prompt.PIN_OFFERED: pgettext(
        "sms", "Is this position where it happened? 1 yes, 0 no. It is kept only if yes."
    ),
    Prompt.PIN_FORGOTTEN: pgettext("sms", "The position is forgotten."),
    Prompt.TOO_LONG: pgettext("sms", "This is too long. Send it in parts of 1000 letters."),
    Prompt.HELP: pgettext(
        "sms", "Nobody here sees your number. Answer, or send 0 to pass. No videos. STOP ends."
    ),
    Prompt.ADD_TO_IT: pgettext(
        "sms", "What you write now is added. Answers are read on the web page, never here."
    ),
    Prompt.ADDED: pgettext("sms", "Added."),
    Prompt.FINISHED: pgettext(
        "sms", "Thank you. What you send in the next minutes is added. Delete this chat."
    ),
    Prompt.GOODBYE: pgettext("sms", "Ended. Delete this chat."),
    Prompt.UNAVAILABLE: pgettext(
        "sms", "Nothing was stored: we cannot take it safely now. Try again later."
    ),
    Prompt.BUSY: pgettext("sms", "Very busy now. Nothing was stored: send it again in a minute."),
    Prompt.ELSEWHERE: pgettext("sms", "Or call {number}."),
}

# Where no table of postal codes is built in.
WHERE_BY_NAME = pgettext("sms", "Where? City, district or street. 0 = don't know.")

SPOKEN = {
    Prompt.LANGUAGE: pgettext("call", "To go on in this language, press {key}."),
    Prompt.EMERGENCY: pgettext("call", "If you are in danger now, hang up and call {number}."),
    Prompt.NOTHING: pgettext("call", "We heard nothing."),
    Prompt.UNREADABLE: pgettext("call", "That did not work."),
    Prompt.HELP: pgettext("call", "This line does not keep your number or your voice."),
    Prompt.UNAVAILABLE: pgettext("call", "We cannot take your report safely now."),
    Prompt.BUSY: pgettext("call", "The line is very busy. Call again in a minute."),
    Prompt.ELSEWHERE: pgettext("call", "You can also call {number}."),
    Prompt.SPEAK: pgettext(
        "call", "After the tone, say what happened, where and when. Do not say your name."
    ),
    Prompt.RECEIPT: pgettext("call", "Write down your number. It is:"),
    Prompt.GOODBYE: pgettext("call", "Thank you. Goodbye."),
    Prompt.QUEUE: pgettext("call", "Please wait for an operator, who does not see your number."),
    Prompt.HOLD: pgettext("call", "An operator answers as soon as one is free."),
    Prompt.CONNECTED: pgettext("call", "An operator answers now. Do not say your name."),
    Prompt.NOBODY: pgettext("call", "No operator was free. Please go on with the keys."),
    Prompt.CLOSED: pgettext(
        "call", "No operators are here at this hour. This menu works day and night."
    ),
}
OPERATOR = ("9", "operator", pgettext("call", "To speak with an operator, press {key}."))
AGAIN = pgettext("call", "Once more:")
CREOLE_IN_FRENCH = pgettext(
    "call", "For Haitian Creole, which we can only say in French yet, press {key}."
)
TO_REPEAT = pgettext("call", "To hear this again, press star.")
NOT_KNOWN = pgettext("call", "If you do not know, press {key}.")

# The menus of the phone: what a key means, in the order it is said.
MENUS = {
    Prompt.DANGER: (
        ("1", "now", pgettext("call", "If it is happening now, press {key}.")),
        ("2", "not-now", pgettext("call", "If it is not happening now, press {key}.")),
        ("0", "not-known", NOT_KNOWN),
    ),
    Prompt.TYPE: (
        ("1", "woman", pgettext("call", "For violence at home or against a woman, press {key}.")),
        ("2", "child", pgettext("call", "For a child in danger, press {key}.")),
        ("3", "older", pgettext("call", "For an older or disabled person, press {key}.")),
        ("4", "gang", pgettext("call", "For drugs, gangs or guns, press {key}.")),
        ("5", "robbery", pgettext("call", "For robbery, stolen goods or fraud, press {key}.")),
        ("6", "police", pgettext("call", "For crimes by police or officials, press {key}.")),
        ("7", "forced", pgettext("call", "For people held or forced to work, press {key}.")),
        ("8", "nature", pgettext("call", "For animals and nature, press {key}.")),
        ("0", "other", pgettext("call", "For anything else, press {key}.")),
    ),
    Prompt.PLACE: (
        ("#", "cep", pgettext("call", "Type the CEP of the place, then press the hash key.")),
        ("0", "no-cep", pgettext("call", "If you do not know it, press {key} and the hash key.")),
    ),
    Prompt.RECORD: (
        ("1", "record", pgettext("call", "To tell more with your voice, press {key}.")),
        ("0", "no-record", pgettext("call", "To finish without speaking, press {key}.")),
    ),
    Prompt.SPEAK: (
        ("#", "end-record", pgettext("call", "To end, press the hash key.")),
        ("0", "drop-record", pgettext("call", "To throw it away, press {key}.")),
    ),
    Prompt.RECEIPT: (("1", "end", pgettext("call", "To end the call, press {key}.")),),
    Prompt.HOLD: (
        ("1", "by-keys", pgettext("call", "To stop waiting and go on with keys, press {key}.")),
    ),
    # What operators hear when they pick up.
    Prompt.CODE: (
        ("#", "code", pgettext("call", "For operators: type your code, then press the hash key.")),
        ("0", "no-code", pgettext("call", "To go back to the menu, press {key} and the hash key.")),
    ),
    Prompt.DUTY: (
        ("1", "next", pgettext("call", "To take the next call, press {key}.")),
        ("*", "end-call", pgettext("call", "To end a call that you have taken, press star.")),
        ("0", "off-duty", pgettext("call", "To go off duty, press {key}.")),
    ),
}

# GSM 03.38 (3GPP TS 23.038): the basic table, and the characters that take two places.
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")


def gsm(text: str) -> bool:
    """Whether a message of these letters is cheap: 160 places and not 70."""
    return all(ch in _BASIC or ch in _EXTENDED for ch in text)


def segments(text: str) -> int:
    """How many SMS a text takes: 160 then 153 places in GSM-7, else 70 then 67 UTF-16 units."""
    if gsm(text):
        sizes, one, part = [2 if ch in _EXTENDED else 1 for ch in text], 160, 153
    else:
        sizes, one, part = [len(ch.encode("utf-16-be")) // 2 for ch in text], 70, 67
    if sum(sizes) <= one:
        return 1
    count, room = 1, part
    for size in sizes:
        # No character is cut in two: an escape or a surrogate pair moves to the next part whole.
        if size > room:
            count, room = count + 1, part
        room -= size
    return count
