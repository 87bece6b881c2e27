"""What is given to Kubernetes, by kustomize and by the chart: rendered, held against schemas, against the Pod Security Standard,
against the program, and against each other.
"""

import copy
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import manifests
from manifests import CHART, DEPLOY, HERE, KUBERNETES, chart, container, of, one, pod, problems

try:
    import jsonschema
except ImportError:
    jsonschema = None

EXPORTER = os.environ["TCE_EXPORTER"]
KEY = "0123456789abcdef" * 4
PLACE = "/run/secrets/tencentchat"
# Secrets that whoever installs it makes.
SECRETS = ("tencentchat-exporter", "chat-keys", "chat-web")
NO_YAML = None if manifests.yaml else "not installed: python3-yaml"
NO_CHART = NO_YAML or manifests.no_renderer()


def values():
    return sorted((CHART / "ci").glob("*-values.yaml"))


def by_chart(name):
    status, objects, why = chart(CHART / "ci" / f"{name}-values.yaml")
    if status != 0:
        raise AssertionError(why)
    return objects


def faults(objects):
    """What the schemas of Kubernetes and of the Prometheus Operator say, by npm, as schemas/package-lock.json has them."""
    folder = pathlib.Path(os.environ["TCE_CHART"]) / "schemas"
    lock, program = (HERE / "schemas" / name for name in ("package-lock.json", "validate.mjs"))
    done = folder / "done"
    if not done.exists() or done.read_bytes() != lock.read_bytes():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(HERE / "schemas" / name, folder / name)
        fetched = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder],
                                 stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200, check=False)
        if fetched.returncode != 0:
            raise AssertionError(f"npm ci failed:\n{fetched.stderr}")
        shutil.copyfile(lock, done)
    shutil.copyfile(program, folder / program.name)  # it finds its packages beside it
    said = subprocess.run(["node", folder / program.name], input=json.dumps(objects), capture_output=True, text=True, timeout=60,
                          check=False)
    if said.returncode not in (0, 1) or said.stderr:
        raise AssertionError(said.stderr[-2000:])
    return said.stdout.splitlines()


