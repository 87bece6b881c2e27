"""A Chromium without a window, spoken to through a pipe in its own protocol (DevTools): no driver, no port, no library.

    with Chromium(directory) as browser:
        tab = browser.tab(width=390, dark=True)
        tab.goto("http://127.0.0.1:10058/status")
        assert tab.evaluate("document.title") == "Status"

Every wait has a deadline. It is ended by the pid it was started with.
"""

import base64
import json
import os
import pathlib
import select
import shutil
import signal
import tempfile
import time

DEADLINE_S = float(os.environ.get("TCE_DEADLINE_S", "30"))
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-dev-shm-usage", "--mute-audio",
         "--hide-scrollbars", "--force-color-profile=srgb", "--remote-debugging-pipe", "about:blank")
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27}


def program():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if shutil.which(name):
            return shutil.which(name)
    raise AssertionError("no chromium; deploy/packages.sh tests installs it")


def above(fd):
    """The same pipe at a number that 3 and 4, which the browser wants, cannot be."""
    import fcntl
    other = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(fd)
    return other


class Chromium:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.pid = None
        self.number = 0
        self.answers = {}
        self.tabs = {}
        self.unread = b""

    def __enter__(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        profile = tempfile.mkdtemp(prefix="profile.", dir=self.directory)
        theirs_in, self.to = map(above, os.pipe())
        self.fro, theirs_out = map(above, os.pipe())
        log = str(self.directory / "chromium.log")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        self.pid = os.posix_spawn(program(), [program(), f"--user-data-dir={profile}", *FLAGS], os.environ, file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, log, flags, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2), (os.POSIX_SPAWN_DUP2, theirs_in, 3), (os.POSIX_SPAWN_DUP2, theirs_out, 4)],
            setpgroup=0)
        os.close(theirs_in)
        os.close(theirs_out)
        self.ask("Browser.getVersion")
        return self

    def __exit__(self, kind, value, trace):
        os.close(self.to)
        end = time.monotonic() + 5
        while os.waitpid(self.pid, os.WNOHANG)[0] == 0:
            if time.monotonic() > end:  # its whole family, which is a process group of its own
                os.killpg(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                break
            time.sleep(0.02)
        os.close(self.fro)

    # ---- the protocol: JSON texts with a NUL behind each ----

    def ask(self, method, session=None, **arguments):
        self.number += 1
        message = {"id": self.number, "method": method, "params": arguments}
        if session:
            message["sessionId"] = session
        rest = json.dumps(message).encode() + b"\0"
        while rest:
            rest = rest[os.write(self.to, rest):]
        end = time.monotonic() + DEADLINE_S
        while self.number not in self.answers:
            self.read(end, method)
        answer = self.answers.pop(self.number)
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def read(self, end, what):
        """What has come, or comes until `end`."""
        if not select.select([self.fro], [], [], max(0, end - time.monotonic()))[0]:
            raise AssertionError(f"no answer in time to {what}")
        more = os.read(self.fro, 1 << 20)
        if not more:
            raise AssertionError("chromium ended; see " + str(self.directory / "chromium.log"))
        *whole, self.unread = (self.unread + more).split(b"\0")
        for text in whole:
            message = json.loads(text)
            if "id" in message:
                self.answers[message["id"]] = message
            elif message.get("sessionId") in self.tabs:
                self.tabs[message["sessionId"]].heard(message["method"], message["params"])

    def listen(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and select.select([self.fro], [], [], max(0, end - time.monotonic()))[0]:
            self.read(end, "anything")

    def tab(self, width=1440, height=900, dark=False, script=True):
        context = self.ask("Target.createBrowserContext")["browserContextId"]
        target = self.ask("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = self.tabs[session] = Tab(self, session, context)
        for domain in ("Page", "Runtime", "Log", "Network"):
            tab.ask(domain + ".enable")
        tab.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        tab.ask("Emulation.setEmulatedMedia",
                features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        tab.ask("Emulation.setScriptExecutionDisabled", value=not script)
        return tab


class Tab:
    """A page in a context of its own. `console` holds what it complained about, `asked` every address it asked for."""

    def __init__(self, browser, session, context):
        self.browser, self.session, self.context = browser, session, context
        self.console, self.asked, self.dialogs = [], [], []
        self.loaded = 0

    def heard(self, method, params):
        if method == "Page.loadEventFired":
            self.loaded += 1
        elif method == "Runtime.consoleAPICalled":
            self.console.append(" ".join(str(a.get("value", a.get("description"))) for a in params["args"]))
        elif method == "Runtime.exceptionThrown":
            self.console.append(str(params["exceptionDetails"].get("exception", {}).get("description")))
        elif method == "Log.entryAdded":
            self.console.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])
        elif method == "Page.javascriptDialogOpening":
            self.dialogs.append(params["message"])

    def ask(self, method, **arguments):
        return self.browser.ask(method, self.session, **arguments)

    def close(self):
        self.browser.tabs.pop(self.session)
        self.browser.ask("Target.disposeBrowserContext", browserContextId=self.context)

    def goto(self, url):
        return self.leads(lambda: self.ask("Page.navigate", url=url))

    def leads(self, act):
        """Does what makes the tab load another page, and waits until it is there."""
        before = self.loaded
        act()
        end = time.monotonic() + DEADLINE_S
        while self.loaded == before:
            self.browser.read(end, "a page that loads")
        return self

    def evaluate(self, expression):
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{expression}: {answer['exceptionDetails']['exception'].get('description')}")
        return answer["result"].get("value")

    def until(self, expression, seconds=DEADLINE_S):
        """Asks again until it is true."""
        end = time.monotonic() + seconds
        while True:
            value = self.evaluate(expression)
            if value:
                return value
            if time.monotonic() > end:
                raise AssertionError(f"not within {seconds:.0f} s: {expression}; last seen: {value!r}")
            self.browser.listen(0.05)

    def click(self, selector):
        """As a hand does: in the middle of what is seen."""
        x, y = self.evaluate(f"""(() => {{ const e = document.querySelector({json.dumps(selector)});
            e.scrollIntoView({{ block: "center" }}); const r = e.getBoundingClientRect();
            return [r.x + r.width / 2, r.y + r.height / 2]; }})()""")
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key, shift=False):
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=KEYS[key],
                     modifiers=8 if shift else 0, **(text if kind == "keyDown" else {}))

    def write(self, text):
        self.ask("Input.insertText", text=text)

    def shot(self, path):
        """The whole page."""
        size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        picture = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                           clip={"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1})
        pathlib.Path(path).write_bytes(base64.b64decode(picture["data"]))
