"""The three networks, their training loop and the registry of weights."""
