"""Doctor: looks whether everything is in order, and says of what is not what to do."""
