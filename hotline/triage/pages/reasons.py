"""Pages: why something was removed, doubted, held, classed, placed or kept from a body, in words.

Stripping and routing know one language only: they give their reasons as English sentences, which
are sealed with the tip. Each of them stands here as well, where the catalogues find it; a test
reads their code and data and fails when one is missing. A sentence that they no longer say stays
as long as sealed tips may hold it.
"""

from __future__ import annotations

import re

from hotline.web.i18n import N_, current, say

UNATTRIBUTED = N_("an identifier nobody could attribute")

# Why a tip is held.
HELD = (
    UNATTRIBUTED,
    N_("an account number whose owner the text does not say"),
    N_("a plate whose owner the text does not say"),
    N_("a position whose owner the text does not say"),
    N_("a long number of unknown kind"),
    N_("a link whose owner the text does not say"),
    N_("a transcript may hide names"),
    N_("a machine wrote down what was said: names and numbers may be wrong"),
    N_("the reporter tells of themselves"),
    N_("names of persons stay"),
    N_("says that only few could know"),
    N_("the reporter is kin of somebody in the text"),
    N_("speaks of kin"),
    N_("speaks of what people work as"),
    N_("numbers stay"),
    N_("repeats what was said to the reporter"),
    N_("more than one language"),
    N_("written in capitals, where names do not show"),
    N_("something taken out stands elsewhere in the text"),
    N_("the text is too long to check fully"),
    N_("stripping failed"),
    N_("the files may show who sent them"),
    N_("files came with it and were not taken: keeping them would harm again"),
)
# Why words were removed, kept or left in doubt.
SPANS = (
    N_("the text does not say whose it is"),
    N_("known from the channel"),
    N_("the same as elsewhere in the text"),
    N_("says it is their own"),
    N_("first person beside it"),
    N_("says own name"),
    N_("is called by that name"),
    N_("the reporter's name"),
    N_("signs the message"),
    N_("fills in a form"),
    N_("asks to be called back"),
    N_("says where they live"),
    N_("says where they work"),
    N_("says what they are"),
    N_("tells what only they do"),
    N_("tells what singles them out"),
    N_("speaks of themselves as another"),
    N_("says when or where to reach them"),
    N_("another person's words to somebody else"),
    N_("kinship with the reporter"),
    N_("kin of the reporter"),
    N_("belongs to the reporter's kin"),
    N_("relation that singles the reporter out"),
    N_("own vehicle"),
    N_("the reporter's words"),
    N_("another person's words"),
    N_("another person's words to the reporter"),
    N_("says it is another's"),
    N_("another person acts beside it"),
    N_("stands beside another's name"),
    N_("answers a question about others"),
    N_("points to nobody by itself"),
)
# Why a type, a threat, a place, or a body that must not learn of the tip.
ROUTING = (
    N_("chosen by the reporter"),
    N_("because: '{term}'"),
    N_("words that were removed"),
    N_("threat: '{term}'"),
    N_("the reporter chose a type that only a person may assign"),
    N_("no term of our tables was found"),
    N_("The municipality was chosen."),
    N_("The jurisdiction's own state decides."),
    N_("A CEP has five or eight digits."),
    N_("No municipality has this CEP."),
    N_("The CEP is of {place}."),
    N_("The CEP is shared by several municipalities."),
    N_("The CEPs are of several municipalities."),
    N_("Several municipalities are named."),
    N_("“{name}” is the name of {count} places."),
    N_("Other places may have the same name."),
    N_("“{name}” is the name most like what was written."),
    N_("It is the name of {count} places."),
    N_("People mostly mean this one of them."),
    N_("This is a little like what was written."),
    N_("Several names are as much like what was written."),
    N_("No place is named."),
    N_("Only the state is named: {state}."),
    N_("“{name}” is named together with its state."),
    N_("“{name}” is the name of one municipality only."),
    N_("“{name}” is another name of {place}."),
    N_("“{name}” is a neighbourhood of {place}."),
    N_("“{name}” lies in {place}."),
    N_("“{name}” lies in the state of another place that is named."),
    N_("It is told as where somebody or something is from."),
    N_("Only the country is named: {country}."),
    N_("the reporter named this body"),
    N_("the reporter named a body that is not known here"),
    N_("this kind of report is about it"),
    N_("the report is about people of this kind of body"),
    N_("the report speaks of it as implicated"),
)
_NAMED = re.compile(r"\\{(\w+)\\}")
_SHAPES = tuple(
    (re.compile(_NAMED.sub(r"(?P<\1>.+)", re.escape(sentence))), sentence)
    for sentence in ROUTING
    if "{" in sentence
)


def why(reason: str) -> str:
    """A reason in the reader's language, with the terms and names it quotes as they are. What
    stands for words that nobody has any more is no quotation."""
    for shape, sentence in _SHAPES:
        if told := shape.fullmatch(reason):
            given = {
                k: say(current(), v) if v in ROUTING else v for k, v in told.groupdict().items()
            }
            return say(current(), sentence, **given)
    return say(current(), reason)
