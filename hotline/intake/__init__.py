"""Intake: everything between a contact and a tip: channels, conversation, stripping."""
