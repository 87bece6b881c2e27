"""The whole program against the simulator: the real exporter, over TLS, with as many communities as wanted."""

import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "replay"))

from harness import SIMULATOR, Exporter, Simulator, app_block, until  # noqa: E402, F401

TOPICS = 20
FIRST_APP = 1400000001


def play(stack, directory, counts):
    """A simulator with an app for each number of communities. In every topic there is a message in 20 seconds."""
    apps = ",\n".join(
        f'{{ sdkappid = {FIRST_APP + i}; identifiers = [ "administrator" ]; communities = ( {{ count = {n}; '
        f'id = "@TGS#_@TGS#c{{9}}{i:02}"; topics = {TOPICS}; topic_names = [ "room {{7}}" ]; messages_per_hour = 3600; }} ); }}'
        for i, n in enumerate(counts))
    scenario = directory / "bench.scenario"
    scenario.write_text(f"seed = 4;\napps = (\n{apps}\n);\n", encoding="utf-8")
    return stack.enter_context(Simulator(SIMULATOR, scenario, directory / "chat"))


def start(stack, directory, chat, number, root="", **options):
    """An exporter that polls every community of app `number`; all of its series, no cap."""
    sdkappid = FIRST_APP + number
    ids = [c["community"] for c in chat.world(sdkappid=sdkappid)["communities"]]
    block = app_block(chat.app(sdkappid), chat.api, chat.ca_file, ids, budget=200.0, **options)
    config = f"metrics: {{ max_series = 0; }};\n{root}\napps = (\n{block}\n);\n"
    return stack.enter_context(Exporter(directory / f"exporter{number}", config))


def ready(exporter, seconds):
    until(lambda: exporter.get("/-/ready")[0] == 200, "every community was polled", seconds)


def metrics(exporter):
    return f"http://{exporter.address}/metrics"
