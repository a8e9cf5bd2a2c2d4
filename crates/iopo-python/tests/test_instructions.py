"""IFEval and IFBench: the module has the verdicts of the published code, and of the command."""

import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import data, needs, rows

import iopo
from iopo import ifbench, ifeval
from iopo.__main__ import command


def compare(case, path, check, flags=(), expected=0):
    """Compares all labels of a file, in one batch."""
    labeled = rows(path)
    verdicts = check(
        [row["response"] for row in labeled],
        [row["instruction_id_list"] for row in labeled],
        [row["kwargs"] for row in labeled],
    )
    compared = skipped = 0
    for row, found in zip(labeled, verdicts, strict=True):
        for at, verdict in enumerate(found):
            if any(row.get(flag, [False] * len(found))[at] for flag in flags) or verdict is None:
                skipped += 1
                continue
            variant = -1 if verdict.loose_variant is None else verdict.loose_variant
            labels = [row[f"follow_instruction_list_{kind}"][at] for kind in ("strict", "loose")]
            case.assertEqual(
                [verdict.strict, verdict.loose, variant],
                [*labels, row["loose_first_variant"][at]],
                f"{path.name}, key {row['key']}, {row['instruction_id_list'][at]}",
            )
            compared += 1
    case.assertEqual(compared + skipped, sum(len(row["kwargs"]) for row in labeled))
    case.assertGreater(compared, expected)
    return compared, skipped


class Ifeval(unittest.TestCase):
    # The published code decides these at random.
    FLAGS = ("langdetect_seed_dependent", "random_letter")

    def test_labels_of_nine_models_are_equal(self):
        files = sorted(data("ifeval/labelled").glob("*.jsonl"))
        self.assertEqual(len(files), 9)
        for path in files:
            compare(self, path, ifeval.check, self.FLAGS, 800)

    def test_labels_of_constructed_responses_are_equal(self):
        compare(self, data("ifeval/synthetic_edge.jsonl"), ifeval.check, self.FLAGS, 2000)

    def test_the_comparison_notices_other_verdicts(self):
        def repaired(*columns):
            return ifeval.check(*columns, mode="repaired")

        path = data("ifeval/synthetic_edge.jsonl")
        with self.assertRaises(AssertionError):
            compare(self, path, repaired, self.FLAGS)

    def test_a_prepared_prompt_has_the_verdicts_of_a_batch(self):
        ids = ["punctuation:no_comma", "length_constraints:number_words"]
        kwargs = [{}, {"relation": "at least", "num_words": 4, "num_bullets": None}]
        responses = ["I don't know.", "Yes, tea.", "", "* Tea, tea *\nTea and tea and tea."]
        for mode in ("paper", "repaired"):
            prepared = ifeval.prepare(ids, kwargs, mode=mode)
            self.assertEqual((prepared.ids, prepared.mode, len(prepared)), (ids, mode, 2))
            batch = ifeval.check(responses, [ids] * 4, [kwargs] * 4, mode=mode)
            self.assertEqual(prepared.check_all(responses), batch)
            self.assertEqual([prepared.check(response) for response in responses], batch)
        self.assertEqual(len(ifeval.IDS), 25)

    def test_instructions_without_a_check_are_errors_or_none(self):
        columns = (["Tea."], [["count:numbers", "punctuation:no_comma"]], [[{"N": 1}, None]])
        with self.assertRaisesRegex(iopo.InstructionError, "row 0: unknown instruction `count:numbers`"):
            ifeval.check(*columns)
        (row,) = ifeval.check(*columns, skip_unsupported=True)
        self.assertIsNone(row[0])
        self.assertTrue(row[1].strict)
        (row,) = iopo.check_instructions(*columns)
        self.assertEqual([verdict.strict for verdict in row], [False, True])
        for benchmark, known in [(None, "83 ids of IFEval and IFBench"), ("ifeval", "25 ids of IFEval"), ("ifbench", "58 ids of IFBench")]:
            with self.assertRaisesRegex(iopo.InstructionError, f"unknown instruction `tea:pot`, expected one of the {known}"):
                iopo.check_instructions(["Tea."], [["tea:pot"]], [[{}]], benchmark=benchmark)

    def test_many_prompts_have_the_verdicts_of_single_ones(self):
        # Prompts come again after others, more often than a thread checks with one preparation.
        limits = [at * at % 7 for at in range(1000)] + [3] * 200
        responses = ["tea " * (at % 5) for at in range(len(limits))]
        ids = [["length_constraints:number_words"]] * len(limits)
        kwargs = [[{"relation": "at least", "num_words": limit}] for limit in limits]
        expected = [at % 5 >= limit and at % 5 > 0 for at, limit in enumerate(limits)]
        for threads in (1, 2, 7):
            found = ifeval.check(responses, ids, kwargs, threads=threads)
            self.assertEqual([row[0].strict for row in found], expected)
        # The error is that of the first row with one.
        ids[700], ids[300], ids[900] = ["tea:pot"], ["tea:cup"], ["tea:cup"]
        for threads in (1, 2, 7):
            with self.assertRaisesRegex(iopo.InstructionError, "row 300: unknown instruction `tea:cup`"):
                ifeval.check(responses, ids, kwargs, threads=threads)

    @unittest.skipUnless(hasattr(signal, "setitimer"), "the system has no timer that sends a signal")
    def test_ctrl_c_ends_a_batch_of_many_prompts(self):
        count = 200_000
        ids = [["length_constraints:number_words"]] * count
        kwargs = [[{"relation": "at least", "num_words": at}] for at in range(count)]
        responses = ["tea " * 50] * count
        # An error at the end, which comes first if everything is prepared before the first look for Ctrl-C.
        ids[-1] = ["tea:pot"]
        # A timer of the system, because a thread of Python would wait for the GIL while arguments are read.
        before = signal.signal(signal.SIGALRM, signal.default_int_handler)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with self.assertRaises(KeyboardInterrupt):
                ifeval.check(responses, ids, kwargs)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


