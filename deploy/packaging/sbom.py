#!/usr/bin/env python3
"""The SBOM of a program as SPDX 2.3 JSON: what it is linked with on this machine, and what that is linked with.

    sbom.py PROGRAM --name=NAME --version=VERSION [--output=FILE]

Each library is one package: its file, SHA-256, the Debian package it came with, that package's version and what its
copyright file says of its license. Times come from SOURCE_DATE_EPOCH.
"""

import argparse
import datetime
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import urllib.parse

DOCUMENTS = pathlib.Path("/usr/share/doc")
# How Debian's copyright files spell what SPDX has a name for.
SPDX = {
    "apache-2.0": "Apache-2.0", "artistic": "Artistic-1.0-Perl", "bsd-2-clause": "BSD-2-Clause", "bsd-3-clause": "BSD-3-Clause",
    "bsl": "BSL-1.0", "cc0-1.0": "CC0-1.0", "curl": "curl", "expat": "MIT", "mit": "MIT", "isc": "ISC", "zlib": "Zlib",
    "gpl-1+": "GPL-1.0-or-later", "gpl-2": "GPL-2.0-only", "gpl-2+": "GPL-2.0-or-later", "gpl-3": "GPL-3.0-only",
    "gpl-3+": "GPL-3.0-or-later", "lgpl-2+": "LGPL-2.0-or-later", "lgpl-2.1": "LGPL-2.1-only", "lgpl-2.1+": "LGPL-2.1-or-later",
    "lgpl-3": "LGPL-3.0-only", "lgpl-3+": "LGPL-3.0-or-later", "openldap-2.8": "OLDAP-2.8", "oldap-2.8": "OLDAP-2.8",
}


def ask(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C"}).stdout


def needed(path):
    """The sonames a file asks the loader for, in its own order."""
    return re.findall(r"\(NEEDED\)\s+Shared library: \[([^]]+)\]", ask("readelf", "--dynamic", "--wide", str(path)))


def closure(program):
    """soname -> file, of all that the loader would load."""
    return {pathlib.PurePath(name).name: pathlib.Path(path).resolve()
            for name, path in re.findall(r"^\s*(?:(\S+) => )?(/\S+) \(0x", ask("ldd", str(program)), re.M)
            for name in (name or path,)}


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def identifier(text):
    return "SPDXRef-Package-" + re.sub(r"[^A-Za-z0-9.-]", "-", text)


def debian(paths):
    """path -> (package, version, architecture, source) that a file was installed with; a package may still know it below /lib.
    Elsewhere than on Debian nothing is known."""
    if shutil.which("dpkg-query") is None:
        return {}
    names = {name: path for path in paths for name in (str(path), str(path).removeprefix("/usr"))}
    found = subprocess.run(["dpkg-query", "--search", *names], capture_output=True, text=True, check=False).stdout
    owner = {names[name]: packages.split(",")[0]
             for packages, _, name in (line.partition(": ") for line in found.splitlines()) if name in names}
    fields = "${binary:Package}\t${Package}\t${Version}\t${Architecture}\t${source:Package}\n"
    rows = ask("dpkg-query", "--show", f"--showformat={fields}", *set(owner.values())) if owner else ""
    known = {key: rest for line in rows.splitlines() for binary, *rest in [line.split("\t")] for key in (binary, rest[0])}
    return {path: known[package] for path, package in owner.items()}


def expression(words):
    """A license of a copyright file as an SPDX expression; None when SPDX has no name for a part of it."""
    parts = re.split(r",?\s+(and|or)\s+", words.strip())
    names = [part if part in ("and", "or") else SPDX.get(part.lower()) for part in parts]
    if None in names or {"and", "or"} <= set(names):
        return None
    return f" {names[1].upper()} ".join(names[::2]) if len(names) > 1 else names[0]


class Licenses:
    """What a package declares; texts that have no name of their own are kept whole."""

    def __init__(self):
        self.texts = {}

    def declared(self, package):
        """The members of a package that tell its license."""
        file = DOCUMENTS / package / "copyright"
        if not file.exists():
            return {}
        text = file.read_text(encoding="utf-8", errors="replace")
        found = re.search(r"^Files: *\*\s*\n(?:.*\n)*?License: *(.+)$", text, re.M)
        known = found and expression(found.group(1))
        if known:
            others = sorted(set(re.findall(r"^License: *(\S.*)$", text, re.M)) - {found.group(1)})
            told = {"licenseComments": f"of most files of the source package; of others: {', '.join(others)}"} if others else {}
            return {"licenseDeclared": known, **told}
        name = f"LicenseRef-Debian-{re.sub('[^A-Za-z0-9.-]', '-', package)}"
        self.texts[name] = {"licenseId": name, "name": f"copyright file of Debian's {package}", "extractedText": text}
        return {"licenseDeclared": name}


def library(soname, path, origin, licenses):
    entry = {
        "SPDXID": identifier(soname),
        "name": soname,
        "packageFileName": str(path),
        "primaryPackagePurpose": "LIBRARY",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "checksums": [{"algorithm": "SHA256", "checksumValue": sha256(path)}],
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "supplier": "NOASSERTION",
    }
    if origin:
        package, version, architecture, source = origin
        quoted = urllib.parse.quote(version, safe="")
        entry |= {
            "versionInfo": version,
            "supplier": "Organization: Debian",
            "sourceInfo": f"Debian package {package}, source package {source}",
            **licenses.declared(package),
            "externalRefs": [{
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": f"pkg:deb/debian/{package}@{quoted}?arch={architecture}",
            }],
        }
    return entry


def document(program, name, version, created):
    libraries = closure(program)
    origins = debian(libraries.values())
    licenses = Licenses()
    own = identifier(name)
    packages = [{
        "SPDXID": own,
        "name": name,
        "versionInfo": version,
        "packageFileName": program.name,
        "primaryPackagePurpose": "APPLICATION",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "checksums": [{"algorithm": "SHA256", "checksumValue": sha256(program)}],
        "licenseConcluded": "Apache-2.0",
        "licenseDeclared": "Apache-2.0",
        "copyrightText": "NOASSERTION",
        "supplier": "NOASSERTION",
    }]
    links = [("SPDXRef-DOCUMENT", "DESCRIBES", own)]
    links += [(own, "DYNAMIC_LINK", identifier(soname)) for soname in needed(program)]
    for soname, path in sorted(libraries.items()):
        packages.append(library(soname, path, origins.get(path), licenses))
        links += [(identifier(soname), "DYNAMIC_LINK", identifier(other)) for other in needed(path) if other in libraries]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{name}-{version}",
        "documentNamespace": f"https://spdx.org/spdxdocs/{name}-{version}-{sha256(program)[:32]}",
        "creationInfo": {
            "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": ["Tool: tencentchat_exporter/deploy/packaging/sbom.py"],
        },
        "packages": packages,
        "hasExtractedLicensingInfos": [text for _, text in sorted(licenses.texts.items())],
        "relationships": [{"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b} for a, kind, b in links],
    }


def main(arguments):
    parser = argparse.ArgumentParser(description="The SBOM of a program as SPDX 2.3 JSON.")
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--output", type=pathlib.Path)
    told = parser.parse_args(arguments)
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    created = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc)
    try:
        text = json.dumps(document(told.program, told.name, told.version, created), indent=1, ensure_ascii=False) + "\n"
    except (OSError, subprocess.CalledProcessError) as e:
        print(f"sbom: cannot read what '{told.program}' is linked with: {e}", file=sys.stderr)
        return 1
    if told.output:
        told.output.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
