"""Finding what is there: kubeconfig contexts, SSH hosts, Slurm partitions, clouds, a Ray cluster, this machine.

Nothing is contacted but ``sinfo``; files are read, and what is found is written down with a comment for
everything that only a person can know.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from glob import glob
from itertools import chain, count
from pathlib import Path

import yaml

from situs.intent.dump import scalar
from situs.sites.managed import Managed, managed
from situs.sites.ray.address import address_of

SINFO_SECONDS = 5
"""Slurm's tools hang when their controller is down; nobody waits longer than this for a first estate."""


@dataclass(frozen=True)
class FoundPool:
    """A pool as far as it can be seen from outside."""

    name: str
    cpu: int
    memory_gib: float
    count: int
    accelerator: str | None = None
    accelerators: int = 0


@dataclass(frozen=True)
class FoundSite:
    """A site as far as it can be seen from outside."""

    name: str
    source: str
    adapter: str
    options: Mapping[str, str]
    pools: tuple[FoundPool, ...]
    managed: Managed | None = None
    """a cloud runs it"""
    otherwise: str = "on_prem"
    """what kind of site it is where no cloud is known to run it"""

    @property
    def kind(self) -> str:
        """What a cloud runs is public; all else is taken for one's own."""
        return "public" if self.managed else self.otherwise

    def country(self, own: str, regions: Mapping[tuple[str, str], str]) -> str | None:
        """Where it is: ``own`` for one's own places, by its region for others; None where that is not known."""
        if self.managed is None:
            return own
        return regions.get((self.managed.operator, self.managed.region or ""))


def found_sites(*, everything: bool, home: Path, environment: Mapping[str, str]) -> list[FoundSite]:
    """This machine, and with ``everything`` all else that its files tell of. Names are unique."""
    sites = [_this_machine()]
    if everything:
        sites += [
            *_slurm(),
            *_kubernetes(home, environment),
            *_clouds(home),
            *_ray(environment),
            *_ssh(home / ".ssh" / "config", home),
        ]
    unique: dict[str, FoundSite] = {}
    for site in sites:
        # Two ways may have led to one place: a person sees which of them to keep.
        name = _unused(site.name, unique)
        unique[name] = replace(site, name=name)
    return list(unique.values())


def written(
    sites: list[FoundSite],
    country: str,
    *,
    regions: Mapping[tuple[str, str], str],
    clearance: int = 1,
    electricity: str | None = None,
) -> str:
    """The estate as commented YAML. ``regions``: (operator, region) -> country."""
    return "\n".join(
        [
            "# An estate for situs. `situs validate` checks it; `situs schema` lets your editor complete it.",
            "sites:",
            *(line for site in sites for line in site_lines(site, country, regions, clearance, electricity)),
            *LINKS,
            "",
        ]
    )


LINKS = (
    "links:",
    "  # How the places reach each other; the more specific link wins.",
    '  - {from: "*", to: "*", latency: 20ms, bandwidth: 1Gbit/s}',
)


