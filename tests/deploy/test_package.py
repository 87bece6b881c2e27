"""The deb and the rpm of a build, opened: what is in them, whose it is, what they depend on, what runs when they are
installed, what Debian's and rpm's own checkers say; and their SBOM.
"""

import datetime
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from packing import ask, pack

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "deploy" / "packaging"
CONFIG = "etc/tencentchat_exporter/tencentchat_exporter.cfg"
PROGRAM = "usr/sbin/tencentchat_exporter"
SERVICE = "usr/lib/systemd/system/tencentchat_exporter.service"
SBOM = "usr/share/doc/tencentchat-exporter/tencentchat-exporter.spdx.json"
BOTH = {
    CONFIG, PROGRAM, SERVICE, SBOM,
    "usr/lib/systemd/system/tencentchat_exporter.socket",
    "usr/lib/sysusers.d/tencentchat_exporter.conf",
    "usr/share/bash-completion/completions/tencentchat_exporter",
    "usr/share/doc/tencentchat-exporter/README.md",
    "usr/share/doc/tencentchat-exporter/examples/tencentchat_exporter.cfg",
    "usr/share/doc/tencentchat-exporter/examples/web.cfg",
    "usr/share/fish/vendor_completions.d/tencentchat_exporter.fish",
    "usr/share/man/man5/tencentchat_exporter.cfg.5.gz",
    "usr/share/man/man8/tencentchat_exporter.8.gz",
    "usr/share/tencentchat_exporter/prometheus/alerts.yaml",
    "usr/share/tencentchat_exporter/prometheus/rules.yaml",
}
OF_DEBIAN = {
    "usr/share/doc/tencentchat-exporter/changelog.Debian.gz",
    "usr/share/doc/tencentchat-exporter/changelog.gz",
    "usr/share/doc/tencentchat-exporter/copyright",
    "usr/share/lintian/overrides/tencentchat-exporter",
    "usr/share/zsh/vendor-completions/_tencentchat_exporter",
}
OF_RPM = {
    "usr/share/doc/tencentchat-exporter/CHANGELOG.md",
    "usr/share/doc/tencentchat-exporter/LICENSE",
    "usr/share/zsh/site-functions/_tencentchat_exporter",
}


def plain(names):
    """Without what comes in numbers."""
    return {n for n in names if not re.search(r"/runbooks/\w+\.md$|/dashboards/[\w-]+\.json$", n)}


class WithFolder(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="tce-package."))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)


class OpenedDeb(WithFolder):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if shutil.which("dpkg-shlibdeps") is None:
            raise unittest.SkipTest("dpkg-dev is not installed")
        cls.deb = pack(cls.directory / "first", "DEB")
        cls.tree = cls.directory / "tree"
        ask("dpkg-deb", "--raw-extract", cls.deb, cls.tree)


