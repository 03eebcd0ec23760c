"""What is made of private material is never, not for a moment, readable by others. In processes of their own."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import aigc_cli

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="this system does not show its threads")

# Runs command lines under umask 022 and looks, whenever Python is about to touch the file system, at the modes of
# all that has been made so far; and counts the threads, native ones too, whenever the umask is set.
WATCHER = """
import json, os, sys

place, lines = sys.argv[1], json.loads(sys.argv[2])
os.chdir(place)
os.umask(0o022)
before, open_to_others, umasks, calls, looking = set(os.listdir()), {}, [], [], False
NETWORK = ("socket.bind", "socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname")
set_umask = os.umask

def watched(mask):
    umasks.append((mask, len(os.listdir("/proc/self/task"))))
    return set_umask(mask)

def look(event, arguments):
    global looking
    if event in NETWORK:
        calls.append([event, str(arguments[1:])])
    writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if looking or not (writes or event in ("os.mkdir", "os.rename", "os.link", "os.chmod", "os.remove", "os.rmdir")):
        return
    looking = True
    try:
        for name in set(os.listdir()) - before:
            for folder, folders, files in [(".", [name], []), *os.walk(name)]:
                for entry in (*folders, *files):
                    path = os.path.join(folder, entry)
                    mode = os.lstat(path).st_mode & 0o777
                    if mode & 0o077:
                        open_to_others[path] = oct(mode)
    except FileNotFoundError:
        pass
    finally:
        looking = False

from aigc_cli.app import run

os.umask = watched
sys.addaudithook(look)
statuses = [run(line) for line in lines]
look("os.rmdir", ())
for kind in ("tcp", "tcp6"):
    with open(f"/proc/net/{kind}") as table:
        inodes = {line.split()[9] for line in table if line.split()[3] == "0A"}  # of sockets that listen
    for number in os.listdir("/proc/self/fd"):
        place = f"/proc/self/fd/{number}"
        if os.path.exists(place) or os.path.islink(place):
            calls += [kind for inode in inodes if os.readlink(place) == f"socket:[{inode}]"]
print(json.dumps([statuses, open_to_others, umasks, calls]))
"""


def watched(cli, place, lines, stdin=""):
    """Return the statuses of some command lines, what others could have read, and how the umask was set.

    No port may have been opened, and nothing asked of another machine.
    """
    command = [sys.executable, "-c", WATCHER, str(place), json.dumps(lines)]
    done = subprocess.run(command, env=cli.environment(), input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *found, calls = json.loads(done.stdout.splitlines()[-1])
    assert calls == []
    return found


def test_texts(cli, small, sets, tmp_path):
    shutil.copy(sets / "talk.txt", tmp_path)
    training = ("--steps", "3", "--save-every", "1", "--save-minutes", "0", *small["scratch"])
    statuses, open_to_others, umasks = watched(
        cli,
        tmp_path,
        [
            ["prepare", "chat", "talk.txt", "--me", "Ada", "-o", "chat", "-q"],
            ["prepare", "text", "talk.txt", "-o", "text", "-q"],
            ["train-gpt", "chat", "-o", "run", "-q", *training],
            ["sample", "run", "--prompt", "hi", "-n", "1", "--max-new-tokens", "4", "-o", "replies.jsonl", "-q"],
        ],
    )
    assert statuses == [0, 0, 0, 0]
    assert open_to_others == {}
    assert umasks == [[0o077, 1]]
    assert (tmp_path / "run" / "previews").is_dir() and (tmp_path / "replies.jsonl").is_file()


def test_faces(cli, small, sets, tmp_path):
    shutil.copytree(sets / "images", tmp_path / "faces")
    manifest = json.loads((tmp_path / "faces" / "manifest.json").read_text())
    (tmp_path / "faces" / "manifest.json").write_text(json.dumps({**manifest, "consent": "self"}))
    training = ("--steps", "2", "--save-every", "1", "--save-minutes", "0", *small["face"])
    statuses, open_to_others, umasks = watched(
        cli,
        tmp_path,
        [
            ["train-gan", "faces", "-o", "run", "-q", *training],
            ["sample", "run", "-n", "2", "-o", "out", "--grid", "grid.png", "-q"],
        ],
    )
    assert statuses == [0, 0]
    assert open_to_others == {}
    assert umasks == [[0o077, 1]]
    assert (tmp_path / "run" / "previews" / "training.png").is_file() and (tmp_path / "grid.png").is_file()


def test_a_set_alone_leaves_the_umask_as_it_is(cli, sets, tmp_path):
    shutil.copytree(sets / "images" / "images", tmp_path / "faces")
    statuses, open_to_others, umasks = watched(
        cli, tmp_path, [["prepare", "images", "faces", "-o", "set", "--size", "8", "-q"]]
    )
    assert (statuses, open_to_others, umasks) == ([0], {}, [])


def test_a_conversation(cli, ada_run, tmp_path):
    (tmp_path / "ada").symlink_to(ada_run)
    words = ["chat", "ada", "-", "-q", "--session", "talk.jsonl", "--max-new-tokens", "4", "--threads", "1"]
    assert watched(cli, tmp_path, [words], stdin="hi\n") == [[0], {}, []]
    assert (tmp_path / "talk.jsonl").stat().st_size > 0


def test_nothing_else_sets_the_umask_or_a_mode_afterwards():
    sources = {path.name: path.read_text() for path in Path(aigc_cli.__file__).parent.rglob("*.py")}
    umasks = [name for name, source in sources.items() for _ in re.findall(r"\bumask\(", source)]
    modes = [name for name, source in sources.items() for _ in re.findall(r"\bf?chmod\(", source)]
    assert umasks == ["files.py"]
    # Of an empty folder that was there before; and of tensors, which safetensors makes 0600 whatever they may be.
    assert sorted(modes) == ["checkpoint.py", "files.py"]
