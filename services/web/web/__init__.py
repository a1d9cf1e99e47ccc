"""Sign-in, live updates and the browser application."""
