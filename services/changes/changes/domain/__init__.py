"""The rules of changes: pure functions on values."""
