"""What a checkpoint can do, measured the same way for every release. See `command.py`."""
