"""Hotline: the backend of an anonymous crime-reporting line."""

import sys

__version__ = "0.1.0"

if sys.version_info < (3, 11):  # noqa: UP036 - a copied tree meets any Python; pip refuses already
    sys.exit(
        "hotline: error: this Python is too old\n"
        "hotline: hint: use Python 3.11 or newer (Debian 12, Ubuntu 24.04 or newer)"
    )
