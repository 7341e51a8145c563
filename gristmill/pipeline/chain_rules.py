"""Rules of what comes after a run: which results can be handed on, and to whom."""

from collections.abc import Iterator

from gristmill.humanize import did_you_mean
from gristmill.pipeline.fault import Fault, Place
from gristmill.pipeline.model import Pipeline


def chain_faults(pipeline: Pipeline) -> Iterator[Fault]:
    """Yield every broken rule of `then`."""
    made = {made.name: made for stage in pipeline.stages for made in stage.made if made.is_merged}
    able = [name for name in made if pipeline.results is None or name in pipeline.results]
    for number, chain in enumerate(pipeline.then):
        place: Place = ("then", number)
        if chain.pipeline == pipeline.name:
            yield (*place, "pipeline"), f"a run of {pipeline.name} would start the next one, without an end"
        if chain.input not in able:
            there = f"is no branch whose output is one result (there are: {', '.join(able) or 'none'})"
            yield (*place, "input"), f"{chain.input} {there}{did_you_mean(chain.input, able)}"
        if chain in pipeline.then[:number]:
            yield place, f"{chain.pipeline} is started on {chain.input} twice"
        for name, value in chain.params.items():
            if value is None or isinstance(value, dict):
                yield (*place, "params", name), "is no text, number, boolean or list of these"
