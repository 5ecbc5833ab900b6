"""ARC and HellaSwag of a local file by lm-evaluation-harness: its own task files, its model backend for transformers, on the CPU in fp32.

    python lm_eval_tasks.py <model folder> <folder with arc.jsonl and hellaswag.jsonl> <file to write>
"""
import json
import sys
from pathlib import Path

import lm_eval
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager

model, folder, out = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
package = Path(lm_eval.__file__).parent / "tasks"

# The package's task, but for where its rows come from; acc_mutual_info is a metric that it has and no task asks for.
TASKS = {
    "arc": ("arc/arc_easy.yaml", ["acc", "acc_norm", "acc_mutual_info"]),
    "hellaswag": ("hellaswag/hellaswag.yaml", ["acc", "acc_norm"]),
}
for name, (source, metrics) in TASKS.items():
    listed = "".join(f"  - metric: {one}\n    aggregation: mean\n    higher_is_better: true\n" for one in metrics)
    (folder / f"{name}.yaml").write_text(
        f"include: {package / source}\n"
        f"task: made_{name}\n"
        "tag: null\n"
        "dataset_path: json\n"
        "dataset_name: null\n"
        f"dataset_kwargs:\n  data_files:\n    validation: {folder / (name + '.jsonl')}\n"
        "training_split: null\nvalidation_split: validation\ntest_split: null\n"
        f"metric_list:\n{listed}"
    )

results = lm_eval.simple_evaluate(
    model=HFLM(pretrained=model, dtype="float32", device="cpu", batch_size=1),
    tasks=[f"made_{name}" for name in TASKS],
    task_manager=TaskManager(include_path=str(folder), include_defaults=False),
    bootstrap_iters=0,
    log_samples=True,
)
Path(out).write_text(json.dumps({
    name: {
        "metrics": {one: results["results"][f"made_{name}"][f"{one},none"] for one in metrics},
        # Log-likelihoods of the choices; where the task asks for them, those without the prompt follow.
        "rows": [
            {"row": sample["doc_id"], "likelihoods": [float(one[0]) for one in sample["filtered_resps"]],
             **{one: sample[one] for one in metrics}}
            for sample in sorted(results["samples"][f"made_{name}"], key=lambda one: one["doc_id"])
        ],
    }
    for name, (_, metrics) in TASKS.items()
}))
