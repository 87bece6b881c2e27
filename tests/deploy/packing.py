"""Packages of a build, made by CPack into a folder of the test's own, and taken apart again."""

import os
import pathlib
import subprocess

BUILD = pathlib.Path(os.environ["TCE_BUILD"])


def ask(*command, timeout=120, **options):
    """Standard output and error of a command that has to succeed."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=timeout, check=False, **options)
    text = done.stdout.decode("utf-8", errors="replace")
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{text[-4000:]}")
    return text


def pack(folder, generator, build=BUILD):
    """One package of the programs that stand in `build`: DEB or RPM."""
    folder.mkdir(parents=True, exist_ok=True)
    ask("cpack", "--config", build / "CPackConfig.cmake", "-G", generator, "-B", folder, cwd=folder)
    package, = folder.glob(f"*.{generator.lower()}")
    return package


def next_version(deb, folder):
    """The same deb with a higher version and another sample configuration, as an upgrade brings it."""
    tree = folder / "next"
    ask("dpkg-deb", "--raw-extract", deb, tree)
    control = tree / "DEBIAN" / "control"
    text = control.read_text(encoding="utf-8")
    version = next(line.split()[1] for line in text.splitlines() if line.startswith("Version:"))
    control.write_text(text.replace(f"Version: {version}", "Version: 9999.0-1"), encoding="utf-8")
    sample = tree / "etc/tencentchat_exporter/tencentchat_exporter.cfg"
    sample.write_text(sample.read_text(encoding="utf-8") + "# the next version of the sample\n", encoding="utf-8")
    (tree / "DEBIAN" / "md5sums").unlink()
    ask("dpkg-deb", "--root-owner-group", "-Zgzip", "--build", tree, folder / "tencentchat-exporter_9999.0-1_amd64.deb")
    return folder / "tencentchat-exporter_9999.0-1_amd64.deb"
