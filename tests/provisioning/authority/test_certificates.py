from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store

from device.errors import UsageError, VerificationError
from provisioning.authority import certificates
from provisioning.authority.certificates import Root
from provisioning.authority.keys import make_tls_key

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
HOSTS = ("mqtt.example.vn", "10.9.9.9", "fd00::9")


@pytest.fixture(scope="module")
def root() -> Root:
    key = make_tls_key()
    return Root(certificates.make_root(key, "p-999", now=NOW), key)


@pytest.fixture(scope="module")
def server(root: Root) -> x509.Certificate:
    return certificates.issue_server(root, make_tls_key().public_key(), HOSTS, now=NOW)


@pytest.fixture(scope="module")
def client(root: Root) -> x509.Certificate:
    return certificates.issue_client(root, make_tls_key().public_key(), "g-a", now=NOW)


def common_name(certificate: x509.Certificate) -> str | bytes:
    return certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value


def test_the_root_signs_certificates_and_no_further_authority(root: Root) -> None:
    extensions = root.certificate.extensions
    assert extensions.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(ca=True, path_length=0)
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    assert (usage.critical, usage.value.key_cert_sign, usage.value.crl_sign, usage.value.digital_signature) == (True, True, True, False)
    assert isinstance(root.certificate.public_key(), ec.EllipticCurvePublicKey)
    assert root.province == "p-999"


@pytest.mark.parametrize("host", HOSTS)
def test_the_server_is_valid_for_each_of_its_hosts(root: Root, server: x509.Certificate, host: str) -> None:
    name: x509.GeneralName = x509.DNSName(host) if "." in host and host[0] == "m" else x509.IPAddress(ip_address(host))
    assert isinstance(name, x509.DNSName | x509.IPAddress)
    verifier = PolicyBuilder().store(Store([root.certificate])).time(NOW).build_server_verifier(name)
    assert verifier.verify(server, []) == [server, root.certificate]


def test_the_server_is_not_valid_for_another_host(root: Root, server: x509.Certificate) -> None:
    verifier = PolicyBuilder().store(Store([root.certificate])).time(NOW).build_server_verifier(x509.DNSName("other.example.vn"))
    with pytest.raises(x509.verification.VerificationError):
        verifier.verify(server, [])


def test_a_client_is_named_and_may_be_a_client_only(root: Root, client: x509.Certificate) -> None:
    client.verify_directly_issued_by(root.certificate)
    assert common_name(client) == "g-a"
    assert list(client.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert client.extensions.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(ca=False, path_length=None)


def test_a_server_may_be_a_server_only(server: x509.Certificate) -> None:
    assert list(server.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_certificates_name_the_key_that_signed_them(root: Root, client: x509.Certificate, server: x509.Certificate) -> None:
    identifier = root.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    for each in (client, server):
        assert each.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier == identifier


def test_certificates_hold_from_yesterday_for_their_time(root: Root, client: x509.Certificate) -> None:
    yesterday = NOW - timedelta(days=1)
    assert (root.certificate.not_valid_before_utc, root.certificate.not_valid_after_utc) == (yesterday, NOW + timedelta(days=3650))
    assert (client.not_valid_before_utc, client.not_valid_after_utc) == (yesterday, NOW + timedelta(days=395))


def test_another_provinces_root_did_not_sign_it(client: x509.Certificate) -> None:
    key = make_tls_key()
    other = certificates.make_root(key, "p-999", now=NOW)  # the same name, another key
    with pytest.raises(InvalidSignature):
        client.verify_directly_issued_by(other)


def test_a_host_name_that_is_none_is_refused(root: Root) -> None:
    with pytest.raises(UsageError, match="is no host name"):
        certificates.issue_server(root, make_tls_key().public_key(), ("điểm.vn",), now=NOW)


def test_a_damaged_certificate_is_told(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("nothing")
    with pytest.raises(VerificationError, match="is no certificate, or a damaged one"):
        certificates.read_certificate(tmp_path / "ca.crt")


@pytest.mark.parametrize("name", ["", "#", "+", "g-a/cmd", "g a", "G-A", "g\x00a", "a" * 65])
def test_a_name_that_a_broker_could_misread_gets_no_certificate(root: Root, name: str) -> None:
    with pytest.raises(UsageError, match="no name for a certificate"):
        certificates.issue_client(root, make_tls_key().public_key(), name, now=NOW)
