"""A gate and its province as processes: mosquitto, the recorder, and reader, gate and uplink under `qrgate run`."""
