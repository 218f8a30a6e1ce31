from __future__ import annotations

from pathlib import Path

import pytest

from device.errors import SettingsError, UsageError
from provisioning.broker import description
from provisioning.broker.description import Broker, Clients, Description, Size
from tests.provisioning.broker.described import described

HOSTILE = ["+", "#", "a+b", "a#b", "a/b", "$SYS", "a\0b", "a b", "a\nb", "a\n", "ă"]


def test_a_description_with_a_typo_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broker.toml").write_text('[broker]\nhost = "h"\nfolder = "/b"\nuser = "u"\nprot = 1\n')
    with pytest.raises(SettingsError) as caught:
        description.load(tmp_path / "broker.toml")
    assert "broker.toml:5: unknown key 'prot' in [broker] (did you mean 'port'?)" in caught.value.what


def test_a_description_of_an_older_version_is_whole_with_one_table(tmp_path: Path) -> None:
    (tmp_path / "broker.toml").write_text('[broker]\nhost = "h"\nfolder = "/b"\nuser = "u"\nautosave_changes = 1000\n')
    loaded = description.load(tmp_path / "broker.toml").of_province("p-999")
    assert loaded == described(host="h", user="u", autosave_changes=1000)
    assert (loaded.clients.recorders, loaded.clients.watchers, loaded.clients.commands) == (("recorder.p-999",), ("watcher.p-999",), ())


@pytest.mark.parametrize("name", HOSTILE)
def test_an_id_that_means_something_in_a_topic_is_refused_in_every_place(name: str) -> None:
    for clients in (
        Clients(recorders=(f"recorder.{name}",)),
        Clients(watchers=(f"watcher.{name}",)),
        Clients(commands=(f"command.{name}",)),
        Clients(gates=(name,)),
        Clients(discovery_prefix=name),
    ):
        with pytest.raises(UsageError):
            described(clients=clients)
    with pytest.raises(UsageError):
        Description(broker=described().broker).of_province(name)


def test_a_name_has_one_role() -> None:
    with pytest.raises(UsageError, match=r"'recorder.a' is no name of a watcher"):
        described(clients=Clients(watchers=("recorder.a",)))


def test_a_description_of_another_province_is_refused() -> None:
    with pytest.raises(UsageError, match="is that of province 'p-998'"):
        described(clients=Clients(province="p-998"))


def test_a_file_is_read_as_strictly_as_it_is_made(tmp_path: Path) -> None:
    (tmp_path / "broker.toml").write_text('[broker]\nhost = "h"\nfolder = "/b"\nuser = "u"\n[clients]\ngates = ["#"]\ncommands = ["command.+"]\n')
    with pytest.raises(SettingsError) as caught:
        description.load(tmp_path / "broker.toml")
    assert "2 mistakes" in caught.value.what


SIZES = {
    "what is asked for": (Size(gates=10, events_a_day=500, away_days=2), 10_000),
    "one window of each gate at the least": (Size(gates=100, events_a_day=1, away_days=1), 2_000),
    "what the memory holds at the most": (Size(gates=1000, events_a_day=10_000, away_days=3, memory_mib=1024), 1024 * 2**20 // 2048),
}


@pytest.mark.parametrize(("size", "messages"), SIZES.values(), ids=SIZES.keys())
def test_the_queue_holds(size: Size, messages: int) -> None:
    assert size.queued_messages == messages


def test_a_memory_that_does_not_hold_one_window_of_each_gate_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        _ = Size(gates=100_000, memory_mib=16).queued_messages
    assert (caught.value.what, caught.value.hint) == ("size.memory_mib 16 is too little for 100000 gates", "they need 3907 at the least")


def test_files_lie_in_the_folder_or_where_a_path_says() -> None:
    made = described(folder=Path("/b"), key_file="/run/keys/server.key")
    assert [made.file(name) for name in (made.broker.ca_file, made.broker.key_file)] == [Path("/b/ca.crt"), Path("/run/keys/server.key")]


def test_the_certificate_names_each_host_once() -> None:
    assert Broker(host="a", more_hosts=("b", "a"), folder=Path("/b"), user="u").hosts == ("a", "b")
