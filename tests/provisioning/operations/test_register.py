from __future__ import annotations

from pathlib import Path

from provisioning.operations import survey
from provisioning.operations.alarms import What
from provisioning.operations.archive import Archive
from tests.provisioning.operations.played import NOW, Card, key


def test_what_an_operator_accepts_is_not_written_over_by_a_recorder_that_has_not_looked_yet(archive: Archive, file: Path) -> None:
    anew = Card(key=key(2), boot="boot-2")
    archive.store([Card().birth(), anew.birth()], received_at=NOW)
    assert survey.accept(file, "g-a")
    archive.store([anew.birth(), anew.decide()], received_at=NOW)
    assert archive.take_accepted() == ["g-a"]
    archive.store([anew.birth()], received_at=NOW)
    (gate,) = survey.gates(file)
    assert (gate.key, gate.other_key, gate.alarms, archive.register.alarms("g-a")) == (anew.public.hex(), "", (), [])


def test_what_is_alarmed_after_an_operator_has_accepted_lasts(archive: Archive, file: Path) -> None:
    card = Card()
    copied = card.stolen()
    archive.store([card.birth(), card.decide(), copied.decide(other=True)], received_at=NOW)
    survey.accept(file, "g-a")
    archive.store([copied.decide(more=True), card.decide()], received_at=NOW)
    archive.take_accepted()
    assert What.OTHER_BYTES in [what for what, _ in archive.register.alarms("g-a")]
    assert survey.gates(file)[0].alarms == tuple(archive.register.alarms("g-a"))
