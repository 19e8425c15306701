"""Sources: where bytes come from. Finds and opens them, unwraps envelopes; stores nothing."""
