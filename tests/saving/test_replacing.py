"""The old file or the new one, whatever happens while it is written; and nothing else left in the folder."""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
import stat
import sys
import threading
import time
from pathlib import Path

import gradstep as gs
import numpy as np
import pytest
from children import said
from gradstep.saving.atomic import replacing


def model(value: float, units: int = 64) -> gs.Sequential:
    start = gs.initializers.Constant(value)
    made = gs.Sequential([gs.Input((units,)), gs.layers.Dense(units, kernel_initializer=start)])
    made.compile("adam", "mse")
    return made


def value_of(path: Path) -> float:
    kernel = gs.models.load_model(path).layers[0].kernel
    assert (kernel == kernel[0, 0]).all()
    return float(kernel[0, 0])


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "model.gradstep"
    model(1.0).save(path)
    before = path.open("rb")  # a reader of the old file goes on reading it
    model(2.0).save(path)
    assert value_of(path) == 2.0
    assert before.read()[:2] == b"PK"
    before.close()
    assert os.listdir(tmp_path) == ["model.gradstep"]


KILLS = 30


# Python 3.12 and JAX warn that a process with threads forks; the child only writes files.
@pytest.mark.filterwarnings("ignore:.*fork")
def test_killed_at_any_moment(tmp_path):
    """kill -9 while a process writes one model over the other, again and again."""
    path = tmp_path / "model.gradstep"
    models = [model(1.0), model(2.0)]
    models[0].save(path)
    random, seen, leftovers = np.random.default_rng(0), set(), 0
    for _ in range(KILLS):
        begun, told = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(told, b"!")
                while True:
                    for each in models:
                        each.save(path)
            finally:
                os._exit(1)
        os.read(begun, 1)
        os.close(begun)
        os.close(told)
        time.sleep(random.uniform(0, 0.02))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        seen.add(value_of(path))
        leftovers += len(os.listdir(tmp_path)) - 1
    assert seen <= {1.0, 2.0}
    assert leftovers, "no kill hit a file that was being written"
    models[1].save(path)
    assert os.listdir(tmp_path) == ["model.gradstep"]
    assert value_of(path) == 2.0


def test_a_living_writer_keeps_its_temporary_file(tmp_path):
    path = tmp_path / "file"
    with replacing(str(path)) as first:
        first.write(b"first")
        with replacing(str(path)) as second:
            second.write(b"second")
        assert path.read_bytes() == b"second"
        assert len(os.listdir(tmp_path)) == 2
    assert path.read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["file"]


def test_leftovers_of_this_name_only_are_removed(tmp_path):
    mine, others = ".a.writing-0123456789abcdef", [".b.writing-0123456789abcdef", ".a.writing-mine", "a.tmp"]
    for name in (mine, *others):
        (tmp_path / name).write_bytes(b"")
    model(1.0).save(tmp_path / "a")
    assert sorted(os.listdir(tmp_path)) == sorted(["a", *others])


@pytest.mark.parametrize("error", [OSError("no"), KeyboardInterrupt(), ValueError("no")], ids=repr)
def test_an_error_leaves_all_as_it_was(tmp_path, error):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write():
        with replacing(str(path)) as file:
            file.write(b"new")
            raise error

    with pytest.raises(type(error)):
        write()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("limit", [0, 100, 4096, 20_000])
@pytest.mark.parametrize("write", ["save", "save_weights"])
def test_full_disk(tmp_path, limit, write):
    """The limit of a file's size is a disk that is full at that byte."""
    path = tmp_path / "model"
    getattr(model(1.0), write)(path)
    old, size = path.read_bytes(), path.stat().st_size
    assert size > 16_000
    second = model(2.0, units=128)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        with pytest.raises(OSError, match="File too large"):
            getattr(second, write)(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == old
    assert os.listdir(tmp_path) == ["model"]
    getattr(second, write)(path)
    assert path.stat().st_size > size


@pytest.mark.parametrize("what", ["folder", "path"])
def test_folders_and_files_that_may_not_be_written(what):
    program = f"""
import os, pathlib, tempfile
import gradstep as gs
made = gs.Sequential([gs.Input((2,)), gs.layers.Dense(1)])
with tempfile.TemporaryDirectory() as folder:
    os.chmod(folder, 0o777)
    path = pathlib.Path(folder, "model")
    made.save_weights(path)
    made.save(path)
    old, owner = path.read_bytes(), os.geteuid()
    os.chmod({what}, 0o555)
    if owner == 0:
        os.seteuid(65534)  # root may write everywhere
    for write in (made.save, made.save_weights):
        try:
            write(path)
        except PermissionError as error:
            print("refused")
    print(os.listdir(folder), path.read_bytes() == old)
    os.seteuid(owner)
    os.chmod(folder, 0o755)
"""
    assert said(program).splitlines() == ["refused", "refused", "['model'] True"]


def test_kinds_of_paths(tmp_path, monkeypatch):
    made = model(1.0)
    for path in (str(tmp_path / "text"), tmp_path / "path", str(tmp_path / ("n" * 250)), tmp_path / "ü ñ"):
        made.save(path)
        made.save_weights(f"{path}.w" if len(str(path)) < 200 else path)
        made.load_weights(path)
    monkeypatch.chdir(tmp_path)
    made.save("here")
    assert value_of(Path("here")) == 1.0
    monkeypatch.setenv("HOME", str(tmp_path))
    made.save("~/home")
    assert (tmp_path / "home").exists()


def test_wrong_paths(tmp_path):
    made = model(1.0)
    for write in (made.save, made.save_weights):
        with pytest.raises(IsADirectoryError, match="this is a folder"):
            write(tmp_path)
        with pytest.raises(FileNotFoundError, match="the folder to write to does not exist"):
            write(tmp_path / "none" / "model")
        for wrong, error in ((None, TypeError), (3, TypeError), ("", ValueError), ("a\0b", ValueError)):
            with pytest.raises(error, match="filepath must be"):
                write(wrong)
    for read in (made.load_weights, gs.models.load_model):
        with pytest.raises(IsADirectoryError):
            read(tmp_path)
        with pytest.raises(FileNotFoundError):
            read(tmp_path / "none")
        with pytest.raises(TypeError, match="filepath must be"):
            read(3)
    with pytest.raises(ValueError, match="whole models are not written as HDF5"):
        made.save(tmp_path / "model.h5")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="a file must be read, and this is none"):
        gs.models.load_model(tmp_path / "pipe")
    assert os.listdir(tmp_path) == ["pipe"]


