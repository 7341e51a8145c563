"""Where a run's code comes from: read as a whole before anything of it is used, so that archive and record agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gristmill.code.archive import pack
from gristmill.code.digest import CodeFile, digest_of, read_folder
from gristmill.code.shared import with_shared
from gristmill.errors import Refused
from gristmill.pipeline.loading import FILE, find, read_content
from gristmill.pipeline.model import Pipeline
from gristmill.runs.code import Code


@dataclass(frozen=True)
class Source:
    """A pipeline, the code that it belongs to, and that code's archive."""

    pipeline: Pipeline
    code: Code
    archive: bytes


def find_source(name: str, roots: Sequence[Path]) -> Source:
    """Return the source of a pipeline in the first of `roots` that has it; Refused with every fault."""
    folder = find(name, roots).parent
    own = read_folder(folder)
    pipeline = pipeline_of(own, folder)
    files = with_shared(own, pipeline, roots[0])
    code = Code(digest=digest_of(files), sources=sources_of(files), built_in=folder.parent == roots[0])
    return Source(pipeline, code, pack(files))


def sources_of(files: Sequence[CodeFile]) -> str:
    """Return the digest of all files but pipeline.yaml."""
    return digest_of(file for file in files if file.path != FILE)


def pipeline_of(files: Sequence[CodeFile], folder: Path) -> Pipeline:
    """Return the pipeline that files of code describe; `folder` is what faults call the folder they are of."""
    content = next((file.content for file in files if file.path == FILE), None)
    if content is None:
        raise Refused([f"{folder} has no {FILE}"])
    return read_content(content, folder / FILE)
