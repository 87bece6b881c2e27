"""The listener on a network: TLS, client certificates, a certificate that is renewed under load, passwords."""

import base64
import os
import re
import signal
import socket
import ssl
import subprocess
import threading

from harness import DEADLINE_S, EXPORTER, ReplayTest, main, until

PASSWORD = "open sesame"
HASH = "$2b$08$abcdefghijklmnopqrstuuvbcBqwD0vqGp5cw/xK4wy0Mtx9M8.Zy"
USERS = 'basic_auth_users = ( { name = "prometheus"; password_hash = "%s"; } );' % HASH
YAML = """tls_server_config:
  cert_file: server.crt
  key_file: server.key
basic_auth_users:
  prometheus: %s
""" % HASH


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=60)


class Authority:
    def __init__(self, directory, name):
        self.directory, self.name = directory, name
        self.cert = directory / f"{name}.crt"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 2, "-subj",
                f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign", "-keyout", directory / f"{name}.key", "-out",
                self.cert)

    def sign(self, name, usage, subject):
        """Writes name.crt and name.key, the certificate last and in one step."""
        d = self.directory
        (d / "ext").write_text(f"extendedKeyUsage={usage}\nsubjectAltName=IP:127.0.0.1\n"
                               "authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n")
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={subject}",
                "-keyout", d / "new.key", "-out", d / "new.csr")
        openssl("x509", "-req", "-in", d / "new.csr", "-CA", self.cert, "-CAkey", d / f"{self.name}.key", "-days", 2,
                "-set_serial", int.from_bytes(os.urandom(8), "big"), "-extfile", d / "ext", "-out", d / "new.crt")
        os.chmod(d / "new.key", 0o600)
        os.rename(d / "new.key", d / f"{name}.key")
        os.rename(d / "new.crt", d / f"{name}.crt")


def authorization(user, password):
    return "Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode() + "\r\n"


