"""Hotline: the backend of an anonymous crime-reporting line."""

__version__ = "0.1.0"
