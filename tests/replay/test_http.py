"""What stands behind each path, byte for byte where it matters."""

import http.client
import re
import socket
import subprocess

from harness import GENERAL, OPENMETRICS, Page, ReplayTest, main, opened

TEXT = "text/plain; version=0.0.4; charset=utf-8"
DEBIAN_PYTHON = "/usr/bin/python3"  # the one that python3-prometheus-client is for
PARSE = """
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.read()):
    print(family.name, family.type, len(family.samples))
"""


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

    def test_whoever_asks_for_openmetrics_gets_it(self):
        for accept, kind in (
                ("application/openmetrics-text", OPENMETRICS),
                ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", OPENMETRICS),
                ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;q=0.4",
                 OPENMETRICS + "; escaping=allow-utf-8")):
            status, headers, body = self.it.get(headers={"Accept": accept})
            self.assertEqual((200, kind), (status, headers["Content-Type"]), accept)
            self.assertEqual("Accept, Accept-Encoding", headers["Vary"])
            self.assertTrue(body.endswith(b"\n# EOF\n"))

    def test_several_accept_fields_are_one(self):
        connection = http.client.HTTPConnection(self.it.address, timeout=10)
        connection.putrequest("GET", "/metrics", skip_accept_encoding=True)
        for name, value in (("Accept", "text/plain;q=0.3"), ("Accept", "application/openmetrics-text;version=1.0.0"),
                            ("Accept-Encoding", "br"), ("Accept-Encoding", "gzip;q=0.5")):
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        self.assertEqual((OPENMETRICS, "gzip"), (answer.headers["Content-Type"], answer.headers["Content-Encoding"]))
        Page(opened(answer.read()).decode(), OPENMETRICS)
        connection.close()

    def test_both_formats_have_the_same_series(self):
        text, other = self.it.page(), self.it.page(accept="application/openmetrics-text")
        self.assertEqual(set(text.samples), set(other.samples))
        moving = ("tencentchat_exporter_", "process_", "tencentchat_api_", "tencentchat_quota_", "tencentchat_scheduler_",
                  "tencentchat_community_last_", "tencentchat_community_poll_duration")
        for series, value in text.samples.items():
            if not series.startswith(moving):
                self.assertEqual(value, other.samples[series], series)

    def test_debian_s_openmetrics_parser_agrees(self):
        if subprocess.run([DEBIAN_PYTHON, "-c", "import prometheus_client"], capture_output=True, check=False).returncode:
            self.skipTest("python3-prometheus-client is not installed")
        page = self.it.page(accept="application/openmetrics-text")
        done = subprocess.run([DEBIAN_PYTHON, "-c", PARSE], input=page.text, capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual("", done.stderr)
        families = dict(line.split(" ", 1) for line in done.stdout.splitlines())
        self.assertEqual(len(page.samples), sum(int(f.split()[1]) for f in families.values()))
        for name, kind in (("tencentchat_topic", "info"), ("tencentchat_topic_messages", "counter"),
                           ("tencentchat_topic_muted", "gauge"),
                           ("tencentchat_api_request_duration_seconds", "histogram")):
            self.assertEqual(kind, families[name].split()[0], name)

    def test_levels_narrow_and_names_choose(self):
        for accept in (None, "application/openmetrics-text"):
            community = self.it.page("/metrics?level=community", accept)
            self.assertFalse(community.family("tencentchat_topic_muted"))
            self.assertTrue(community.family("tencentchat_community_up"))
            app = self.it.page("/metrics?level=app", accept)
            self.assertFalse([s for s in app.samples if s.startswith(("tencentchat_topic_", "tencentchat_community_"))])
            self.assertTrue(app.one("tencentchat_app_communities", state="ok"))
            some = self.it.page("/metrics?name%5B%5D=tencentchat_topic_muted&name[]=tencentchat_topic_mes%73ages", accept)
            self.assertEqual({"tencentchat_topic_muted", "tencentchat_topic_messages_total"},
                             {s.split("{")[0] for s in some.samples})
            none = self.it.page("/metrics?level=app&name[]=tencentchat_topic_muted", accept)
            self.assertEqual({}, none.samples)
        self.assertEqual(b"", self.raw(b"GET /metrics?level=app&name[]=tencentchat_topic_muted HTTP/1.0\r\n\r\n")
                         .split(b"\r\n\r\n", 1)[1])

    def test_one_app(self):
        name = re.search(r'app_name="([^"]*)"', self.it.page().text).group(1)
        page = self.it.page(f"/metrics?app={name}&x=1&x")
        self.assertIsNotNone(page.one("tencentchat_topic_messages_total", topic=GENERAL))
        self.assertTrue(page.family("process_open_fds"))

    def test_what_a_query_cannot_mean_is_told(self):
        for query, word in (("level=topics", "level 'topics' is none of topic, community, app"), ("level=", "level ''"),
                            ("level", "level ''"), ("level=app&level=app", "level is given twice"),
                            ("app=nobody", "app 'nobody' is not configured"), ("app=%22%0a%C3", "app '\"??'"),
                            ("name[]=tencentchat_topic_mutde", "did you mean 'tencentchat_topic_muted'?"),
                            ("name[]=", "name[] '' is no metric")):
            status, headers, body = self.it.get("/metrics?" + query)
            self.assertEqual((400, "text/plain; charset=utf-8"), (status, headers["Content-Type"]), query)
            self.assertIn(word, body.decode(), query)

    def test_the_exporter_tells_about_itself(self):
        self.it.get("/nowhere")
        self.it.get("/metrics?level=x")
        self.it.page()
        page = self.it.page()
        self.assertEqual(1, page.one("tencentchat_exporter_ready"))
        self.assertEqual(1, page.one("tencentchat_exporter_config_last_reload_successful"))
        self.assertGreater(page.one("tencentchat_exporter_config_last_reload_success_timestamp_seconds"), 1.6e9)
        self.assertTrue(0 < page.one("tencentchat_exporter_config_hash") < 2**48)
        self.assertEqual(500000, page.one("tencentchat_exporter_series_limit"))
        for reason in ("max_series", "level", "disable"):
            self.assertEqual(0, page.one("tencentchat_exporter_series_suppressed", reason=reason))
        self.assertGreater(page.one("tencentchat_exporter_http_requests_total", handler="/metrics", code="200"), 0)
        self.assertEqual(1, page.one("tencentchat_exporter_http_requests_total", handler="/metrics", code="400"))
        self.assertEqual(1, page.one("tencentchat_exporter_http_requests_total", handler="other", code="404"))
        self.assertEqual(0, page.one("tencentchat_exporter_http_requests_total", handler="/-/healthy", code="200"))
        self.assertGreater(page.one("tencentchat_exporter_log_messages_total", level="info"), 0)
        self.assertEqual(0, page.one("tencentchat_exporter_log_messages_total", level="error"))
        self.assertIn(page.one("tencentchat_exporter_sandboxed"), (0, 1))  # sanitizers are left alone
        self.assertEqual((0, 1), (page.one("tencentchat_exporter_shard"), page.one("tencentchat_exporter_total_shards")))
        again = self.it.page()
        for level, prefix in (("topic", "tencentchat_topic_"), ("community", "tencentchat_community_")):
            self.assertEqual(len([s for s in again.samples if s.startswith(prefix)]),
                             again.one("tencentchat_exporter_series", level=level), level)
        self.assertEqual(len(again.samples), sum(again.family("tencentchat_exporter_series").values()))

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
        for i in range(20):
            connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip" if i % 2 else "identity"})
            answer = connection.getresponse()
            Page((opened(answer.read()) if i % 2 else answer.read()).decode())
        connection.close()

    def test_fifty_at_once_all_get_whole_pages_or_a_clean_refusal(self):
        connections = [http.client.HTTPConnection(self.it.address, timeout=20) for _ in range(50)]
        for i, c in enumerate(connections):
            c.request("GET", "/metrics", headers={"Accept-Encoding": "gzip" if i % 2 else "identity"})
        served = 0
        for i, c in enumerate(connections):
            answer = c.getresponse()
            body = answer.read()
            self.assertIn(answer.status, (200, 503))
            if answer.status == 200:
                Page((opened(body) if i % 2 else body).decode())
                served += 1
            else:
                self.assertEqual("1", answer.headers["Retry-After"])
            c.close()
        self.assertGreaterEqual(served, 40)


if __name__ == "__main__":
    main()
