"""What the kernel says of a process: its CPU time, memory, descriptors and threads."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")  # of /proc/PID/stat


@dataclass(frozen=True, slots=True)
class CpuTime:
    """Seconds that a process and its threads have run. The sum is exact to 10 ms, the split is sampled by the kernel's tick."""

    user: float
    system: float

    @property
    def total(self) -> float:
        return self.user + self.system

    def since(self, earlier: CpuTime) -> CpuTime:
        """What has been used since `earlier`."""
        return CpuTime(self.user - earlier.user, self.system - earlier.system)


@dataclass(frozen=True, slots=True)
class Holding:
    """What a process holds now."""

    memory: int
    """Bytes in physical memory (VmRSS)."""
    descriptors: int
    threads: int


MEDIA_PRIORITY = -8
"""Nice value: what Chromium gives the threads of its calls, where it may."""


@contextlib.contextmanager
def media_priority(*pids: int) -> Iterator[None]:
    """Processes of one thread, and what they start meanwhile, at the priority of a browser's media threads, where that is allowed."""
    before: dict[int, int] = {}
    try:
        for pid in pids:
            with contextlib.suppress(PermissionError, ProcessLookupError):
                priority = os.getpriority(os.PRIO_PROCESS, pid)
                os.setpriority(os.PRIO_PROCESS, pid, MEDIA_PRIORITY)
                before[pid] = priority
        yield
    finally:
        for pid, priority in before.items():
            with contextlib.suppress(ProcessLookupError):
                os.setpriority(os.PRIO_PROCESS, pid, priority)


def cpu_time(pid: int) -> CpuTime:
    """CPU time of a process (proc_pid_stat(5), utime and stime)."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return parse_stat(file.read())


def parse_stat(stat: str) -> CpuTime:
    """utime and stime of a line of /proc/PID/stat. The command's name may hold spaces and brackets, so count from its end."""
    fields = stat[stat.rindex(")") + 2 :].split()
    return CpuTime(int(fields[11]) / TICKS_PER_SECOND, int(fields[12]) / TICKS_PER_SECOND)


def holding(pid: int) -> Holding:
    """Memory, descriptors and threads of a process (proc_pid_status(5))."""
    found = {}
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
        for line in file:
            name, _, value = line.partition(":")
            found[name] = value.split()
    return Holding(int(found["VmRSS"][0]) * 1024, len(os.listdir(f"/proc/{pid}/fd")), int(found["Threads"][0]))
