"""The tables of the store, version by version."""

from __future__ import annotations

from device.gate import epochs, identities, memory, reports, voids

SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE event (sequence INTEGER PRIMARY KEY, type TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE open_grant (id TEXT PRIMARY KEY, presentation TEXT NOT NULL, pass BLOB) WITHOUT ROWID;
CREATE TABLE pass_use (pass BLOB PRIMARY KEY, uses INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE presentation (track TEXT PRIMARY KEY, presentation TEXT NOT NULL, fingerprint BLOB NOT NULL, boot TEXT NOT NULL, at_ns INTEGER NOT NULL);
"""

HEAD_TABLE = """
CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL, hash BLOB NOT NULL, clock_floor TEXT NOT NULL,
    events INTEGER NOT NULL, refusals INTEGER NOT NULL
);
ALTER TABLE event ADD COLUMN refusal INTEGER NOT NULL DEFAULT 0;
INSERT INTO head SELECT 1, CAST(CAST(number.value AS TEXT) AS INTEGER), hash.value, CAST(clock_floor.value AS TEXT), (SELECT count(*) FROM event), 0
    FROM meta AS number, meta AS hash, meta AS clock_floor
    WHERE number.name='last_sequence' AND hash.name='last_hash' AND clock_floor.name='clock_floor';
INSERT OR IGNORE INTO head VALUES (1, 0, x'', '1970-01-01T00:00:00+00:00', 0, 0);
DELETE FROM meta WHERE name != 'epoch';
"""
"""One row that each commit rewrites, with the numbers that nobody could count in a million events at each turn."""

PRESENTATION_TABLE = """
DROP TABLE presentation;
CREATE TABLE presentation (
    number INTEGER PRIMARY KEY, track TEXT NOT NULL, presentation TEXT NOT NULL, fingerprint BLOB NOT NULL, boot TEXT NOT NULL, at_ns INTEGER NOT NULL
);
"""
"""In the order in which they came, so that each stands beside the last one, and a commit has one page of them to write."""

MIGRATIONS = (
    SCHEMA,
    memory.TABLES,
    identities.TABLES,
    reports.TABLES,
    memory.COUNTED_TABLE,
    HEAD_TABLE,
    PRESENTATION_TABLE,
    memory.ROWS_IN_ORDER,
    voids.TABLES,
    epochs.TABLES,
)
"""From each version to the next; a new file takes every step, an old one those that it lacks."""
