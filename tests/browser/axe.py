"""axe-core, which finds what people with other eyes, ears and hands would stumble over; by npm, as package-lock.json has it."""

import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
TIME_S = 120


def source():
    """The script. Fetched once for each lock file, into the build folder."""
    folder = pathlib.Path(os.environ["TCE_BROWSER"]) / "axe"
    lock = (HERE / "package-lock.json").read_bytes()
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists() or (folder / "package-lock.json").read_bytes() != lock:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(HERE / name, folder / name)
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIME_S, check=False)
        if done.returncode != 0:
            raise AssertionError(f"npm ci failed:\n{done.stderr}")
    return script.read_text(encoding="utf-8")


def problems(tab, script):
    """What it has to say about the page in this tab, one line each."""
    tab.evaluate("window.axe || (() => {" + script + "})(); undefined")
    return tab.evaluate("""axe.run(document, { resultTypes: ["violations"] }).then(r => r.violations.flatMap(v =>
        v.nodes.map(n => v.id + ": " + n.target.join(" ") + ": " + n.failureSummary.replace(/\\s+/g, " "))))""")
