"""Facts and metrics."""
