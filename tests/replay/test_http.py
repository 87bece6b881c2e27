"""What stands behind each path, byte for byte where it matters."""

import gzip
import http.client
import re
import socket

from harness import Page, ReplayTest, main

TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Http(ReplayTest):
    def setUp(self):
        super().setUp()
        self.chat = self.simulator()
        self.it = self.exporter(self.config(self.chat)).ready()
        self.it.until(lambda p: p.one("tencentchat_community_up") == 1, "up")

    def raw(self, request):
        host, port = self.it.address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=10) as s:
            s.sendall(request)
            got = b""
            while True:
                block = s.recv(65536)
                if not block:
                    return got
                got += block

    def test_metrics_have_exact_headers(self):
        status, headers, body = self.it.get()
        self.assertEqual(200, status)
        self.assertEqual(TEXT, headers["Content-Type"])
        self.assertEqual("Accept, Accept-Encoding", headers["Vary"])
        self.assertEqual("nosniff", headers["X-Content-Type-Options"])
        self.assertEqual("no-store", headers["Cache-Control"])
        self.assertTrue("Content-Length" in headers or headers["Transfer-Encoding"] == "chunked")
        self.assertTrue(body.endswith(b"\n"))

    def test_any_accept_gets_an_answer(self):
        for accept in ("", "*/*", "application/json", "text/plain;version=0.0.4;q=0.3", ";;;q=,", "\x01"[1:] or "x/y"):
            status, headers, body = self.it.get(headers={"Accept": accept})
            self.assertEqual((200, TEXT), (status, headers["Content-Type"]), accept)
            if headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            Page(body.decode())

    def test_head_has_the_headers_and_no_body(self):
        answer = self.raw(b"HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "))
        self.assertTrue(answer.endswith(b"\r\n\r\n"))
        self.assertIn(TEXT.encode(), answer)

    def test_http_1_0_gets_a_length(self):
        answer = self.raw(b"GET /metrics HTTP/1.0\r\n\r\n")
        head, body = answer.split(b"\r\n\r\n", 1)
        length = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
        self.assertEqual(length, len(body))
        self.assertNotIn(b"chunked", head)
        Page(body.decode())

    def test_unknown_paths_and_methods(self):
        for path in ("/metric", "/metrics/", "//metrics", "/metrics%00", "/-/", "/favicon.ico", "/METRICS"):
            self.assertIn(self.it.get(path)[0], (400, 404), path)
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            status, headers, _ = self.it.get(method=method)
            self.assertEqual((405, "GET, HEAD"), (status, headers["Allow"]), method)

    def test_the_pages_for_people_and_probes(self):
        for path, kind, word in (("/", "text/html", b"tencentchat_exporter"), ("/-/healthy", "text/plain", b"healthy"),
                                 ("/-/ready", "text/plain", b"ready")):
            status, headers, body = self.it.get(path)
            self.assertEqual(200, status, path)
            self.assertTrue(headers["Content-Type"].startswith(kind), headers["Content-Type"])
            self.assertIn(word, body)
            self.assertEqual(len(body), int(headers["Content-Length"]))
            self.assertEqual(b"", self.it.get(path, "HEAD")[2])

    def test_one_connection_serves_many_scrapes(self):
        connection = http.client.HTTPConnection(self.it.address, timeout=10)
        for _ in range(20):
            connection.request("GET", "/metrics")
            answer = connection.getresponse()
            Page(answer.read().decode())
        connection.close()

    def test_fifty_at_once_all_get_whole_pages_or_a_clean_refusal(self):
        connections = [http.client.HTTPConnection(self.it.address, timeout=20) for _ in range(50)]
        for c in connections:
            c.request("GET", "/metrics")
        served = 0
        for c in connections:
            answer = c.getresponse()
            body = answer.read()
            self.assertIn(answer.status, (200, 503))
            if answer.status == 200:
                Page(body.decode())
                served += 1
            else:
                self.assertEqual("1", answer.headers["Retry-After"])
            c.close()
        self.assertGreaterEqual(served, 40)


if __name__ == "__main__":
    main()
