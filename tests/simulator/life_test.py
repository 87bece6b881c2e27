"""How the simulator starts, serves and ends: flags, scenarios, files, certificates; and whether README.md is true.

    life_test.py BINARY [unittest arguments]
"""

import json
import os
import re
import shlex
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from client import GET_TOPIC, GROUP_LIST, Simulator
from scratch import HERE, SMALL, Scratch, Small, binary, main, scenario_file, until


class Life(Scratch):
    def run_once(self, *flags, scenario=scenario_file("small")):
        done = subprocess.run([binary(), f"--scenario={scenario}", *flags], capture_output=True, text=True, timeout=30)
        return done.returncode, done.stdout + done.stderr

    def check(self, text):
        path = os.path.join(self.directory, "bad.scenario")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return self.run_once("--check", scenario=path)

    def start(self, *flags, scenario="small"):
        return Simulator(binary(), scenario_file(scenario), os.path.join(self.directory, "life"), *flags)

    def test_every_shipped_scenario_is_right(self):
        for name in sorted(os.listdir(os.path.join(HERE, "scenarios"))):
            status, said = self.run_once("--check", scenario=os.path.join(HERE, "scenarios", name))
            self.assertEqual((status, name in said), (0, True), said)

    def test_mistakes_are_named_with_their_line(self):
        app = 'apps = (\n { sdkappid = 1; identifiers = [ "a" ];\n   %s } );'
        for text, line, words in (
                ("", 1, "empty"), ("seed = ;", 1, "syntax"), ("seed = 1;", 1, "apps"),
                ("seed = 99999999999999999999;", 1, "64 bits"), ("/* open", 1, "comment"), ("@include \"x\"", 1, "include"),
                ("\n\nseed = \"x\";", 3, "whole number"), (app % "colour = 1;", 3, "unknown key 'colour'"),
                (app % 'communities = ( { topics = 3; } );', 3, "'id'"),
                (app % 'communities = ( { count = 2; id = "c{"; } );', 3, "exists already"),
                (app % 'communities = ( { id = "c"; age = "soon"; } );', 3, "duration"),
                (app % 'communities = ( { id = "c"; never_active = 2; } );', 3, "0 to 1"),
                (app % 'communities = ( { id = "c"; answer = { mute = "maybe"; }; } );', 3, "MuteAllMember"),
                (app % 'communities = ( { id = "c"; answer = { absent = [ "X" ]; }; } );', 3, "no field 'X'"),
                (app % 'communities = (\n { id = "c"; },\n { id = "c"; } );', 5, "exists already"),
                (app % 'communities = ( { count = 2; id = "c"; } );', 3, "exists already"),
                (app % 'communities = ( { id = "c"; topics = ( { id = "t"; }, { id = "t"; } ); } );', 3, "exists already"),
                ('apps = ( { sdkappid = 1; identifiers = [ "a"\n "b" ]; } );', 2, "comma is missing"),
                ('apps = ( { sdkappid = 5000000000; identifiers = [ "a" ]; } );', 1, "4294967295"),
                ('apps = ( { identifiers = [ "a" ]; } );', 1, "sdkappid"),
                ('profile = [ 1, 2 ];', 1, "24 numbers")):
            with self.subTest(text):
                status, said = self.check(text)
                self.assertEqual(status, 2, said)
                self.assertIn(f"bad.scenario:{line}: ", said)
                self.assertIn(words, said)
        self.assertEqual(self.run_once("--check", scenario="/nowhere")[0], 2)
        self.assertEqual(self.run_once("--check", scenario="/dev/null")[0], 2)

    def test_only_loopback_is_served(self):
        for address in ("0.0.0.0:0", "192.0.2.1:80", "128.0.0.1:0", "[127.0.0.1]:0",
                         "[::]:0", "localhost:0", "127.0.0.1", "127.0.0.1:99999", ":0"):
            for flag in ("--listen", "--control"):
                status, said = self.run_once(f"{flag}={address}", f"--directory={self.directory}")
                self.assertEqual((status, "loopback" in said), (2, True), said)

    def test_flags_are_checked(self):
        for flags in (("--directory=/x", "--colour"), ("--directory=/x", "--duration=-1"), (), ("--directory",),
                      ("--directory=/x", "--certificate=nice"), ("--directory=/x", "word")):
            self.assertEqual(self.run_once(*flags)[0], 2, flags)
        self.assertEqual(self.run_once("--help")[0], 0)
        self.assertEqual(self.run_once("--directory=/proc/nowhere")[0], 1)

    def test_the_files_are_private_and_go_away(self):
        with self.start() as chat:
            self.assertEqual(os.stat(chat.apps[0]["secret_key_file"]).st_mode & 0o777, 0o600)
            self.assertRegex(chat.secret_key(), "^[0-9a-f]{64}$")
            self.assertEqual(chat.ready["pid"], chat.process.pid)
            with open(chat.ca_file, encoding="ascii") as text:
                self.assertNotIn("KEY", text.read())
        self.assertFalse(os.path.exists(os.path.join(self.directory, "life", "ready.json")))

    def test_an_address_in_use_is_a_failure(self):
        with self.start() as chat:
            for flag, url in (("--listen", chat.api), ("--control", chat.control)):
                status, said = self.run_once(f"{flag}={url.split('//')[1]}", f"--directory={self.directory}/second")
                self.assertEqual((status, "in use" in said), (1, True), said)
                self.assertFalse(os.path.exists(f"{self.directory}/second/ready.json"))

    def test_a_ready_file_of_an_earlier_run_is_not_believed(self):
        place = os.path.join(self.directory, "stale")
        os.mkdir(place)
        with open(os.path.join(place, "ready.json"), "w", encoding="ascii") as out:
            out.write("{}")
        with self.start() as chat:
            status, _ = self.run_once(f"--listen={chat.api.split('//')[1]}", f"--directory={place}")
        self.assertEqual(status, 1)
        self.assertFalse(os.path.exists(os.path.join(place, "ready.json")))

    def test_a_seed_makes_a_world(self):
        path = os.path.join(self.directory, "seed.scenario")
        worlds, ages = [], []
        for seed in (7, 7, 8):
            with open(path, "w", encoding="ascii") as out:
                out.write("""seed = %d; apps = ( { sdkappid = 1; identifiers = [ "a" ]; communities = ( { id = "c"; topics = 50;
                    messages_per_hour = 9000; never_active = 0.2; silent = { share = 0.4; for = "2d"; };
                    mutes = { share = 0.3; }; } ); } );""" % seed)
            with Simulator(binary(), path, os.path.join(self.directory, "seed")) as chat:
                world = chat.world("c")
                ages.append([world["now"] - t["CreateTime"] for t in world["topics"]])
                # A topic that talks may be a message ahead, and a muted one may change, between two looks.
                worlds.append([(t["id"], t["name"], t["messages_per_hour"], t["LastMsgTime"] == 0,
                                t["NextMsgSeq"] if t["messages_per_hour"] == 0 else None) for t in world["topics"]])
        self.assertEqual(worlds[0], worlds[1])
        self.assertLess(max(abs(a - b) for a, b in zip(ages[0], ages[1])), 10)
        self.assertGreater(len({t[4] for t in worlds[0]}), 10)
        self.assertEqual(set(worlds[0]) & set(worlds[2]), set())

    def test_sigterm_ends_it_at_once_whatever_hangs(self):
        chat = self.start().start()
        chat.fault(kind="hang")
        hanging = chat.connect()
        hanging.request("POST", chat.target(GET_TOPIC), "{}")
        chat.fault(kind="delay", ms=60000, command="get_appid_group_list")
        slow = chat.connect()
        slow.request("POST", chat.target(GROUP_LIST), "{}")
        until(lambda: len(chat.requests()) == 2, "both calls are seen")
        began = time.monotonic()
        self.assertEqual(chat.stop(), 0)
        self.assertLess(time.monotonic() - began, 3)
        hanging.close()
        slow.close()

    def test_a_duration_ends_it(self):
        began = time.monotonic()
        self.assertEqual(self.run_once(f"--directory={self.directory}/d", "--duration=1")[0], 0)
        self.assertTrue(0.9 < time.monotonic() - began < 10)

    def test_it_ends_with_its_parent(self):
        script = (f"import subprocess,sys,time; p=subprocess.Popen([{binary()!r}, '--scenario={scenario_file('small')}', "
                  f"'--directory={self.directory}/orphan']); print(p.pid, flush=True); time.sleep(60)")
        parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        int(parent.stdout.readline())
        until(lambda: os.path.exists(f"{self.directory}/orphan/ready.json"), "it is ready")
        parent.kill()
        parent.wait()
        parent.stdout.close()
        until(lambda: not os.path.exists(f"{self.directory}/orphan/ready.json"), "it ends")

    def test_bad_certificates_are_bad(self):
        for kind, words in (("expired", "expired"), ("wrong-host", "match"), ("unknown-ca", "issuer|self-signed|unable")):
            with self.start(f"--certificate={kind}") as chat:
                with self.assertRaisesRegex(ssl.SSLCertVerificationError, words):
                    chat.get_topic(SMALL)

    def test_old_tls_is_tls_1_1_and_nothing_else(self):
        with self.start("--certificate=old-tls") as chat:
            port = int(chat.api.rsplit(":", 1)[1])
            for newest, version in ((ssl.TLSVersion.TLSv1_1, "TLSv1.1"), (ssl.TLSVersion.TLSv1_3, None)):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DeprecationWarning)
                    context = ssl.create_default_context(cafile=chat.ca_file)
                    context.set_ciphers("DEFAULT@SECLEVEL=0")
                    context.minimum_version = newest if version else ssl.TLSVersion.TLSv1_2
                    context.maximum_version = newest
                with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
                    if version is None:
                        self.assertRaises(ssl.SSLError, context.wrap_socket, raw, server_hostname="127.0.0.1")
                        continue
                    with context.wrap_socket(raw, server_hostname="127.0.0.1") as tls:
                        self.assertEqual(tls.version(), version)

    def test_the_good_certificate_covers_every_loopback_name(self):
        with self.start() as chat:
            port = int(chat.api.rsplit(":", 1)[1])
            context = ssl.create_default_context(cafile=chat.ca_file)
            context.verify_flags |= ssl.VERIFY_X509_STRICT
            for name in ("127.0.0.1", "::1", "localhost"):
                with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
                    with context.wrap_socket(raw, server_hostname=name) as tls:
                        self.assertIn(tls.version(), ("TLSv1.2", "TLSv1.3"))
        with self.start("--listen=[::1]:0") as chat:
            self.assertTrue(chat.api.startswith("https://[::1]:"))
            self.assertEqual(chat.get_topic(SMALL)["ErrorCode"], 0)

    def test_every_address_of_127_is_loopback(self):
        with self.start("--listen=127.0.0.2:0", "--control=127.1.2.3:0", "--plain") as chat:
            self.assertTrue(chat.api.startswith("http://127.0.0.2:") and chat.control.startswith("http://127.1.2.3:"))
            self.assertEqual(chat.get_topic(SMALL)["ErrorCode"], 0)

    def test_plain_serves_http(self):
        with self.start("--plain") as chat:
            self.assertTrue(chat.api.startswith("http://127.0.0.1:"))
            self.assertEqual(chat.get_topic(SMALL)["ErrorCode"], 0)

    def test_the_demo_is_lively(self):
        with self.start(scenario="demo") as chat:
            read = lambda: {t["id"]: t for c in chat.world()["communities"] for t in chat.world(c["community"])["topics"]}
            before = read()
            moved = lambda now: sum(before[i]["NextMsgSeq"] != now[i]["NextMsgSeq"] for i in before if i in now) > 5
            after = until(lambda: moved(now := read()) and now, "messages in more than five topics")
            self.assertTrue(45 <= len(before) <= 75, len(before))
            self.assertTrue(any(t["muted"] for t in after.values()))
            self.assertTrue(any(t["LastMsgTime"] == 0 for t in after.values()))
            self.assertTrue(any(0 < t["LastMsgTime"] < time.time() - 3 * 86400 for t in after.values()))
            self.assertEqual(sum(t["ErrorCode"] != 0 for t in after.values()), 1)
            names = "".join(t["name"] for t in after.values())
            for mark in ("猫" if "猫" in names else "雑", "🎨", '"', "\\"):
                self.assertIn(mark, names)

    def test_many_connections_at_once(self):
        with self.start(scenario="many") as chat:
            communities = [c["community"] for c in chat.world()["communities"]]
            self.assertEqual(len(communities), 1000)
            failed = []

            def work(first):
                connection = chat.connect()
                target = chat.target(GET_TOPIC)
                for i in range(5):
                    body = {"GroupId": communities[first * 5 + i], "From_Account": "a"}
                    connection.request("POST", target, json.dumps(body))
                    answer = json.loads(connection.getresponse().read())
                    if answer["ErrorCode"] not in (0, 60007) or (answer["ErrorCode"] == 0
                                                                 and len(answer["TopicAndSelfInfo"]) != 20):
                        failed.append(answer)
                connection.close()

            threads = [threading.Thread(target=work, args=(n,)) for n in range(30)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(failed, [])
            self.assertEqual(chat.stats()["requests"], 150)


class Documents(Small):
    """README.md against the code, and every example run."""

    def setUp(self):
        with open(os.path.join(HERE, "README.md"), encoding="utf-8") as text:
            self.readme = text.read()

    def source(self, name):
        with open(os.path.join(HERE, name), encoding="utf-8") as text:
            return text.read()

    def test_every_setting_route_and_kind_is_described(self):
        words = set(re.findall(r"`([^`\n]+)`", self.readme))
        settings = set(re.findall(r'setting_\w+\(\s*&?\w+,\s*"(\w+)"', self.source("scenario.c") +
                                  self.source("scenario_recipe.c")))
        kinds = set(re.findall(r'X\(\w+, "([\w-]+)"', self.source("faults.h") + self.source("certs.h")))
        self.assertGreater(len(settings), 50)
        self.assertGreater(len(kinds), 14)
        self.assertEqual((settings | kinds) - words, set())
        routes = set(re.findall(r'"(/\w+)"', self.source("orders.c") + self.source("control_routes.c")))
        self.assertEqual({r for r in routes if f"$control{r}" not in self.readme}, set())

    def test_the_example_of_a_scenario_is_right(self):
        path = os.path.join(self.directory, "example.scenario")
        with open(path, "w", encoding="utf-8") as out:
            out.write(re.search(r"```cfg\n(.*?)```", self.readme, re.S).group(1))
        done = subprocess.run([binary(), "--check", f"--scenario={path}"], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_each_example_of_curl_has_the_answer_that_is_shown(self):
        examples = re.findall(r"^\$ curl (.*)\n(\{.*\})$", self.readme, re.M)
        self.assertGreater(len(examples), 20)
        with Simulator(binary(), self.scenario, os.path.join(self.directory, "curl")) as chat:
            for command, shown in examples:
                with self.subTest(command):
                    words = shlex.split(command.replace("$control", ""))
                    path = next(w for w in words if w.startswith("/"))
                    if "--data-urlencode" in words:
                        path += "?" + urllib.parse.quote(words[words.index("--data-urlencode") + 1], safe="=")
                    body = json.loads(words[words.index("-d") + 1]) if "-d" in words else None
                    method = "DELETE" if "DELETE" in words else "GET" if body is None else "POST"
                    self.assertEqual(shape(chat.ask(method, path, body)), shape(json.loads(shown)))

    def test_each_example_of_a_fault_is_taken(self):
        examples = re.findall(r'`(\{"kind":.*?\})` \|', self.readme)
        self.assertGreater(len(examples), 12)
        for example in examples:
            with self.subTest(example):
                self.chat.ask("POST", "/faults", json.loads(example))


def shape(value):
    """Names and kinds, not values; of a list its first element."""
    if isinstance(value, dict):
        return {name: shape(v) for name, v in value.items()}
    return [shape(v) for v in value[:1]] if isinstance(value, list) else type(value).__name__


if __name__ == "__main__":
    main()