def site_lines(
    site: FoundSite,
    country: str,
    regions: Mapping[tuple[str, str], str],
    clearance: int,
    electricity: str | None,
) -> Iterator[str]:
    """One site, as its lines below ``sites:``."""
    yield f"  {site.name}: # found by: {site.source}"
    yield f"    kind: {site.kind} # public, private, on_prem or edge"
    if site.managed is not None:
        yield f"    operator: {_quoted(site.managed.operator)}"
        if site.managed.region is not None:
            yield f"    region: {_quoted(site.managed.region)}"
        yield "    # operator_country and parent_country say under whose law it is: without them nothing that is"
        yield "    # limited to jurisdictions may be there."
    there = site.country(country, regions)
    doubt = "" if there else " # taken from your own places: look up where it really is"
    yield f"    country: {_quoted(there or country)}{doubt}"
    yield f"    clearance: {clearance} # highest label level the place is approved for, 0 to 4"
    yield "    encryption: {at_rest: false, in_transit: false} # what is really switched on"
    if electricity is not None and site.managed is None:
        yield f"    electricity: {{price: {_quoted(electricity)}}}"
    options = "".join(f", {key}: {_quoted(value)}" for key, value in site.options.items())
    yield f"    adapter: {{kind: {site.adapter}" + (f", options: {{{options[2:]}}}" if options else "") + "}"
    if not site.pools:
        yield "    pools: {} # nodes cannot be seen from here: write them down"
        return
    yield "    pools:"
    for pool in site.pools:
        yield f"      {pool.name}:"
        gpu = f", accelerators: {pool.accelerators}" if pool.accelerators else ""
        yield f"        node: {{cpu: {pool.cpu}, memory: {pool.memory_gib:g}GiB{gpu}}}"
        if pool.accelerator:
            yield f"        accelerator: {pool.accelerator}"
            yield "        # accelerator_memory in node says what each of them has, such as 80GiB."
        # What is rented when it is wanted is not there before.
        yield f"        count: {0 if site.adapter == 'cloud' else pool.count}"
        yield "        # What a node cost, or what renting one costs an hour: without it there is nothing to decide."
        if site.adapter == "cloud":
            yield "        limit: 1 # how many may be rented at once"
            yield "        price: {basis: on_demand, price: 0 EUR/h} # or spot"
        else:
            yield "        price: {basis: owned, price: 0 EUR, life: 60 months, idle: 100W, busy: 300W}"


def _quoted(text: str) -> str:
    return str(scalar(text))


def _this_machine() -> FoundSite:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model, count = _nvidia()
    pool = FoundPool("machine", os.cpu_count() or 1, round(memory, 1), 1, model, count)
    return FoundSite("this-machine", "this machine", "local", {}, (pool,))


def _nvidia() -> tuple[str | None, int]:
    lines = _output(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"])
    names = [line.strip() for line in lines if line.strip()]
    return (re.sub(r"[^A-Za-z0-9.-]+", "-", names[0]).strip("-"), len(names)) if names else (None, 0)


def _slurm() -> Iterator[FoundSite]:
    """Each partition with its node shape: partition, nodes, processors, MiB, gres."""
    pools: list[FoundPool] = []
    # Exact: a line for each kind of node, where a partition has several.
    for line in _output(["sinfo", "-h", "-e", "-o", "%R|%D|%c|%m|%G"]):
        fields = line.strip().split("|")
        if len(fields) != 5:
            continue
        name, nodes, cpus, memory, gres = fields
        # A line without numbers is a message and no partition.
        if not all(number.rstrip("+").isdecimal() for number in (nodes, cpus, memory)):
            continue
        # gres is (null), gpu:4 or gpu:a100:4(S:0-1)
        match = re.search(r"gpu:(?:([A-Za-z][\w.-]*):)?([0-9]+)", gres)
        pools.append(
            FoundPool(
                _unused(_name(name), [pool.name for pool in pools]),
                int(cpus.rstrip("+")),
                round(int(memory.rstrip("+")) / 1024, 1),
                int(nodes.rstrip("+")),
                (match[1] or "gpu") if match else None,
                int(match[2]) if match else 0,
            )
        )
    if pools:
        yield FoundSite("slurm", "sinfo", "slurm", {}, tuple(pools))


def _kubernetes(home: Path, environment: Mapping[str, str]) -> Iterator[FoundSite]:
    named = environment.get("KUBECONFIG", "")
    paths = [Path(part) for part in named.split(os.pathsep) if part] or [home / ".kube" / "config"]
    for path in paths:
        try:
            config = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError, UnicodeDecodeError):
            continue
        servers = {name: _text(entry, "server") for name, entry in _entries(config, "clusters", "cluster")}
        for name, entry in _entries(config, "contexts", "context"):
            cluster = _text(entry, "cluster")
            yield FoundSite(
                _name(name), f"kubeconfig {path.name}", "kubernetes", {"context": name}, (),
                managed(servers.get(cluster, ""), name, cluster),
            )  # fmt: skip


