"""A certificate authority of our own, and TLS in front of the local AWS with what it signs."""

import datetime
import ipaddress
import shutil
import socket
import ssl
import threading
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from proxy import Proxy

_DAY = datetime.timedelta(days=1)


class Authority:
    """Signs certificates for names and addresses. Its own is a file in the folder, which is removed at the end."""

    def __init__(self, folder, name):
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(self._name, self._key, x509.BasicConstraints(ca=True, path_length=0), _DAY)
        self.file = folder / "ca.pem"
        self.file.write_bytes(_pem(self.certificate))
        self.file.chmod(0o644)

    def _sign(self, subject, key, extension, validity):
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 2 * _DAY)
            .not_valid_after(now + validity)
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .sign(self._key, hashes.SHA256())
        )

    def context(self, *names, expired=False):
        """For a server with these names or addresses."""
        alternatives = [x509.IPAddress(ipaddress.ip_address(n)) if n[0].isdigit() else x509.DNSName(n) for n in names]
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        validity = -_DAY if expired else _DAY
        certificate = self._sign(subject, key, x509.SubjectAlternativeName(alternatives), validity)
        file = self._folder / f"{names[0]}-{expired}.pem"
        plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file.write_bytes(_pem(certificate) + key.private_bytes(*plain))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def close(self):
        shutil.rmtree(self._folder)


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


class TlsEnd:
    """Takes TLS connections and carries what is in them to an HTTP endpoint."""

    def __init__(self, endpoint, context, host="127.0.0.1"):
        # One that looks at nothing does the carrying.
        self._carrier = Proxy(endpoint)
        self._target = urlsplit(self._carrier.endpoint)
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.endpoint = f"https://{host}:{self.port}"
        self.handshakes = 0
        self.refusals = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            secured = self._context.wrap_socket(client, server_side=True)
        except (ssl.SSLError, OSError) as why:
            # The other side does not trust us, and says so.
            self.refusals.append(str(why))
            client.close()
            return
        self.handshakes += 1
        onward = socket.create_connection((self._target.hostname, self._target.port))
        threading.Thread(target=_carry, args=(secured, onward), daemon=True).start()
        _carry(onward, secured)

    def close(self):
        self._listener.close()
        self._carrier.close()


def _carry(source, target):
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
    except OSError:
        pass
    finally:
        for end in (source, target):
            end.close()
