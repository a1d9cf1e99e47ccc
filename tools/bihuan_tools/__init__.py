"""The bihuan command: embedded servers, demo company, operations."""
