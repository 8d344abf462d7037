"""Routing: what a tip is about, where it happened, and who must get it."""
