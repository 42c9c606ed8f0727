# What several rules share: the sections of the parameters, and functions of wildcards.

ALIGNMENT = config["alignment"]
EVALUATION = config["evaluation"]
GENERATION = config["generation"]
NLI = config["nli"]
RESULTS = config["results"]
DATA = "data/hierarcaps"
HIERARCHY_MODEL = "models/hierarchy"
CHECKPOINT = ["open_clip_config.json", "open_clip_model.safetensors"]

TASKS = task_names(EVALUATION)
TASK_FILES = task_files(EVALUATION)
BASELINES = baseline_tasks(EVALUATION)
ALIGNED = [
    (model, objective, seed)
    for model in ALIGNMENT["models"]
    for objective in ALIGNMENT["objectives"]
    for seed in ALIGNMENT["seeds"]
]
RUNS = [
    (model, "zeroshot", seed)
    for model, entry in config["models"].items()
    for seed in entry.get("seeds", [0])
] + ALIGNED


def local_model(name):
    """The files of a model in a local folder; none where a hub provides it."""
    return [f"{name}/{file}" for file in ("config.json", "model.safetensors")] * (
        name.startswith("models/")
    )


def shards(step, number):
    return [f"{DATA}/{step}/shard{shard}.parquet" for shard in range(number)]


def written(wildcards):
    return shards(wildcards.step, GENERATION["seeds"]["shards"] if wildcards.step == "seeds" else 1)


def variant_settings(wildcards):
    """A variant's settings over the shared ones, with its architecture spelled out."""
    pretrain = config["pretrain"]
    variant = {**pretrain["training"], **pretrain["variants"][wildcards.variant]}
    return {
        **variant,
        "architecture": pretrain["architectures"][variant["architecture"]],
    }


def local_checkpoint(entry, seed):
    """The files of a model that is loaded from local ones; none where a hub provides it."""
    name, weights = (
        entry.get(key, "").replace("{seed}", str(seed)) for key in ("open_clip", "pretrained")
    )
    if len(Path(weights).parts) > 1:
        return [weights]
    if len(Path(name).parts) > 1 and not name.startswith("hf-hub:"):
        return [f"{name}/{file}" for file in CHECKPOINT]
    folder = Path(entry.get("transformers", ""), "config.json")
    return [str(folder), str(folder.with_name("model.safetensors"))] * folder.is_file()


def model_of(wildcards):
    """The registry entry of a run's model; an aligned one is a local checkpoint again."""
    if wildcards.objective == "zeroshot":
        return config["models"][wildcards.model]
    return {"open_clip": f"models/{wildcards.model}/{wildcards.objective}/seed{{seed}}"}


def checkpoint_of(wildcards):
    return local_checkpoint(model_of(wildcards), wildcards.seed)


def recipe_of(wildcards):
    """The recipe of an objective: the shared one, with what the objective changes."""
    objective = ALIGNMENT["objectives"][wildcards.objective]
    return {**ALIGNMENT["recipe"], **objective}


def base_of(wildcards):
    """The checkpoint that alignment starts from: the model's first seed."""
    entry = config["models"][wildcards.model]
    return local_checkpoint(entry, entry.get("seeds", [0])[0])


def result_files(model, objective, seed, tasks, kinds=("json", "parquet")):
    folder = f"{RESULTS}/{model}/{objective}/seed{seed}"
    return [f"{folder}/{task}.{kind}" for task in tasks for kind in kinds]


def embeddings_of(listed):
    """The embeddings of runs, listed as the notebooks list them: [model, objective, seeds]."""
    return [
        f"{RESULTS}/{model}/{objective}/seed{seed}/embeddings.safetensors"
        for model, objective, seeds in listed
        for seed in seeds
    ]


def mirrored_run(model, objective, seed):
    """A run of the study as one MLflow run, with the curve of its training."""
    aligned = objective != "zeroshot"
    entry = config["models"][model]
    folder = f"models/{model}/{objective}/seed{seed}" if aligned else entry.get("open_clip", "")
    curve = str(Path(folder.replace("{seed}", str(seed)), "curve.csv"))
    made_here = folder.startswith("models/")
    return {
        "key": f"{model}/{objective}/seed{seed}",
        "tags": {"model": model, "objective": objective, "seed": str(seed)},
        "params": {
            "objective": objective,
            "seed": seed,
            **entry,
            **({**ALIGNMENT["recipe"], **ALIGNMENT["objectives"][objective]} if aligned else {}),
        },
        "files": result_files(model, objective, seed, TASKS, ["json"]) + [curve] * made_here,
    }
