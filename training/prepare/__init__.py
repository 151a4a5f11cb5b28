"""`python -m training prepare`: sources read, cleaned, de-duplicated, split and tokenized."""
