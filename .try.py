import sys; sys.path.insert(0,"benchmarks")
from pathlib import Path
from contracts.loop import LoopSpec
from worth.year import frame
print(frame(LoopSpec.load(Path("pipelines/loops/flights.toml")), Path(".driftloop/bench/worth").resolve(), lambda s: print(s, flush=True)))
