"""Attachments: a file goes through one short-lived process; only drawn pixels come out.

``clean`` is the whole interface. What a photo or a PDF carries beside what it shows (places, names,
scripts, other files) is left behind, because nothing is copied but pixels. What the picture shows
is not changed: a face, a name on a screen or a reflection stays for the operator to judge.
"""

from __future__ import annotations

from hotline.intake.attachments.cleaning import clean
from hotline.intake.attachments.limits import ACCEPTED, MOST_BYTES, MOST_FILES, PICKED
from hotline.intake.attachments.outcome import Cleaned
from hotline.intake.attachments.refusals import FileRefused

__all__ = ["ACCEPTED", "MOST_BYTES", "MOST_FILES", "PICKED", "Cleaned", "FileRefused", "clean"]
