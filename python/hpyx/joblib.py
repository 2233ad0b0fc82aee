"""joblib runs on hpyx: ``hpyx.joblib.register()``, then ``joblib.parallel_config("hpyx")``.

Owns: the backend class; imported only by those who use it, since it needs joblib.
Called by: users, and joblib from the thread that runs ``Parallel`` and from done callbacks.
Invariants: a backend has one executor per use of ``Parallel``; ending that use stops nobody else.
Once a use was aborted, nothing of it reaches the next use of the same ``Parallel``.
Threads: as ``joblib.Parallel``, any; one instance belongs to one ``Parallel`` at a time.
"""

import queue
import threading

import joblib
from joblib.parallel import AutoBatchingMixin, ParallelBackendBase

from . import _runtime, debug
from ._executor import HPXExecutor

__all__ = ["HPXBackend", "register"]


class _Deliveries:
    """The callbacks of the batches of one executor; once stopped, none runs or will run."""

    def __init__(self):
        self._condition = threading.Condition()
        self._under_way = 0
        self._is_stopped = False

    def guard(self, callback):
        """Return *callback* as one that does nothing once it was stopped."""

        def deliver(future):
            with self._condition:
                if self._is_stopped:
                    return
                self._under_way += 1
            try:
                callback(future)
            finally:
                with self._condition:
                    self._under_way -= 1
                    self._condition.notify_all()

        return deliver

    def stop(self):
        """Wait for those that have begun. Not to be called by one of them."""
        with self._condition:
            self._is_stopped = True
            while self._under_way:
                self._condition.wait()


class HPXBackend(AutoBatchingMixin, ParallelBackendBase):
    """Runs the batches of ``joblib.Parallel`` as tasks of hpyx.

    ``n_jobs`` decides how many batches are under way; all share the workers of the runtime. -1
    stands for the number of workers. Tasks may use ``Parallel`` themselves: they stay on hpyx.
    """

    supports_retrieve_callback = True
    supports_sharedmem = True
    uses_threads = True
    _executor = None

    def effective_n_jobs(self, n_jobs):
        """Return the number of batches that run at a time for *n_jobs*.

        Raises:
            ValueError: *n_jobs* is 0. RuntimeError: the runtime may not, or can no longer, start.
        """
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning: write 1, or -1 for all")
        if n_jobs is None:
            return 1
        if n_jobs > 0:
            return n_jobs
        _runtime.ensure_running()
        return max(debug.get_num_worker_threads() + 1 + n_jobs, 1)

    def configure(self, n_jobs=1, parallel=None, **backend_kwargs):
        """Get ready for one use of *parallel*; return the number of jobs."""
        self.parallel = parallel
        self._begin()
        return self.effective_n_jobs(n_jobs)

    def _begin(self):
        self._executor, self._deliveries = HPXExecutor(), _Deliveries()

    def submit(self, func, callback=None):
        """Queue a batch; *callback* gets its future once that is done."""
        future = self._executor.submit(func)
        if callback is not None:
            future.add_done_callback(self._deliveries.guard(callback))
        return future

    def retrieve_result_callback(self, out):
        """Return the result of the future *out*, or raise what its batch raised."""
        return out.result()

    def terminate(self):
        """Accept no more batches; what has started goes on to its end."""
        if self._executor is not None:
            self._executor.shutdown(wait=False)
            self._executor = None

    def abort_everything(self, ensure_ready=True):
        """Cancel the batches that have not started, since one has failed."""
        if self._executor is None:
            return
        self._deliveries.stop()
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor = None
        self._forget_batches()
        if ensure_ready:
            self._begin()

    def _forget_batches(self):
        """Empty what joblib 1.6 would submit in the next use: batches cut, and not submitted."""
        cut = getattr(self.parallel, "_ready_batches", None)
        while cut is not None:
            try:
                cut.get_nowait()
            except queue.Empty:
                return

    def get_nested_backend(self):
        """Return a backend for ``Parallel`` inside a batch, and no limit to its jobs."""
        return HPXBackend(nesting_level=(self.nesting_level or 0) + 1), None


def register(*, make_default=False):
    """Tell joblib of the backend "hpyx".

    Args: make_default: let ``joblib.Parallel`` use it where no backend is named.
    Threads: any; calling it again changes nothing.
    """
    joblib.register_parallel_backend("hpyx", HPXBackend, make_default=make_default)
