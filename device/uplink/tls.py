"""TLS towards the broker: who is believed, who this gate is, and what a failed handshake means."""

from __future__ import annotations

import socket
import ssl

from device.errors import ContactError, SettingsError
from device.settings import Broker

# OpenSSL's verify codes (x509_vfy.h) that a technician can do something about.
_NOT_YET_VALID = {9, 11}
_EXPIRED = {10, 12}
_WRONG_NAME = {62, 64}


def context(broker: Broker) -> ssl.SSLContext:
    """TLS 1.2 or later, the broker's name checked, no authority believed but the one in the settings.

    Raises:
        SettingsError: a certificate or key file cannot be read, or they do not belong together.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        made.load_verify_locations(cafile=str(broker.ca_file))
    except OSError as error:
        what = f"broker.ca_file {broker.ca_file} cannot be used: {_words(error)}"
        raise SettingsError(what, hint="it holds the broker's authority in PEM") from None
    try:
        made.load_cert_chain(str(broker.certificate_file), str(broker.key_file), password=_no_password)
    except OSError as error:
        what = f"broker.certificate_file {broker.certificate_file} and broker.key_file {broker.key_file} cannot be used: {_words(error)}"
        raise SettingsError(what, hint="PEM, readable by this user, without password, and one belongs to the other") from None
    return made


def explained(error: Exception, broker: Broker) -> ContactError:
    """Why no connection came about, in words for the person at the gate."""
    at = f"{broker.host}:{broker.port}"
    match error:
        case ssl.SSLCertVerificationError():
            what, hint = _certificate(error, at)
        case ssl.SSLError():
            what, hint = f"no TLS with {at}: {_words(error)}", "is that the broker's TLS port?"
        case socket.gaierror():
            what, hint = f"the name {broker.host} is not known", "check broker.host and the network's name server"
        case TimeoutError():
            what, hint = f"{at} does not answer", "check the network, and a firewall on the way"
        case _:
            what, hint = f"no connection with {at}: {_words(error)}", "check the network; is the broker running?"
    return ContactError(what, hint=hint)


def _certificate(error: ssl.SSLCertVerificationError, at: str) -> tuple[str, str]:
    if error.verify_code in _NOT_YET_VALID:
        return f"the certificate of {at} is not yet valid by this machine's clock", "a Raspberry Pi wakes up in the past: set the clock"
    if error.verify_code in _EXPIRED:
        return f"the certificate of {at} has expired by this machine's clock", "if the clock is right, renew the broker's certificate"
    if error.verify_code in _WRONG_NAME:
        return f"the certificate of {at} is for another name", "broker.host must be a name or address in that certificate"
    return f"{at} is not who it should be: {error.verify_message}", "broker.ca_file must hold the authority that signed its certificate"


def _no_password() -> str:
    """Asked for by an encrypted key; without this, OpenSSL would wait at the terminal for ever."""
    return ""


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return str(getattr(error, "reason", None) or "TLS error").lower().replace("_", " ")
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
