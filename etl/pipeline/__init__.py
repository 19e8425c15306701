"""Pipeline: the only place that knows the order of steps. Doors call it; it calls the steps."""
