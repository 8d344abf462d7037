"""Triage: trained people open, decide, answer; every access leaves a mark."""