class Deb(OpenedDeb):
    def field(self, name):
        return ask("dpkg-deb", "--field", self.deb, name).strip()

    def read(self, name):
        return (self.tree / name).read_text(encoding="utf-8")

    def test_it_holds_what_a_service_needs_and_nothing_is_anybodys(self):
        listed = [line.split(None, 5) for line in ask("dpkg-deb", "--contents", self.deb).splitlines()]
        self.assertEqual({"root/root"}, {line[1] for line in listed})
        files = {line[5].removeprefix("./"): line[0] for line in listed if not line[0].startswith("d")}
        self.assertEqual(BOTH | OF_DEBIAN, plain(files))
        self.assertEqual({PROGRAM: "-rwxr-xr-x"}, {name: mode for name, mode in files.items() if mode != "-rw-r--r--"})
        self.assertEqual(f"/{CONFIG}\n", self.read("DEBIAN/conffiles"))
        self.assertEqual((ROOT / "config/tencentchat_exporter.cfg").read_bytes(), (self.tree / CONFIG).read_bytes())

    def test_the_unit_runs_what_is_packed(self):
        unit = self.read(SERVICE)
        program, flag = re.search(r"^ExecStart=(\S+) --config\.file=(\S+)$", unit, re.M).groups()
        self.assertEqual((f"/{PROGRAM}", f"/{CONFIG}"), (program, flag))
        source = (ROOT / "deploy/systemd/tencentchat_exporter.service.in").read_text(encoding="utf-8")
        self.assertEqual(source.replace("@CMAKE_INSTALL_FULL_SBINDIR@", "/usr/sbin"), unit)
        group, = re.findall(r"^SupplementaryGroups=(\S+)$", unit, re.M)
        self.assertRegex(self.read("usr/lib/sysusers.d/tencentchat_exporter.conf"), rf"(?m)^g {group} -$")
        for file in (PACKAGING / "debian/postinst", PACKAGING / "rpm/pre", PACKAGING / "package.cmake"):
            self.assertIn(group, file.read_text(encoding="utf-8"))

    def test_it_depends_on_what_the_program_is_linked_with(self):
        depends = self.field("Depends")
        for package in ("libc6", "libcjson1", "libconfig", "libcurl", "libmicrohttpd", "libssl3", "zlib1g"):
            self.assertRegex(depends, rf"\b{package}\w* \(>=|\b{package}\w*(,|$)")
        self.assertIn("systemd | systemd-standalone-sysusers | systemd-sysusers", depends)
        self.assertIn("ca-certificates", depends)
        self.assertRegex(self.field("Version"), r"^\d+\.\d+\.\d+-1$")
        self.assertIn(self.field("Version").removesuffix("-1"), ask(self.tree / PROGRAM, "--version").splitlines()[0])

    def test_its_scripts_are_sound(self):
        for script in ("postinst", "prerm", "postrm"):
            ask("sh", "-n", self.tree / "DEBIAN" / script)
            if shutil.which("shellcheck"):
                ask("shellcheck", "--shell=sh", self.tree / "DEBIAN" / script)

    @unittest.skipIf(shutil.which("lintian") is None, "lintian is not installed")
    def test_lintian_has_no_error_and_no_warning(self):
        done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", self.deb], capture_output=True, text=True,
                              timeout=120, check=False)
        self.assertEqual((0, ""), (done.returncode, done.stdout))

    def test_it_is_the_same_when_it_is_made_again(self):
        """In another folder, by somebody with other habits. Two builds from source are test_release.py's."""
        habits = {"TZ": "Asia/Kolkata", "LC_ALL": "C.UTF-8"}
        code = ("import os, sys, pathlib; os.environ.update(%r); from packing import pack; "
                "pack(pathlib.Path(sys.argv[1]), 'DEB')" % habits)
        second = self.directory / "a second one" / "elsewhere"
        ask(sys.executable, "-B", "-c", code, second, cwd=pathlib.Path(__file__).parent)
        again, = second.glob("*.deb")
        self.assertEqual(hashlib.sha256(self.deb.read_bytes()).hexdigest(), hashlib.sha256(again.read_bytes()).hexdigest())


@unittest.skipIf(shutil.which("rpmbuild") is None, "rpm is not installed")
class Rpm(WithFolder):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rpm = pack(cls.directory, "RPM")

    def query(self, *flags):
        return ask("rpm", "--query", "--package", *flags, self.rpm)

    def test_it_holds_the_same_in_its_own_places(self):
        rows = [line.split() for line in self.query("--dump").splitlines()]
        files = {row[0].removeprefix("/"): row for row in rows if row[4].startswith("010")}
        self.assertEqual(BOTH | OF_RPM, plain(files))
        self.assertEqual({CONFIG: "0100640", PROGRAM: "0100755"}, {n: r[4] for n, r in files.items() if r[4] != "0100644"})
        self.assertEqual([CONFIG], [n for n, r in files.items() if r[7] == "1"])
        owners = {(row[5], row[6]) for name, row in files.items() if name != CONFIG}
        self.assertEqual(({("root", "root")}, ["root", "tencentchat"]), (owners, files[CONFIG][5:7]))
        folders = [row[0] for row in rows if row[4].startswith("040")]
        self.assertEqual([], [name for name in folders if "tencentchat" not in name], "a folder of everybody's")

    def test_it_keeps_a_changed_configuration(self):
        lines = self.query("--queryformat", "[%{FILENAMES} %{FILEFLAGS:fflags}\n]").splitlines()
        flags = dict(line.rsplit(" ", 1) for line in lines)
        self.assertEqual({"c", "n"}, set(flags[f"/{CONFIG}"]))

    def test_its_scripts_are_sound_and_its_sums_right(self):
        for script in ("pre", "post", "preun", "postun"):
            ask("sh", "-n", PACKAGING / "rpm" / script)
        self.assertIn("digests OK", ask("rpm", "--checksig", self.rpm))
        self.assertIn("groupadd --system tencentchat", self.query("--scripts"))
        self.assertRegex(self.query("--requires"), r"(?m)^libcurl\.so\.4\(\)\(64bit\)$")

    @unittest.skipIf(shutil.which("rpmlint") is None, "rpmlint is not installed")
    def test_rpmlint_has_nothing_to_say(self):
        text = ask("rpmlint", "--config", PACKAGING / "rpm" / "rpmlint.toml", self.rpm)
        self.assertIn("0 errors, 0 warnings", text)


