"""Long work: command lines of microtwin that run by themselves and queue, told of in a folder each.

::

    jobs/0003/job.json       what it is and how it stands (`Job`)
    jobs/0003/progress.jsonl how far it is, a line now and then
    jobs/0003/log.txt        what it says on stderr
    jobs/0003/result.json    what it says on stdout

Each job has a small process that watches it (`supervisor`), so that it neither needs nor notices
the page or the server; whoever looks at the queue next starts what waits (`Queue.advance`).
"""

from microtwin.studio.jobs.job import Job, Step, last_step, steps
from microtwin.studio.jobs.queue import Queue

__all__ = ["Job", "Queue", "Step", "last_step", "steps"]
