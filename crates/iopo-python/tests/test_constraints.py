"""Constraints: parsed, checked, repaired, revised."""

import copy
import pickle
import unittest

import iopo
from iopo import Constraint

RESPONSE = "Tea is a warm drink. Many people like it. It keeps you awake."


class Constraints(unittest.TestCase):
    def test_kinds_are_those_of_the_parts_too(self):
        parts = [{"id": "no_commas", "params": {}}, {"id": "max_words", "params": {"n": 4}}]
        both = Constraint("all_of", {"parts": parts})
        self.assertEqual([kind.id for kind in both.kinds], ["all_of", "no_commas", "max_words"])
        self.assertEqual(both.parts, [Constraint("no_commas"), Constraint("max_words", {"n": 4})])
        plain = Constraint("no_commas")
        self.assertEqual((plain.kinds, plain.parts), ([plain.kind], [plain]))

    def test_a_constraint_is_read_checked_edited_and_revised(self):
        constraint = Constraint("max_sentences", {"n": 2})
        self.assertEqual(constraint.render(), "Use at most 2 sentences.")
        verdict = constraint.check(RESPONSE)
        self.assertFalse(verdict.satisfied or bool(verdict))
        self.assertEqual(verdict.evidence, "3 sentences, at most 2 asked")
        edited = constraint.edit(RESPONSE)
        self.assertEqual(edited, "Tea is a warm drink. Many people like it.")
        self.assertTrue(constraint.check(edited).satisfied)
        revision = constraint.revisions()[0]
        self.assertEqual(revision.render(), "Use at least 3 sentences.")
        self.assertTrue(revision.excludes(constraint) and constraint.conflicts_with(revision))
        self.assertTrue(all(one.excludes(constraint) for one in constraint.revisions()))

    def test_sentences_are_mapped_to_constraints(self):
        constraint = Constraint.from_text("The answer must not exceed 200 words.")
        self.assertEqual(constraint, Constraint("max_words", '{"n": 200}'))
        self.assertIsNone(Constraint.from_text("Each item must not exceed 200 words."))
        chinese = constraint.render_chinese()
        self.assertEqual(Constraint.from_text(chinese), constraint)

    def test_a_response_is_repaired_for_several_constraints(self):
        response = "Tea is a warm drink! Many people like it. It's good for the heart."
        constraints = [Constraint("exact_bullets", {"n": 3}), Constraint("no_exclamations")]
        edited = iopo.satisfy(response, constraints)
        self.assertEqual(
            edited, "- Tea is a warm drink.\n- Many people like it.\n- It's good for the heart."
        )
        self.assertEqual(iopo.satisfied([edited, response], [constraints] * 2), [[True, True], [False, False]])
        self.assertEqual(iopo.changed_share(response, edited), 0.0)
        self.assertIsNone(iopo.satisfy("", constraints))

    def test_a_batch_has_the_verdicts_of_single_checks(self):
        lists = [[Constraint("max_words", {"n": n}), Constraint("no_commas")] for n in range(1, 60)]
        responses = ["Yes, tea " * n if n % 2 else "Warm tea." for n in range(1, 60)]
        rows = iopo.check_constraints(responses, lists)
        single = [[c.check(text) for c in row] for text, row in zip(responses, lists)]
        self.assertEqual(rows, single)
        satisfied = [[verdict.satisfied for verdict in row] for row in rows]
        self.assertEqual(iopo.satisfied(responses, lists), satisfied)
        self.assertIn(True, sum(satisfied, []))
        self.assertIn(False, sum(satisfied, []))

    def test_every_kind_is_listed_and_translates_back(self):
        kinds = iopo.kinds()
        self.assertGreater(len(kinds), 60)
        self.assertEqual(len(set(kinds)), len(kinds))
        self.assertEqual([iopo.Kind(kind.id) for kind in kinds], kinds)
        self.assertEqual(iopo.Kind("max_words").dimension, "numerical")
        self.assertEqual(iopo.Kind("no_commas").ifeval, ["punctuation:no_comma"])
        found = [one for kind in kinds for one in kind.back_translate(RESPONSE)]
        self.assertGreater(len(found), 20)
        self.assertTrue(all(one.check(RESPONSE).satisfied for one in found))
        for one in found:
            self.assertEqual(Constraint(one.kind.id, one.params), one)
            self.assertEqual(pickle.loads(pickle.dumps(one)), one)
        self.assertEqual(copy.copy(kinds[0]), kinds[0])
        self.assertEqual(len(set(found)), len(found))

    def test_prompts_are_rendered_as_in_the_synthesis(self):
        prompt = iopo.render_prompt("Summarize.", [Constraint("max_words", {"n": 20}), "Be kind."], "Tea.")
        self.assertEqual(prompt, "Summarize.\n1. Use at most 20 words.\n2. Be kind.\n# Inputs:\nTea.\n")

    def test_representations_can_be_read(self):
        constraint = Constraint("max_words", {"n": 10})
        self.assertEqual(eval(repr(constraint), {"Constraint": Constraint}), constraint)
        self.assertIn("satisfied=True", repr(constraint.check("Tea.")))


if __name__ == "__main__":
    unittest.main()
