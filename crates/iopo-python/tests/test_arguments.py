"""Hostile arguments raise, with the text of the command line, and never end the process."""

import math
import pickle
import random
import subprocess
import unittest

import iopo
from iopo import Constraint, ifbench, ifeval
from iopo.__main__ import command

NO_COMMA = [["punctuation:no_comma"]]


def nested(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


class Hostile:
    """An object whose every operation raises."""

    def __getattr__(self, name):
        raise RuntimeError("hostile")

    def __len__(self):
        raise RuntimeError("hostile")


class Arguments(unittest.TestCase):
    def test_wrong_types_and_lengths_raise(self):
        check = ifeval.check
        cases = [
            (TypeError, r"responses: found str, expected a sequence", lambda: check("tea", NO_COMMA, [[{}]])),
            (TypeError, r"responses\[0\]: found int, expected str", lambda: check([3], NO_COMMA, [[{}]])),
            (TypeError, r"responses\[1\]: found NoneType", lambda: check(["a", None], NO_COMMA * 2, [[{}]] * 2)),
            (TypeError, r"responses: found generator", lambda: check((c for c in "a"), NO_COMMA, [[{}]])),
            (TypeError, r"responses: found set", lambda: check({"a"}, NO_COMMA, [[{}]])),
            (TypeError, r"responses: found dict", lambda: check({"a": 1}, NO_COMMA, [[{}]])),
            (TypeError, r"responses: found bytes", lambda: check(b"a", NO_COMMA, [[{}]])),
            (TypeError, r"instruction_id_list\[0\]: found str", lambda: check(["a"], ["punctuation:no_comma"], [[{}]])),
            (TypeError, r"kwargs\[0\]\[0\]: found str, expected a mapping", lambda: check(["a"], NO_COMMA, [["{}"]])),
            (TypeError, r"kwargs\[0\]: found dict", lambda: check(["a"], NO_COMMA, [{}])),
            (ValueError, r"kwargs\[0\]: found 2 items, expected 1", lambda: check(["a"], NO_COMMA, [[{}, {}]])),
            (ValueError, r"kwargs: found 0 items, expected 1", lambda: check(["a"], NO_COMMA, [])),
            (ValueError, r"mode: found \"papers\"", lambda: check(["a"], NO_COMMA, [[{}]], mode="papers")),
            (ValueError, r"threads: found 0", lambda: check(["a"], NO_COMMA, [[{}]], threads=0)),
            (ValueError, r"threads: found 257", lambda: check(["a"], NO_COMMA, [[{}]], threads=257)),
            (ValueError, r"threads: found -1, expected a number from 1", lambda: check(["a"], NO_COMMA, [[{}]], threads=-1)),
            (ValueError, r"threads: found 10{19}…, expected", lambda: Constraint("no_commas").check_all([], threads=10**400)),
            (ValueError, r"threads: found a large number", lambda: Constraint("no_commas").check_all([], threads=10**5000)),
            (TypeError, r"threads: found float, expected int", lambda: check(["a"], NO_COMMA, [[{}]], threads=1.0)),
            (TypeError, r"kwargs\[0\]\[0\]\[\"a\"\]\[1\]\[\"b\"\]: found complex", lambda: check(["a"], NO_COMMA, [[{"a": [0, {"b": 1j}]}]])),
            (TypeError, r"expected Tagger|instance of 'Tagger'", lambda: ifbench.check([], [], [], tagger="x")),
            (TypeError, r"kind: found int", lambda: Constraint(3)),
            (TypeError, r"params: found set", lambda: Constraint("max_words", {3})),
            (TypeError, r"params\[\"n\"\]: found complex", lambda: Constraint("max_words", {"n": 1j})),
            (TypeError, r"a key of params: found int", lambda: Constraint("max_words", {3: 4})),
            (TypeError, r"found int, expected str", lambda: Constraint("no_commas").check(3)),
            (TypeError, r"constraints\[0\]\[0\]: found str", lambda: iopo.satisfied(["a"], [["no_commas"]])),
            (ValueError, r"at most 64", lambda: iopo.satisfy("a", [Constraint("no_commas")] * 65)),
            (ValueError, r"phrasing: found -1, expected a number from 0", lambda: Constraint("no_commas").render(-1)),
            (ValueError, r"phrasing: found 18446744073709551616", lambda: Constraint("no_commas").render_chinese(2**64)),
            (ValueError, r"params\[\"n\"\]: found an integer that no float", lambda: Constraint("max_words", {"n": 10**400})),
            (ValueError, r"params\[\"n\"\]: found twice", lambda: Constraint("max_words", '{"n": 1, "n": 2}')),
            (TypeError, r"", lambda: iopo.read_groups(3)),
        ]
        for error, text, work in cases:
            with self.assertRaisesRegex(error, text):
                work()
        with self.assertRaises((RuntimeError, TypeError)):
            check(Hostile(), NO_COMMA, [[{}]])
        with self.assertRaises((RuntimeError, TypeError)):
            Constraint("max_words", {"n": Hostile()})

    def test_errors_of_the_libraries_name_the_remedy(self):
        cases = [
            (lambda: Constraint("max_word"), iopo.ConstraintError, "unknown constraint kind `max_word`", "spelling"),
            (lambda: Constraint("max_words"), iopo.ConstraintError, "unreadable parameters", None),
            (lambda: Constraint("max_words", "{"), iopo.ConstraintError, "unreadable parameters", None),
            (lambda: Constraint("max_words", {"n": 0}), iopo.ConstraintError, "out of range: found `0`", None),
            (lambda: Constraint("max_words", {"n": 2**70}), iopo.ConstraintError, "max_words", None),
            (lambda: Constraint("max_words", {"n": 5, "m": 5}), iopo.ConstraintError, "max_words", None),
            (
                lambda: ifeval.prepare(["keywords:frequency"], [{"keyword": "tea"}]),
                iopo.InstructionError, "missing parameter `relation`", "add it to the kwargs",
            ),
            (
                lambda: ifeval.prepare(["punctuation:no_comma"], [{"n": 1}]),
                iopo.InstructionError, "unknown parameter `n`", "remove it",
            ),
            (lambda: iopo.read_table("absent.parquet"), iopo.SchemaError, "absent.parquet: found no file", None),
        ]
        for work, kind, text, hint in cases:
            with self.assertRaises(kind) as raised:
                work()
            error = raised.exception
            self.assertIsInstance(error, iopo.IopoError)
            self.assertIn(text, str(error))
            if hint is not None:
                self.assertIn(hint, error.hint)
                self.assertIn(f"\n  hint: {error.hint}", str(error))
            again = pickle.loads(pickle.dumps(error))
            self.assertEqual((type(again), str(again)), (type(error), str(error)))

    def test_errors_have_the_text_of_the_command(self):
        with self.assertRaises(iopo.SchemaError) as raised:
            iopo.read_groups("absent.parquet")
        shown = subprocess.run(
            [command(), "export", "absent.parquet", "--to", "trl", "--out", "out.parquet"],
            capture_output=True, text=True, check=False,
        )
        self.assertNotEqual(shown.returncode, 0)
        self.assertIn(raised.exception.message.splitlines()[0], shown.stderr)

    def test_surrogates_are_read_as_from_a_file(self):
        constraint = Constraint("include_phrase", {"phrase": "tea"})
        for text in ("tea \ud83d", "\udc00 tea", "tea \ud83d\ude00", "\ud800" * 1000 + " tea"):
            self.assertTrue(constraint.check(text).satisfied)
            self.assertTrue(constraint.check_all([text])[0].satisfied)
            self.assertFalse(constraint.check(text.replace("tea", "ice")).satisfied)
        self.assertTrue(constraint.edit("tea \ud83d").endswith("\ufffd"))
        with self.assertRaises(iopo.ConstraintError):
            Constraint("\ud83d")
        with self.assertRaises(iopo.InstructionError):
            ifeval.prepare(["\udfff"], [{}])

    def test_numbers_that_json_lacks_count_as_absent(self):
        kwargs = {"relation": "at least", "num_words": 1, "num_bullets": math.nan, "frequency": math.inf}
        self.assertEqual(len(ifeval.prepare(["length_constraints:number_words"], [kwargs])), 1)
        for value in (math.nan, math.inf, -math.inf, None):
            with self.assertRaisesRegex(iopo.InstructionError, "missing parameter `num_words`"):
                ifeval.prepare(["length_constraints:number_words"], [{**kwargs, "num_words": value}])
        for value in (-1, 1.5, 10**300, True, "3", [3]):
            with self.assertRaises(iopo.InstructionError):
                ifeval.prepare(["length_constraints:number_words"], [{**kwargs, "num_words": value}])
        with self.assertRaisesRegex(ValueError, r"kwargs\[0\]\[\"num_words\"\]: found an integer that no float can hold"):
            ifeval.prepare(["length_constraints:number_words"], [{**kwargs, "num_words": 10**400}])

    def test_deep_and_wide_values_raise(self):
        with self.assertRaisesRegex(ValueError, "levels of nesting"):
            Constraint("max_words", {"n": nested(100_000)})
        cyclic = []
        cyclic.append(cyclic)
        with self.assertRaisesRegex(ValueError, "levels of nesting"):
            ifeval.prepare(["punctuation:no_comma"], [{"n": cyclic}])
        wide = [0] * 100
        for _ in range(20):
            wide = [wide] * 100
        with self.assertRaisesRegex(ValueError, "values"):
            ifeval.prepare(["punctuation:no_comma"], [{"n": wide}])
        with self.assertRaises(iopo.ConstraintError):
            Constraint("max_words", '{"n":' + "[" * 100_000)
        with self.assertRaises(iopo.ConstraintError):
            Constraint("max_words" * 1_000_000)

    def test_huge_and_odd_responses_have_verdicts(self):
        texts = ["[" * 1_000_000, "{" * 1_000_000, "a" * 5_000_000, "\n" * 1_000_000, "* " * 500_000, "\0" * 1000]
        ids = ["detectable_format:json_format", "punctuation:no_comma", "startend:quotation"]
        found = ifeval.check(texts, [ids] * len(texts), [[{}] * 3] * len(texts))
        self.assertEqual([row[0].strict for row in found], [False] * len(texts))
        for kind in ("json_object", "no_commas", "single_line"):
            self.assertEqual(len(Constraint(kind).check_all(texts)), len(texts))

    def test_random_texts_have_verdicts(self):
        generator = random.Random(7)
        pieces = ["tea", ",", "\n", "* ", "1.", "{", "]", "“", "\ud800", "茶", "\u202e", "P.S.", " ", "\0", "😀"]
        texts = ["".join(generator.choices(pieces, k=generator.randrange(40))) for _ in range(500)]
        constraints = [one for kind in iopo.kinds() for one in kind.back_translate("Tea is hot. 1, 2!")]
        self.assertGreater(len(constraints), 20)
        rows = iopo.check_constraints(texts, [constraints] * len(texts))
        self.assertEqual(iopo.satisfied(texts, [constraints] * len(texts)), [[v.satisfied for v in r] for r in rows])
        for text in texts[:50]:
            for constraint in constraints:
                edited = constraint.edit(text)
                self.assertTrue(edited is None or constraint.check(edited).satisfied)


if __name__ == "__main__":
    unittest.main()
