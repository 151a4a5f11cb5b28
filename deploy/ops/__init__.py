"""Operations on an installation: backup and restore, rolling updates (docs/operations.md)."""
