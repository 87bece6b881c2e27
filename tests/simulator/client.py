"""Starts the simulator for a test and talks to its control endpoint. Standard library only.

    with Simulator(binary, scenario, directory) as chat:
        chat.fault(kind="delay", ms=500, count=1)
        ...
        assert chat.requests()[-1]["code"] == 0
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import random
import ssl
import subprocess
import time
import urllib.parse
import zlib

START_DEADLINE_S = 20
STOP_DEADLINE_S = 10

GET_TOPIC = "/v4/million_group_open_http_svc/get_topic"
GROUP_LIST = "/v4/group_open_http_svc/get_appid_group_list"


def usersig(sdkappid, identifier, key, now=None, expire=86400, level=-1, change=None):
    """A UserSig made from the published algorithm. `change` edits the token's fields after signing."""
    now = int(time.time()) if now is None else now
    text = f"TLS.identifier:{identifier}\nTLS.sdkappid:{sdkappid}\nTLS.time:{now}\nTLS.expire:{expire}\n"
    mac = hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()
    token = {
        "TLS.ver": "2.0",
        "TLS.identifier": identifier,
        "TLS.sdkappid": sdkappid,
        "TLS.expire": expire,
        "TLS.time": now,
        "TLS.sig": base64.b64encode(mac).decode(),
    }
    token.update(change or {})
    packed = zlib.compress(json.dumps(token).encode(), level)
    return base64.b64encode(packed).decode().translate(str.maketrans("+/=", "*-_"))


class ControlError(Exception):
    """The control endpoint refused; the text says why."""

    def __init__(self, status, text):
        super().__init__(f"{status}: {text}")
        self.status = status


