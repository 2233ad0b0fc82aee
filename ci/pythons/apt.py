"""A private apt: Debian packages of any suite, without touching the system's configuration.

Owns: ``apt/<suite>`` in the cache (package lists, state, downloads). The dpkg status is empty, so
apt names a package's whole dependency closure, libc included.
Called by: ``debian``, ``free_threaded``, ``environment``. Works without being root.
The mirror is the one that the machine's own apt uses; ``HPYX_DEBIAN_MIRROR`` overrides it.
Errors: ``Failure`` when there is no apt, no Debian mirror, or the download fails.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from common.places import cache_dir, locked
from common.process import Failure, run

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
LISTS_FRESH_FOR = 24 * 3600
Wanted = Callable[[str], bool]


def mirror() -> str:
    """Return the URI of the Debian archive that this machine uses."""
    given = os.environ.get("HPYX_DEBIAN_MIRROR")
    if given:
        return given
    places = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    for place in places:
        if not place.is_file():
            continue
        for line in place.read_text(errors="replace").splitlines():
            found = re.match(r"(?:deb(?:-src)?\s.*?|URIs:\s*)(\S+://\S*/debian)/?(?:\s|$)", line)
            if found:
                return found.group(1)
    raise Failure(
        "no Debian mirror in this machine's apt configuration; set HPYX_DEBIAN_MIRROR to one,"
        " or put the interpreter on PATH"
    )


class PrivateApt:
    """apt for one *suite*, with lists, state and cache of its own."""

    def __init__(self, suite: str) -> None:
        if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
            raise Failure(
                "this machine has no apt-get and dpkg-deb: put the interpreter on PATH, or name"
                " it in HPYX_PYTHON_<COLUMN>"
            )
        self.suite = suite
        self.folder = cache_dir() / "apt" / suite

    def unpack(self, packages: list[str], root: Path, wanted: Wanted = lambda name: True) -> None:
        """Unpack *packages* and what they depend on into *root*: those that *wanted* accepts."""
        with tempfile.TemporaryDirectory(prefix="debs-", dir=cache_dir()) as folder:
            (Path(folder) / "partial").mkdir()
            with locked(f"apt-{self.suite}"):
                self._update()
                self._apt_get(
                    ["install", "--download-only", "--yes", *packages],
                    options=[f"Dir::Cache::archives={folder}"],
                )
            debs = sorted(Path(folder).glob("*.deb"))
            _unpack([deb for deb in debs if wanted(deb.name)], root)

    def source(self, package: str, into: Path) -> Path:
        """Download the source of *package* into the folder *into*; return its upstream tarball."""
        with locked(f"apt-{self.suite}"):
            self._update()
            self._apt_get(["source", "--download-only", package], cwd=into)
        tarballs = sorted(into.glob("*.orig.tar.*"))
        tarballs = [file for file in tarballs if file.suffix != ".asc"]
        if not tarballs:
            raise Failure(f"the source package {package} of {self.suite} has no upstream tarball")
        return tarballs[0]

    def _apt_get(
        self, words: list[str], cwd: Path | None = None, options: Iterable[str] = ()
    ) -> None:
        settings = [word for option in options for word in ("-o", option)]
        env = {"APT_CONFIG": str(self._config())}
        run(["apt-get", *settings, *words], cwd=cwd, env=env)

    def _config(self) -> Path:
        file = self.folder / "apt.conf"
        if file.exists():
            return file
        for name in ("lists/partial", "cache/archives/partial", "etc/parts"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
        (self.folder / "etc/sources.list").write_text(
            f"deb {signed}{mirror()} {self.suite} main\n"
            f"deb-src {signed}{mirror()} {self.suite} main\n"
        )
        user = "_apt" if os.geteuid() != 0 else "root"
        file.write_text(
            f"""Dir::Etc::sourcelist "{self.folder}/etc/sources.list";
Dir::Etc::sourceparts "{self.folder}/etc/parts";
Dir::Etc::preferences "{self.folder}/etc/preferences";
Dir::Etc::preferencesparts "{self.folder}/etc/parts";
Dir::State "{self.folder}";
Dir::State::lists "{self.folder}/lists";
Dir::State::status "{self.folder}/status";
Dir::Cache "{self.folder}/cache";
APT::Sandbox::User "{user}";
APT::Install-Recommends "false";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Debug::NoLocking "true";
"""
        )
        return file

    def _update(self) -> None:
        stamp = self.folder / "lists.stamp"
        if stamp.exists() and time.time() - stamp.stat().st_mtime < LISTS_FRESH_FOR:
            return
        self._apt_get(["update"])
        stamp.touch()


def _unpack(packages: list[Path], root: Path) -> None:
    """Unpack the .deb files *packages* into one tree, whose absolute links then stay inside."""
    for folder in ("bin", "lib", "lib64", "sbin"):
        (root / "usr" / folder).mkdir(parents=True, exist_ok=True)
    for package in packages:
        run(["dpkg-deb", "-x", package, root])
    for folder in ("bin", "lib", "lib64", "sbin"):
        _merge_into_usr(root, folder)
    for link in root.rglob("*"):
        if link.is_symlink() and os.path.isabs(os.readlink(link)):
            inside = root / os.readlink(link).lstrip("/")
            if inside.exists():
                link.unlink()
                link.symlink_to(os.path.relpath(inside, link.parent))


def _merge_into_usr(root: Path, folder: str) -> None:
    """Make ``/lib`` and its like links to ``/usr/lib``, as Debian itself does."""
    plain, merged = root / folder, root / "usr" / folder
    if plain.is_dir() and not plain.is_symlink():
        shutil.copytree(plain, merged, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(plain)
    if not plain.is_symlink():
        plain.symlink_to(Path("usr") / folder)


def host_suite() -> str:
    """Return the name of the Debian suite that this machine runs."""
    file = Path("/etc/os-release")
    text = file.read_text() if file.exists() else ""
    found = re.search(r"^VERSION_CODENAME=\"?(\w+)", text, re.M)
    if not found:
        return "sid"
    return found.group(1)
