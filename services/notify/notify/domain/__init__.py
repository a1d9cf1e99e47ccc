"""The rules of notify: pure functions on values."""
