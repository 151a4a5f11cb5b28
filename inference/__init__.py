"""Serving the project's own GPT: network, engine, and released checkpoints."""