class Sbom(OpenedDeb):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.document = json.loads((cls.tree / SBOM).read_text(encoding="utf-8"))
        cls.packages = {package["SPDXID"]: package for package in cls.document["packages"]}
        cls.own = next(package for package in cls.document["packages"] if package["name"] == "tencentchat-exporter")

    def linked(self, spdx_id):
        return sorted(self.packages[r["relatedSpdxElement"]]["name"] for r in self.document["relationships"]
                      if r["relationshipType"] == "DYNAMIC_LINK" and r["spdxElementId"] == spdx_id)

    def test_it_is_spdx_2_3(self):
        document = self.document
        self.assertEqual(("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT"),
                         tuple(document[name] for name in ("spdxVersion", "dataLicense", "SPDXID")))
        self.assertRegex(document["documentNamespace"], r"^https://[^#\s]+$")
        self.assertRegex(document["creationInfo"]["created"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        datetime.datetime.fromisoformat(document["creationInfo"]["created"].replace("Z", "+00:00"))
        for creator in document["creationInfo"]["creators"]:
            self.assertRegex(creator, r"^(Tool|Organization|Person): \S")
        self.assertEqual(len(document["packages"]), len(self.packages), "an SPDXID stands twice")
        for spdx_id, package in self.packages.items():
            with self.subTest(spdx_id):
                self.assertRegex(spdx_id, r"^SPDXRef-[A-Za-z0-9.-]+$")
                for name in ("name", "downloadLocation", "licenseConcluded", "licenseDeclared", "copyrightText", "supplier"):
                    self.assertTrue(package[name])
                self.assertIs(False, package["filesAnalyzed"])
                self.assertIn(package["primaryPackagePurpose"], ("APPLICATION", "LIBRARY"))
                self.assertRegex(package["supplier"], r"^NOASSERTION$|^Organization: \S")
                for checksum in package["checksums"]:
                    self.assertEqual("SHA256", checksum["algorithm"])
                    self.assertRegex(checksum["checksumValue"], r"^[0-9a-f]{64}$")

    def test_every_license_has_a_name_or_its_text(self):
        texts = {text["licenseId"]: text for text in self.document["hasExtractedLicensingInfos"]}
        used = set()
        for package in self.packages.values():
            for license_id in re.split(r" (?:AND|OR) ", package["licenseDeclared"]):
                used.add(license_id)
                if license_id.startswith("LicenseRef-"):
                    self.assertGreater(len(texts[license_id]["extractedText"]), 100)
                else:
                    self.assertRegex(license_id, r"^[A-Za-z]+(-\d(\.\d)?)?(-Clause|-only|-or-later|-Perl)?$")
        self.assertEqual(set(), set(texts) - used)
        self.assertEqual("curl", self.packages["SPDXRef-Package-libcurl.so.4"]["licenseDeclared"])
        self.assertEqual("Zlib", self.packages["SPDXRef-Package-libz.so.1"]["licenseDeclared"])

    def test_every_end_of_a_relation_exists(self):
        known = {"SPDXRef-DOCUMENT", *self.packages}
        relations = [(r["spdxElementId"], r["relationshipType"], r["relatedSpdxElement"]) for r in self.document["relationships"]]
        self.assertEqual(len(relations), len(set(relations)))
        self.assertEqual(set(), {end for one in relations for end in one[::2]} - known)
        self.assertEqual([("SPDXRef-DOCUMENT", self.own["SPDXID"])], [one[::2] for one in relations if one[1] == "DESCRIBES"])
        reached = {one[2] for one in relations}
        unreached = {spdx_id for spdx_id in set(self.packages) - reached if not spdx_id.startswith("SPDXRef-Package-ld-linux")}
        self.assertEqual(set(), unreached, "nobody asks for it")

    def test_it_tells_what_is_linked(self):
        program = self.tree / PROGRAM
        needed = re.findall(r"^\s+NEEDED\s+(\S+)$", ask("objdump", "--private-headers", program), re.M)
        self.assertEqual(sorted(needed), self.linked(self.own["SPDXID"]))
        self.assertIn("libssl.so.3", self.linked("SPDXRef-Package-libcurl.so.4"))
        self.assertEqual(hashlib.sha256(program.read_bytes()).hexdigest(), self.own["checksums"][0]["checksumValue"])
        for soname in needed:
            package = self.packages[f"SPDXRef-Package-{soname}"]
            file = pathlib.Path(package["packageFileName"])
            self.assertEqual(hashlib.sha256(file.read_bytes()).hexdigest(), package["checksums"][0]["checksumValue"])
            name = re.match(r"pkg:deb/debian/([^@]+)@", package["externalRefs"][0]["referenceLocator"]).group(1)
            self.assertEqual(package["versionInfo"], ask("dpkg-query", "--show", "--showformat=${Version}", name).strip())

    def test_what_is_no_program_is_refused(self):
        done = subprocess.run([sys.executable, "-B", PACKAGING / "sbom.py", __file__, "--name=x", "--version=1"],
                              capture_output=True, text=True, check=False)
        self.assertEqual((1, ""), (done.returncode, done.stdout))
        self.assertIn("sbom: cannot read what", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
