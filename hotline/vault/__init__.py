"""Vault: the only room that touches cryptography. ``seal`` needs public keys, ``keys`` private."""
