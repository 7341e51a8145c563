"""The work of the pipeline `proteins` outside Gristmill, step by step: for one process, and for Snakemake's rules.

python benchmarks/rivals/proteins.py split IN CHUNKS SEQUENCES | analyse IN OUT | join OUT PART... |
    table IN OUT | distributions IN OUT | summary IN OUT | all IN FOLDER
"""

import sys
from contextlib import ExitStack
from pathlib import Path

from Bio.SeqIO.FastaIO import SimpleFastaParser

sys.path.insert(0, str(Path(__file__).parents[2]))


def split(source: str, chunks: str, sequences: str) -> None:
    """Write chunks of so many sequences."""
    Path(chunks).mkdir()
    with ExitStack() as held, Path(source).open() as file:
        for number, (title, sequence) in enumerate(SimpleFastaParser(file)):
            if number % int(sequences) == 0:
                out = held.enter_context(Path(chunks, f"{number:09d}").open("w"))
            out.write(f">{title}\n{sequence}\n")


def analyse(source: str, out: str) -> None:
    """Make the table of a file."""
    from batch_jobs.proteins import properties

    with Path(source).open("rb") as read, Path(out).open("wb") as made:
        properties.analyse(read, made, {"nonstandard": "empty"})


def join(out: str, *parts: str) -> None:
    """Join tables behind one header."""
    with Path(out).open("wb") as made:
        for number, part in enumerate(sorted(parts)):
            with Path(part).open("rb") as file:
                header = file.readline()
                made.write((b"" if number else header) + file.read())


def table(source: str, out: str) -> None:
    """Make the Parquet file."""
    from batch_jobs.proteins import table as table_job

    with Path(source).open("rb") as read, Path(out).open("wb") as made:
        table_job.write(read, made, {})


def distributions(source: str, out: str) -> None:
    """Make the picture."""
    from batch_jobs.proteins import drawing

    with Path(source).open("rb") as read, Path(out).open("wb") as made:
        drawing.draw(read, made, {})


def summary(source: str, out: str) -> None:
    """Make the page."""
    from batch_jobs.proteins import figures, page

    with Path(source).open("rb") as read:
        Path(out).write_text(page.page(figures.gather(read), "bench.faa"))


def everything(source: str, folder: str) -> None:
    """Do it all in one process."""
    rows = f"{folder}/properties.tsv"
    analyse(source, rows)
    table(rows, f"{folder}/table.parquet")
    distributions(rows, f"{folder}/distributions.png")
    summary(rows, f"{folder}/summary.html")


STEPS = {item.__name__: item for item in (split, analyse, join, table, distributions, summary)} | {"all": everything}

if __name__ == "__main__":
    STEPS[sys.argv[1]](*sys.argv[2:])
