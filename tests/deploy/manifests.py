"""Objects of Kubernetes as data: where they come from, and what is wrong with a set of them, one line each."""

import functools
import os
import pathlib
import re
import shutil
import subprocess

try:
    import yaml
except ImportError:  # the tests that use it say so, and are skipped
    yaml = None

HERE = pathlib.Path(__file__).resolve().parent
DEPLOY = HERE.parent.parent / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
CHART = DEPLOY / "helm" / "tencentchat-exporter"
SPRIG = pathlib.Path("/usr/share/gocode/src/github.com/Masterminds/sprig")
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
WORKLOADS = ("Deployment", "StatefulSet")
PLAIN_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def load(text):
    return [each for each in yaml.safe_load_all(text) if each]


def overlays():
    return {path.stem: load(path.read_text(encoding="utf-8")) for path in sorted((KUBERNETES / "rendered").glob("*.yaml"))}


def no_renderer():
    """Why charts cannot be rendered here; None when they can."""
    return None if shutil.which("go") and SPRIG.exists() else "not installed: golang-go, or sprig"


@functools.lru_cache(maxsize=None)
def renderer():
    """chart/main.go, compiled into the build folder."""
    folder = pathlib.Path(os.environ["TCE_CHART"])
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(folder / "cache"),
                   "GOFLAGS": ""}
    subprocess.run(["go", "build", "-o", folder / "chart", HERE / "chart" / "main.go"], env=environment, check=True,
                   timeout=240)
    return folder / "chart"


def chart(values=None, release="tencentchat-exporter"):
    """(exit status, objects, notes or why not) of the chart with a file of values."""
    done = subprocess.run([renderer(), CHART, release, "monitoring", *([values] if values else [])], capture_output=True,
                          text=True, timeout=60, check=False)
    return done.returncode, load(done.stdout) if done.returncode == 0 else [], done.stderr


def of(objects, *kinds):
    return [each for each in objects if each["kind"] in kinds]


def one(objects, *kinds):
    found = of(objects, *kinds)
    if len(found) != 1:
        raise AssertionError(f"{len(found)} of {' '.join(kinds)}")
    return found[0]


def pod(objects):
    return one(objects, *WORKLOADS)["spec"]["template"]


def container(objects):
    return pod(objects)["spec"]["containers"][0]


def selects(selector, labels):
    return bool(selector) and all(labels.get(name) == value for name, value in selector.items())


def restricted(spec):
    """What the Pod Security Standard `restricted` forbids in the spec of a pod."""
    outer = spec.get("securityContext", {})
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name):
            yield f"{name} is true"
    for volume in spec.get("volumes", []):
        for kind in set(volume) - {"name"} - PLAIN_VOLUMES:
            yield f"volume {volume['name']} is a {kind}"
    for each in spec.get("containers", []) + spec.get("initContainers", []):
        inner = each.get("securityContext", {})

        def said(name, inner=inner):
            return inner.get(name, outer.get(name))

        if inner.get("privileged"):
            yield "privileged"
        if inner.get("allowPrivilegeEscalation") is not False:
            yield "allowPrivilegeEscalation is not false"
        if said("runAsNonRoot") is not True:
            yield "runAsNonRoot is not true"
        if said("runAsUser") == 0:
            yield "runAsUser is 0"
        if (said("seccompProfile") or {}).get("type") not in ("RuntimeDefault", "Localhost"):
            yield "seccompProfile is neither RuntimeDefault nor Localhost"
        rights = inner.get("capabilities", {})
        if "ALL" not in rights.get("drop", []) or set(rights.get("add", [])) - {"NET_BIND_SERVICE"}:
            yield "not all capabilities are dropped"
        if inner.get("procMount", "Default") != "Default":
            yield "procMount is not Default"
        for port in each.get("ports", []):
            if port.get("hostPort"):
                yield "hostPort"


