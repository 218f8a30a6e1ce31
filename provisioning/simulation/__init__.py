"""A fleet of gates against a real broker and a real recorder: how many, how fast, and what an outage costs.

A played gate has the real uplink (``device.uplink``) and real events; lane, reader and disk it has not. ``course.py`` is the run
from its beginning to its end, ``player.py`` one of the processes that play gates.
"""
