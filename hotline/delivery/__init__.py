"""Delivery: what leaves the line: packages to agencies, the relay, erasure at the provider."""
