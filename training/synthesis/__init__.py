"""New conversations, both sides written by a teacher: seeds, writing, filters, output."""
