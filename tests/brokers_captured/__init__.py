"""Broker and uplink in the hands of somebody else, before a real gate: nothing opens, nothing is erased, and the gate goes on."""
