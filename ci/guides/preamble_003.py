"""Document 003 defines all names that it uses."""
