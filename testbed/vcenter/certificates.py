# SPDX-License-Identifier: Apache-2.0
"""Certificates of servers, and the authorities that sign them."""

import datetime
import ipaddress
import pathlib
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = datetime.timedelta(days=1)


class Pair(NamedTuple):
    """Files of a server, as PEM."""

    certificate: pathlib.Path
    key: pathlib.Path


def load_or_sign(folder: pathlib.Path) -> tuple[Pair, pathlib.Path]:
    """Return a certificate, and the one that it is to be verified by.

    :param folder: that keeps them for the next time
    """
    name = 'authority'
    file, pair = folder / f'{name}.pem', _pair(folder, f'{name}-1')
    if not pair.key.exists():
        Authority(folder, name).sign()
    return pair, file


def _pair(folder: pathlib.Path, stem: str) -> Pair:
    return Pair(folder / f'{stem}.pem', folder / f'{stem}.key')


class Authority:
    """Signs certificates; ``file`` has its own."""

    def __init__(self, folder: pathlib.Path, name: str) -> None:
        """Make it.

        :param folder: for all files
        """
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self._count = 0
        certificate = (
            _builder(self._name, self._name, self._key, 3650 * _DAY)
            .add_extension(x509.BasicConstraints(True, None), critical=True)
            .add_extension(_key_usage(signs=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file = folder / f'{name}.pem'
        self.file.write_bytes(_pem(certificate))

    def sign(
        self,
        address: str = '127.0.0.1',
        valid: datetime.timedelta = 365 * _DAY,
    ) -> Pair:
        """Return a new certificate of a server.

        :param address: an IP address, or the name of a machine
        :param valid: how long from now; below zero if it is over already
        """
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(_name(address), self._name, key, valid)
            .add_extension(
                x509.SubjectAlternativeName([_alternative(address)]),
                critical=False,
            )
            .add_extension(_key_usage(signs=False), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self._count += 1
        pair = _pair(self._folder, f'{self.file.stem}-{self._count}')
        pair.certificate.write_bytes(_pem(certificate))
        pair.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return pair

    def sign_expired(self) -> Pair:
        """Return a certificate that was valid until yesterday."""
        return self.sign(valid=-_DAY)


def _builder(subject, issuer, key, valid) -> x509.CertificateBuilder:
    end = datetime.datetime.now(datetime.UTC) + valid
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Before any end that is to be.
        .not_valid_before(end - max(valid, _DAY) - _DAY)
        .not_valid_after(end)
    )


def _key_usage(signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(address: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(address))
    except ValueError:
        return x509.DNSName(address)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
