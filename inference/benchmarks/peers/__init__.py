"""Other programs on the same weights, prompts and machine: llama.cpp and CTranslate2.

Each runs in a process and an environment of its own (`requirements.txt` here); nothing that is
served imports this package.
"""
