"""Prints the scalars that TensorBoard reads from a folder: {tag: [[step, value, wall time], ...]} as JSON."""
import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

accumulator = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
accumulator.Reload()
tags = accumulator.Tags()["scalars"]
print(json.dumps({tag: [[one.step, one.value, one.wall_time] for one in accumulator.Scalars(tag)] for tag in tags}))
