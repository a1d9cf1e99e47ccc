"""The rules of feedback: pure functions on values."""
