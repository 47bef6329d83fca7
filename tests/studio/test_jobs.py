"""Jobs: in order, by themselves, stopped and taken up again; whatever happens to who asked."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace

import pytest

from microtwin.errors import InputError
from microtwin.studio.jobs import Queue, job, last_step, steps, supervisor
from studio.live import wait_for

# Stands for microtwin: works for a while, tells of it, can be interrupted, and goes on.
PROGRAM = textwrap.dedent(
    """
    import json, os, sys, time
    from pathlib import Path
    words = sys.argv[1:]
    if "fail" in words:
        print("microtwin: shape must be given", file=sys.stderr)
        sys.exit(2)
    if "crash" in words:
        raise RuntimeError("a bug")
    if "nothing" in words:
        print("microtwin: none is near enough", file=sys.stderr)
        sys.exit(1)
    done = Path(words[1])
    begin = int(done.read_text()) if "--resume" in words and done.exists() else 0
    total = int(words[2])
    try:
        for i in range(begin, total):
            with open(os.environ["MICROTWIN_PROGRESS"], "a") as file:
                row = {"time": time.time(), "stage": "working", "done": i, "total": total,
                       "values": {"energy": 1 / (i + 1)}}
                file.write(json.dumps(row) + "\\n")
            time.sleep(0.05)
            part = done.with_suffix(".part")
            part.write_text(str(i + 1))
            part.replace(done)
    except KeyboardInterrupt:
        print("microtwin: interrupted; go on with --resume", file=sys.stderr)
        sys.exit(130)
    print(json.dumps({"done": total}))
    """
)


@pytest.fixture
def queue(tmp_path):
    (tmp_path / "jobs").mkdir()
    (tmp_path / "program.py").write_text(PROGRAM)
    made = Queue(tmp_path, program=(sys.executable, str(tmp_path / "program.py")))
    yield made
    for one in made.all():
        while not (one := made.get(one.number)).over:
            made.stop(one.number)
            time.sleep(0.1)


def work(queue, name, steps=3, kind="train"):
    return queue.submit([kind, f"{name}.txt", str(steps)], title=name, output=f"{name}.txt")


def state(queue, number, *wanted):
    return wait_for(lambda: (one := queue.get(number)).state in wanted and one, 30)


def test_a_job_runs_and_tells_of_it(queue):
    first = work(queue, "a")
    over = state(queue, first.number, job.DONE)
    assert (over.code, over.pid, over.runs) == (0, None, 1)
    folder = queue.folder_of(first.number)
    assert [step.done for step in steps(folder)] == [0, 1, 2]
    assert last_step(folder).values["energy"] == pytest.approx(1 / 3)
    assert job.result(folder) == {"done": 3}
    assert "$ microtwin train a.txt 3" in (folder / "log.txt").read_text()
    assert (queue.root / "a.txt").read_text() == "3"


def test_one_runs_at_a_time_in_the_order_they_came(queue):
    names = [work(queue, name, 6).number for name in "abc"]
    assert [queue.get(n).state for n in names[1:]] == [job.QUEUED, job.QUEUED]
    state(queue, names[2], job.DONE)
    found = [queue.get(n) for n in names]
    assert found[0].ended <= found[1].started <= found[1].ended <= found[2].started


def test_several_run_at_once_where_there_is_room(queue):
    queue.at_once = 2
    names = [work(queue, name, 30).number for name in "abc"]
    wait_for(lambda: [queue.get(n).state for n in names[:2]] == [job.RUNNING] * 2, 30)
    assert queue.get(names[2]).state == job.QUEUED


def test_a_job_is_stopped_and_goes_on_from_there(queue):
    number = work(queue, "a", 60).number
    wait_for((queue.root / "a.txt").exists, 30)
    assert queue.stop(number).state == job.STOPPING
    stopped = state(queue, number, job.STOPPED)
    assert stopped.code == 130
    assert stopped.resumable
    reached = int((queue.root / "a.txt").read_text())
    assert 0 < reached < 60
    queue.resume(number)
    over = state(queue, number, job.DONE)
    assert over.runs == 2
    assert over.command[-1] == "--resume"
    begun_at = [step.done for step in steps(queue.folder_of(number))]
    assert begun_at.count(0) == 1  # nothing was done twice


def test_what_waits_can_be_taken_out_and_put_back(queue):
    first, second = (work(queue, name, 20).number for name in "ab")
    assert queue.stop(second).state == job.STOPPED
    assert queue.resume(second).state == job.QUEUED
    assert queue.get(second).command[-1] != "--resume"  # it had never begun
    queue.stop(first)
    state(queue, second, job.DONE)


def test_a_stubborn_job_is_ended_the_second_time(queue):
    (queue.root / "program.py").write_text(
        "import signal, time, os\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "open(os.environ['MICROTWIN_PROGRESS'], 'w').close()\n"
        "time.sleep(60)\n"
    )
    number = work(queue, "a").number
    wait_for(lambda: (queue.folder_of(number) / "progress.jsonl").exists(), 30)
    queue.stop(number)
    time.sleep(0.2)
    assert queue.get(number).state == job.STOPPING
    queue.stop(number)
    assert state(queue, number, job.STOPPED).code == -signal.SIGKILL


@pytest.mark.parametrize(
    ("word", "end", "message"),
    [
        ("fail", job.FAILED, "shape must be given"),
        ("crash", job.FAILED, "RuntimeError: a bug"),
        ("nothing", job.DONE, "none is near enough"),
    ],
)
def test_how_a_command_ended_is_told(queue, word, end, message):
    number = queue.submit(["screen", word], title=word).number
    over = state(queue, number, job.DONE, job.FAILED)
    assert (over.state, over.message) == (end, message)
    assert over.answer_is_no == (word == "nothing")


def test_jobs_outlive_the_process_that_asked_for_them(queue):
    asker = textwrap.dedent(
        f"""
        import sys
        from pathlib import Path
        from microtwin.studio.jobs import Queue
        queue = Queue(Path({str(queue.root)!r}), program=(sys.executable, "program.py"))
        queue.submit(["train", "a.txt", "20"], title="a")
        queue.submit(["train", "b.txt", "3"], title="b")
        """
    )
    subprocess.run([sys.executable, "-c", asker], check=True, timeout=60)
    for number in (1, 2):  # the second is started by the first one's supervisor
        state(queue, number, job.DONE)


def test_a_job_whose_processes_were_killed_is_known_as_lost(queue):
    number = work(queue, "a", 400).number
    running = state(queue, number, job.RUNNING)
    parent = int(
        subprocess.run(
            ["ps", "-o", "ppid=", "-p", str(running.pid)], capture_output=True, check=True
        ).stdout
    )
    os.kill(parent, signal.SIGKILL)
    os.kill(running.pid, signal.SIGKILL)
    wait_for(lambda: queue.advance() or queue.get(number).state == job.LOST, 30)
    assert queue.get(number).resumable


def test_only_what_is_over_is_removed_and_its_work_stays(queue):
    number = work(queue, "a", 20).number
    with pytest.raises(InputError, match=r"must be over to be removed; it is \w+"):
        queue.remove(number)
    state(queue, number, job.DONE)
    with pytest.raises(InputError, match="must have stopped halfway; it is done"):
        queue.resume(number)
    queue.remove(number)
    assert queue.all() == []
    assert (queue.root / "a.txt").exists()
    with pytest.raises(InputError, match="holds no job"):
        queue.get(number)


def test_half_a_line_of_progress_is_passed_over(tmp_path):
    file = tmp_path / "progress.jsonl"
    whole = '{"time": 1, "stage": "a", "done": 1, "total": 4, "values": {}}\n'
    file.write_text(whole + '{"time": 2, "sta')
    assert last_step(tmp_path).share == 0.25
    assert len(steps(tmp_path)) == 1
    assert last_step(tmp_path / "none") is None


def test_an_end_is_judged_by_what_this_run_said():
    one = job.Job(number=1, command=("screen",), title="", state=job.RUNNING)
    earlier = "$ microtwin screen\nTraceback (most recent call last)\n$ microtwin screen\n"
    assert supervisor.ended(one, 1, earlier).state == job.DONE
    assert supervisor.ended(one, 1, earlier + "Traceback (most recent call last)").state == "failed"
    assert supervisor.ended(replace(one, state=job.STOPPING), -2, "").state == job.STOPPED


@pytest.mark.parametrize(
    ("said", "code", "message"),
    [
        ("$ microtwin train a b\n", -9, "ended with code -9"),
        ("$ microtwin train a b\nepoch 3\n", -9, "ended with code -9; it said last: epoch 3"),
        ("$ microtwin train a b\n", 3, "ended with code 3"),
        ("", 3, "ended with code 3"),
    ],
)
def test_an_end_without_a_word_is_told_by_its_code_and_not_by_the_command(said, code, message):
    one = job.Job(number=1, command=("train",), title="", state=job.RUNNING)
    assert supervisor.ended(one, code, said).message == message


def test_a_process_that_only_has_a_lost_jobs_number_is_left_alone(queue):
    number = queue.submit(["train", "a.txt", "1"], title="a").number
    state(queue, number, job.DONE)
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        queue.change(number, lambda one: replace(one, state=job.RUNNING, pid=other.pid))
        queue.stop(number)
        queue.stop(number)
        time.sleep(0.3)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
    wait_for(lambda: queue.advance() or queue.get(number).state == job.LOST, 30)
