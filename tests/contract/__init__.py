"""The MQTT contract in ``docs/``: read, held against what the tests put on the wire, and printed as ``docs/mqtt.md``."""
