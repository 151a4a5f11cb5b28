"""What several tests share: servers, the real stack, a tiny checkpoint, a browser."""