class Ifbench(unittest.TestCase):
    @staticmethod
    def tagger():
        try:
            return iopo.Tagger.load()
        except iopo.SchemaError:
            return None

    @staticmethod
    def check(*columns, **settings):
        tagger = Ifbench.tagger()
        return ifbench.check(*columns, tagger=tagger, skip_unsupported=True, **settings)

    def labels(self, name, count):
        compared, skipped = compare(self, data(f"ifbench/{name}"), self.check, (), count * 9 // 10)
        self.assertEqual(compared + skipped, count)
        self.assertFalse(skipped and self.tagger(), "every type has a check with the tagger")

    def test_labels_of_constructed_responses_are_equal(self):
        self.labels("synthetic_edge.jsonl", 5102)

    def test_labels_of_sample_responses_are_equal(self):
        self.labels("labelled/sample_output.jsonl", 334)

    def test_labels_of_ifeval_responses_are_equal(self):
        self.labels("labelled/ifeval_responses.jsonl", 1756)

    def test_the_tagger_is_needed_for_one_type(self):
        table = "iopo-tagger 1\nNN\tVB\nthe\t0\nBrew\t1\n\nbias\t0:1\n"
        columns = (["Brew tea.", "the tea"], [["words:start_verb"]] * 2, [[{}]] * 2)
        with self.assertRaisesRegex(iopo.InstructionError, "cargo xtask tagger"):
            ifbench.check(*columns)
        found = ifbench.check(*columns, tagger=iopo.Tagger(table))
        self.assertEqual([row[0].strict for row in found], [True, False])
        self.assertEqual(ifbench.check(*columns, skip_unsupported=True), [[None]] * 2)
        with self.assertRaisesRegex(iopo.InstructionError, "line 1"):
            iopo.Tagger("no table")
        self.assertEqual(len(ifbench.IDS), 58)


class Command(unittest.TestCase):
    def compare(self, benchmark, prompts, labeled, check, expected):
        """Compares the verdicts of the command and of the module on the responses of a file."""
        for mode in ("paper", "repaired"):
            with tempfile.TemporaryDirectory() as folder:
                out = Path(folder) / "out"
                arguments = ["eval", benchmark, "--data", prompts, "--responses", labeled]
                done = subprocess.run(
                    [command(), *arguments, "--partial", "--mode", mode, "--out", out],
                    capture_output=True, text=True, check=False,
                )
                self.assertEqual(done.returncode, 0, done.stderr)
                table = iopo.read_scores(out / "scores.parquet").to_pyarrow()
            scores = {
                (row["key"], row["index"]): (row["instruction_id"], row["strict"], row["loose"])
                for row in table.to_pylist()
            }
            answered = rows(labeled)
            verdicts = check(
                [row["response"] for row in answered],
                [row["instruction_id_list"] for row in answered],
                [row["kwargs"] for row in answered],
                mode=mode,
            )
            module = {
                (str(row["key"]), at): (
                    row["instruction_id_list"][at],
                    *((None, None) if verdict is None else (verdict.strict, verdict.loose)),
                )
                for row, found in zip(answered, verdicts, strict=True)
                for at, verdict in enumerate(found)
            }
            self.assertGreater(len(module), expected)
            self.assertEqual(scores, module, f"{labeled.name}, {mode}")

    @needs("pyarrow")
    def test_the_command_has_the_verdicts_of_the_module_for_ifeval(self):
        prompts = data("ifeval/input_data.jsonl")
        labeled = data("ifeval/labelled/gpt4_20231107.jsonl")
        self.compare("ifeval", prompts, labeled, ifeval.check, 800)

    @needs("pyarrow")
    def test_the_command_has_the_verdicts_of_the_module_for_ifbench(self):
        for name, expected in [
            ("synthetic_edge.jsonl", 5101),
            ("labelled/sample_output.jsonl", 333),
            ("labelled/ifeval_responses.jsonl", 1755),
        ]:
            labeled = data(f"ifbench/{name}")
            self.compare("ifbench", labeled, labeled, Ifbench.check, expected)


if __name__ == "__main__":
    unittest.main()
