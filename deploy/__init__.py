"""How EuGPT is run: from a checkout (`deploy.local`) and in containers (the files beside it)."""
