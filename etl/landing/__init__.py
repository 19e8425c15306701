"""Landing: received bytes, kept exactly, with the place of every message in them. Reads no JSON."""
