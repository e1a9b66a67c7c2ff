"""``situs init``: a first estate from questions or from what is really there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from situs.intent import load
from situs.model.intent import Intent

KUBECONFIG = """\
apiVersion: v1
contexts:
  - {name: gke_hospital_europe-west3_prod, context: {cluster: a, user: b}}
  - {name: "lab:8443", context: {cluster: c, user: d}}
  - {name: gpu-1, context: {cluster: c, user: d}}
"""
SSH_CONFIG = """\
# machines of the lab
Host gpu-1 gpu-2
    HostName 10.0.0.1
Host *.internal !secret
    User x
host "bastion"
Include more.d/*.conf
"""
FAKE_SINFO = """\
#!/bin/sh
# Stands in for Slurm's sinfo: what it prints for the format that is asked for.
[ "$*" = "-h -e -o %R|%D|%c|%m|%G" ] || { echo "unexpected: $*" >&2; exit 1; }
echo 'a100|4|128+|1031000|gpu:a100:8(S:0-1)'
echo 'cpu|20|64|257000|(null)'
echo 'cpu|5|96|513000|(null)'
echo 'old gpus|2|32|128000|gpu:2'
echo 'slurm is being upgraded|soon|n/a|n/a|'
"""


def init(
    folder: Path, *arguments: str, stdin: str = "", path: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``situs init`` at home in ``folder``, with nothing in the environment that would tell of other places."""
    environment = {
        "HOME": str(folder),
        "PATH": f"{path}{os.pathsep}/usr/bin{os.pathsep}/bin" if path else "/usr/bin:/bin",
        "LANG": "C.UTF-8",
    }
    return subprocess.run(
        [sys.executable, "-c", "from situs.cli.main import run; run()", "init", "estate", *arguments],
        capture_output=True, text=True, input=stdin, cwd=folder, env=environment, check=False,
    )  # fmt: skip


def made(folder: Path) -> Intent:
    return load(folder / "estate").intent


def test_options_answer_everything(tmp_path: Path) -> None:
    done = init(tmp_path, "--country", "DE", "--clearance", "3", "--electricity", "0.28 EUR/kWh")
    assert done.returncode == 0, done.stderr
    (site,) = made(tmp_path).sites.values()
    assert (site.country, site.clearance) == ("DE", 3)
    assert site.electricity is not None
    assert str(site.electricity.price) == "0.28 EUR/kWh"
    assert "# " in (tmp_path / "estate" / "estate.yaml").read_text()


def test_this_machine_is_found_as_it_is(tmp_path: Path) -> None:
    assert init(tmp_path, "--country", "NO").returncode == 0
    site = made(tmp_path).sites["this-machine"]
    assert site.country == "NO"
    node = site.pools["machine"].node
    assert node is not None
    assert node.cpu == os.cpu_count()
    total = int(
        next(line for line in Path("/proc/meminfo").read_text().splitlines() if "MemTotal" in line).split()[1]
    )
    assert node.memory == pytest.approx(total / 2**20, rel=0.02)


def test_questions_are_answered_line_by_line(tmp_path: Path) -> None:
    done = init(tmp_path, stdin="FR\nn\n2\n0.21 EUR/kWh\n")
    assert done.returncode == 0, done.stderr
    for question in ("Country", "Kubernetes", "label level", "power costs"):
        assert question in done.stderr
    (site,) = made(tmp_path).sites.values()
    assert (site.country, site.clearance) == ("FR", 2)
    assert site.electricity is not None


def test_a_wrong_answer_is_asked_for_again_at_once(tmp_path: Path) -> None:
    done = init(tmp_path, stdin="Germany\nDE\nn\n9\nhigh\n2\ncheap\n-1 EUR/kWh\n0.21 EUR/kWh\n")
    assert done.returncode == 0, done.stderr
    for said in (
        "'Germany' is not a country code",
        "9 is not at most 4",
        "'cheap' is not an amount of money",
    ):
        assert said in done.stderr
    (site,) = made(tmp_path).sites.values()
    assert (site.country, site.clearance) == ("DE", 2)


def test_answers_may_be_left_empty(tmp_path: Path) -> None:
    assert init(tmp_path, stdin="FR\n\n\n\n").returncode == 0
    (site,) = made(tmp_path).sites.values()
    assert (site.clearance, site.electricity) == (1, None)


def test_kubernetes_and_ssh_are_found_by_their_files(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(KUBECONFIG)
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text(SSH_CONFIG)
    (tmp_path / ".ssh" / "more.d").mkdir()
    (tmp_path / ".ssh" / "more.d" / "x.conf").write_text("Host=dgx\nInclude ~/.ssh/config\n")
    done = init(tmp_path, "--find", "--country", "DE")
    assert done.returncode == 0, done.stderr
    found = {
        name: (site.adapter.kind, dict(site.adapter.options)) for name, site in made(tmp_path).sites.items()
    }
    assert found == {
        "this-machine": ("local", {}),
        "gke-hospital-europe-west3-prod": ("kubernetes", {"context": "gke_hospital_europe-west3_prod"}),
        "lab-8443": ("kubernetes", {"context": "lab:8443"}),
        "gpu-1": ("kubernetes", {"context": "gpu-1"}),
        "gpu-1-2": ("ssh", {"host": "gpu-1"}),
        "gpu-2": ("ssh", {"host": "gpu-2"}),
        "bastion": ("ssh", {"host": "bastion"}),
        "dgx": ("ssh", {"host": "dgx"}),
    }


MANAGED = """\
apiVersion: v1
clusters:
  - {name: a, cluster: {server: "https://0A1B.gr7.eu-central-1.eks.amazonaws.com"}}
  - {name: b, cluster: {server: "https://35.198.1.2"}}
  - {name: c, cluster: {server: "https://prod-dns-1a2b.hcp.westeurope.azmk8s.io:443"}}
  - {name: d, cluster: {server: "https://lab.hospital.example:6443"}}
  - {name: "arn:aws:eks:eu-west-3:123456789012:cluster/x", cluster: {}}
  - {name: f, cluster: {server: "https://eks.amazonaws.com.attacker.example"}}
  - {name: g, cluster: {server: "https://gke-1a2b.moon-base9.gke.goog"}}
contexts:
  - {name: eks, context: {cluster: a}}
  - {name: gke_hospital_europe-west3-b_prod, context: {cluster: b}}
  - {name: aks, context: {cluster: c}}
  - {name: lab, context: {cluster: d}}
  - {name: named, context: {cluster: "arn:aws:eks:eu-west-3:123456789012:cluster/x"}}
  - {name: alike, context: {cluster: f}}
  - {name: moon, context: {cluster: g}}
"""


def test_clusters_that_a_cloud_runs_are_its_own_public_sites(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(MANAGED)
    done = init(tmp_path, "--find", "--country", "AT", "--electricity", "0.28 EUR/kWh", "--json")
    assert done.returncode == 0, done.stderr
    told = {site["name"]: site for site in json.loads(done.stdout)["sites"]}
    sites = made(tmp_path).sites
    assert set(told) == set(sites)
    seen = {
        name: (s.kind, s.operator, s.region, s.country) for name, s in sites.items() if "machine" not in name
    }
    assert seen == {
        "eks": ("public", "aws", "eu-central-1", "DE"),
        "gke-hospital-europe-west3-b-prod": ("public", "gcp", "europe-west3", "DE"),
        "aks": ("public", "azure", "westeurope", "NL"),
        "lab": ("on_prem", "self", None, "AT"),
        "named": ("public", "aws", "eu-west-3", "FR"),
        "alike": ("on_prem", "self", None, "AT"),
        # Nobody knows where that is, so it is to be looked up.
        "moon": ("public", "gcp", "moon-base9", "AT"),
    }
    for name, (kind, operator, region, country) in seen.items():
        assert (told[name]["kind"], told[name]["operator"], told[name]["region"]) == (kind, operator, region)
        assert told[name]["country"] == (None if name == "moon" else country)
        assert (sites[name].electricity is None) == (kind == "public")
    text = (tmp_path / "estate" / "estate.yaml").read_text()
    assert text.count("look up where it really is") == 1


def test_partitions_are_read_from_sinfo(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "sinfo").write_text(FAKE_SINFO)
    (tools / "sinfo").chmod(0o755)
    done = init(tmp_path, "--find", "--country", "DE", path=tools)
    assert done.returncode == 0, done.stderr
    pools = made(tmp_path).sites["slurm"].pools
    assert set(pools) == {"a100", "cpu", "cpu-2", "old-gpus"}
    node = pools["a100"].node
    assert node is not None
    assert (pools["a100"].count, node.cpu, node.accelerators, pools["a100"].accelerator) == (
        4,
        128,
        8,
        "a100",
    )
    assert node.memory == pytest.approx(1031000 / 1024, rel=1e-3)
    old = pools["old-gpus"].node
    assert old is not None
    assert (old.accelerators, pools["old-gpus"].accelerator) == (2, "gpu")


@pytest.mark.parametrize("content", ["contexts: 3", "contexts: [{name: 5}, 7]", "{", "\x00", "- a\n", ""])
def test_a_broken_kubeconfig_is_passed_over(content: str, tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(content)
    assert init(tmp_path, "--find", "--country", "DE").returncode == 0
    assert list(made(tmp_path).sites) == ["this-machine"]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--country", "Germany"), "'Germany' is not a country code"),
        (("--country", "DE\n  x: 1"), "is not a country code"),
        (("--country", "DE", "--electricity", "cheap"), "'cheap' is not an amount of money"),
        (("--country", "DE", "--clearance", "7"), "less than or equal to 4"),
    ],
)
def test_a_wrong_answer_writes_nothing(arguments: tuple[str, ...], what: str, tmp_path: Path) -> None:
    done = init(tmp_path, *arguments)
    assert done.returncode == 2
    assert what in " ".join(done.stderr.split())
    assert not (tmp_path / "estate").exists()


def test_an_estate_that_is_there_is_kept(tmp_path: Path) -> None:
    assert init(tmp_path, "--country", "DE").returncode == 0
    before = (tmp_path / "estate" / "estate.yaml").read_text()
    refused = init(tmp_path, "--country", "FR")
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert (tmp_path / "estate" / "estate.yaml").read_text() == before
    assert init(tmp_path, "--country", "FR", "--force").returncode == 0
    assert "country: FR" in (tmp_path / "estate" / "estate.yaml").read_text()
    assert [path.name for path in (tmp_path / "estate").iterdir()] == ["estate.yaml"]
