"""The installed package: its command, its environment, its documentation, and work without the GIL."""

import os
import shutil
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

import iopo
from iopo.__main__ import command


def run(*arguments):
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


class Package(unittest.TestCase):
    def test_the_environment_has_no_rust(self):
        self.assertIsNone(shutil.which("cargo"))
        self.assertIsNone(shutil.which("rustc"))

    def test_the_package_is_the_installed_one(self):
        self.assertTrue(Path(iopo.__file__).is_relative_to(sys.prefix), iopo.__file__)
        self.assertTrue((Path(iopo.__file__).parent / "py.typed").is_file())

    def test_the_command_is_on_the_path(self):
        path = shutil.which("iopo")
        self.assertIsNotNone(path)
        self.assertEqual(Path(path), command())
        shown = run(path, "--help")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn("pipeline", shown.stdout)
        self.assertIn(iopo.__version__, run(path, "--version").stdout)

    def test_the_module_runs_the_command(self):
        shown = run(sys.executable, "-m", "iopo", "--version")
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        self.assertEqual(shown.stdout, run(command(), "--version").stdout)
        self.assertNotEqual(run(sys.executable, "-m", "iopo", "no-such-command").returncode, 0)

    def test_everything_public_is_documented(self):
        for name in iopo.__all__:
            thing = getattr(iopo, name)
            self.assertTrue(thing.__doc__, name)
            for member in vars(thing) if isinstance(thing, type) else ():
                if not member.startswith("_") and thing.__module__ == "iopo":
                    self.assertTrue(getattr(thing, member).__doc__, f"{name}.{member}")


# Steps per second that only a thread with the GIL reaches: one that waits for it runs for some milliseconds at most.
FREE = 500_000


def progress(work):
    """The steps that another thread makes while `work` runs, and the seconds of `work`."""
    steps, within, done = 0, [0, 0], threading.Event()

    def finish():
        within[0] = steps
        work()
        within[1] = steps
        done.set()

    thread = threading.Thread(target=finish)
    begun = time.perf_counter()
    thread.start()
    while not done.is_set():
        steps += 1
    thread.join()
    return within[1] - within[0], time.perf_counter() - begun


class Released(unittest.TestCase):
    def test_other_threads_run_during_checks(self):
        response = "Tea is a warm drink. Many people like it, and it keeps them awake. " * 20_000
        kwargs = {"relation": "at least", "num_sentences": 3}
        prepared = iopo.ifeval.prepare(["length_constraints:number_sentences"], [kwargs])
        checks = [
            lambda: prepared.check_all([response] * 4, threads=1),
            lambda: prepared.check(response * 4),
            lambda: iopo.Constraint("max_sentences", {"n": 2}).check_all([response] * 4, threads=1),
            lambda: iopo.satisfied([response] * 4, [[iopo.Constraint("max_words", {"n": 9})]] * 4),
        ]
        for work in checks:
            work()
            steps, seconds = progress(work)
            self.assertGreater(steps / seconds, FREE, f"{seconds:.3f} s")

    def test_the_measurement_notices_work_that_keeps_the_gil(self):
        steps, seconds = progress(lambda: sum(range(30_000_000)))
        self.assertGreater(seconds, 0.05)
        self.assertLess(steps / seconds, FREE)

    @unittest.skipIf((os.cpu_count() or 1) < 2, "needs two cores")
    def test_the_number_of_threads_does_not_change_the_verdicts(self):
        responses = [f"Tea {n} is hot! It is, they say, a drink with {n} leaves." for n in range(999)]
        constraint = iopo.Constraint("include_word", {"word": "leaves"})
        one = constraint.check_all(responses, threads=1)
        self.assertEqual(one, constraint.check_all(responses, threads=2))
        self.assertEqual(one, constraint.check_all(responses))
        self.assertTrue(all(verdict.satisfied for verdict in one))


if __name__ == "__main__":
    unittest.main()
