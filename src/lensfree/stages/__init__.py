"""One module per stage: read, call the domain, write."""