def _clouds(home: Path) -> Iterator[FoundSite]:
    """Regions that tools of clouds are set to, where SkyPilot is used here."""
    if not (home / ".sky").is_dir():
        return
    files = (
        ("aws", home / ".aws" / "config", r"^\s*region\s*=\s*([a-z0-9-]+)\s*$"),
        ("gcp", home / ".config/gcloud/configurations/config_default", r"^\s*region\s*=\s*([a-z0-9-]+)\s*$"),
        ("azure", home / ".azure" / "config", r"^\s*location\s*=\s*([a-z0-9]+)\s*$"),
    )
    for operator, path, region in files:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        for found in dict.fromkeys(re.findall(region, text, re.MULTILINE)):
            options = {"infra": f"{operator}/{found}"}
            source = f"SkyPilot and {path.relative_to(home)}"
            yield FoundSite(f"{operator}-{found}", source, "cloud", options, (), rented("cloud", options))


def rented(adapter: str, options: Mapping[str, str]) -> Managed | None:
    """Whose cloud a site of kind cloud is in; None for other kinds, and where that is not said."""
    operator, _, rest = options.get("infra", "").partition("/")
    return Managed(operator, rest.partition("/")[0] or None) if adapter == "cloud" and operator else None


def _ray(environment: Mapping[str, str]) -> Iterator[FoundSite]:
    """The cluster that Ray's own tools would submit jobs to."""
    for variable in ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS"):
        # The second may also be an address that is none of a dashboard, and says so by having no scheme.
        if (address := environment.get(variable, "")).startswith(("http://", "https://")):
            with suppress(ValueError):
                yield FoundSite("ray", variable, "ray", {"address": address_of(address)}, ())
            return


def _entries(config: object, section: str, kind: str) -> Iterator[tuple[str, object]]:
    """Names and contents of a section of a kubeconfig; what is malformed is passed over."""
    listed = config.get(section) if isinstance(config, dict) else None
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            yield entry["name"], entry.get(kind)


def _text(entry: object, key: str) -> str:
    value = entry.get(key) if isinstance(entry, dict) else None
    return value if isinstance(value, str) else ""


def _ssh(path: Path, home: Path, read: frozenset[Path] = frozenset()) -> Iterator[FoundSite]:
    """Hosts of an SSH config and what it includes; patterns stand for no single host and are left out."""
    if path in read:
        return
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        words = [word.strip('"') for word in line.replace("=", " ", 1).split()]
        if len(words) > 1 and words[0].lower() == "include":
            for pattern in words[1:]:
                # As ssh does: what is not absolute is beside the user's config.
                files = home / ".ssh" / re.sub("^~", str(home), pattern)
                for included in sorted(glob(str(files))):  # noqa: PTH207 - takes patterns that Path does not
                    yield from _ssh(Path(included), home, read | {path})
        if len(words) > 1 and words[0].lower() == "host":
            for host in words[1:]:
                if host and not set(host) & set("*?!"):
                    yield FoundSite(_name(host), "SSH config", "ssh", {"host": host}, ())


def _output(command: list[str]) -> list[str]:
    """Lines a command prints; none when it is not there, fails, or takes too long."""
    program = shutil.which(command[0])
    if program is None:
        return []
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            [program, *command[1:]], capture_output=True, text=True, timeout=SINFO_SECONDS, check=True
        )
    except (subprocess.SubprocessError, OSError):
        return []
    return done.stdout.splitlines()


def _unused(name: str, taken: Collection[str]) -> str:
    """The name, with a number where it is taken."""
    numbered = (f"{name}-{number}" for number in count(2))
    return next(free for free in chain([name], numbered) if free not in taken)


def _name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", text)[:120].strip("-.") or "site"
