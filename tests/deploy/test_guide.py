"""The guide to scale-out: what can be checked of it is. Its snippets are right, and its table is what the program says."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from mixin import DEPLOY, run

EXPORTER = os.environ["TCE_EXPORTER"]
GUIDE = (DEPLOY / "README.md").read_text(encoding="utf-8").partition("\n## Scale-out\n")[2]
UNITS = {"kB": 1e3, "MB": 1e6}


def blocks(kind):
    return re.findall(rf"^ *```{kind}\n(.*?)^ *```$", GUIDE, re.M | re.S)


def rows():
    """The table of sizes, by the names of its columns."""
    lines = [line.strip("| ").split(" | ") for line in GUIDE.partition("### Which size")[2].splitlines() if line.startswith("|")]
    return [dict(zip(lines[0], line)) for line in lines[2:]]


def number(text):
    return float(text.replace(",", ""))


class Guide(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tce-guide."))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    @unittest.skipIf(shutil.which("promtool") is None, "promtool is not installed")
    def test_prometheus_takes_every_snippet(self):
        found = blocks("yaml")
        self.assertGreaterEqual(len(found), 3)
        for i, text in enumerate([*found, "remote_write: [{ uri: nowhere }]\n"]):
            path = self.directory / f"{i}.yml"
            path.write_text(text, encoding="utf-8")
            done = run("promtool", "check", "config", path)
            self.assertEqual(i == len(found), done.returncode != 0, f"{text}{done.stdout}{done.stderr}")

    def test_every_flag_of_the_program_exists(self):
        known = subprocess.run([EXPORTER, "--help"], capture_output=True, text=True, timeout=30, check=True).stdout
        seen = 0
        for line in (line for kind in ("sh", "ini") for text in blocks(kind) for line in text.splitlines()):
            command = re.search(r"tencentchat_exporter (--.*)", line)
            for flag in re.findall(r"--[a-z][\w.-]*", command[1].partition("|")[0]) if command else []:
                self.assertRegex(known, rf"(?m)^ +{re.escape(flag)}[= ]", line)
                seen += 1
        self.assertGreater(seen, 8)

    def plan(self, row, *flags):
        ids = ", ".join(f'"@TGS#_@TGS#c{i:010}"' for i in range(int(number(row["communities"]))))
        path = self.directory / "size.cfg"
        path.write_text(
            f'poll: {{ interval = "{row["interval"]}"; max_inflight = 64; }};\n'
            f'metrics: {{ level = "{row["level"]}"; max_series = 0; }};\n'
            'apps = ( { name = "prod"; sdkappid = 1400000001; identifier = "administrator"; secret_key = "k"; '
            f'region = "singapore"; budget = 200.0; communities = ( {ids} ); }} );\n', encoding="utf-8")
        done = subprocess.run([EXPORTER, f"--config.file={path}", "--config.check", *flags],
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(0, done.returncode, f"{row}: {done.stderr}")
        return dict(re.findall(r"^#   (\S.*?) {2,}(.*)$", done.stdout.partition("# app 'prod'")[2], re.M))

    def test_the_table_is_what_the_program_plans(self):
        self.assertGreaterEqual(len(rows()), 5)
        for row in rows():
            whole = self.plan(row)
            self.assertEqual(row["calls/s"], f"{float(whole['calls'].partition('/s')[0]):.1f}", row)
            self.assertEqual(number(row["series"]), number(whole["series"].partition(":")[0]), row)
            shards = int(row["exporters"])
            one = self.plan(row, "--shard=0", f"--total-shards={shards}") if shards > 1 else whole
            size, unit = one["bytes"].partition("with gzip ")[2].split()
            told, told_unit = row["a scrape of each, gzip"].split()
            self.assertAlmostEqual(1, float(size) * UNITS[unit] / (float(told) * UNITS[told_unit]), delta=0.1, msg=str(row))

    def test_every_shard_of_the_table_has_enough(self):
        """No plan of any shard is refused."""
        row = next(row for row in rows() if int(row["exporters"]) == 16)
        for n in range(16):
            self.plan(row, f"--shard={n}", "--total-shards=16")


if __name__ == "__main__":
    unittest.main(verbosity=2)