class Test(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tce-kubernetes."))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        return path

    def sets(self):
        """Every set of objects there is, by its name."""
        yield from manifests.overlays().items()
        if not NO_CHART:
            yield from ((path.stem, by_chart(path.stem.replace("-values", ""))) for path in values())

    def accepted(self, objects):
        """The program takes its configuration and its arguments as a pod would get them."""
        text = one([each for each in of(objects, "ConfigMap") if "tencentchat_exporter.cfg" in each["data"]],
                   "ConfigMap")["data"]["tencentchat_exporter.cfg"]
        self.write("prod.key", KEY).chmod(0o600)
        config = self.write("tencentchat_exporter.cfg", text.replace(PLACE, str(self.directory)))
        arguments = [word.replace("$(POD_NAME)", "tencentchat-exporter-1") for word in container(objects)["args"]
                     if not word.startswith(("--config.file=", "--web.config.file="))]
        done = subprocess.run([EXPORTER, f"--config.file={config}", "--config.check", *arguments], capture_output=True, text=True,
                              timeout=30, check=False)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertIn(PLACE, text)
        self.assertIn({"name": "key", "mountPath": PLACE, "readOnly": True}, container(objects)["volumeMounts"])


@unittest.skipIf(NO_YAML, NO_YAML)
class Sets(Test):
    def test_what_is_committed_is_what_is_rendered(self):
        done = subprocess.run([KUBERNETES / "render.py", "--check"], capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        written = {path.parent.name for path in KUBERNETES.glob("overlays/*/kustomization.yaml")}
        self.assertEqual(written, set(manifests.overlays()))

    def test_nothing_is_wrong_with_any_of_them(self):
        for name, objects in self.sets():
            with self.subTest(name):
                self.assertEqual([], problems(objects, SECRETS))

    def test_the_program_takes_what_it_is_given(self):
        for name, objects in self.sets():
            with self.subTest(name):
                self.accepted(objects)

    def test_probes_and_monitors_ask_for_what_is_served(self):
        for name, objects in self.sets():
            with self.subTest(name):
                it = container(objects)
                self.assertEqual("/-/healthy", it["livenessProbe"]["httpGet"]["path"])
                self.assertEqual("/-/ready", it["readinessProbe"]["httpGet"]["path"])
                for each in of(objects, "ServiceMonitor", "PodMonitor"):
                    end = (each["spec"].get("endpoints") or each["spec"]["podMetricsEndpoints"])[0]
                    self.assertEqual("/metrics", end["path"])
                    self.assertIn({"targetLabel": "job", "replacement": "tencentchat"}, end["relabelings"])

    def test_rules_are_those_of_prometheus(self):
        wanted = [group for name in ("rules", "alerts")
                  for group in manifests.yaml.safe_load((DEPLOY / "prometheus" / f"{name}.yaml").read_text("utf-8"))["groups"]]
        component = manifests.load((KUBERNETES / "components/prometheusrule/prometheusrule.yaml").read_text("utf-8"))
        self.assertEqual(wanted, one(component, "PrometheusRule")["spec"]["groups"])
        if not NO_CHART:
            self.assertEqual(wanted, one(by_chart("everything"), "PrometheusRule")["spec"]["groups"])

    @unittest.skipUnless(shutil.which("npm") and shutil.which("node"), "not installed: npm")
    def test_schemas_know_every_field(self):
        objects = [each for _, every in self.sets() for each in every]
        objects += manifests.load((KUBERNETES / "components/prometheusrule/prometheusrule.yaml").read_text("utf-8"))
        self.assertEqual([], faults(objects))
        broken = copy.deepcopy(manifests.overlays()["dev"])
        one(broken, "Deployment")["spec"]["replica"] = 1
        one(broken, "Service")["spec"]["ports"][0]["port"] = "10058"
        said = faults(broken)
        self.assertIn("Deployment tencentchat-exporter.spec.replica: no such field", said)
        self.assertEqual(2, len(said), said)

    def test_what_is_wrong_is_noticed(self):
        def drop(place, name):
            return lambda objects: place(objects).pop(name)

        def put(place, **what):
            return lambda objects: place(objects).update(what)

        changes = {
            "not true": drop(lambda o: pod(o)["spec"]["securityContext"], "runAsNonRoot"),
            "seccompProfile": drop(lambda o: pod(o)["spec"]["securityContext"], "seccompProfile"),
            "capabilities": drop(lambda o: container(o)["securityContext"], "capabilities"),
            "Escalation": drop(lambda o: container(o)["securityContext"], "allowPrivilegeEscalation"),
            "may be written": put(lambda o: container(o)["securityContext"], readOnlyRootFilesystem=False),
            "hostNetwork": put(lambda o: pod(o)["spec"], hostNetwork=True),
            "hostPath": lambda o: pod(o)["spec"]["volumes"][0].update(hostPath={"path": "/"}),
            "token": drop(lambda o: pod(o)["spec"], "automountServiceAccountToken"),
            "no ConfigMap": put(lambda o: pod(o)["spec"]["volumes"][0]["configMap"], name="another"),
            "no Secret": put(lambda o: pod(o)["spec"]["volumes"][1]["secret"], secretName="another"),
            "no volume": put(lambda o: container(o)["volumeMounts"][0], name="another"),
            "Service selects": put(lambda o: one(o, "Service")["spec"]["selector"], another="label"),
            "PodMonitor selects": put(lambda o: one(o, "PodMonitor")["spec"]["selector"]["matchLabels"], another="label"),
            "no port": put(lambda o: container(o)["readinessProbe"]["httpGet"], port="another"),
            "are told": put(lambda o: one(o, "StatefulSet")["spec"], replicas=4),
            "one address": drop(lambda o: one(o, "Service")["spec"], "clusterIP"),
            "twice": lambda o: o.append(one(o, "ServiceAccount")),
        }
        for word, change in changes.items():
            with self.subTest(word):
                objects = copy.deepcopy(manifests.overlays()["sharded"])
                change(objects)
                self.assertIn(word, "\n".join(problems(objects, SECRETS)))


@unittest.skipIf(NO_CHART, NO_CHART)
class Chart(Test):
    def same(self, name, overlay):
        """The chart's objects and kustomize's, but for labels, names made of a hash, and the configuration."""
        ours, theirs = by_chart(name), manifests.overlays()[overlay]
        for objects in (ours, theirs):
            for volume in pod(objects)["spec"]["volumes"]:
                if "configMap" in volume:
                    volume["configMap"]["name"] = "it"
        a, b = (one(objects, *manifests.WORKLOADS) for objects in (ours, theirs))
        self.assertEqual(b["kind"], a["kind"])
        for each in (a, b):
            for key in ("selector", "template"):
                each["spec"].setdefault("pod", copy.deepcopy(pod([each])["spec"]))
                each["spec"].pop(key)
        return ours, theirs, a["spec"], b["spec"]

    def test_one_pod_is_that_of_kustomize(self):
        ours, theirs, a, b = self.same("default", "dev")
        b["pod"]["volumes"][1]["secret"]["secretName"] = "tencentchat-exporter"  # kustomize names it by its contents
        self.assertEqual(b, a)
        self.assertEqual(one(theirs, "Service")["spec"]["ports"], one(ours, "Service")["spec"]["ports"])
        for objects in (ours, theirs):
            self.assertIs(False, one(objects, "ServiceAccount")["automountServiceAccountToken"])
        base = (KUBERNETES / "base" / "tencentchat_exporter.cfg").read_text(encoding="utf-8")
        mine = one(ours, "ConfigMap")["data"]["tencentchat_exporter.cfg"]
        self.assertEqual([line for line in base.splitlines() if not line.startswith("#")], mine.splitlines())

    def test_shards_are_those_of_kustomize(self):
        ours, theirs, a, b = self.same("sharded", "sharded")
        a["pod"].pop("topologySpreadConstraints")
        self.assertEqual(b, a)
        theirs, ours = (one(objects, "PodMonitor")["spec"]["podMetricsEndpoints"] for objects in (theirs, ours))
        self.assertEqual(theirs, ours)

    def test_how_it_is_found_and_fenced_is_as_in_kustomize(self):
        ours, theirs = by_chart("everything"), manifests.overlays()["prod"]
        self.assertEqual(one(theirs, "ServiceMonitor")["spec"]["endpoints"], one(ours, "ServiceMonitor")["spec"]["endpoints"])
        a, b = (one(objects, "NetworkPolicy")["spec"] for objects in (ours, theirs))
        self.assertEqual({**b, "podSelector": None}, {**a, "podSelector": None})
        self.assertEqual({"prod.key": "not-a-key"}, one(ours, "Secret")["stringData"])
        self.assertIn("--log.format=json", container(ours)["args"])

    def test_a_listener_with_tls_and_users(self):
        objects = by_chart("web")
        it = container(objects)
        self.assertIn("--web.config.file=/run/secrets/web/web.cfg", it["args"])
        for probe in ("livenessProbe", "readinessProbe"):
            self.assertEqual("HTTPS", it[probe]["httpGet"]["scheme"])
            self.assertEqual("Authorization", it[probe]["httpGet"]["httpHeaders"][0]["name"])
        end = one(objects, "ServiceMonitor")["spec"]["endpoints"][0]
        self.assertEqual(("https", True), (end["scheme"], end["tlsConfig"]["insecureSkipVerify"]))
        secrets = {volume["secret"]["secretName"] for volume in pod(objects)["spec"]["volumes"] if "secret" in volume}
        self.assertEqual({"chat-keys", "chat-web"}, secrets)
        self.assertEqual([], of(objects, "Secret"))

    def test_names_follow_the_release(self):
        status, objects, notes = chart(release="chat")
        self.assertEqual(0, status, notes)
        self.assertEqual({"chat-tencentchat-exporter"}, {each["metadata"]["name"] for each in objects})
        self.assertIn("create secret generic chat-tencentchat-exporter", notes)
        self.assertEqual([], problems(objects, ["chat-tencentchat-exporter"]))
        status, objects, _ = chart(release="a" * 53)
        self.assertEqual([], problems(objects, [one(objects, "Service")["metadata"]["name"]]))

    def test_two_sources_of_keys_are_refused(self):
        status, _, why = chart(self.write("values.yaml", "existingSecret: a\nsecretKeys: { b: c }\n"))
        self.assertEqual((1, True), (status, "either existingSecret or secretKeys" in why))


@unittest.skipIf(NO_YAML or not jsonschema, "not installed: python3-jsonschema or python3-yaml")
class Values(Test):
    def setUp(self):
        super().setUp()
        self.defaults = manifests.yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
        self.schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
        jsonschema.Draft7Validator.check_schema(self.schema)

    def told(self, over):
        return [error.message for error in jsonschema.Draft7Validator(self.schema).iter_errors({**self.defaults, **over})]

    def test_defaults_and_examples_are_allowed(self):
        for over in ({}, *(manifests.yaml.safe_load(path.read_text("utf-8")) for path in values())):
            merged = {key: {**self.defaults[key], **value} if isinstance(value, dict) else value for key, value in over.items()}
            self.assertEqual([], self.told(merged))

    def test_every_value_is_described_once(self):
        def names(some):
            return {key: set(value) for key, value in some.items() if isinstance(value, dict) and value}

        described = {key: value.get("properties", {}) for key, value in self.schema["properties"].items()}
        self.assertEqual(set(self.defaults), set(described) - {"global"})  # Helm puts that one there
        for key, inner in names(described).items():
            self.assertEqual(inner, set(self.defaults[key]), key)

    def test_others_are_refused(self):
        for over in ({"shards": 0}, {"shards": "3"}, {"shards": 2000}, {"replicas": 2}, {"config": ""},
                     {"extraArgs": ["verbose"]}, {"web": {"scheme": "https"}}, {"autoReloadInterval": "soon"},
                     {"serviceMonitor": {"enable": True}},
                     {"secretKeys": {"a": 1}}, {"service": {"port": 0}}):
            with self.subTest(over):
                self.assertEqual(1, len(self.told(over)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