class Simulator:
    """One running simulator. Everything it writes stands in `directory`."""

    def __init__(self, binary, scenario, directory, *flags):
        self.directory = str(directory)
        self.command = [str(binary), f"--scenario={scenario}", f"--directory={directory}", *flags]
        self.process = None
        self.ready = None

    # Life

    def start(self):
        os.makedirs(self.directory, exist_ok=True)
        log = os.path.join(self.directory, "simulator.log")
        ready = os.path.join(self.directory, "ready.json")
        if os.path.exists(ready):
            os.unlink(ready)
        with open(log, "wb") as out:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        deadline = time.monotonic() + START_DEADLINE_S
        while not os.path.exists(ready):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                with open(log, encoding="utf-8", errors="replace") as text:
                    raise RuntimeError(f"the simulator did not start: {text.read()}")
            time.sleep(0.01)
        with open(ready, encoding="utf-8") as text:
            self.ready = json.load(text)
        return self

    def stop(self):
        """Ends it by its pid and returns the exit status; raises when it has to be killed."""
        if self.process is None:
            return None
        self.process.terminate()
        try:
            status = self.process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RuntimeError("the simulator did not end on SIGTERM") from None
        self.process = None
        if status != 0:
            with open(os.path.join(self.directory, "simulator.log"), encoding="utf-8", errors="replace") as text:
                raise RuntimeError(f"the simulator ended with {status}: {text.read()}")
        return status

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.stop()
        else:
            self.kill()

    # What stands in ready.json

    @property
    def api(self):
        return self.ready["api"]

    @property
    def control(self):
        return self.ready["control"]

    @property
    def ca_file(self):
        return self.ready["ca_file"]

    @property
    def apps(self):
        return self.ready["apps"]

    def app(self, sdkappid=None):
        return next(a for a in self.apps if sdkappid in (None, a["sdkappid"]))

    def secret_key(self, sdkappid=None):
        with open(self.app(sdkappid)["secret_key_file"], encoding="ascii") as text:
            return text.read()

    # Control

    def ask(self, method, path, body=None, **arguments):
        """One request to the control endpoint; its answer as an object."""
        url = urllib.parse.urlsplit(self.control)
        arguments = {name: value for name, value in arguments.items() if value is not None}
        query = "?" + urllib.parse.urlencode(arguments) if arguments else ""
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        try:
            connection.request(method, path + query, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            value = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != 200:
            raise ControlError(answer.status, value.get("error"))
        return value

    def fault(self, **fault):
        return self.ask("POST", "/faults", fault)["id"]

    def faults(self):
        return self.ask("GET", "/faults")["faults"]

    def clear(self, fault_id=None):
        self.ask("DELETE", "/faults", id=fault_id)

    def requests(self, since=0):
        """The calls with an id above `since`, oldest first."""
        return self.ask("GET", "/requests", since=since)["requests"]

    def last_request(self):
        """The id of the newest call: a mark for requests(since=...)."""
        return self.ask("GET", "/requests", limit=0)["last"]

    def times(self, since=0, **wanted):
        """When calls came: "ms" (sorted, of time.monotonic()), "per_second", "busiest" within window_ms. `wanted`:
        sdkappid=, command=, code=, window_ms=, list=0 without "ms"."""
        return self.ask("GET", "/times", since=since, **wanted)

    def stats(self):
        return self.ask("GET", "/stats")

    def world(self, community=None, sdkappid=None):
        """The truth right now: all communities, or one with its topics."""
        return self.ask("GET", "/world", community=community, sdkappid=sdkappid)

    def change(self, **change):
        """POST /world: community=..., topic=..., set={...}, post=N, create=True, delete=True; with count=N both ids
        are patterns such as "c{5}"."""
        return self._order("/world", **change)

    def shift_clock(self, offset_s):
        self._order("/clock", offset_s=offset_s)

    def rotate_key(self, sdkappid=None, secret_key=None, write_file=None):
        """A new key, random unless given. write_file=False leaves the old one in the file."""
        self._order("/key", sdkappid=self.app(sdkappid)["sdkappid"], secret_key=secret_key, write_file=write_file)

    def quota(self, command="get_topic", per_s=None, code=None, sdkappid=None):
        """What is really enforced from now on; command "app" is the total, per_s=0 no limit, sdkappid=None every app."""
        self._order("/quota", command=command, per_s=per_s, code=code, sdkappid=sdkappid)

    def quotas(self):
        return self.ask("GET", "/quota")["quotas"]

    def lockout(self, failures=None, for_ms=None):
        """Bad signatures in a row until 70050, and for how long; lets everybody in again."""
        return self._order("/lockout", failures=failures, for_ms=for_ms)

    def gzip(self, on=True):
        self._order("/gzip", on=on)

    def certificate(self, kind):
        """good, expired, wrong-host, unknown-ca or old-tls from the next handshake on; ends every open connection."""
        self._order("/certificate", kind=kind)

    def _order(self, path, **members):
        return self.ask("POST", path, {name: value for name, value in members.items() if value is not None})

    # The API, as a client of the service sees it

    def target(self, path, caller=None, **change):
        """Path and query of a call signed for the app `caller` (None: the first); `change` replaces parameters of
        the query, None leaves one out."""
        app = self.app(caller)
        parameters = {
            "sdkappid": app["sdkappid"],
            "identifier": app["identifier"],
            "usersig": usersig(app["sdkappid"], app["identifier"], self.secret_key(caller)),
            "random": random.randrange(1 << 32),
            "contenttype": "json",
        }
        parameters.update(change)
        return path + "?" + urllib.parse.urlencode({n: v for n, v in parameters.items() if v is not None})

    def connect(self, timeout=10):
        url = urllib.parse.urlsplit(self.api)
        if url.scheme == "http":
            return http.client.HTTPConnection(url.hostname, url.port, timeout=timeout)
        context = ssl.create_default_context(cafile=self.ca_file)
        return http.client.HTTPSConnection(url.hostname, url.port, timeout=timeout, context=context)

    def call(self, path, body, caller=None, method="POST", headers=None, **change):
        """One signed call on a connection of its own: (HTTP status, headers, bytes)."""
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        connection = self.connect()
        try:
            connection.request(method, self.target(path, caller, **change), body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def get_topic(self, community, account=None, sdkappid=None, **body):
        """A signed get_topic; the whole answer as an object."""
        account = account or self.app(sdkappid)["identifier"]
        return json.loads(self.call(GET_TOPIC, {"GroupId": community, "From_Account": account, **body}, sdkappid)[2])

    def group_list(self, sdkappid=None, **body):
        return json.loads(self.call(GROUP_LIST, body, sdkappid)[2])
