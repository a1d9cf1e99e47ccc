"""The demo company: 412 people, 23 suppliers, six projects and two years of history, always the same."""
