"""From the worker to every reader: one Redis stream per generation, and who writes and reads it."""
