"""Stories of gates that a customer can read (``*.toml``), played by the gate's own parts in simulated time."""
