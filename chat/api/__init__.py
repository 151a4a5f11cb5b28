"""HTTP views of chat."""
