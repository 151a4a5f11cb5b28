"""The life of a generation: submit, claim, run, finish, cancel, reap."""
