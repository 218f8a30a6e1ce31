"""The archive's tables, and how a file of an older recorder becomes one of this.

``events`` holds every event once, ``conflicts`` what came under an id that had other bytes, ``voided`` the other half where a void
and its event both came. Rows of these three are never changed or erased here. The other tables are what the recorder knows of them.
"""

from __future__ import annotations

EVENTS = """
CREATE TABLE events (
    source TEXT NOT NULL,
    epoch TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    received_at TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (source, id)
) STRICT
"""
FURTHER = """
CREATE TABLE IF NOT EXISTS {} (
    source TEXT NOT NULL,
    epoch TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    received_at TEXT NOT NULL,
    body BLOB NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (source, id, hash)
) STRICT
"""
CONFLICTS, VOIDED = FURTHER.format("conflicts"), FURTHER.format("voided")
KEPT = ("events", "conflicts", "voided")
"""The tables of what gates sent: a replica has them too."""

RUNS = """
CREATE TABLE runs (
    gate TEXT NOT NULL,
    epoch TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    before BLOB,
    link BLOB,
    changed_at TEXT NOT NULL,
    PRIMARY KEY (gate, epoch, first)
) STRICT, WITHOUT ROWID
"""
RUNS_OF_EVENTS = """
INSERT INTO runs
SELECT substr(source, 8), epoch, min(sequence), max(sequence), NULL, NULL, max(received_at)
FROM (SELECT *, sequence - row_number() OVER (PARTITION BY source, epoch ORDER BY sequence) AS island FROM events)
GROUP BY source, epoch, island
"""
"""``substr`` takes ``/gates/`` away. Within an unbroken run, sequence minus position is the same number."""
GATES = """
CREATE TABLE gates (
    gate TEXT PRIMARY KEY,
    site TEXT NOT NULL,
    key BLOB,
    other_key BLOB,
    boot TEXT NOT NULL,
    head_epoch TEXT NOT NULL,
    head_sequence INTEGER NOT NULL,
    head_hash BLOB NOT NULL,
    doubtful INTEGER NOT NULL
) STRICT, WITHOUT ROWID
"""
SITES_OF_EVENTS = """
INSERT INTO gates SELECT DISTINCT substr(source, 8), '', NULL, NULL, '', '', 0, x'', 0 FROM events
"""
"""A v1 archive does not say which site a gate stands at: its next message does."""
BOOTS = "CREATE TABLE boots (gate TEXT, boot TEXT, epoch TEXT NOT NULL, seen_at TEXT NOT NULL, PRIMARY KEY (gate, boot)) STRICT"
ALARMS = "CREATE TABLE alarms (gate TEXT, what TEXT, since TEXT NOT NULL, PRIMARY KEY (gate, what)) STRICT, WITHOUT ROWID"
SETTLED = """
CREATE TABLE settled (
    gate TEXT, epoch TEXT, first INTEGER, last INTEGER, why TEXT NOT NULL, PRIMARY KEY (gate, epoch, first, last)
) STRICT, WITHOUT ROWID
"""
"""What a gate has given up, in its own hand: one event or a range."""
CLAIMS = "CREATE TABLE claims (gate TEXT, envelope BLOB, PRIMARY KEY (gate, envelope)) STRICT, WITHOUT ROWID"
"""Voids that nobody could prove yet, because the gate's key was not known."""
ACCEPTED = "CREATE TABLE accepted (gate TEXT PRIMARY KEY) STRICT, WITHOUT ROWID"
"""What ``qrgate-provision gates --accept`` has decided and the running recorder has not read yet."""
OWED = """
CREATE TABLE owed (gate TEXT, epoch TEXT, sequence INTEGER, hash BLOB, PRIMARY KEY (gate, epoch, sequence, hash)) STRICT, WITHOUT ROWID
"""
"""Events in whose place a gate has put a void, with their hashes: they lie in the gate, and are asked for."""

MIGRATIONS = (
    (EVENTS,),
    (CONFLICTS, VOIDED, RUNS, GATES, BOOTS, ALARMS, SETTLED, CLAIMS, ACCEPTED, RUNS_OF_EVENTS, SITES_OF_EVENTS),
    (OWED,),
)
SCHEMA_VERSION = len(MIGRATIONS)
REPLICA_MIGRATIONS = ((EVENTS, CONFLICTS, VOIDED),)
"""A replica has version 1, like an old archive, so that it becomes an archive where that is lost: the second step makes the rest."""
