"""Large and many: a line of 200 MB, fifty files at once."""

import hashlib
from collections.abc import Iterator

from gristmill import keys
from tests.integration.mill import Mill

MB = 1000**2
LONG = 200 * MB
FILES = 50


def long_line() -> Iterator[bytes]:
    """Yield a line of 200 MB in pieces; no two places of it look the same for long."""
    for number in range(LONG // MB):
        yield hashlib.sha256(str(number).encode()).hexdigest().encode() * (MB // 64)


def read_digest(mill: Mill, key: str) -> tuple[int, str]:
    """Return size and digest of an object without holding it."""
    body, size, digest = mill.client("s3").get_object(Bucket=mill.bucket, Key=key)["Body"], 0, hashlib.sha256()
    for piece in body.iter_chunks(MB):
        size, _ = size + len(piece), digest.update(piece)
    return size, digest.hexdigest()


def test_a_line_of_200_mb_is_repeated_and_reversed(mill: Mill):
    text = b"before\n" + b"".join(long_line()) + b"\nafter\n"
    run = mill.drop("strings", "long.txt", text, lines_per_task="1")
    assert mill.finish(run, 300)["status"] == "SUCCEEDED"
    lines = text.split(b"\n")
    results = keys.results_prefix("strings", "long.txt", run)
    for name, made in (("repeat", [line * 2 for line in lines]), ("reverse", [line[::-1] for line in lines])):
        wanted = b"\n".join(made)
        assert read_digest(mill, f"{results}{name}.txt") == (len(wanted), hashlib.sha256(wanted).hexdigest())


def test_fifty_files_dropped_at_once_all_come_out_right_each_with_its_mail(mill: Mill):
    texts = {
        f"file{number}.txt": b"".join(b"%d %d\n" % (number, line) for line in range(20)) for number in range(FILES)
    }
    runs = {name: mill.drop("strings", name, text, lines_per_task="5") for name, text in texts.items()}
    for name, run in runs.items():
        assert mill.finish(run, 300)["status"] == "SUCCEEDED"
        lines = texts[name].split(b"\n")
        results = keys.results_prefix("strings", name, run)
        assert mill.read(results + "repeat.txt") == b"\n".join(line * 2 for line in lines)
        assert mill.read(results + "reverse.txt") == b"\n".join(line[::-1] for line in lines)
        mill.mail(run, "SUCCEEDED")
        assert len(mill.mails(run)) == 1
