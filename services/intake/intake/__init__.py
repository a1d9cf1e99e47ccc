"""Connectors and refused payloads."""
