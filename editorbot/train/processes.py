"""Processes of one machine that train together, and that nobody else can reach."""

import os
import socket
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.strategies import DDPStrategy

INTERFACES = ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")


class LocalProcesses(DDPStrategy):
    """Lightning's DDP in forked processes that meet through a file and talk over loopback.

    By default they would meet at a port that listens on every network of the machine.

    Args:
        meeting: A path at which nothing is; its folder is there.
    """

    def __init__(self, meeting: Path, **options: Any):
        super().__init__(start_method="fork", **options)
        self.meeting = meeting

    def setup_distributed(self) -> None:
        """Join the other processes; Lightning finds that done."""
        loopback = next(name for _, name in socket.if_nameindex() if name.startswith("lo"))
        os.environ.update(dict.fromkeys(INTERFACES, loopback))
        self.set_world_ranks()
        on_cpu = self.root_device.type == "cpu"
        torch.distributed.init_process_group(
            "gloo" if on_cpu else "nccl",
            init_method=self.meeting.resolve().as_uri(),
            rank=self.global_rank,
            world_size=self.world_size,
            device_id=None if on_cpu else self.root_device,
        )
        super().setup_distributed()