def test_overwrite(tmp_path, monkeypatch):
    path = tmp_path / "model"
    model(1.0).save(path, overwrite=False)
    for write in (model(2.0).save, model(2.0).save_weights):
        with pytest.raises(FileExistsError, match="overwrite=False"):
            write(path, overwrite=False)
        with pytest.raises(TypeError, match="overwrite"):
            write(path, overwrite="no")
    monkeypatch.setattr(sys, "stdin", Terminal())
    for answer, value in (("n", 1.0), ("", 1.0), ("y", 2.0)):
        monkeypatch.setattr("builtins.input", lambda question, answer=answer: answer)
        model(2.0).save(path, overwrite=False)
        assert value_of(path) == value


class Terminal:
    def isatty(self) -> bool:
        return True


def test_a_link_stays_and_its_file_is_replaced(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    link.symlink_to(real)
    for value in (1.0, 2.0):
        model(value).save(link)
        assert link.is_symlink()
        assert value_of(real) == value


def test_mode_is_kept(tmp_path):
    path = tmp_path / "model"
    model(1.0).save(path)
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask
    path.chmod(0o640)
    model(2.0).save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


# -- other than regular files ------------------------------------------------------------------------------------------


def test_devices_are_written_to_and_stay(tmp_path):
    made = model(1.0)
    for name in ("/dev/null", str(tmp_path / "link")):
        if name != "/dev/null":
            os.symlink("/dev/null", name)
        made.save(name)
        made.save_weights(name)
        assert stat.S_ISCHR(os.stat(name).st_mode)
    assert (tmp_path / "link").is_symlink()
    with pytest.raises(OSError, match="No space left"):
        made.save("/dev/full")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK])
def test_a_device_made_for_the_test(tmp_path, kind):
    """Character device 1:3 is /dev/null; block device 1:3 a RAM disk, which no save may write over."""
    path = tmp_path / "device"
    try:
        os.mknod(path, kind | 0o666, os.makedev(1, 3))
        path.open("rb").close()
    except PermissionError:
        pytest.skip("not in this container")
    except OSError:
        pass  # a disk that is not there: it must be refused all the same
    if kind == stat.S_IFBLK:
        with pytest.raises(OSError, match="this is a disk"):
            model(1.0).save(path)
    else:
        model(1.0).save(path)
    assert stat.S_IFMT(path.lstat().st_mode) == kind


@pytest.mark.parametrize("write", ["save", "save_weights"])
def test_a_pipe_gets_the_bytes(tmp_path, write):
    made, pipe, regular = model(1.0), tmp_path / "pipe", tmp_path / "regular"
    getattr(made, write)(regular)
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="No such device"):  # nobody reads
        getattr(made, write)(pipe)
    got: list[bytes] = []

    def read():
        with open(reader, "rb") as file:
            got.append(file.read())

    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)
    thread = threading.Thread(target=read)
    saver = threading.Thread(target=getattr(made, write), args=(pipe,))
    saver.start()  # more bytes than a pipe holds: it waits for the reader
    while not got and not select.select([reader], [], [], 0.01)[0]:
        pass
    thread.start()
    saver.join()
    thread.join()
    assert got[0] == regular.read_bytes()
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_sockets_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # their names are short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("here")
        for write in (model(1.0).save, model(1.0).save_weights):
            with pytest.raises(OSError, match="a socket"):
                write("here")
    assert stat.S_ISSOCK(os.stat("here").st_mode)


def test_a_name_that_ends_as_a_folder(tmp_path):
    with pytest.raises(IsADirectoryError):
        model(1.0).save(f"{tmp_path}/model/")
    assert os.listdir(tmp_path) == []


def test_links_that_lead_nowhere(tmp_path):
    (tmp_path / "dangling").symlink_to(tmp_path / "real")
    model(1.0).save(tmp_path / "dangling")
    assert value_of(tmp_path / "real") == 1.0
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with pytest.raises(OSError, match="symbolic links"):
        model(1.0).save(tmp_path / "circle")
    assert (tmp_path / "circle").is_symlink()


def test_other_hard_links_keep_the_old_file(tmp_path):
    path, other = tmp_path / "model", tmp_path / "other"
    model(1.0).save(path)
    os.link(path, other)
    model(2.0).save(path)
    assert (value_of(path), value_of(other)) == (2.0, 1.0)


def test_owner_and_permissions_are_kept(tmp_path):
    path = tmp_path / "model"
    model(1.0).save(path)
    if os.geteuid() == 0:
        os.chown(path, 1234, 2345)
    path.chmod(0o604)
    before = path.stat()
    with replacing(str(path)) as file:
        assert os.fstat(file.fileno()).st_mode & 0o077 == 0o004  # also while it is written
    after = path.stat()
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)
    assert after.st_ino != before.st_ino
