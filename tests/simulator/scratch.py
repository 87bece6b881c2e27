"""What the tests of the simulator share: a directory and a simulator per class, the small scenario's ids."""

import json
import os
import shutil
import sys
import tempfile
import time
import unittest

from client import GET_TOPIC, Simulator, usersig

HERE = os.path.dirname(os.path.abspath(__file__))
SMALL = "@TGS#_@TGS#cSMALL0001"
GENERAL = SMALL + "@TOPIC#_@TOPIC#cGENERAL"
MUTED = SMALL + "@TOPIC#_@TOPIC#cMUTED"
NEVER = SMALL + "@TOPIC#_@TOPIC#cNEVER"


def binary():
    """The program under test, the first argument of each test."""
    return os.path.abspath(sys.argv[1])


def main():
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])


def scenario_file(name):
    return os.path.join(HERE, "scenarios", name + ".scenario")


def until(check, what, seconds=30):
    """The first true value of check(); asks again until the deadline."""
    end = time.monotonic() + seconds
    while not (value := check()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}; last seen: {value!r}")
        time.sleep(0.01)
    return value


class Scratch(unittest.TestCase):
    """A directory per class, and one simulator when `scenario` is set."""

    scenario = None
    flags = ()

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="chat_simulator_")
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        if cls.scenario is None:
            return
        path = cls.scenario
        if "\n" in path:
            path = os.path.join(cls.directory, "test.scenario")
            with open(path, "w", encoding="utf-8") as out:
                out.write(cls.scenario)
        cls.chat = Simulator(binary(), path, os.path.join(cls.directory, "run"), *cls.flags).start()
        cls.addClassCleanup(cls.chat.stop)

    def tearDown(self):
        if self.scenario is not None:
            self.chat.clear()
            self.chat.shift_clock(0)

    def in_one_second(self, calls):
        """What calls() gives when all that it sent came within one second of the service's clock, which is ours."""
        def attempt():
            second = int(time.monotonic())  # calls of earlier tests may have been in it
            until(lambda: int(time.monotonic()) > second, "a second begins")
            mark = self.chat.last_request()
            value = calls()
            return len(self.chat.times(mark)["per_second"]) == 1 and (value,)
        return until(attempt, "all calls within one second")[0]

    def code(self, path=GET_TOPIC, body=None, **change):
        """ErrorCode of a call that the service refuses or not."""
        body = {"GroupId": SMALL, "From_Account": "administrator"} if body is None else body
        status, _, answer = self.chat.call(path, body, **change)
        self.assertEqual(status, 200)
        answer = json.loads(answer)
        self.assertEqual(answer["ActionStatus"], "OK" if answer["ErrorCode"] == 0 else "FAIL")
        return answer["ErrorCode"]


class Small(Scratch):
    scenario = scenario_file("small")

    def signed_at(self, offset_s, expire=86400, **change):
        key = self.chat.secret_key()
        return usersig(1400000001, "administrator", key, int(time.time()) + offset_s, expire, change=change)
