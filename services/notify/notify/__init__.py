"""Inbox, channels and receipts."""
