"""What the browser is shown: two apps, communities in every state, and names that mean harm."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "replay"))

import harness  # noqa: E402

HOSTILE = '<img src=x onerror=alert(1)> \u202eevil\u202c & "friends"'
LONG = "<script>alert(2)</script>\u2066" + "long " * 800  # 4 KB
FORGE, LAB, SHOP, GONE = "@TGS#_@TGS#cPIXELFORGE", "@TGS#_@TGS#cOPENLAB042", "@TGS#_shop", "@TGS#_deleted"
NAMES = {FORGE: "Pixel Forge", "@TGS#_@TGS#cNEKOCAFE77": "猫カフェ", SHOP: "Shop support", "@TGS#_@TGS#cRUNBEIJING": "北京跑团",
         LAB: "Open Lab", "@TGS#_@TGS#cQUIETNOOK9": HOSTILE}


def named(community, name):
    return f"{{ id = {harness.quoted(community)}; name = {harness.quoted(name)}; }}"


class World:
    """A simulator with the demo's communities, and an exporter on an address that it has again after a restart."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.chat = harness.Simulator(harness.SIMULATOR, harness.SCENARIOS / "demo.scenario", self.directory / "chat")
        self.exporter = None

    def start(self):
        self.chat.start()
        port = harness.free_port()
        self.base = f"http://127.0.0.1:{port}"
        self.exporter = harness.Exporter(self.directory / "exporter", self.config(), f"--web.listen-address=127.0.0.1:{port}")
        self.exporter.start()
        for topic, name in (("hostile", HOSTILE), ("long", LONG)):
            self.chat.change(community=FORGE, topic=topic, create=True)
            self.chat.change(community=FORGE, topic=topic, set={"TopicName": name})
        self.chat.fault(kind="error", code=10002, community=LAB)
        self.chat.fault(kind="status", status=503, community=SHOP)
        self.exporter.ready()
        self.exporter.until(lambda p: all(p.one("tencentchat_community_up", community=c) == 0 for c in (LAB, SHOP, GONE)),
                            "communities in trouble")
        self.exporter.until(lambda p: 'topic_name="<script>' in p.text, "the hostile topics")
        return self

    def stop(self):
        if self.exporter is not None:
            self.exporter.kill()
        self.chat.kill()

    def config(self):
        blocks = []
        for i, app in enumerate(self.chat.apps):
            ids = [c["community"] for c in self.chat.world(sdkappid=app["sdkappid"])["communities"]]
            members = [named(c, NAMES[c]) for c in ids] + ([named(GONE, "Old arcade")] if i == 0 else [])
            more = {"from_account": "moderator-bot"} if i == 0 else {}
            blocks.append(harness.app_block(app, self.chat.api, self.chat.ca_file, members, name=["prod", "lab"][i], **more))
        return 'poll: { interval = "2s"; };\napps = (\n' + ",\n".join(blocks) + "\n);\n"
