"""A history: a file is dropped, perhaps stopped and resumed, under the trouble of its seed; then all is healed."""

from collections.abc import Callable

from tests.simulation import vandal
from tests.simulation.at_work import at_work
from tests.simulation.drops import draw
from tests.simulation.facts import Over, Rebuilt
from tests.simulation.people import Person
from tests.simulation.script import Act, Script
from tests.simulation.world import World

CALM: frozenset[str] = frozenset()


def play(seed: int, only: frozenset[str] | None = None, script: Script | None = None) -> World:
    """Play the history of a seed to its end; `only` these kinds of trouble, if given."""
    world = World(seed, only, script)
    kernel, trouble = world.kernel, world.trouble
    with at_work(world):
        dropped = world.drop(*draw(kernel.random, trouble.of("failing tasks") > 0))
        world.states.start("drop", dropped.event)
        if kernel.chance(trouble.of("duplicate drops")):
            late = kernel.soon(kernel.random.choice([0.05, 30]))
            Person(world, dropped.run, "events").begin(
                lambda: world.states.start("drop-2", dropped.event) and None, late
            )
        if trouble.of("tampering"):
            vandal.begin(world, dropped.run)
        person = Person(world, dropped.run)
        person.begin(person.see_through)
        settle(world)
        heal(world, person)
    return world


def stage(plot: Callable[[Person], None], *acts: Act, pipeline: str = "pairs", **metadata: str) -> World:
    """Play a history in words, without any trouble but what its acts do; `plot` is what its user does."""
    script = Script(*acts)
    world = World(0, CALM, script)
    with at_work(world):
        body = b"".join(b"line %d of it\n" % number for number in range(6))
        given = {name.replace("_", "-"): text for name, text in metadata.items()}
        dropped = world.drop(pipeline, body, {"lines-per-task": "2", **given})
        world.states.start("drop", dropped.event)
        person = Person(world, dropped.run)
        person.begin(lambda: plot(person))
        settle(world)
        heal(world, person)
    assert script.is_played, "the script was not played to its end"
    return world


def settle(world: World) -> None:
    """Let everything come to its end."""
    if not world.kernel.run():
        world.violations.append(("never_stuck", f"{world.kernel.steps} steps, and no end"))


def heal(world: World, person: Person) -> None:
    """End all trouble, and resume what has not succeeded; hold the end against the laws."""
    world.trouble.off()
    world.states.redrive()
    for _ in range(2):
        person.begin(lambda: person.resume() and None, 1000.0)
        settle(world)
    world.note(Over())
    person.begin(person.rebuild)
    settle(world)
    world.note(Rebuilt())


def shrink(seed: int, broken: str, kinds: list[str]) -> list[str]:
    """Return fewer kinds of trouble with which the history of a seed breaks a law."""
    for kind in list(kinds):
        fewer = [other for other in kinds if other != kind]
        if broken in dict(play(seed, frozenset(fewer)).violations):
            kinds = fewer
    return kinds


def report(world: World) -> str:
    """Return the laws that a history broke, and how to see it again, with as little trouble as breaks the first."""
    name, text = world.violations[0]
    kinds = shrink(world.seed, name, world.trouble.kinds)
    words = " ".join(f"'{kind}'" for kind in kinds) or "calm"
    return f"{name}: {text}\n  see it: python -m tests.simulation {world.seed} {words}"
