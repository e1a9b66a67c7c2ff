"""An emulator of AWS (moto, by its own server and over HTTP), and what SkyPilot must know to rent machines of it.

It answers what is asked of EC2, IAM and STS as AWS would, and keeps what is created: images, networks, RunInstances
with tags and markets, states, TerminateInstances.  It has no machine behind: nothing boots, no SSH server ever
answers, nothing is taken back, no capacity is ever lacking, and there is no bill.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import httpx

from bench.peers.skypilot import PYTHON
from bench.slurm_cluster import free_ports, listens

REGION, TYPE, SPOT_USD = "eu-central-1", "m5.large", 0.05
READY_S = 60.0
VERSIONS = {"ec2": "2016-11-15", "iam": "2010-05-08"}
ROLE = "machines"


@dataclass(frozen=True)
class Instance:
    """A machine, as EC2 tells of it."""

    instance_type: str
    state: str
    spot: bool
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Emulator:
    """One that is up."""

    address: str

    @property
    def env(self) -> dict[str, str]:
        """What has AWS's own libraries ask it."""
        return {
            "AWS_ENDPOINT_URL": self.address, "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_DEFAULT_REGION": REGION, "AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true",
        }  # fmt: skip

    def instances(self) -> list[Instance]:
        """All that were ever rented."""
        return [
            Instance(
                _text(item, "instanceType"), _text(item, "instanceState/name"),
                _text(item, "instanceLifecycle") == "spot",
                {_text(tag, "key"): _text(tag, "value") for tag in item.iterfind("tagSet/item")},
            )
            for item in self._asked("DescribeInstances").iterfind("reservationSet/item/instancesSet/item")
        ]  # fmt: skip

    def introduce(self, home: Path) -> None:
        """Have SkyPilot know one type of machine here, which it would else load from the network."""
        image = next(
            _text(item, "imageId")
            for item in self._asked("DescribeImages").iterfind("imagesSet/item")
            if _text(item, "architecture") == "x86_64"
        )
        zone = next(
            _text(item, "zoneId")
            for item in self._asked("DescribeAvailabilityZones").iterfind("availabilityZoneInfo/item")
        )
        folder = home / ".sky" / "catalogs" / "v8"
        machine = {
            "InstanceType": TYPE, "AcceleratorName": "", "AcceleratorCount": "", "vCPUs": 2.0, "MemoryGiB": 8.0,
            "GpuInfo": "", "Price": 0.115, "SpotPrice": SPOT_USD, "Region": REGION, "AvailabilityZone": zone,
            "Arch": "x86_64", "LocalDiskType": "", "LocalDiskSize": "", "NVMeSupported": "", "LocalDiskCount": "",
        }  # fmt: skip
        _write(folder / "aws" / "vms.csv", machine)
        tag = "skypilot:custom-cpu-ubuntu"
        _write(
            folder / "aws" / "images.csv",
            {
                "Tag": tag,
                "Region": REGION,
                "OS": "ubuntu",
                "OSVersion": "22.04",
                "ImageId": image,
                "CreationDate": "x",
            },
        )
        _write(
            folder / "aws" / "instance_quota_mapping.csv",
            {"InstanceType": "none", "OnDemandInstanceCode": "", "SpotInstanceCode": ""},
        )
        # It minds a policy of SkyPilot's that Amazon takes, one of an older version: so the role is there before.
        self._asked("CreateInstanceProfile", "iam", InstanceProfileName=ROLE)
        self._open_to_the_internet()
        config = home / ".sky" / "config.yaml"
        config.write_text(json.dumps({**json.loads(config.read_text()), "aws": {"remote_identity": ROLE}}))
        _write(folder / "common" / "accelerators.csv", {"AcceleratorName": "none", "Clouds": "AWS"})

    def _open_to_the_internet(self) -> None:
        """As the network is that every account of AWS is given."""
        network = _text(self._asked("DescribeVpcs"), "vpcSet/item/vpcId")
        table = _text(self._asked("DescribeRouteTables"), "routeTableSet/item/routeTableId")
        gateway = _text(self._asked("CreateInternetGateway"), "internetGateway/internetGatewayId")
        self._asked("AttachInternetGateway", InternetGatewayId=gateway, VpcId=network)
        self._asked("CreateRoute", RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)

    def _asked(self, action: str, service: str = "ec2", **parameters: str) -> ElementTree.Element:
        data = {"Action": action, "Version": VERSIONS[service], **parameters}
        # It looks for region and service only.
        signed = f"AWS4-HMAC-SHA256 Credential=any/20260101/{REGION}/{service}/aws4_request, Signature=0"
        answer = httpx.post(
            self.address, data=data, headers={"Authorization": signed}, timeout=READY_S, trust_env=False
        )
        answer.raise_for_status()
        return ElementTree.fromstring(re.sub(r' xmlns="[^"]+"', "", answer.text))


@contextmanager
def emulator(folder: Path) -> Iterator[Emulator]:
    """One, until this is left."""
    (port,) = free_ports(1)
    with (folder / "moto.log").open("wb") as log:
        words = [PYTHON.with_name("moto_server"), "--host", "127.0.0.1", "--port", str(port)]
        # Only then it knows the policies that Amazon gives everybody.
        env = {**os.environ, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"}
        process = subprocess.Popen(words, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + READY_S
        while not listens(port):
            assert process.poll() is None and time.monotonic() < deadline, (folder / "moto.log").read_text()
            time.sleep(0.1)
        yield Emulator(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.wait()


def _text(item: ElementTree.Element, path: str) -> str:
    return item.findtext(path) or ""


def _write(path: Path, row: Mapping[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow(row)
