from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from provisioning.authority.keys import raw_public, read_signing_key
from provisioning.cli import main
from provisioning.commanding import settings


def test_the_folder_holds_what_its_holder_needs(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["command-key", "--out", str(out), "--id", "op-1", "--json"]) == 0
    folder = out / "commands" / "op-1"
    public = raw_public(read_signing_key(folder / "order.key")).hex()
    assert json.loads(capsys.readouterr().out) == {"folder": str(folder), "public_key": public}
    chosen = settings.load(folder)
    assert (chosen.identity.province, chosen.identity.id, chosen.identity.actor) == ("p-999", "command.op-1", "op-1")
    files = (chosen.broker.ca_file, chosen.broker.certificate_file, chosen.broker.key_file, chosen.orders.key_file)
    assert all(path.is_file() for path in files)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (chosen.broker.key_file, chosen.orders.key_file)] == [0o600, 0o600]


def test_a_person_says_what_comes_next(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["command-key", "--out", str(out), "--id", "op-1"]) == 0
    told = capsys.readouterr().out
    assert '  commands = ["command.op-1"]\n' in told
    assert f"qrgate-provision broker --out {out}" in told
    assert "qrgate-provision delegations --help" in told


def test_whoever_may_order_already_stays_in_the_line_that_is_to_be_written(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = out / "authority" / "broker.toml"
    text = file.read_text(encoding="utf-8")
    assert main(["command-key", "--out", str(out), "--id", "op-1"]) == 0
    line = capsys.readouterr().out.partition("  commands = ")[2].partition("\n")[0]
    file.write_text(text.replace("#commands = []", f"commands = {line}"), encoding="utf-8")
    assert main(["command-key", "--out", str(out), "--id", "op-2"]) == 0
    assert '  commands = ["command.op-1", "command.op-2"]\n' in capsys.readouterr().out
    assert main(["broker", "--out", str(out)]) == 0
    assert "user command.op-1\n" in (out / "broker" / "acl").read_text(encoding="utf-8")


def test_nobody_s_key_is_replaced(out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["command-key", "--out", str(out), "--id", "op-1"]
    assert [main(words), main(words)] == [0, 2]
    alone = ["command-key", "--key", str(tmp_path / "own" / "order.key"), "--json"]
    assert [main(alone), main(alone)] == [0, 2]
    first, second = capsys.readouterr().out.splitlines()[-1], raw_public(read_signing_key(tmp_path / "own" / "order.key")).hex()
    assert json.loads(first)["public_key"] == second


def test_a_new_tls_identity_leaves_the_rest(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["command-key", "--out", str(out), "--id", "op-1"]
    assert [main([*words, "--renew"]), main(words)] == [2, 0]
    folder = out / "commands" / "op-1"
    kept, renewed = ("order.key", "command.toml", "tls/ca.crt"), ("tls/command.crt", "tls/command.key")
    before = {name: (folder / name).read_bytes() for name in (*kept, *renewed)}
    capsys.readouterr()
    assert main([*words, "--renew", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"folder": str(folder)}
    assert [name for name, content in before.items() if (folder / name).read_bytes() != content] == [*renewed]


@pytest.mark.parametrize(
    "words", [["--key", "k", "--renew"], [], ["--id", "op-1"], ["--key", "k", "--id", "op-1"], ["--key", "k", "--out", "o", "--id", "op-1"]]
)
def test_what_is_to_be_made_must_be_clear(words: list[str]) -> None:
    assert main(["command-key", *words]) == 2


def test_an_id_that_is_a_name_is_refused(out: Path) -> None:
    assert main(["command-key", "--out", str(out), "--id", "Nguyễn Thử Nghiệm"]) == 2
