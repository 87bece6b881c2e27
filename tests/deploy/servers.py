"""Debian's Prometheus and Alertmanager on ports of their own, and somebody who is notified. Each is ended by its pid."""

import http.server
import json
import pathlib
import subprocess
import sys
import threading
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "replay"))

from harness import free_port, until  # noqa: E402


class Server:
    """One process with a log, ready when `path` answers."""

    path = "/-/ready"

    def __init__(self, directory, *command):
        self.directory = directory
        self.log = directory / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            until(self.ready, f"{command[0]} is ready", 60)
        except AssertionError:
            self.stop()
            raise AssertionError(self.log.read_text(encoding="utf-8", errors="replace")[-3000:]) from None

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError("it ended by itself")
        try:
            with urllib.request.urlopen(f"http://{self.address}{self.path}", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def get(self, path, **arguments):
        """The answer as JSON; also of a refusal, which says why."""
        url = f"http://{self.address}{path}?{urllib.parse.urlencode(arguments, doseq=True)}"
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as e:
            return json.load(e)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Prometheus(Server):
    def __init__(self, directory, config):
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / "prometheus.yml"
        path.write_text(json.dumps(config), encoding="utf-8")  # YAML is a superset
        self.address = f"127.0.0.1:{free_port()}"
        super().__init__(directory, "prometheus", f"--config.file={path}", f"--storage.tsdb.path={directory / 'data'}",
                         "--storage.tsdb.retention.time=30d", f"--web.listen-address={self.address}")

    def query(self, expression, **arguments):
        answer = self.get("/api/v1/query_range" if "step" in arguments else "/api/v1/query", query=expression, **arguments)
        if answer["status"] != "success":
            raise AssertionError(f"{expression}: {answer['error']}")
        return answer["data"]["result"]


class Alertmanager(Server):
    def __init__(self, directory, text):
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / "alertmanager.yml"
        path.write_text(text, encoding="utf-8")
        self.address = f"127.0.0.1:{free_port()}"
        super().__init__(directory, "prometheus-alertmanager", f"--config.file={path}", f"--storage.path={directory / 'data'}",
                         f"--web.listen-address={self.address}", "--cluster.listen-address=")


class Webhook:
    """Keeps every notification: (receiver, status, labels, annotations) an alert, in the order of arrival."""

    def __init__(self):
        self.heard = []
        heard = self.heard

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                for alert in message["alerts"]:
                    heard.append((message["receiver"], alert["status"], alert["labels"], alert["annotations"]))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def about(self, alert, status, **labels):
        return [one for one in list(self.heard) if one[1] == status and one[2]["alertname"] == alert
                and all(one[2].get(name) == value for name, value in labels.items())]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(20)
