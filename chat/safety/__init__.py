"""Rules of words for prompts and replies: what they say, how texts are read, what follows.

They are a net for what is plain, not a judge: docs/moderation.md says what they cannot do.
"""
