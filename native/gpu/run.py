"""Trains the run that prebuild.sh made, as the workbench would: on the device, on the CPU, on the device again from a checkpoint, and exports it.

What has to hold: losses on the device equal those on the CPU to 1e-3 (fp32), resumed steps are the same bits, the run learns, files are
there. Prints one line that begins with "run: " and exits 0; 1 with what does not hold. Called by check.sh.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys


def make_run(source, place, device):
    shutil.copytree(source, place)
    spec = place / "run" / "spec.json"
    text = json.loads(spec.read_text().replace("@HERE@", str(place)))
    spec.write_text(json.dumps(text | {"device": device}))
    return place / "run"


def train(rank, run, *options):
    # Standard input stays open: its end would mean stop.
    process = subprocess.Popen([rank, "train", "--run", run, *options], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    error = process.stderr.read()
    if process.wait() != 0:
        sys.exit(f"collie-rank train ended with {process.returncode}: {error.strip()[-600:]}")


def events(run):
    return [json.loads(line) for line in (run / "events" / "rank-000.jsonl").read_text().splitlines()]


def losses(all_events, kind):
    payloads = ((e["step"], e["payload"]) for e in all_events if e["type"] == kind)
    return {step: payload.get("metrics", payload)["loss"] for step, payload in payloads}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rank", required=True)
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--scratch", type=pathlib.Path, required=True)
    parser.add_argument("--device", choices=["cpu", "cuda"], required=True)
    a = parser.parse_args()

    devices = {"device": a.device, "cpu": "cpu", "resumed": a.device}
    runs = {name: make_run(a.source, a.scratch / name, device) for name, device in devices.items()}
    for name in ("device", "cpu"):
        train(a.rank, runs[name])
    got, expected = (losses(events(runs[name]), "step") for name in ("device", "cpu"))
    evaluated = [losses(events(runs[name]), "eval") for name in ("device", "cpu")]
    if not got or got.keys() != expected.keys() or not evaluated[0]:
        sys.exit(f"steps {sorted(got)} on the device, {sorted(expected)} on the CPU, evaluations {evaluated}")
    apart = max(abs(a[k] / b[k] - 1) for a, b in ((got, expected), evaluated) for k in b)

    checkpoints = sorted(p.name for p in (runs["device"] / "checkpoints").iterdir())
    shutil.copytree(runs["device"] / "checkpoints", runs["resumed"] / "checkpoints", dirs_exist_ok=True)
    train(a.rank, runs["resumed"], "--resume", checkpoints[0])
    again = losses(events(runs["resumed"]), "step")
    same = bool(again) and all(again[k] == got[k] for k in again) and max(again) == max(got)

    exported = a.scratch / "adapter"
    subprocess.run([a.rank, "export", "--run", runs["device"], "--checkpoint", checkpoints[-1], "--kind", "adapter", "--out", exported],
                   check=True, stdout=subprocess.DEVNULL)
    file = exported / "adapter_model.safetensors"
    first, last = got[min(got)], got[max(got)]
    print(f"run: {len(got)} steps on {a.device}, loss {first:.3f} -> {last:.3f}, from the CPU's by {apart:.1e}, "
          f"{len(again)} resumed steps {'the same bits' if same else 'DIFFER'}, adapter of {file.stat().st_size} bytes")
    if apart > 1e-3 or not same or not last < first:
        sys.exit("run: this does not hold: losses within 1e-3 of the CPU's, resumed steps the same bits, a falling loss")


main()
