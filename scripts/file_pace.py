#!/usr/bin/env python3
"""How long a file of each usual kind takes to be cleaned, start of its process included.

.venv/bin/python scripts/file_pace.py

The second column is work of the processor, which a busy machine does not change.
"""

import io
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from PIL import Image

from hotline.intake.attachments import clean
from tests import samples

TIMES = 5


def photo(width, height, grain):
    """Noise of so many dots a grain, so that it is about as large as a real file."""
    noise = Image.effect_noise((width // grain, height // grain), 60).resize((width, height))
    bands = [noise, noise.transpose(Image.Transpose.ROTATE_180), noise.point(lambda v: 255 - v)]
    out = io.BytesIO()
    Image.merge("RGB", bands).save(out, "JPEG", quality=90)
    return out.getvalue()


FILES = {
    "photo of 12 megapixels": photo(4000, 3000, 4),
    "photo of 50 megapixels": photo(8160, 6120, 24),
    "screenshot, PNG": samples.saved(samples.scene((1080, 2400)), "PNG"),
    "PDF of 3 pages": samples.pdf(samples.pages(3)),
    "PDF of 20 pages": samples.pdf(samples.pages(20)),
    "voice message": samples.ogg() + bytes(200_000),
}


def work():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


for name, data in FILES.items():
    best, before = 99.0, work()
    for _ in range(TIMES):
        started = time.perf_counter()
        clean(data)
        best = min(best, time.perf_counter() - started)
    spent = (work() - before) / TIMES
    print(f"{name:24} {len(data) / 1e6:5.1f} MB   best {best:5.2f} s   work {spent:5.2f} s")
