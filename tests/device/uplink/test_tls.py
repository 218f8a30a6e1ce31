from __future__ import annotations

import socket
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from device.errors import SettingsError
from device.uplink import tls
from tests.brokers import make_authority
from tests.device.uplink.scripted import GATE, settings


def test_the_context_believes_one_authority_checks_the_name_and_refuses_old_protocols(tmp_path: Path) -> None:
    make_authority(tmp_path, GATE)
    made = tls.context(settings(tmp_path, 1).broker)
    assert (made.check_hostname, made.verify_mode, made.minimum_version) == (True, ssl.CERT_REQUIRED, ssl.TLSVersion.TLSv1_2)
    assert len(made.get_ca_certs()) == 1


def test_a_key_that_does_not_belong_to_the_certificate_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    make_authority(tmp_path, GATE)
    broker = replace(settings(tmp_path, 1).broker, key_file=tmp_path / "server.key")
    with pytest.raises(SettingsError) as caught:
        tls.context(broker)
    assert "key values mismatch" in caught.value.what
    assert "one belongs to the other" in caught.value.hint


def test_a_file_that_is_no_certificate_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    make_authority(tmp_path, GATE)
    (tmp_path / "ca.crt").write_text("hello", encoding="ascii")
    with pytest.raises(SettingsError) as caught:
        tls.context(settings(tmp_path, 1).broker)
    assert caught.value.what.startswith(f"broker.ca_file {tmp_path / 'ca.crt'} cannot be used: ")


def verification(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "x")
    error.verify_code = code
    error.verify_message = "unable to get local issuer certificate"
    return error


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (verification(9), "the certificate of broker.test:8883 is not yet valid by this machine's clock"),
        (verification(10), "the certificate of broker.test:8883 has expired by this machine's clock"),
        (verification(62), "the certificate of broker.test:8883 is for another name"),
        (verification(64), "the certificate of broker.test:8883 is for another name"),
        (verification(20), "broker.test:8883 is not who it should be: unable to get local issuer certificate"),
        (socket.gaierror(-2, "Name or service not known"), "the name broker.test is not known"),
        (TimeoutError("timed out"), "broker.test:8883 does not answer"),
        (ConnectionRefusedError(111, "Connection refused"), "no connection with broker.test:8883: Connection refused"),
        (ValueError("Invalid host."), "no connection with broker.test:8883: Invalid host."),
        (ssl.SSLError(1, "x"), "no TLS with broker.test:8883: tls error"),
    ],
)
def test_every_failure_is_told_in_words_with_a_hint(error: Exception, what: str) -> None:
    explained = tls.explained(error, settings(Path(), 8883, host="broker.test").broker)
    assert explained.what == what
    assert explained.hint
