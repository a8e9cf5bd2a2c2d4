"""Reward functions, called as TRL's GRPOTrainer calls them."""

import json
import pickle
import unittest
from pathlib import Path

import iopo
from iopo import Constraint, rewards

NO_COMMA = {"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{"num_words": None}]}
BOTH = {
    "instruction_id_list": ["punctuation:no_comma", "count:numbers"],
    "kwargs": [{}, {"N": 2.0}],
}


def call(reward, completions, rows):
    """Calls a reward as TRL does: with named columns, and some that the reward ignores."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return reward(
        prompts=["a prompt"] * len(rows),
        completions=completions,
        completion_ids=[[1, 2]] * len(rows),
        trainer_state=None,
        **columns,
    )


def chat(text):
    return [{"role": "assistant", "content": text}]


class Rewards(unittest.TestCase):
    def test_completions_are_texts_or_messages(self):
        rows = [BOTH] * 4
        texts = ["We open 9-17.", "Tea 1 2", "1, 2", ""]
        expected = [0.5, 1.0, 0.5, 0.0]
        self.assertEqual(call(rewards.instruction_reward, texts, rows), expected)
        self.assertEqual(call(rewards.instruction_reward, list(map(chat, texts)), rows), expected)
        parts = [chat([{"type": "text", "text": text}]) for text in texts]
        self.assertEqual(call(rewards.instruction_reward, parts, rows), expected)

    def test_settings_change_the_reward(self):
        texts = ["Sure, here it is:\nTea 1 2", "We open 9-17."]
        rows = [BOTH] * 2
        cases = [
            ({}, [0.5, 0.5]),
            ({"loose": True}, [1.0, 0.5]),
            ({"every": True}, [0.0, 0.0]),
            ({"loose": True, "every": True}, [1.0, 0.0]),
            ({"mode": "repaired"}, [0.5, 1.0]),
            ({"benchmark": "ifeval", "skip_unsupported": True}, [0.0, 1.0]),
        ]
        for settings, expected in cases:
            found = call(rewards.InstructionReward(**settings), texts, rows)
            self.assertEqual(found, expected, settings)

    def test_reasoning_is_rewarded_unless_it_is_stripped(self):
        answers = {
            "<think>a, b</think>\n\nTea": "Tea",
            " <think>a, b": "",
            "a, b</think>Tea": "Tea",
            "Write <think>, then </think>.": "Write <think>, then </think>.",
            "<think>a</think>Close it with </think>": "Close it with </think>",
            "Tea ": "Tea ",
        }
        self.assertEqual([rewards.without_reasoning(text) for text in answers], list(answers.values()))
        texts, constraints = list(answers)[:3], [{"constraints": [Constraint("no_commas")]}] * 3
        for reward, rows in [
            (rewards.InstructionReward, [NO_COMMA] * 3),
            (rewards.ConstraintReward, constraints),
        ]:
            self.assertEqual(call(reward(), texts, rows), [0.0] * 3)
            found = call(reward(strip_reasoning=True), list(map(chat, texts)), rows)
            self.assertEqual(found, [1.0, 0.0, 1.0])

    def test_rows_without_instructions_have_no_reward(self):
        rows = [NO_COMMA, {"instruction_id_list": None, "kwargs": None}]
        self.assertEqual(call(rewards.instruction_reward, ["a, b", "a"], rows), [0.0, None])
        self.assertEqual(call(rewards.constraint_reward, ["a"], [{"constraints": []}]), [None])

    def test_constraints_come_in_every_form_of_a_dataset(self):
        limit = Constraint("max_words", {"n": 2})
        forms = [
            limit,
            {"id": "max_words", "params": {"n": 2, "word": None}},
            {"id": "max_words", "params": '{"n":2}'},
            {"text": "Use at most 2 words.", "check": {"id": "max_words", "params": '{"n":2}'}},
        ]
        judged = {"text": "Be kind.", "check": None}
        for form in forms:
            rows = [{"constraints": [form, judged, {"id": "no_commas"}]}] * 2
            found = call(rewards.constraint_reward, ["tea, tea tea", "tea tea"], rows)
            self.assertEqual(found, [0.0, 1.0], form)
        every = rewards.ConstraintReward(every=True, column="c", name="all")
        self.assertEqual(every.__name__, "all")
        self.assertEqual(call(every, ["tea, tea"], [{"c": [limit, {"id": "no_commas"}]}]), [0.0])

    def test_rows_of_datasets_are_read_or_refused(self):
        # The reward server has the same rules, and its tests read the same rows.
        path = Path(__file__).parents[2] / "iopo-constraints" / "tests" / "data" / "listed.json"
        table = json.loads(path.read_text(encoding="utf-8"))
        for case in table["rows"]:
            rows = [{"constraints": [case["row"]]}]
            if "error" not in case:
                expected = None if case["satisfied"] is None else float(case["satisfied"])
                self.assertEqual(call(rewards.constraint_reward, [table["response"]], rows), [expected], case)
                continue
            with self.assertRaises((ValueError, TypeError)) as raised:
                call(rewards.constraint_reward, [table["response"]], rows)
            text = str(raised.exception)
            self.assertTrue(text.startswith("constraints[0][0]" + case.get("at", "")), (case, text))
            if isinstance(case["row"], dict):
                self.assertIn(case["error"], text)
        # pandas pads with NaN.
        padded = {"id": "max_words", "params": {"n": 1.0, "word": float("nan")}, "check": float("nan")}
        self.assertEqual(call(rewards.constraint_reward, ["a b"], [{"constraints": [padded]}]), [0.0])

    def test_rewards_can_be_pickled_and_named(self):
        reward = pickle.loads(pickle.dumps(rewards.InstructionReward(loose=True, name="loose")))
        self.assertEqual((reward.__name__, reward.loose), ("loose", True))
        self.assertEqual(rewards.instruction_reward.__name__, "instruction_reward")

    def test_wrong_data_are_errors(self):
        reward = rewards.instruction_reward
        cases = [
            (ValueError, "column `kwargs` of the dataset is missing", ["a"], [{"instruction_id_list": []}]),
            (TypeError, "completion: found int", [3], [NO_COMMA]),
            (TypeError, "completion: found dict", [{"role": "assistant"}], [NO_COMMA]),
            (ValueError, "found no assistant message", [[{"role": "user", "content": "a"}]], [NO_COMMA]),
            (TypeError, "content of type int", [chat(3)], [NO_COMMA]),
            (iopo.InstructionError, "row 0: unknown instruction", ["a"], [{**NO_COMMA, "instruction_id_list": ["x"]}]),
            (ValueError, "as many as `instruction_id_list`", ["a"], [{**NO_COMMA, "kwargs": []}]),
        ]
        for error, text, completions, rows in cases:
            with self.assertRaisesRegex(error, text):
                call(reward, completions, rows)
        with self.assertRaisesRegex(ValueError, "rows, expected 2"):
            reward(["p"] * 2, ["a"] * 2, **{name: [value] for name, value in NO_COMMA.items()})
        for settings in ({"mode": "papers"}, {"benchmark": "trace"}, {"threads": 0}):
            with self.assertRaises(ValueError):
                rewards.InstructionReward(**settings)
        for form, error in [(3, TypeError), ({"params": {}}, ValueError), ({"check": 3}, TypeError)]:
            with self.assertRaisesRegex(error, r"constraints\[0\]\[0\]"):
                call(rewards.constraint_reward, ["a"], [{"constraints": [form]}])


if __name__ == "__main__":
    unittest.main()
