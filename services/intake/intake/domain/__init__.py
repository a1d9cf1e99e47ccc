"""The rules of intake: pure functions on values."""
