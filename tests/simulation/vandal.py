"""A vandal: somebody who removes or replaces results, by hand, at any moment."""

from typing import TYPE_CHECKING

from tests.simulation.kernel import Process

if TYPE_CHECKING:
    from tests.simulation.world import World

KIND = "vandal"
_ACTS = 3


def begin(world: "World", run: str) -> None:
    """Let a vandal damage results of a run a few times, while there is trouble."""
    kernel = world.kernel

    def work() -> None:
        for _ in range(_ACTS):
            kernel.sleep(kernel.soon(kernel.random.choice([3, 10, 60])))
            there = [key for key in world.drops[run].right if key in world.bucket.objects]
            if there and world.trouble.of("tampering"):
                damage(world, kernel.random.choice(there), kernel.random.choice([None, b"", b"what a vandal writes\n"]))

    kernel.spawn(Process(KIND, KIND, run), work)


def damage(world: "World", key: str, body: bytes | None) -> None:
    """Replace an object at once, or remove it where there is no `body`."""
    world.kernel.log(f"damages {key}")
    world.memory.damaged.add(key)
    world.memory.once_damaged.add(key)
    if body is None:
        world.bucket.remove(key)
    else:
        world.bucket.store(key, body, {})
