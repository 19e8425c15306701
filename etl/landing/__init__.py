"""Landing: the store of received bytes, each object exactly as it came and known by its content."""
