"""Libraries of a pipeline: what a lock file may ask for, and what its wheels put on Python's path."""

from pathlib import Path

import pytest

from gristmill.client.push.wheels import fetch_wheels
from gristmill.code.libraries import IMAGE, abi_of, check_lock, own_abi, unpack_wheels
from gristmill.errors import Refused
from tests.unit.wheels import IMAGE_TAG, make_wheel, use_folder_alone

HASH = "--hash=sha256:" + 64 * "0"
LOCKS = {
    f"six==1.16.0 {HASH}": "",
    f"# by a tool\n--index-url https://example.org\nsix==1.16.0 \\\n    {HASH} \\\n    {HASH}\n    # via a": "",
    f'six==1.16.0 ; python_version < "4" {HASH}': "",
    "": "",
    "six==1.16.0": "lock.txt: six==1.16.0 has no hash",
    f"six>=1.16.0 {HASH}": "lock.txt: six>=1.16.0 is not pinned to one version",
    f"six {HASH}": "lock.txt: six is not pinned to one version",
    "-r other.txt": "lock.txt: -r is no library",
    "-e .": "lock.txt: -e is no library",
    "six @ https://example.org/six-1.whl": "lock.txt: six is not pinned to one version",
}


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_versions_by_hash_and_nothing_else(lock: str):
    if not LOCKS[lock]:
        check_lock("lock.txt", lock.encode())
        return
    with pytest.raises(Refused, match=r"generate-hashes") as refused:
        check_lock("lock.txt", lock.encode())
    assert refused.value.faults == [LOCKS[lock]]


def test_wheels_are_fetched_for_the_image_and_for_this_machine(tmp_path: Path, monkeypatch):
    use_folder_alone(monkeypatch, tmp_path / "wheels")
    files = {
        "native/__init__.py": "x = 1",
        "native-1.0.data/platlib/native/far.py": "",
        "native-1.0.data/scripts/n": "#!",
    }
    lines = [
        make_wheel(tmp_path / "wheels", "pure", {"pure.py": "x = 2"}),
        make_wheel(tmp_path / "wheels", "native", files, IMAGE_TAG),
    ]
    lock = tmp_path / "lock.txt"
    lock.write_text("\n".join(lines))
    found = {file.path: file.content for file in fetch_wheels(lock, IMAGE)}
    assert {path for path in found if ".dist-info/" not in path} == {"native/__init__.py", "native/far.py", "pure.py"}
    assert found["pure.py"] == b"x = 2"
    with pytest.raises(Refused) as refused:
        fetch_wheels(lock, own_abi())
    assert str(refused.value) == (
        f"lock.txt: No matching distribution found for native==1.0 (for {own_abi()}). Libraries must come as wheels."
    )
    lock.write_text(lines[0])
    assert "pure.py" in {file.path for file in fetch_wheels(lock, own_abi())}


def test_wheel_with_another_hash_is_refused(tmp_path: Path, monkeypatch):
    use_folder_alone(monkeypatch, tmp_path / "wheels")
    make_wheel(tmp_path / "wheels", "pure", {"pure.py": ""})
    (tmp_path / "lock.txt").write_text(f"pure==1.0 {HASH}\n")
    with pytest.raises(Refused, match=r"lock\.txt: "):
        fetch_wheels(tmp_path / "lock.txt", IMAGE)


def test_python_and_platform_have_a_name_that_keys_can_carry():
    assert abi_of((3, 13), "linux-x86_64") == IMAGE
    assert abi_of((3, 11), "macosx-14.0-arm64") == "cp311-macosx_14_0_arm64"


def test_wheels_that_would_overwrite_each_other_are_refused(tmp_path: Path):
    make_wheel(tmp_path, "first", {"shared/__init__.py": "", "shared/a.py": "x = 1"})
    make_wheel(tmp_path, "second", {"shared/__init__.py": "", "shared/b.py": ""})
    assert {"shared/__init__.py", "shared/a.py", "shared/b.py"} <= {
        file.path for file in unpack_wheels(tmp_path.glob("*.whl"))
    }
    make_wheel(tmp_path, "third", {"shared/a.py": "x = 2"})
    with pytest.raises(Refused, match=r"first-1.0-.*whl and third-1.0-.*whl both have shared/a.py, each with"):
        unpack_wheels(tmp_path.glob("*.whl"))
