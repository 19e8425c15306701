"""Scenarios: coherent messages about patients whose story is known, and the truth at its end.

An actor (patient, visit, appointment, order) goes through a small state machine. Each step gives
one message and the state of its actors after it, so that the truth is what happened and is never
computed from the messages. What single fields are filled with lives in `data/scenarios/*.csv`.
"""

from etl.synth.scenarios.dials import ScenarioDials
from etl.synth.scenarios.run import ScenariosWritten, write_scenarios

__all__ = ["ScenarioDials", "ScenariosWritten", "write_scenarios"]
