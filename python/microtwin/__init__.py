"""Statistical twins of random microstructures."""