class Listener(ReplayTest):
    def setUp(self):
        super().setUp()
        self.chat = self.simulator()
        self.folder = self.directory / "web"
        self.folder.mkdir()
        self.web = self.folder / "web.cfg"

    def open(self, text, **options):
        self.web.write_text(text)
        return self.exporter(self.config(self.chat, root=f'web: {{ config_file = "{self.web}"; }};'), **options)

    def tls(self, client="", version=None):
        self.authority = Authority(self.folder, "ca")
        self.authority.sign("server", "serverAuth", "first")
        return f'tls_server_config = {{ cert_file = "server.crt"; key_file = "server.key"; {client} }};\n'

    def context(self, cert=None, low=None, high=None):
        c = ssl.create_default_context(cafile=str(self.authority.cert))
        if cert:
            c.load_cert_chain(str(cert) + ".crt", str(cert) + ".key")
        if high:
            c.set_ciphers("DEFAULT:@SECLEVEL=0")
            c.minimum_version, c.maximum_version = low or high, high
        return c

    def connect(self, it, context=None):
        host, port = it.address.rsplit(":", 1)
        s = socket.create_connection((host, int(port)), timeout=20)
        return context.wrap_socket(s, server_hostname=host) if context else s

    def ask(self, it, path="/metrics", heads="", context=None, s=None):
        """(status, everything that came) of one request that ends its connection."""
        with s or self.connect(it, context) as c:
            c.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{heads}\r\n".encode())
            got = b""
            while True:
                block = c.recv(65536)
                if not block:
                    break
                got += block
        match = re.match(rb"HTTP/1\.1 (\d{3}) ", got)
        return (int(match.group(1)) if match else 0), got

    def test_old_versions_and_plain_http_are_refused(self):
        it = self.open(self.tls())
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            status, got = self.ask(it, context=self.context(high=version))
            self.assertEqual(200, status)
            self.assertTrue(got.endswith(b"\r\n0\r\n\r\n"))
        with self.assertRaises(OSError):
            self.ask(it, context=self.context(low=ssl.TLSVersion.TLSv1, high=ssl.TLSVersion.TLSv1_1))
        try:
            self.assertEqual(0, self.ask(it)[0])
        except ConnectionError:
            pass

    def test_a_client_certificate_is_required_and_verified(self):
        it = self.open(self.tls('client_auth_type = "RequireAndVerifyClientCert"; client_ca_file = "ca.crt";'))
        foreign = Authority(self.folder, "foreign")
        self.authority.sign("good", "clientAuth", "prometheus")
        foreign.sign("bad", "clientAuth", "prometheus")
        self.assertEqual(200, self.ask(it, context=self.context(self.folder / "good"))[0])
        for cert in (None, self.folder / "bad", self.folder / "server"):
            try:
                self.assertEqual(0, self.ask(it, context=self.context(cert))[0], cert)
            except OSError:
                pass  # refused in the handshake, as it should be; TLS 1.3 clients hear of it with the first read

    def test_a_renewed_certificate_is_taken_under_load(self):
        it = self.open(self.tls())
        context, names, failed = self.context(), set(), []
        stop = threading.Event()

        def subject():
            with self.connect(it, context) as s:
                name = dict(x[0] for x in s.getpeercert()["subject"])["commonName"]
                status, got = self.ask(it, s=s)
                return name if status == 200 and got.endswith(b"\r\n0\r\n\r\n") else f"status {status}"

        def scrape():
            while not stop.is_set():
                try:
                    names.add(subject())
                except OSError as e:
                    failed.append(e)

        threads = [threading.Thread(target=scrape) for _ in range(4)]
        for t in threads:
            t.start()
        try:
            until(lambda: "first" in names, "scrapes with the first certificate")
            self.authority.sign("server", "serverAuth", "second")
            it.process.send_signal(signal.SIGHUP)
            until(lambda: "second" in names, "scrapes with the second certificate")
            self.assertEqual("second", subject())
            (self.folder / "server.key").write_text("broken")
            it.process.send_signal(signal.SIGHUP)
            until(lambda: "there is no private key in it" in it.log(), "the reload is refused")
            self.assertEqual("second", subject())
        finally:
            stop.set()
            for t in threads:
                t.join(DEADLINE_S)
        self.assertEqual([], failed)
        self.assertEqual({"first", "second"}, names)

    def test_passwords_open_every_page(self):
        it = self.open(USERS)
        good, bad = authorization("prometheus", PASSWORD), authorization("prometheus", "guess")
        for path in ("/metrics", "/", "/-/healthy", "/no/such/page"):
            status, got = self.ask(it, path)
            self.assertEqual(401, status, path)
            self.assertIn(b'\r\nWWW-Authenticate: Basic realm="tencentchat_exporter", charset="UTF-8"\r\n', got)
            self.assertEqual(401, self.ask(it, path, bad)[0], path)
            self.assertEqual(401, self.ask(it, path, authorization("nobody", PASSWORD))[0], path)
            self.assertEqual(404 if "such" in path else 200, self.ask(it, path, good)[0], path)
        self.assertNotIn(PASSWORD, it.log())
        self.assertNotIn("$2b$", it.log())

    def test_a_flood_of_guesses_holds_up_nobody_who_is_known(self):
        it = self.open(USERS)
        good = authorization("prometheus", PASSWORD)
        self.assertEqual(200, self.ask(it, heads=good)[0])
        flood = [self.connect(it) for _ in range(50)]
        for i, s in enumerate(flood):
            s.sendall(f"GET /metrics HTTP/1.1\r\nHost: x\r\n{authorization('prometheus', f'guess {i}')}\r\n".encode())
        for _ in range(10):
            self.assertEqual(200, self.ask(it, heads=good)[0])
        statuses = [int(s.recv(65536).split(b" ")[1]) for s in flood]
        for s in flood:
            s.close()
        self.assertEqual({401, 429}, set(statuses) | {401, 429})
        self.assertGreaterEqual(statuses.count(401), 8)
        status, page = self.ask(it, heads=good)
        self.assertEqual(200, status)
        counted = re.search(rb'http_requests_total\{handler="/metrics",code="401"\} (\d+)', page)
        self.assertEqual(statuses.count(401), int(counted.group(1)))

    def test_yaml_is_refused_and_said_in_our_form(self):
        self.web.write_text(YAML)
        config = self.folder / "exporter.cfg"
        config.write_text(self.config(self.chat, root=f'web: {{ config_file = "{self.web}"; }};'))
        for flags in ([], ["--config.check"]):
            run = subprocess.run([EXPORTER, f"--config.file={config}", "--web.listen-address=127.0.0.1:0", *flags],
                                 stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
            self.assertEqual(2, run.returncode, run.stderr)
            self.assertIn("this is YAML", run.stderr)
            self.assertIn("tls_server_config = {", run.stderr)
            self.assertNotIn(HASH, run.stderr + run.stdout)


if __name__ == "__main__":
    main()
