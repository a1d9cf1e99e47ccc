"""The rules of goals: pure functions on values."""
