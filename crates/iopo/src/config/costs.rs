//! The settings whose large values cost time or memory.

/// Settings that cost time or memory as they grow, in the order of the reference, with their cost.
///
/// Every number has an upper bound; larger values are refused. A number that is not listed here costs nothing by itself: it is
/// a limit that the data or the model reach first if it is large, a weight, a share or a threshold.
pub const COSTS: [(&str, &str); 37] = [
    ("generation_batch", "memory: sequences that a worker generates together"),
    ("rounds", "time: each round after the first samples, pairs and trains again"),
    ("round.NAME.samples_per_task", "time and disk: answers of each policy"),
    ("round.NAME.num_seeds", "time: policies of the round"),
    ("round.NAME.num_train_epochs", "time: updates"),
    ("round.NAME.max_train_groups", "time: updates, up to the groups of the round"),
    ("synth.max_tasks", "time and disk: answers, up to the tasks of the file"),
    ("synth.samples_per_task", "time and disk: answers"),
    (
        "synth.sampling.max_new_tokens",
        "time and memory: tokens of an answer, up to the context of the model",
    ),
    ("synth.tasks_per_part", "memory, and the work that a killed run loses"),
    ("synth.instructions_per_answer", "time and disk: instructions"),
    ("synth.back_translate.edits_per_task", "time: edited answers"),
    (
        "pairs.max_groups_per_task",
        "time: groups to train and evaluate on, up to those of the answers",
    ),
    ("pairs.max_groups", "time: groups to train and evaluate on, up to those of the tasks"),
    ("pairs.test_tasks", "time: prompts of the evaluation"),
    ("pairs.dev_tasks", "time: groups and prompts that choose settings and rounds"),
    ("pairs.tasks_per_part", "memory, and the work that a killed run loses"),
    ("train.num_train_epochs", "time: updates of every method after SFT"),
    ("train.sft.num_train_epochs", "time: updates of SFT"),
    ("train.sft.max_rows", "time: updates of SFT, up to the rows of the run"),
    (
        "train.tokens_per_micro_batch",
        "memory: activations of a pass, up to the tokens of an update",
    ),
    ("train.lora.r", "time and memory: weights of the adapter"),
    ("train.max_length", "memory: activations of the longest group"),
    ("train.seeds", "time: one training of every method for each"),
    ("train.max_train_groups", "time: updates, up to the groups of the split"),
    ("train.max_eval_groups", "time: groups of an evaluation, up to those of the split"),
    ("train.grid.learning_rate", "time: trials, one for each combination of the grid"),
    ("train.grid.beta", "time: trials, one for each combination of the grid"),
    ("train.grid.pref_ftx", "time: trials, one for each combination of the grid"),
    ("train.grid.num_train_epochs", "time: updates of a trial"),
    ("train.grid.max_train_groups", "time: updates of a trial, up to the groups of the split"),
    ("eval.max_new_tokens", "time and memory: tokens of an answer, up to the context of the model"),
    ("eval.seen_per_task", "time: prompts of the evaluation"),
    ("eval.unseen_per_task", "time: prompts of the evaluation"),
    ("eval.bootstrap_samples", "time: resamples of every number"),
    ("eval.part_size", "memory, and the work that a killed run loses"),
    (
        "eval.benchmark_max_new_tokens",
        "time and memory: tokens of an answer, up to the context of the model",
    ),
];
