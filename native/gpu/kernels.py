"""Where the time of a traced step goes: python3 native/gpu/kernels.py <trace of collie-rank bench --profile>

Sums the kernels, copies and fills of a Chrome trace by name and by kind, and says how long the device stood idle between the first and the last. A trace
without kernels is one of a CPU build: then operators count, each without the operators that it called.
"""
import collections
import json
import re
import sys

DEVICE = ("kernel", "gpu_memcpy", "gpu_memset")
# The first that matches names the kind; own kernels lie in the namespace collie.
KINDS = [
    ("attention", r"flash|fmha|attention|cudnn.*sdpa"),
    ("matrix products", r"gemm|gemv|cutlass|cublas|xmma|nvjet|splitK|mm"),
    ("own kernels", r"collie"),
    ("copies and fills", r"memcpy|memset|copy|fill|zero"),
]
SHOWN = 22


def kind_of(name):
    return next((kind for kind, pattern in KINDS if re.search(pattern, name, re.IGNORECASE)), "other")


def short(name):
    """Without return type, anonymous namespaces and arguments."""
    name = name.replace("(anonymous namespace)::", "").removeprefix("void ")
    return name.split("(")[0][:90]


def self_times(events):
    """(name, microseconds) of nested operators without what they called: those of a thread form a tree."""
    threads = collections.defaultdict(list)
    for event in events:
        threads[event["tid"]].append(event)
    for own in threads.values():
        open_ones = []  # [end, name, time left]
        for event in sorted(own, key=lambda e: (e["ts"], -e["dur"])):
            while open_ones and open_ones[-1][0] <= event["ts"]:
                yield tuple(open_ones.pop()[1:])
            if open_ones:
                open_ones[-1][2] -= event["dur"]
            open_ones.append([event["ts"] + event["dur"], event["name"], event["dur"]])
        while open_ones:
            yield tuple(open_ones.pop()[1:])


def busy(events):
    """Microseconds in which at least one ran."""
    total, end = 0.0, float("-inf")
    for begin, until in sorted((e["ts"], e["ts"] + e["dur"]) for e in events):
        total += max(0.0, until - max(begin, end))
        end = max(end, until)
    return total


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        trace = [event for event in json.load(file)["traceEvents"] if event.get("ph") == "X"]
    events = [event for event in trace if event.get("cat") in DEVICE]
    what = "kernels and copies"
    if events:
        named = [(event["name"], event["dur"]) for event in events]
    else:
        what, events = "operators of the CPU", [event for event in trace if event.get("cat") == "cpu_op"]
        named = list(self_times(events))
    if not named:
        sys.exit(f"{sys.argv[1]} has no kernels and no operators")
    times, counts, kinds = collections.Counter(), collections.Counter(), collections.Counter()
    for name, spent in named:
        times[short(name)] += spent
        counts[short(name)] += 1
        kinds[kind_of(name)] += spent
    total = sum(times.values())
    for name, spent in times.most_common(SHOWN):
        print(f"{spent / 1e3:10.3f} ms {100 * spent / total:5.1f} % {counts[name]:7d}  {name}")
    span = max(e["ts"] + e["dur"] for e in events) - min(e["ts"] for e in events)
    shares = ", ".join(f"{kind} {100 * spent / total:.0f} %" for kind, spent in kinds.most_common())
    print(f"total: {total / 1e3:.1f} ms in {len(named)} {what}, idle {100 * (1 - busy(events) / span):.0f} % of {span / 1e3:.1f} ms; {shares}")


main()
