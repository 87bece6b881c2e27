"""deploy/compose: well-formed by Debian's docker-compose, every mounted file exists, and Prometheus, Alertmanager and the
exporter take what is mounted into them. No image is pulled.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
from urllib.parse import urlsplit

from manifests import DEPLOY, yaml

COMPOSE = DEPLOY / "compose"
EXPORTER = os.environ["TCE_EXPORTER"]
# What stands there only when somebody put it there.
SECRETS = {"prod.key": "0123456789abcdef" * 4, "grafana.password": "demo"}


def run(*command, cwd=COMPOSE, environment=None):
    return subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, **(environment or {})})


def defaults(text):
    """${NAME:-value} as value."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


@unittest.skipUnless(yaml, "not installed: python3-yaml")
class Compose(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tce-compose."))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.text = (COMPOSE / "compose.yaml").read_text(encoding="utf-8")
        self.file = yaml.safe_load(defaults(self.text))
        self.services = self.file["services"]

    def mounts(self):
        """(service, path here or name of a volume, path inside)"""
        for name, service in self.services.items():
            for volume in service.get("volumes", []):
                source, inside = volume.split(":")[:2]
                yield name, source, inside

    def mounted(self, service):
        """What a service sees of this tree, by the path inside."""
        return {inside: (COMPOSE / source).resolve() for name, source, inside in self.mounts()
                if name == service and source.startswith(".")}

    @unittest.skipUnless(shutil.which("docker-compose"), "not installed: docker-compose")
    def test_docker_compose_takes_it(self):
        for name, text in SECRETS.items():
            (self.directory / name).write_text(text, encoding="ascii")
        given = {name: str(self.directory / file) for name, file in (("EXPORTER_KEY", "prod.key"),
                                                                     ("GRAFANA_PASSWORD", "grafana.password"))}
        for profile, present in (("live", {"exporter"}), ("demo", {"demo"})):
            done = run("docker-compose", "--profile", profile, "config", environment=given)
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertNotIn("variable is not set", done.stderr)
            told = set(yaml.safe_load(done.stdout)["services"])  # 1.29 tells of other profiles as well
            self.assertLessEqual({"prometheus", "alertmanager", "grafana"} | present, told)
        broken = self.directory / "broken.yaml"
        broken.write_text(self.text.replace("read_only:", "readonly:"), encoding="utf-8")
        self.assertNotEqual(0, run("docker-compose", "-f", broken, "config", environment=given).returncode)

    def test_every_mounted_file_exists(self):
        for name, source, inside in self.mounts():
            if source.startswith("."):
                self.assertTrue((COMPOSE / source).exists(), f"{name}: {source}")
                self.assertTrue(inside.startswith("/"))
            else:
                self.assertIn(source, self.file["volumes"])
        for name, service in self.services.items():
            for secret in service.get("secrets", []):
                self.assertIn(secret, self.file["secrets"], name)
            if "build" in service:
                self.assertTrue((COMPOSE / service["build"]["context"] / service["build"]["dockerfile"]).exists(), name)

    def test_every_service_is_shut_in(self):
        for name, service in self.services.items():
            with self.subTest(name):
                self.assertEqual((True, ["ALL"], ["no-new-privileges:true"]),
                                 tuple(service.get(key) for key in ("read_only", "cap_drop", "security_opt")))
                self.assertRegex(service["image"], r":v?\d+\.\d+\.\d+$")
                self.assertIn("test", service["healthcheck"])
                self.assertTrue(all(port.startswith("127.0.0.1:") for port in service["ports"]), service["ports"])
                self.assertFalse({"privileged", "network_mode", "pid", "ipc", "user", "cap_add"} & set(service))
        self.assertEqual(["/usr/sbin/healthcheck"], self.services["exporter"]["healthcheck"]["test"][1:])

    def test_variables_are_those_of_the_example(self):
        used = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", self.text))
        lines = (COMPOSE / ".env.example").read_text(encoding="utf-8").splitlines()
        self.assertEqual(used, dict(line.split("=", 1) for line in lines if line and not line.startswith("#")))

    @unittest.skipUnless(shutil.which("promtool") and shutil.which("amtool"), "not installed: promtool, amtool")
    def test_prometheus_and_alertmanager_take_theirs(self):
        for inside, path in self.mounted("prometheus").items():
            shutil.copy(path, self.directory / pathlib.Path(inside).name)
        done = run("promtool", "check", "config", self.directory / "prometheus.yml")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn("2 rule files found", done.stdout)
        done = run("amtool", "check-config", self.mounted("alertmanager")["/etc/alertmanager/alertmanager.yml"])
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_they_find_each_other(self):
        listens = {(name, port.rsplit(":", 1)[1]) for name, service in self.services.items() for port in service["ports"]}
        self.assertEqual(["exporter"], self.services["demo"]["networks"]["default"]["aliases"])
        config = yaml.safe_load((COMPOSE / "prometheus.yml").read_text(encoding="utf-8"))
        text = (COMPOSE / "provisioning" / "datasources" / "prometheus.yaml").read_text(encoding="utf-8")
        source = yaml.safe_load(text)["datasources"][0]
        asked = [config["scrape_configs"][0]["static_configs"][0]["targets"][0],
                 config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"][0], urlsplit(source["url"]).netloc]
        for address in asked:
            self.assertIn(tuple(address.split(":")), listens)
        self.assertEqual(config["global"]["scrape_interval"], source["jsonData"]["timeInterval"])

    def test_grafana_finds_every_dashboard(self):
        inside = self.mounted("grafana")
        provisioned = {}
        for kind in ("datasources", "dashboards"):
            for path in inside[f"/etc/grafana/provisioning/{kind}"].glob("*.yaml"):
                provisioned[kind] = yaml.safe_load(path.read_text(encoding="utf-8"))
                self.assertEqual(1, provisioned[kind]["apiVersion"])
        folder = provisioned["dashboards"]["providers"][0]["options"]["path"]
        self.assertGreater(len(list(inside[folder].glob("*.json"))), 3)

    def test_the_exporter_takes_its_configuration(self):
        key = self.directory / "prod.key"
        key.write_text(SECRETS["prod.key"], encoding="ascii")
        key.chmod(0o600)
        folder = self.mounted("exporter")["/etc/tencentchat_exporter"]
        text = (folder / "tencentchat_exporter.cfg").read_text(encoding="utf-8")
        self.assertIn('"/run/secrets/prod.key"', text)
        config = self.directory / "exporter.cfg"
        config.write_text(text.replace("/run/secrets/prod.key", str(key)), encoding="utf-8")
        flags = [flag for flag in self.services["exporter"]["command"] if not flag.startswith("--config.file=")]
        done = run(EXPORTER, f"--config.file={config}", "--config.check", *flags)
        self.assertEqual((0, ""), (done.returncode, done.stderr))


if __name__ == "__main__":
    unittest.main(verbosity=2)
