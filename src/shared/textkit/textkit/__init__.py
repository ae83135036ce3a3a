"""Text clean-up that every text model of this repository uses."""
