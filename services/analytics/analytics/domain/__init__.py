"""The rules of analytics: pure functions on values."""
