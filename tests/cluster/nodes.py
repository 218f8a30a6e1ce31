"""RabbitMQ nodes on this machine, each with the settings that `qrgate-provision broker` makes, all on loopback.

Debian's own service is not touched: names, ports, cookie, home and data are the test's. epmd, Erlang's name server, is one of
its own too, because an Erlang node that finds none starts one that outlives it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from device.demo.processes import free_port
from provisioning.authority.office import Office
from provisioning.broker import rabbitmq
from provisioning.broker.description import Broker, Clients, Cluster, Description, Size

PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""The one behind Debian's wrapper, which would become user rabbitmq and take that user's data."""
EPMD = shutil.which("epmd")
MISSING = "" if PROGRAM.exists() and EPMD else "rabbitmq-server is not installed"

STARTED = "Server startup complete"
START_S = 120.0
POLL_S = 0.1  # another process's log cannot be awaited
HOST = "127.0.0.1"


class Epmd:
    """Erlang's name server, on a loopback port of its own."""

    def __init__(self) -> None:
        self.port = free_port()
        assert EPMD
        self._process = subprocess.Popen([EPMD, "-address", HOST, "-port", str(self.port)], stderr=subprocess.DEVNULL)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


class Node:
    """One machine of the cluster, as a process."""

    def __init__(self, folder: Path, name: str, description: Description, epmd: Epmd, cookie: str) -> None:
        self.port = description.broker.port
        self.name = name
        self._folder = folder
        self._log = folder / "log"
        self._starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_EPMD_PORT": str(epmd.port),
            "RABBITMQ_NODENAME": name,
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_CONFIG_FILE": str(folder / rabbitmq.CONFIGURATION),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / rabbitmq.PLUGINS),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none.conf"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOGS": "-",
            "RUNNING_UNDER_SYSTEMD": "1",  # the process that we start is the node itself, and no shell around it
            # Loopback for the cluster's own lines, one scheduler that does not spin: three nodes share two processors here.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-setcookie {cookie} -kernel inet_dist_use_interface {{127,0,0,1}} +S 1:1 +sbwt none",
        }
        rabbitmq.write(folder, description)
        (folder / "none.conf").touch()

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, and return when it serves."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([str(PROGRAM)], env=self._environment, stdout=log, stderr=log, cwd=self._folder, process_group=0)
        self._starts += 1
        give_up_s = time.monotonic() + START_S
        while self.log().count(STARTED) < self._starts:
            assert self.runs, f"{self.name} does not start\n{self.log()[-3000:]}"
            assert time.monotonic() < give_up_s, f"{self.name} is not up after {START_S:.0f} s\n{self.log()[-3000:]}"
            time.sleep(POLL_S)

    def kill(self) -> None:
        """SIGKILL, as a machine that loses its power: to the group, because the node has small processes around it."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""


class Nodes:
    """A cluster of ``count`` nodes, or a single one; started one after the other, as the generated page says."""

    def __init__(self, folder: Path, chief: Office, clients: Clients, *, count: int = 3, size: Size | None = None) -> None:
        self._epmd = Epmd()
        cookie = secrets.token_hex(10)
        names = tuple(f"q{number}@localhost" for number in range(1, count + 1))
        self.nodes = []
        for name in names:
            own = folder / name.partition("@")[0]
            made = Description(
                broker=Broker(host=HOST, port=free_port(), folder=own, user="rabbitmq"),
                clients=clients,
                size=size or Size(gates=len(clients.gates)),
                cluster=Cluster(nodes=names if count > 1 else ()),
            ).of_province(chief.root.province)
            chief.hand_server(own, made.broker.hosts, now=datetime.now(UTC))
            self.nodes.append(Node(own, name, made, self._epmd, cookie))

    def __enter__(self) -> Self:
        try:
            for node in self.nodes:
                node.start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        for node in self.nodes:
            node.kill()
        self._epmd.end()
