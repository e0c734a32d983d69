"""Who may ask, and how they find the server: a token, a certificate, the kubeconfig that holds both.

It speaks HTTPS, also on loopback: kubectl keeps a token to itself where the address is plain HTTP.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from contracts.errors import ConfigError
from pocket import state

_YEARS = 10
_TOKEN_LENGTH = 32


def token(home: Path) -> str:
    """The home's bearer token, made now if there is none. ConfigError if its file was cut short."""
    path = _kept(home, "kubernetes.token", lambda: secrets.token_urlsafe(32))
    found = path.read_text()
    if len(found) < _TOKEN_LENGTH:
        raise ConfigError(f"{path} holds no token.", "Delete it and start the server again.")
    return found


def certificate(home: Path) -> tuple[Path, Path]:
    """Files of the certificate and its key, made now if there are none."""
    both = _kept(home, "kubernetes.pem", _certified)
    return both, both


def kubeconfig_path(home: Path) -> Path:
    """What KUBECONFIG must say."""
    return home / "kubeconfig"


def write_kubeconfig(home: Path, port: int) -> Path:
    """The owner-only file with which clients find the server and are let in. ConfigError for a spoilt certificate."""
    path, _ = certificate(home)
    try:
        authority = x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError as error:
        raise ConfigError(f"{path} holds no certificate ({error}).", "Delete it and start the server again.") from error
    public = base64.b64encode(authority.public_bytes(serialization.Encoding.PEM)).decode()
    cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority-data": public}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "pocket", "cluster": cluster}],
        "users": [{"name": "pocket", "user": {"token": token(home)}}],
        "contexts": [{"name": "pocket", "context": {"cluster": "pocket", "user": "pocket", "namespace": "default"}}],
        "current-context": "pocket",
    }
    state.private_file(kubeconfig_path(home), json.dumps(config, indent=1))
    return kubeconfig_path(home)


def _kept(home: Path, name: str, make: Callable[[], str]) -> Path:
    path = home / "secrets" / name
    if not path.exists():
        state.private_folder(path.parent)
        state.private_file(path, make())
    return path


def _certified() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "driftloop pocket")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    return (key.private_bytes(pem, *form) + signed.public_bytes(pem)).decode()
