"""Answers on retest cards, documents and attachments."""
