"""Making a EuGPT: tokenizer, pre-training, fine-tuning, evaluation, export."""
