"""What happens in the world is what stands on /metrics one interval later."""

from harness import GENERAL, MUTED, NEVER, SMALL, ReplayTest, main

TOPIC_FACTS = {
    "tencentchat_topic_created_timestamp_seconds": "CreateTime",
    "tencentchat_topic_last_message_timestamp_seconds": "LastMsgTime",
}


class World(ReplayTest):
    def setUp(self):
        super().setUp()
        self.chat = self.simulator()

    def start(self, **options):
        return self.exporter(self.config(self.chat, **options)).ready()

    def assert_same(self, page, community=SMALL):
        """Every topic of the world, with its own values and no others."""
        topics = {t["id"]: t for t in self.chat.world(community)["topics"] if not t["deleted"]}
        for name, field in TOPIC_FACTS.items():
            wanted = {i: t[field] for i, t in topics.items() if t[field] != 0}
            got = {i: page.one(name, topic=i) for i in wanted}
            self.assertEqual(wanted, got, name)
            self.assertEqual(len(wanted), len(page.family(name)), name)
        for i, t in topics.items():
            self.assertEqual(t["NextMsgSeq"] - 1, page.one("tencentchat_topic_messages_total", topic=i))
            self.assertEqual(int(t["muted"]), page.one("tencentchat_topic_muted", topic=i))
            self.assertEqual(1, page.one("tencentchat_topic_info", topic=i, topic_name=t["name"]))
        self.assertEqual(len(topics), page.one("tencentchat_community_topics", community=community))

    def test_a_quiet_world_is_shown_exactly(self):
        page = self.start().page()
        self.assert_same(page)
        self.assertEqual(1, page.one("tencentchat_community_topics_muted"))
        self.assertEqual(1, page.one("tencentchat_community_topics_never_active"))
        self.assertEqual(2, page.one("tencentchat_community_topics_silent"))
        self.assertEqual(1760000000, page.one("tencentchat_community_last_message_timestamp_seconds"))
        self.assertEqual(0, page.one("tencentchat_community_messages_total"))
        self.assertEqual(1, page.one("tencentchat_app_communities", state="ok"))
        self.assertEqual({1.0}, set(page.family("tencentchat_app_up").values()))
        self.assertEqual(2, page.one("tencentchat_app_topics", muted="false"))
        self.assertEqual(1, page.one("tencentchat_app_topics", muted="true"))

    def test_messages_mutes_births_and_deaths_arrive(self):
        exporter = self.start()
        self.chat.change(community=SMALL, topic=GENERAL, set={"NextMsgSeq": 1240, "LastMsgTime": 1760000500})
        page = exporter.until(lambda p: p.one("tencentchat_topic_messages_total", topic=GENERAL) == 1239, "messages")
        self.assert_same(page)
        self.assertEqual(6, page.one("tencentchat_community_messages_total"))

        self.chat.change(community=SMALL, topic=GENERAL, set={"MuteAllMember": "On"})
        exporter.until(lambda p: p.one("tencentchat_topic_muted", topic=GENERAL) == 1, "the mute")
        self.chat.change(community=SMALL, topic=MUTED, set={"MuteAllMember": "Off"})
        exporter.until(lambda p: p.one("tencentchat_topic_muted", topic=MUTED) == 0, "the unmute")

        born = SMALL + '@TOPIC#_odd "name" #1'
        self.chat.change(community=SMALL, topic=born, create=True)
        page = exporter.until(lambda p: p.one("tencentchat_community_topics") == 4, "the new topic")
        self.assertEqual(4, len(page.family("tencentchat_topic_info")))
        self.assertIn('odd \\"name\\" #1', page.text)

        self.chat.change(community=SMALL, topic=NEVER, delete=True)
        page = exporter.until(lambda p: p.one("tencentchat_community_topics") == 3, "the topic's end")
        self.assertNotIn(NEVER, page.text)

    def test_the_observer_counts_only_where_he_is_named(self):
        page = self.start().page()
        self.assertEqual({}, page.family("tencentchat_topic_observer_unread_messages"))
        self.stack.close()
        self.chat = self.simulator(name="again")
        page = self.exporter(self.config(self.chat, from_account="moderator-bot"), name="observer").ready().page()
        self.assertEqual(3, len(page.family("tencentchat_topic_observer_unread_messages")))
        self.assertEqual(3, len(page.family("tencentchat_topic_observer_muted")))
        self.assertEqual({"moderator-bot"}, {r["account"] for r in self.chat.requests()})

    def test_only_the_named_topics_are_asked_for(self):
        community = f'{{ id = "{SMALL}"; topics = [ "{GENERAL}" ]; labels = {{ team = "emea"; }}; }}'
        page = self.start(communities=[community]).page()
        self.assertEqual(1, len(page.family("tencentchat_topic_info")))
        self.assertEqual(1, page.one("tencentchat_community_topics"))
        self.assertEqual(1, page.one("tencentchat_community_info", team="emea"))
        self.assertEqual({1}, {r["topics_asked"] for r in self.chat.requests()})

    def test_a_deleted_community_is_gone_at_once_and_may_come_back(self):
        exporter = self.start()
        self.chat.change(community=SMALL, delete=True)
        page = exporter.until(lambda p: p.one("tencentchat_app_communities", state="gone") == 1, "gone")
        self.assertEqual({}, page.family("tencentchat_topic_info"))
        self.assertEqual(0, page.one("tencentchat_community_up"))
        self.assertEqual(1, page.one("tencentchat_community_last_error_info", reason="gone", code="10010"))
        self.assertIsNotNone(page.one("tencentchat_community_last_success_timestamp_seconds"))

    def test_a_living_world_moves(self):
        chat = self.simulator("demo.scenario", name="demo")
        exporter = self.exporter(self.config(chat), name="living").ready()
        name = "tencentchat_topic_last_message_timestamp_seconds"
        first = exporter.page().family(name)
        self.assertGreater(len(first), 10)
        exporter.until(lambda p: p.family(name) != first, "a message in any topic")


if __name__ == "__main__":
    main()
