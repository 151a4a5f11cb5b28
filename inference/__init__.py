"""Serving the project's own GPT: the network, the engine around it, and the released checkpoints."""
