"""Reads the event files of exported runs with TensorBoard's own reader, and compares them with the records of the runs.

    pip install tensorboard
    python docs/tensorboard-check.py tensorboard.zip runs.zip

Both files are exports of the Runs view for the same runs ("TensorBoard" and "Records").
"""
import json
import struct
import sys
import tempfile
import zipfile
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events_zip, records_zip = sys.argv[1:3]
with tempfile.TemporaryDirectory() as folder:
    zipfile.ZipFile(events_zip).extractall(f"{folder}/events")
    zipfile.ZipFile(records_zip).extractall(f"{folder}/records")
    runs = sorted(path.parent.name for path in Path(folder, "records").glob("*/run.json"))
    compared = 0
    for run in runs:
        accumulator = EventAccumulator(f"{folder}/events/{run}")
        accumulator.Reload()
        read = {(tag, event.step): event.value for tag in accumulator.Tags()["scalars"] for event in accumulator.Scalars(tag)}
        lines = Path(folder, "records", run, "metrics.jsonl").read_text().splitlines()
        points = [json.loads(line) for line in lines]
        expected = {
            (tag, point["step"]): struct.unpack("f", struct.pack("f", value))[0]
            for point in points
            for tag, value in point["measures"].items()
            if value is not None
        }
        assert read == expected, f"{run}: {len(read)} values read, {len(expected)} expected"
        compared += len(read)
    print(f"{len(runs)} runs, {compared} values: all equal in single precision.")