def mounts(spec, objects, secrets):
    """Volumes that nobody mounts, mounts of no volume, and what they are made of that is not there."""
    volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
    mounted = [mount for each in spec["containers"] for mount in each.get("volumeMounts", [])]
    names = {mount["name"] for mount in mounted}
    yield from (f"volume {name} is mounted nowhere" for name in volumes.keys() - names)
    yield from (f"mount of {name}, which is no volume" for name in names - volumes.keys())
    paths = [mount["mountPath"] for mount in mounted]
    yield from (f"two mounts at {path}" for path in set(paths) if paths.count(path) > 1)
    maps = {each["metadata"]["name"] for each in of(objects, "ConfigMap")}
    made = {each["metadata"]["name"] for each in of(objects, "Secret")}
    for volume in volumes.values():
        if "configMap" in volume and volume["configMap"]["name"] not in maps:
            yield f"no ConfigMap {volume['configMap']['name']}"
        if "secret" in volume and volume["secret"]["secretName"] not in made | set(secrets):
            yield f"no Secret {volume['secret']['secretName']}"


def shards(workload):
    """One place says how many: replicas, and what each pod is told."""
    arguments = workload["spec"]["template"]["spec"]["containers"][0]["args"]
    told = [word.partition("=")[2] for word in arguments if word.startswith("--total-shards=")]
    replicas = workload["spec"]["replicas"]
    if workload["kind"] == "Deployment":
        if replicas != 1 or told or workload["spec"]["strategy"]["type"] != "Recreate":
            yield "a Deployment is one pod, never two at a time"
    elif told != [str(replicas)] or "--shard=$(POD_NAME)" not in arguments or replicas < 2:
        yield f"{replicas} pods are told that they are {told}"


def problems(objects, secrets=()):
    """Everything that is wrong with this set; `secrets` are those that come from elsewhere."""
    found = []
    names = [(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in objects]
    found += [f"twice: {name}" for name in set(names) if names.count(name) > 1]
    found += [f"{kind} {name}: no name of DNS" for kind, _, name in names if not NAME.fullmatch(name)]
    workload, template = one(objects, *WORKLOADS), pod(objects)
    spec, labels = template["spec"], template["metadata"]["labels"]
    found += [*restricted(spec), *mounts(spec, objects, secrets), *shards(workload)]
    if spec.get("automountServiceAccountToken") is not False:
        found.append("the pod gets a token that it does not need")
    if not all(each["securityContext"].get("readOnlyRootFilesystem") for each in spec["containers"]):
        found.append("the root file system may be written")
    ports = {port["name"] for each in spec["containers"] for port in each["ports"]}
    service = one(objects, "Service")
    selectors = [("the workload", workload["spec"]["selector"]["matchLabels"], labels)]
    selectors += [("Service", service["spec"]["selector"], labels)]
    selectors += [("NetworkPolicy", each["spec"]["podSelector"]["matchLabels"], labels) for each in of(objects, "NetworkPolicy")]
    selectors += [("PodMonitor", each["spec"]["selector"]["matchLabels"], labels) for each in of(objects, "PodMonitor")]
    selectors += [("ServiceMonitor", each["spec"]["selector"]["matchLabels"], service["metadata"]["labels"])
                  for each in of(objects, "ServiceMonitor")]
    found += [f"{who} selects no pod" for who, selector, against in selectors if not selects(selector, against)]
    used = [port["targetPort"] for port in service["spec"]["ports"]]
    used += [probe["httpGet"]["port"] for each in spec["containers"] for probe in (each["livenessProbe"], each["readinessProbe"])]
    used += [end["port"] for each in of(objects, "ServiceMonitor", "PodMonitor")
             for end in each["spec"].get("endpoints", each["spec"].get("podMetricsEndpoints", []))]
    used += [port["port"] for each in of(objects, "NetworkPolicy") for rule in each["spec"]["ingress"] for port in rule["ports"]]
    found += [f"no port is called {name}" for name in set(used) - ports]
    if workload["kind"] == "StatefulSet" and (workload["spec"]["serviceName"] != service["metadata"]["name"] or
                                              service["spec"].get("clusterIP") != "None"):
        found.append("shards stand behind one address")
    return found
